/* An approval against the one that it replaces: each thing that an owner can say, said, taken back and changed. */
#include "trust/approval_diff.h"

#include <string.h>

#include "tests/t.h"

struct seen { unsigned narrower, wider, other; char last[600]; };

static void see(void *arg, enum diff_way way, const char *where, const char *what)
{
	struct seen *s = arg;

	s->narrower += way == DIFF_NARROWER;
	s->wider += way == DIFF_WIDER;
	s->other += way == DIFF_OTHER || where[0] != 0;
	(void)snprintf(s->last, sizeof(s->last), "%s", what);
}

static struct approval was, is;

static void begin(void)
{
	was = (struct approval){ .n_assets = 1, .platform = { "snp", "sample" }, .n_platforms = 1, .n_services = 1, .n_boot_images = 1, .until = 1000 };
	(void)snprintf(was.asset[0].text, sizeof(was.asset[0].text), "kbs:///hospital/note/one");
	was.boot_image[0][0] = 0xab;
	was.boot_image[1][0] = 0xcd;
	is = was;
}

/* Both ways: what the change is, and what taking it back is. */
static bool both(enum diff_way way, enum diff_way back, const char *words)
{
	struct seen s = { 0 }, r = { 0 };
	bool good;

	approval_diff(&was, &is, see, &s);
	approval_diff(&is, &was, see, &r);
	good = s.narrower == (way == DIFF_NARROWER) && s.wider == (way == DIFF_WIDER) && s.other == (way == DIFF_OTHER) && strstr(s.last, words) &&
	    r.narrower == (back == DIFF_NARROWER) && r.wider == (back == DIFF_WIDER) && r.other == (back == DIFF_OTHER);
	if (!good)
		printf("# %u narrower, %u wider, %u other: %s; back %u, %u, %u: %s\n", s.narrower, s.wider, s.other, s.last, r.narrower, r.wider, r.other, r.last);
	begin();
	return good;
}

static void same_approval_has_no_difference(void)
{
	struct seen s = { 0 };

	begin();
	approval_diff(&was, &is, see, &s);
	CHECK(s.narrower + s.wider + s.other == 0);
}

static void one_more_of_what_is_accepted_is_wider_and_one_less_narrower(void)
{
	begin();
	is.n_platforms = 2;
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "platform sample is new"));
	is.n_boot_images = 2;
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "boot image cd0000"));
	is.service[1][0] = 1;
	is.n_services = 2;
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "trust service 01"));
	(void)snprintf(is.asset[1].text, sizeof(is.asset[1].text), "kbs:///hospital/note/two");
	is.n_assets = 2;
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "asset kbs:///hospital/note/two is new"));
	is.n_slots = is.n_beside = 1;
	(void)snprintf(is.slot[0], sizeof(is.slot[0]), "left");
	is.n_beside = 0;
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "slot left is new"));
	is.n_beside = 1;
	(void)snprintf(is.beside[0].text, sizeof(is.beside[0].text), "kbs:///clinic/note/one");
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "beside kbs:///clinic/note/one is new"));
}

static void conditions_go_the_other_way(void)
{
	begin();
	is.n_assessed = 1;
	is.assessed[0].about = ASSESSED_WORKLOAD;
	(void)snprintf(is.assessed[0].by, sizeof(is.assessed[0].by), "auditor");
	CHECK(both(DIFF_NARROWER, DIFF_WIDER, "assessment by auditor:workload is new"));
}

static void time_and_uses_are_said_with_what_they_were(void)
{
	begin();
	is.until = 2000;
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "until 1970-01-01T00:33:20Z (was 1970-01-01T00:16:40Z)"));
	is.has_uses = true;
	is.uses = 3;
	CHECK(both(DIFF_NARROWER, DIFF_WIDER, "uses: 3 from now on (was any number)"));
	was.has_uses = is.has_uses = true;
	was.uses = 5;
	is.uses = 3;
	CHECK(both(DIFF_OTHER, DIFF_OTHER, "uses: 3 from now on (was 5 in all"));
	was.has_uses = is.has_uses = true;
	was.uses = is.uses = 5; /* counted anew */
	CHECK(both(DIFF_OTHER, DIFF_OTHER, "uses: 5 from now on (was 5 in all"));
}

static void other_workloads_images_and_words_are_said(void)
{
	begin();
	is.or_narrower = true;
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "covered too"));
	(void)snprintf(is.images_by, sizeof(is.images_by), "imaker");
	CHECK(both(DIFF_WIDER, DIFF_NARROWER, "any image of imaker is new"));
	is.shown[0] = 1;
	CHECK(both(DIFF_OTHER, DIFF_OTHER, "other words"));
	is.workload[0] = 1;
	CHECK(both(DIFF_OTHER, DIFF_OTHER, "another workload"));
}

static void platforms_in_another_order_are_the_same(void)
{
	struct seen s = { 0 };

	begin();
	was.n_platforms = is.n_platforms = 2;
	(void)snprintf(is.platform[0], sizeof(is.platform[0]), "sample");
	(void)snprintf(is.platform[1], sizeof(is.platform[1]), "snp");
	approval_diff(&was, &is, see, &s);
	CHECK(s.narrower + s.wider + s.other == 0);
}

int main(void)
{
	static const struct t_case c[] = {
		T(same_approval_has_no_difference), T(one_more_of_what_is_accepted_is_wider_and_one_less_narrower), T(conditions_go_the_other_way),
		T(time_and_uses_are_said_with_what_they_were), T(other_workloads_images_and_words_are_said), T(platforms_in_another_order_are_the_same),
	};

	return t_main(c, sizeof(c) / sizeof(c[0]));
}
