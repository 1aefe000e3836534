/* Time as nanoseconds since 1970. An evaluation reads no files: zones by name are what its embedder knows (docs/rego.md). */
#include "policy/builtin/amount.h"
#include "policy/builtin/gotime.h"
#include "policy/builtin/operand.h"
#include "policy/builtin/timezone.h"

#define LAYOUT_MAX 4096		      /* bytes of a layout: each is looked at again for the fraction behind the seconds */
#define CARRY_MAX  INT64_C(400000000) /* days, months or years to add; more leaves the range of ns whatever the rest is */

static struct val time_now_ns(struct call *c)
{
	return c->host && c->host->has_now ? val_int(c->h, c->host->now_ns) : bi_fail(c, "the caller gave no time");
}

static struct val ns_val(struct call *c, struct moment m)
{
	int64_t ns;

	return moment_ns(m, &ns) ? val_int(c->h, ns) : bi_fail(c, "time outside of valid range");
}

static struct val parse(struct call *c, struct span layout, struct span text)
{
	const char *why = NULL;
	struct moment m;

	if (layout.n > LAYOUT_MAX)
		return bi_fail(c, "layout too long");
	if (!heap_steps(c->h, layout.n))
		return VAL_UNDEF;
	return go_parse(layout, text, &m, &why) ? ns_val(c, m) : bi_fail(c, "%s", why);
}

static struct val time_parse_ns(struct call *c)
{
	struct span layout, text;

	return bi_str(c, 0, &layout) && bi_str(c, 1, &text) ? parse(c, go_layout(layout), text) : VAL_UNDEF;
}

static struct val time_parse_rfc3339_ns(struct call *c)
{
	struct span text;

	return bi_str(c, 0, &text) ? parse(c, go_layout(span_of("RFC3339")), text) : VAL_UNDEF;
}

/* Nanoseconds of the unit that begins s, and its length; 0 if none does. */
static int64_t unit_ns(struct span s, size_t *len)
{
	static const struct {
		const char *name;
		int64_t ns;
	} unit[] = { { "ns", 1 }, { "us", 1000 }, { "\xc2\xb5s", 1000 }, { "\xce\xbcs", 1000 }, { "ms", 1000000 },
		{ "s", 1000000000 }, { "m", INT64_C(60000000000) }, { "h", INT64_C(3600000000000) },
		{ "d", INT64_C(86400000000000) }, { "w", INT64_C(604800000000000) } };
	struct span word = s;

	for (*len = 0; *len < s.n && s.p[*len] != '.' && !amount_digit(s, *len);)
		++*len;
	word.n = *len;
	for (size_t i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		if (span_eq_str(word, unit[i].name))
			return unit[i].ns;
	}
	return 0;
}

/* Length of the number that begins s; an e belongs to it with digits behind. */
static size_t number_at(struct span s)
{
	size_t n = 0, e;

	while (amount_digit(s, n) || (n < s.n && s.p[n] == '.'))
		n++;
	e = n + 1 + amount_sign(s, n + 1);
	if (n && n < s.n && s.p[n] == 'e' && amount_digit(s, e)) {
		for (n = e; amount_digit(s, n);)
			n++;
	}
	return n;
}

/* One "1.5h" off the front of *s, added to *total. */
static bool piece(struct call *c, struct span *s, struct val *total)
{
	size_t n = number_at(*s), len = 0;
	struct amount a;
	struct val v;
	int64_t ns;

	if (!heap_steps(c->h, 1) || !amount_parse((struct span){ s->p, n }, &a)) {
		(void)bi_fail(c, "time: invalid duration");
		return false;
	}
	*s = span_skip(*s, n);
	ns = unit_ns(*s, &len);
	if (!ns) {
		(void)bi_fail(c, len ? "time: unknown unit in duration" : "time: missing unit in duration");
		return false;
	}
	*s = span_skip(*s, len);
	v = amount_whole(c->h, amount_times(c->h, &a, ns, 0));
	return val_defined(v) && num_arith(c->h, NUM_ADD, *total, v, total) == NUM_OK;
}

static struct val time_parse_duration_ns(struct call *c)
{
	struct val total = val_int(c->h, 0);
	struct span s;
	int64_t ns;
	bool minus;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	minus = s.n && s.p[0] == '-';
	s = span_skip(s, amount_sign(s, 0));
	if (span_eq_str(s, "0"))
		return total;
	if (!s.n)
		return bi_fail(c, "time: invalid duration");
	while (s.n) {
		if (!piece(c, &s, &total))
			return VAL_UNDEF;
	}
	total = minus ? num_neg(c->h, total) : total;
	return val_int64(total, &ns) ? total : bi_fail(c, "time: invalid duration");
}

struct when { /* a time operand */
	struct moment      m; /* as its zone shows it */
	struct timezone_of zone;
	struct span        layout;
};

/* Operand i: nanoseconds, or [nanoseconds, zone, layout] of which the last two may be missing. */
static bool when_arg(struct call *c, size_t i, struct when *w)
{
	struct val v = c->arg[i], ns = val_type(v) == VT_ARRAY ? val_at(v, 0) : v;
	int64_t n;

	if ((val_type(v) != VT_ARRAY && val_type(v) != VT_NUMBER) || !val_defined(ns)) {
		(void)bi_type(c, i, "either number (ns) or [number (ns), string (tz)]");
		return false;
	}
	if (val_type(ns) != VT_NUMBER)
		(void)bi_operand(c, i, "must be number but got %s", val_type_name(ns));
	for (size_t k = 1; k < 3 && k < val_len(v) && val_type(v) == VT_ARRAY; k++) {
		if (val_type(val_at(v, k)) != VT_STRING)
			(void)bi_operand(c, i, "must be string but got %s", val_type_name(val_at(v, k)));
	}
	if (c->code != REGO_OK || !timezone_find(c, val_span(val_at(v, 1)), &w->zone))
		return false;
	if (!val_int64(ns, &n)) {
		(void)bi_fail(c, "timestamp too big");
		return false;
	}
	w->m = timezone_show(&w->zone, moment_of_ns(n));
	w->layout = val_span(val_at(v, 2));
	return true;
}

static struct val ints(struct call *c, const int64_t *v, size_t n)
{
	struct val item[6];

	for (size_t i = 0; i < n; i++)
		item[i] = val_int(c->h, v[i]);
	return val_array(c->h, item, n);
}

static bool civil_arg(struct call *c, struct civil *out)
{
	struct when w;

	if (!when_arg(c, 0, &w))
		return false;
	*out = civil_of(w.m);
	return true;
}

static struct val time_date(struct call *c)
{
	struct civil t;

	return civil_arg(c, &t) ? ints(c, (const int64_t[]){ t.year, t.month, t.day }, 3) : VAL_UNDEF;
}

static struct val time_clock(struct call *c)
{
	struct civil t;

	return civil_arg(c, &t) ? ints(c, (const int64_t[]){ t.hour, t.minute, t.second }, 3) : VAL_UNDEF;
}

static struct val time_weekday(struct call *c)
{
	struct civil t;

	return civil_arg(c, &t) ? val_text(c->h, go_weekday[t.weekday]) : VAL_UNDEF;
}

static struct val time_format(struct call *c)
{
	struct text t = { .c = c };
	struct when w;

	if (!when_arg(c, 0, &w))
		return VAL_UNDEF;
	if (w.layout.n > LAYOUT_MAX)
		return bi_fail(c, "layout too long");
	if (!heap_steps(c->h, w.layout.n))
		return VAL_UNDEF;
	go_format(&t, go_layout(w.layout.n ? w.layout : span_of("RFC3339Nano")), w.m);
	return text_val(&t);
}

/* Years, months and days are added at once; days past the end of a month carry over. */
static struct val time_add_date(struct call *c)
{
	struct when w;
	struct civil t;
	int64_t add[3];

	if (!when_arg(c, 0, &w))
		return VAL_UNDEF;
	for (size_t i = 0; i < 3; i++) {
		if (!bi_int(c, i + 1, &add[i]))
			return VAL_UNDEF;
		if (add[i] < -CARRY_MAX || add[i] > CARRY_MAX)
			return bi_fail(c, "time outside of valid range");
	}
	t = civil_of(w.m);
	t.year += add[0];
	t.month += (int)add[1];
	t.day += (int)add[2];
	return ns_val(c, timezone_moment(&w.zone, t, w.m.nsec));
}

/* The later less the earlier, part by part, what is below nought taken from the part before; months are as long as the
 * earlier's. Both are seen in the zone of the first operand. */
static struct val time_diff(struct call *c)
{
	static const int64_t whole[6] = { 0, 12, 0, 24, 60, 60 };
	struct when first, second;
	struct moment a, b, x;
	struct civil p, q;

	if (!when_arg(c, 0, &first) || !when_arg(c, 1, &second))
		return VAL_UNDEF;
	a = first.m;
	b = timezone_show(&first.zone, second.m);
	if (a.sec > b.sec || (a.sec == b.sec && a.nsec > b.nsec)) {
		x = a;
		a = b;
		b = x;
	}
	p = civil_of(a);
	q = civil_of(b);
	int64_t d[6] = { q.year - p.year, q.month - p.month, q.day - p.day, q.hour - p.hour, q.minute - p.minute,
		q.second - p.second };

	for (size_t i = 5; i > 0; i--) {
		if (d[i] < 0) {
			d[i] += i == 2 ? month_days(p.year, p.month) : whole[i];
			d[i - 1]--;
		}
	}
	return ints(c, d, 6);
}

const struct builtin bi_time[] = {
	{ .name = "time.now_ns", .args = 0, .fn = time_now_ns, .volatile_ = true },
	{ .name = "time.parse_ns", .args = 2, .fn = time_parse_ns },
	{ .name = "time.parse_rfc3339_ns", .args = 1, .fn = time_parse_rfc3339_ns },
	{ .name = "time.parse_duration_ns", .args = 1, .fn = time_parse_duration_ns },
	{ .name = "time.date", .args = 1, .fn = time_date },
	{ .name = "time.clock", .args = 1, .fn = time_clock },
	{ .name = "time.weekday", .args = 1, .fn = time_weekday },
	{ .name = "time.add_date", .args = 4, .fn = time_add_date },
	{ .name = "time.diff", .args = 2, .fn = time_diff },
	{ .name = "time.format", .args = 1, .fn = time_format },
	{ 0 },
};
