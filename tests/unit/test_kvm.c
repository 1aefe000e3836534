/* KVM is tried, and a no has a reason. What this machine answers is its own affair; that the answer is in time is ours. */
#include "tests/t.h"

#include "base/clock.h"
#include "os/kvm.h"

static void probe_answers_in_time_and_says_why_not(void)
{
	char why[100] = "unset";
	int64_t then = clock_boot_ms();
	bool works = kvm_works(why, sizeof(why));

	CHECK(works == (why[0] == 0) && clock_boot_ms() - then < 10000);
	CHECK(kvm_works(why, sizeof(why)) == works); /* it leaves nothing behind that changes it */
}

int main(void)
{
	static const struct t_case cases[] = { T(probe_answers_in_time_and_says_why_not) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
