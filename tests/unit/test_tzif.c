#include "fmt/tzif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/t.h"
#include "tzif_fix.h"

/* Parses an exact-size copy: is it refused, with this word, and nothing written? */
static bool refused(struct span s, const char *word)
{
	CLEANUP(freep) uint8_t *p = malloc(s.n ? s.n : 1);
	struct tzif z = { .n = 4711 };
	struct err e = { 0 };
	bool ok;

	if (s.n)
		memcpy(p, s.p, s.n);
	ok = tzif_parse((struct span){ p, s.n }, &z, &e) == COFFER_E_INPUT && z.n == 4711 && strstr(e.msg, word);
	if (!ok)
		printf("# %zu bytes: %s, not %s\n", s.n, e.msg, word);
	return ok;
}

static bool refused_made(struct made_zone z, const char *word)
{
	CLEANUP(wr_close) struct wr w = made_file(&z);

	return refused(wr_span(&w), word);
}

static bool shows(const struct tzif *z, int64_t sec, int32_t offset, bool dst, const char *name)
{
	struct tzif_local t = tzif_at(z, sec);
	bool ok = t.offset == offset && t.dst == dst && span_eq_str(t.name, name);

	if (!ok)
		printf("# %lld: %d %d %.*s\n", (long long)sec, (int)t.offset, t.dst, (int)t.name.n, (const char *)t.name.p);
	return ok;
}

static void table_rules_until_its_last_change_and_the_footer_after(void)
{
	for (const char *v = "234"; *v; v++) {
		struct made_zone m = MADE_NORTH;
		struct tzif z = { 0 };
		struct err e = { 0 };

		m.version = *v;
		CLEANUP(wr_close) struct wr w = made_file(&m);
		CHECK(tzif_parse(wr_span(&w), &z, &e) == COFFER_OK && z.n == 3 && z.width == 8);
		CHECK(shows(&z, INT64_MIN, 3208, false, "LMT") && shows(&z, -1000000001, 3208, false, "LMT"));
		CHECK(shows(&z, -1000000000, 3600, false, "NST") && shows(&z, 99999999, 3600, false, "NST"));
		CHECK(shows(&z, 100000000, 7200, true, "NDT") && shows(&z, 120617999, 7200, true, "NDT"));
		CHECK(shows(&z, 120618000, 3600, false, "NST"));
		/* 2026: 29 March 01:00 UTC, 25 October 01:00 UTC */
		CHECK(shows(&z, 1774745999, 3600, false, "NST") && shows(&z, 1774746000, 7200, true, "NDT"));
		CHECK(shows(&z, 1792889999, 7200, true, "NDT") && shows(&z, 1792890000, 3600, false, "NST"));
		CHECK(tzif_at(&z, INT64_MAX).name.n == 3);
	}
}

static void first_version_and_empty_footer_keep_the_last_change(void)
{
	struct made_zone m = MADE_NORTH;
	struct tzif z = { 0 };
	struct err e = { 0 };

	m.version = 0;
	CLEANUP(wr_close) struct wr one = made_file(&m);
	CHECK(tzif_parse(wr_span(&one), &z, &e) == COFFER_OK && z.width == 4);
	CHECK(shows(&z, -1000000001, 3208, false, "LMT") && shows(&z, 100000000, 7200, true, "NDT") &&
	      shows(&z, 1774746000, 3600, false, "NST"));
	m.version = '2';
	m.footer = "";
	CLEANUP(wr_close) struct wr two = made_file(&m);
	CHECK(tzif_parse(wr_span(&two), &z, &e) == COFFER_OK && shows(&z, 1774746000, 3600, false, "NST"));
}

struct rule_row {
	const char *rule;
	int64_t sec;
	int32_t offset;
	bool dst;
	const char *name;
};

static void rules_of_the_footer(void)
{
	static const struct rule_row t[] = {
		{ "UTC0", 0, 0, false, "UTC" },
		{ "<+0330>-3:30", 0, 12600, false, "+0330" },
		{ "<-03>3", 5, -10800, false, "-03" },
		/* south: summer over the turn of the year; 2026-04-04 16:00, 2026-10-03 16:00 UTC */
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 39600, true, "AEDT" },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1775318399, 39600, true, "AEDT" },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1775318400, 36000, false, "AEST" },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1791043199, 36000, false, "AEST" },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1791043200, 39600, true, "AEDT" },
		/* winter time is the one that is marked, an hour back */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 1767225600, 0, true, "GMT" },
		/* summer all year, RFC 8536 section 3.3.1 */
		{ "EST5EDT,0/0,J365/25", 1767225600, -14400, true, "EDT" },
		{ "EST5EDT,0/0,J365/25", 1767243600, -14400, true, "EDT" },
		{ "EST5EDT,0/0,J365/25", 1767243599, -14400, true, "EDT" },
		/* hours below nought: 2026-03-28 22:00 local of the 29th, 02 = UTC 20:00 */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774745999, -7200, false, "-02" },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -3600, true, "-01" },
		/* J60 is the first of March in every year, 59 the 29th of February where there is one: 2028-03-01, 2028-02-29 */
		{ "AAA0BBB,J60/0,J300", 1835481599, 0, false, "AAA" },
		{ "AAA0BBB,J60/0,J300", 1835481600, 3600, true, "BBB" },
		{ "AAA0BBB,59/0,300", 1835395199, 0, false, "AAA" },
		{ "AAA0BBB,59/0,300", 1835395200, 3600, true, "BBB" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct made_zone m = MADE_RULE(t[i].rule);
		CLEANUP(wr_close) struct wr w = made_file(&m);
		struct tzif z = { 0 };
		struct err e = { 0 };

		CHECK(tzif_parse(wr_span(&w), &z, &e) == COFFER_OK && shows(&z, t[i].sec, t[i].offset, t[i].dst, t[i].name));
	}
}

static void rules_that_cannot_be_read_are_refused(void)
{
	static const char *const t[] = { "A0", "AB0", "ABC", "ABC25", "ABC-", "ABC1:60", "ABC1:2:60", "ABC1:", "<ABC1", "<AB>1",
		"<A B>1", "ABC1x", "ABC1DEF", "ABC1DEF2", "ABC1DEF,M3.5.0", "ABC1DEF,M3.5.0,", "ABC1DEF,M0.5.0,M10.5.0",
		"ABC1DEF,M13.5.0,M10.5.0", "ABC1DEF,M3.0.0,M10.5.0", "ABC1DEF,M3.6.0,M10.5.0", "ABC1DEF,M3.5.7,M10.5.0",
		"ABC1DEF,J0,J2", "ABC1DEF,J366,J2", "ABC1DEF,366,2", "ABC1DEF,M3.5.0/168,M10.5.0", "ABC1DEF,M3.5.0/-168,M10.5.0",
		"ABC1DEF,M3.5.0,M10.5.0 ", "ABC1DEF,M3.5.0,M10.5.0/1:60", "<ABCDEFGHIJKLMNOP>1", ":EST" };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (!refused_made(MADE_RULE(t[i]), "rule"))
			CHECK(t[i] == NULL);
}

static void what_the_format_forbids_is_refused(void)
{
	static const int64_t same[] = { 5, 5, 6 }, back[] = { 5, 4, 6 };
	static const uint8_t far[] = { 1, 3, 1 };
	static const struct made_type bad[][1] = { { { 93600, 0, 0 } }, { { -90000, 0, 0 } }, { { 0, 2, 0 } }, { { 0, 0, 4 } },
		{ { 0, 0, 3 } } };
	struct made_zone z = MADE_NORTH;

	z.time = same;
	CHECK(refused_made(z, "order"));
	z.time = back;
	CHECK(refused_made(z, "order"));
	z = MADE_NORTH, z.index = far;
	CHECK(refused_made(z, "order"));
	z = MADE_NORTH, z.leap = 1;
	CHECK(refused_made(z, "leap"));
	z = MADE_NORTH, z.std = 2;
	CHECK(refused_made(z, "counts"));
	z = MADE_NORTH, z.ut = 1;
	CHECK(refused_made(z, "counts"));
	z = MADE_NORTH, z.n_types = 0;
	CHECK(refused_made(z, "counts"));
	z = MADE_NORTH, z.n_names = 0;
	CHECK(refused_made(z, "counts"));
	z = MADE_NORTH, z.version = '5';
	CHECK(refused_made(z, "header"));
	z = MADE_NORTH, z.version = '1';
	CHECK(refused_made(z, "header"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		z = MADE_RULE("UTC0"), z.type = bad[i];
		CHECK(refused_made(z, "type"));
	}
	z = MADE_RULE("UTC0"), z.names = "A\nB";
	CHECK(refused_made(z, "type"));
	z = MADE_RULE("UTC0"), z.n_names = 3; /* no NUL */
	CHECK(refused_made(z, "type"));
}

static void every_truncation_and_every_byte_more_is_refused(void)
{
	for (const char *v = "02"; *v; v++) {
		struct made_zone m = MADE_NORTH;

		m.version = *v == '0' ? 0 : *v;
		m.std = m.ut = 3;
		CLEANUP(wr_close) struct wr w = made_file(&m);
		struct tzif z = { 0 };
		struct err e = { 0 };

		CHECK(tzif_parse(wr_span(&w), &z, &e) == COFFER_OK);
		for (size_t n = 0; n < w.n; n++)
			CHECK(refused((struct span){ w.p, n }, "time zone: "));
		wr_u8(&w, '\n');
		CHECK(refused(wr_span(&w), *v == '0' ? "behind" : "footer"));
	}
}

static void larger_than_the_bound_is_refused_and_so_are_counts_past_the_end(void)
{
	struct made_zone m = MADE_NORTH;
	CLEANUP(wr_close) struct wr w = made_file(&m);
	CLEANUP(freep) uint8_t *big = calloc(1, TZIF_MAX + 1);
	struct tzif z = { .n = 4711 };
	struct err e = { 0 };

	CHECK(tzif_parse((struct span){ big, TZIF_MAX + 1 }, &z, &e) == COFFER_E_LIMIT && z.n == 4711);
	CHECK(refused((struct span){ big, TZIF_MAX }, "header"));
	CHECK(w.p[93] == '2');
	w.p[93] = '3'; /* the second header's version */
	CHECK(refused(wr_span(&w), "second header"));
	w.p[93] = '2';
	for (size_t i = 20; i < 44; i += 4) {
		uint8_t was = w.p[i];

		w.p[i] = 0xff;
		CHECK(refused(wr_span(&w), "time zone: "));
		w.p[i] = was;
	}
}

static void names_of_zones(void)
{
	static const char *const yes[] = { "UTC", "Europe/Berlin", "America/Port-au-Prince", "Etc/GMT+5", "a_b", "1" };
	static const char *const no[] = { "", "/etc/passwd", "..", "a/../b", "a.b", "a b", "a\\b", "a\nb", "\xc3\xa9", "a:b",
		"~" };
	char text[TZIF_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CHECK(tzif_name_ok(span_of(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!tzif_name_ok(span_of(no[i])));
	CHECK(!tzif_name_ok((struct span){ (const uint8_t *)"a\0b", 3 }));
	memset(text, 'a', sizeof(text));
	CHECK(tzif_name_ok((struct span){ (const uint8_t *)text, TZIF_NAME_MAX }));
	CHECK(!tzif_name_ok((struct span){ (const uint8_t *)text, TZIF_NAME_MAX + 1 }));
}

static void offset_of_a_shown_time(void)
{
	struct made_zone m = MADE_NORTH;
	CLEANUP(wr_close) struct wr w = made_file(&m);
	struct tzif z = { 0 };
	struct err e = { 0 };

	CHECK(tzif_parse(wr_span(&w), &z, &e) == COFFER_OK);
	/* 29 March 2026: 01:59:59, 02:30 which is not shown, 03:00 */
	CHECK(tzif_offset_of(&z, 1774749599) == 3600 && tzif_offset_of(&z, 1774751400) == 3600 &&
	      tzif_offset_of(&z, 1774753200) == 7200);
	/* 25 October 2026: 01:59:59, 02:30 which is shown twice, 03:00 */
	CHECK(tzif_offset_of(&z, 1792893599) == 7200 && tzif_offset_of(&z, 1792895400) == 3600 &&
	      tzif_offset_of(&z, 1792897200) == 3600);
	CHECK(tzif_offset_of(&z, INT64_MIN) == 3208);
}

int main(void)
{
	static const struct t_case c[] = {
		T(table_rules_until_its_last_change_and_the_footer_after),
		T(first_version_and_empty_footer_keep_the_last_change),
		T(rules_of_the_footer),
		T(rules_that_cannot_be_read_are_refused),
		T(what_the_format_forbids_is_refused),
		T(every_truncation_and_every_byte_more_is_refused),
		T(larger_than_the_bound_is_refused_and_so_are_counts_past_the_end),
		T(names_of_zones),
		T(offset_of_a_shown_time),
	};

	return t_main(c, sizeof(c) / sizeof(c[0]));
}
