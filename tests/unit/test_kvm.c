/* KVM is tried, and a no has a reason. What this machine answers is its own affair; that it answers is ours (a machine that hangs is ended, or this test would be). */
#include "tests/t.h"

#include "os/kvm.h"

static void probe_answers_and_says_why_not(void)
{
	char why[100] = "unset";
	bool works = kvm_works(why, sizeof(why));

	CHECK(works == (why[0] == 0));
	CHECK(kvm_works(why, sizeof(why)) == works); /* it leaves nothing behind that changes it */
}

int main(void)
{
	static const struct t_case cases[] = { T(probe_answers_and_says_why_not) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
