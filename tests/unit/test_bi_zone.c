/* Time builtins in zones that the test makes, as an embedder gives them. */
#include "bi_help.h"
#include "fmt/tzif.h"
#include "policy/policy.h"
#include "tzif_fix.h"

#define SOUTH "AEST-10AEDT,M10.1.0,M4.1.0/3"

static struct wr north, south, broken, large;

static bool zone(void *state, struct span name, struct span *tzif)
{
	const struct {
		const char *name;
		struct wr *file;
	} t[] = { { "Made/North", &north }, { "South", &south }, { "Broken", &broken }, { "Large", &large } };

	++*(size_t *)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (span_eq_str(name, t[i].name)) {
			*tzif = wr_span(t[i].file);
			return true;
		}
	}
	return false;
}

static void make(void)
{
	north = made_file(&MADE_NORTH);
	south = made_file(&MADE_RULE(SOUTH));
	broken = made_file(&MADE_RULE("AEST-10AEDT"));
	large = wr_open(1 << 20);
	for (size_t i = 0; i <= TZIF_MAX; i++)
		wr_u8(&large, 0);
	CHECK(wr_ok(&north) && wr_ok(&south) && wr_ok(&broken) && wr_ok(&large));
}

/* The value of an expression as JSON; "fail: ..." when it is an error; "undefined". */
static const char *ask(const char *expression, bool with_zones, size_t *asked)
{
	static char out[512];
	CLEANUP(freep) char *text = str_fmt("package t\nx := %s\n", expression);
	struct source src = { "t.rego", span_of(text) };
	struct rego_options o = rego_options_default();
	CLEANUP(rego_policy_freep) struct rego_policy *p = NULL;
	CLEANUP(rego_eval_freep) struct rego_eval *v = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(sizeof(out) - 1);
	struct rego_error e = { 0 };
	struct val got;

	o.strict = true;
	if (!rego_compile(&src, 1, (struct span){ 0 }, &o, &p, &e) || !(v = rego_eval_new(p, REGO_LIMITS_DEFAULT)))
		return e.text[0] ? strncpy(out, e.text, sizeof(out) - 1) : "no memory";
	if (with_zones)
		rego_eval_zones(v, zone, asked);
	switch (rego_eval_rule(v, "data.t.x", &got, &e)) {
	case REGO_OUT_VALUE:
		val_put_json(&w, got, NULL, NULL);
		(void)snprintf(out, sizeof(out), "%.*s", (int)w.n, (const char *)w.p);
		return out;
	case REGO_OUT_ERROR:
		(void)snprintf(out, sizeof(out), "fail: %s", e.text);
		return out;
	case REGO_OUT_UNDEFINED:
	case REGO_OUT_NO_SUCH_RULE:
		break;
	}
	return "undefined";
}

static void all(const char *const (*t)[2], size_t n)
{
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		const char *got = ask(t[i][0], true, &asked);

		if (strcmp(got, t[i][1]) != 0) {
			printf("# %s: %s, not %s\n", t[i][0], got, t[i][1]);
			CHECK(t[i][0] == NULL);
		}
	}
}
#define ALL(t) all(t, sizeof(t) / sizeof(t[0]))

static void clocks_of_a_zone(void)
{
	static const char *const t[][2] = {
		/* before the first change: local mean time, 53:28 */
		{ "time.clock([-1000000001000000000, \"Made/North\"])", "[23,6,47]" },
		{ "time.format([-1000000001000000000, \"Made/North\", \"MST -0700 -07:00:00\"])", "\"LMT +0053 +00:53:28\"" },
		{ "time.date([-1000000001000000000, \"Made/North\"])", "[1938,4,24]" },
		/* by the table, by the footer on both sides of a change */
		{ "time.format([100000000000000000, \"Made/North\"])", "\"1973-03-03T11:46:40+02:00\"" },
		{ "time.format([1774745999999999999, \"Made/North\", \"15:04:05.999999999 MST Z07:00\"])",
		    "\"01:59:59.999999999 NST +01:00\"" },
		{ "time.format([1774746000000000000, \"Made/North\", \"15:04:05 MST\"])", "\"03:00:00 NDT\"" },
		{ "time.weekday([1774821600000000000, \"Made/North\"])", "\"Monday\"" },
		{ "time.weekday([1774821599000000000, \"Made/North\"])", "\"Sunday\"" },
		{ "time.weekday([1774821600000000000, \"UTC\"])", "\"Sunday\"" },
		/* the far future and the south, whose summer spans the turn of the year */
		{ "time.clock([9000000000000000000, \"Made/North\"])", "[17,0,0]" },
		{ "time.format([1767225600000000000, \"South\", \"2006-01-02 15:04 MST -07\"])",
		    "\"2026-01-01 11:00 AEDT +11\"" },
		{ "time.format([1782864000000000000, \"South\", \"2006-01-02 15:04 MST -07\"])",
		    "\"2026-07-01 10:00 AEST +10\"" },
	};

	ALL(t);
}

/* What Go's Time.AddDate answers. */
static void dates_are_added_by_the_clock_of_the_zone(void)
{
	static const char *const t[][2] = {
		/* a day that has 23 hours, one that has 25 */
		{ "time.add_date([1774695600000000000, \"Made/North\"], 0, 0, 1) - 1774695600000000000", "82800000000000" },
		{ "time.add_date([1792839600000000000, \"Made/North\"], 0, 0, 1) - 1792839600000000000", "90000000000000" },
		{ "time.add_date([1774695600000000000, \"UTC\"], 0, 0, 1) - 1774695600000000000", "86400000000000" },
		/* 02:30 of 29 March is not shown: 28 March 02:30 and a day */
		{ "time.format([time.add_date([1774661400000000000, \"Made/North\"], 0, 0, 1), \"Made/North\"])",
		    "\"2026-03-29T03:30:00+02:00\"" },
		/* half a year on, into winter */
		{ "time.format([time.add_date([1782864000000000000, \"Made/North\"], 0, 6, 0), \"Made/North\"])",
		    "\"2027-01-01T02:00:00+01:00\"" },
	};

	ALL(t);
}

static void differences_are_seen_in_the_first_zone(void)
{
	static const char *const t[][2] = {
		{ "time.diff([60000000000, \"UTC\"], [0, \"South\"])", "[0,0,0,0,1,0]" },
		{ "time.diff([1774738800000000000, \"Made/North\"], [1774652400000000000, \"UTC\"])", "[0,0,1,0,0,0]" },
		/* from 29 March 00:00 to 30 March 00:00 there, 23 hours */
		{ "time.diff([1774738800000000000, \"Made/North\"], [1774821600000000000, \"Made/North\"])", "[0,0,1,0,0,0]" },
		{ "time.diff([1774738800000000000, \"UTC\"], [1774821600000000000, \"Made/North\"])", "[0,0,0,23,0,0]" },
	};

	ALL(t);
}

static void zones_that_are_none_are_errors(void)
{
	static const char *const t[][2] = {
		{ "time.clock([0, \"Mars/Base\"])", "fail: time.clock: unknown time zone" },
		{ "time.clock([0, \"../South\"])", "fail: time.clock: unknown time zone" },
		{ "time.clock([0, \"/South\"])", "fail: time.clock: unknown time zone" },
		{ "time.clock([0, \"Large\"])", "fail: time.clock: time zone: larger than 65536 bytes" },
		{ "time.date([0, \"South\\u0000\"])", "fail: time.date: unknown time zone" },
		{ "time.diff([0, \"UTC\"], [0, \"Mars/Base\"])", "fail: time.diff: unknown time zone" },
		{ "time.clock([0, \"Local\"])", "[0,0,0]" },
		{ "time.clock([0, \"\"])", "[0,0,0]" },
	};
	size_t asked = 0;

	ALL(t);
	CHECK(strstr(ask("time.clock([0, \"Broken\"])", true, &asked), "a rule that cannot be read"));
	CHECK(strcmp(ask("time.clock([0, \"South\"])", false, &asked), "fail: time.clock: unknown time zone") == 0);
}

/* The embedder is asked only for names that have the form of one, and never for UTC. */
static void embedder_is_asked_for_names_only(void)
{
	size_t asked = 0;

	(void)ask("[time.clock([0, \"\"]), time.clock([0, \"UTC\"]), time.clock([0, \"Local\"]), time.clock(0)]", true, &asked);
	(void)ask("time.clock([0, \"a/../b\"])", true, &asked);
	(void)ask("time.clock([0, \"/a\"])", true, &asked);
	CHECK(asked == 0);
	(void)ask("time.clock([0, \"a\"])", true, &asked);
	CHECK(asked == 1);
}

static uint64_t steps_of(struct span name)
{
	CLEANUP(bi_heap_end) struct heap h = bi_heap();
	size_t asked = 0;
	struct host host = { .zone = zone, .zone_state = &asked };
	struct val part[2] = { val_int(&h, 0), val_str(&h, name) }, arg = val_array(&h, part, 2);
	struct call c = { .h = &h, .host = &host, .arg = &arg, .n = 1 };
	uint64_t before = h.steps;

	(void)builtin_call(builtin_find(span_of("time.clock")), &c);
	return before - h.steps;
}

static void steps_are_in_proportion_to_the_file(void)
{
	uint64_t utc = steps_of(span_of("UTC")), none = steps_of(span_of("Mars")), small = steps_of(span_of("South")),
		 huge = steps_of(span_of("Large"));

	CHECK(none >= utc + 64 && small > none && huge >= none + TZIF_MAX / 32);
}

int main(void)
{
	static const struct t_case c[] = {
		T(make),
		T(clocks_of_a_zone),
		T(dates_are_added_by_the_clock_of_the_zone),
		T(differences_are_seen_in_the_first_zone),
		T(zones_that_are_none_are_errors),
		T(embedder_is_asked_for_names_only),
		T(steps_are_in_proportion_to_the_file),
	};
	int bad = t_main(c, sizeof(c) / sizeof(c[0]));

	wr_close(&north);
	wr_close(&south);
	wr_close(&broken);
	wr_close(&large);
	return bad;
}
