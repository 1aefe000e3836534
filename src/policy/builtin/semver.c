/* semver.*: versions as semver.org has them, with a "v" in front allowed and leading zeros too, as OPA does. */
#include "policy/builtin/text.h"

#define SHOWN 40 /* bytes of an operand that a message shows */

struct version { int64_t part[3]; struct span pre; };

/* Cuts s at the first sep and returns what stands behind it; empty when there is none. */
static struct span cut(struct span *s, uint8_t sep)
{
	size_t n = span_find(*s, sep);
	struct span rest = span_skip(*s, n + 1);

	s->n = n;
	return rest;
}

/* Decimal with an optional sign that fits 64 bits. */
static bool number(struct span s, int64_t *out)
{
	bool minus = s.n && s.p[0] == '-';
	int64_t v = 0;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
		s = span_skip(s, 1);
	for (size_t i = 0; i < s.n; i++) {
		int d = s.p[i] >= '0' && s.p[i] <= '9' ? s.p[i] - '0' : -1;

		if (d < 0 || __builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, d, &v))
			return false;
	}
	if (s.n == 0 || (!minus && v == INT64_MIN))
		return false;
	*out = minus ? v : -v;
	return true;
}

/* Dotted words of letters, digits and hyphens, none of them empty. Nothing at all is fine. */
static bool identifiers(struct span s)
{
	bool word = false;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '.' ? !word : c != '-' && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
			return false;
		word = c != '.';
	}
	return word || s.n == 0;
}

static bool parse(struct span s, struct version *v)
{
	struct span meta, minor, patch;

	if (span_starts(s, "v"))
		s = span_skip(s, 1);
	meta = cut(&s, '+');
	v->pre = cut(&s, '-');
	minor = cut(&s, '.');
	patch = cut(&minor, '.');
	return identifiers(meta) && identifiers(v->pre) && number(s, &v->part[0]) && number(minor, &v->part[1])
	    && number(patch, &v->part[2]);
}

static bool digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static int bytes_cmp(struct span a, struct span b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++)
		if (a.p[i] != b.p[i])
			return a.p[i] < b.p[i] ? -1 : 1;
	return a.n < b.n ? -1 : a.n > b.n;
}

/* Numbers by value, and before all that is none; others by bytes. */
static int word_cmp(struct span a, struct span b)
{
	if (digits(a) != digits(b))
		return digits(a) ? -1 : 1;
	if (!digits(a))
		return bytes_cmp(a, b);
	while (a.n > 1 && a.p[0] == '0')
		a = span_skip(a, 1);
	while (b.n > 1 && b.p[0] == '0')
		b = span_skip(b, 1);
	return a.n != b.n ? (a.n < b.n ? -1 : 1) : bytes_cmp(a, b);
}

static int pre_cmp(struct span a, struct span b)
{
	if (a.n == 0 || b.n == 0)
		return (a.n == 0) - (b.n == 0); /* the one without is the later version */
	while (a.n && b.n) {
		struct span rest_a = cut(&a, '.'), rest_b = cut(&b, '.');
		int d = word_cmp(a, b);

		if (d)
			return d;
		a = rest_a;
		b = rest_b;
	}
	return (a.n > 0) - (b.n > 0);
}

static bool operand(struct call *c, size_t i, struct version *v)
{
	struct span s;

	if (!bi_str(c, i, &s))
		return false;
	if (parse(s, v))
		return true;
	(void)bi_fail(c, "operand %zu: string \"%.*s\" is not a valid SemVer", i + 1, s.n < SHOWN ? (int)s.n : SHOWN,
	    (const char *)s.p);
	return false;
}

static struct val compare(struct call *c)
{
	struct version a = { 0 }, b = { 0 };
	int d = 0;

	if (!operand(c, 0, &a) || !operand(c, 1, &b))
		return VAL_UNDEF;
	for (int i = 0; i < 3 && d == 0; i++)
		d = (a.part[i] > b.part[i]) - (a.part[i] < b.part[i]);
	return val_int(c->h, d ? d : pre_cmp(a.pre, b.pre));
}

static struct val is_valid(struct call *c)
{
	struct version v;

	return val_bool(val_type(c->arg[0]) == VT_STRING && bi_work(c, val_span(c->arg[0]).n) && parse(val_span(c->arg[0]), &v));
}

const struct builtin bi_semver[] = {
	{ .name = "semver.compare", .args = 2, .fn = compare },
	{ .name = "semver.is_valid", .args = 1, .fn = is_valid },
	{ .name = NULL },
};
