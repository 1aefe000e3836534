/* Sets of characters in a pattern: [...] with what may stand in it, and the escapes that mean a set. */
#include "base/str.h"
#include "policy/regex/re_int.h"

struct named { const char *name; struct re_range r[4]; size_t n; };

static const struct named posix[] = {
	{ "alnum", { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } }, 3 },
	{ "alpha", { { 'A', 'Z' }, { 'a', 'z' } }, 2 },
	{ "ascii", { { 0, 0x7F } }, 1 },
	{ "blank", { { '\t', '\t' }, { ' ', ' ' } }, 2 },
	{ "cntrl", { { 0, 0x1F }, { 0x7F, 0x7F } }, 2 },
	{ "digit", { { '0', '9' } }, 1 },
	{ "graph", { { '!', '~' } }, 1 },
	{ "lower", { { 'a', 'z' } }, 1 },
	{ "print", { { ' ', '~' } }, 1 },
	{ "punct", { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } }, 4 },
	{ "space", { { '\t', '\r' }, { ' ', ' ' } }, 2 },
	{ "upper", { { 'A', 'Z' } }, 1 },
	{ "word", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
	{ "xdigit", { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } }, 3 },
};
static const struct named perl[] = { /* \s has no vertical tab, unlike [:space:] */
	{ "d", { { '0', '9' } }, 1 },
	{ "s", { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } }, 3 },
	{ "w", { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } }, 4 },
};

/* Adds a part of the set: without case where the flags say so, negated after that. */
static void add_part(struct re_parser *p, struct re_ranges *s, struct re_ranges *part, bool negated)
{
	if (p->flags & RF_FOLD)
		re_ranges_fold(part);
	if (negated)
		re_ranges_negate(part);
	re_ranges_all(s, part);
}

static void add_named(struct re_parser *p, struct re_ranges *s, const struct named *g, bool negated)
{
	struct re_ranges part = { .h = p->h };

	for (size_t i = 0; i < g->n; i++)
		re_ranges_add(&part, g->r[i].lo, g->r[i].hi);
	add_part(p, s, &part, negated);
}

/* \pL \p{Greek} \P{^Lu}: p->at is behind the letter p. */
static bool unicode_set(struct re_parser *p, struct re_ranges *s, bool negated)
{
	size_t begin = p->at - 2;
	struct re_ranges part = { .h = p->h };
	struct uc_set set;
	struct span name;
	uint32_t lo, hi;

	if (!re_more(p))
		return re_fail(p, begin, "invalid character class range");
	name = span_skip(p->s, p->at);
	if (name.p[0] == '{') {
		name = span_skip(name, 1);
		name.n = span_find(name, '}');
		if (p->at + 1 + name.n >= p->s.n)
			return re_fail(p, begin, "invalid character class range");
		p->at += name.n + 2;
	} else {
		(void)re_rune(p);
		name.n = (size_t)(p->s.p + p->at - name.p);
	}
	if (name.n && name.p[0] == '^') {
		negated = !negated;
		name = span_skip(name, 1);
	}
	if (!uc_set_find(name, &set))
		return re_fail(p, begin, "invalid character class range");
	while (uc_set_next(&set, &lo, &hi))
		re_ranges_add(&part, lo, hi);
	add_part(p, s, &part, negated);
	return heap_steps(p->h, part.n);
}

bool re_set_escape(struct re_parser *p, struct re_ranges *s)
{
	struct span t = span_skip(p->s, p->at);

	if (t.n < 2 || t.p[0] != '\\')
		return false;
	if ((t.p[1] | 0x20) == 'p') {
		p->at += 2;
		return unicode_set(p, s, t.p[1] == 'P');
	}
	for (size_t i = 0; i < sizeof(perl) / sizeof(perl[0]); i++)
		if ((t.p[1] | 0x20) == (uint8_t)perl[i].name[0]) {
			p->at += 2;
			add_named(p, s, &perl[i], t.p[1] != (uint8_t)perl[i].name[0]);
			return true;
		}
	return false;
}

/* [:alpha:] and [:^alpha:]; false and p->why NULL where none stands. */
static bool posix_set(struct re_parser *p, struct re_ranges *s)
{
	struct span t = span_skip(p->s, p->at + 2), name;
	size_t n = 0;
	bool negated;

	while (n + 1 < t.n && (t.p[n] != ':' || t.p[n + 1] != ']'))
		n++;
	if (n + 1 >= t.n)
		return false;
	name = (struct span){ t.p, n };
	negated = n && t.p[0] == '^';
	if (negated)
		name = span_skip(name, 1);
	for (size_t i = 0; i < sizeof(posix) / sizeof(posix[0]); i++)
		if (span_eq_str(name, posix[i].name)) {
			p->at += n + 4;
			add_named(p, s, &posix[i], negated);
			return true;
		}
	return re_fail(p, p->at, "invalid character class range");
}

static bool set_rune(struct re_parser *p, size_t begin, uint32_t *c)
{
	if (!re_more(p))
		return re_fail(p, begin, "missing closing ]");
	if (p->s.p[p->at] == '\\')
		return re_escape_rune(p, c);
	*c = re_rune(p);
	return true;
}

/* One character or a range of them. */
static bool set_range(struct re_parser *p, struct re_ranges *s, size_t begin)
{
	struct re_ranges part = { .h = p->h };
	size_t at = p->at;
	uint32_t lo = 0, hi;

	if (!set_rune(p, begin, &lo))
		return false;
	hi = lo;
	if (p->at + 1 < p->s.n && p->s.p[p->at] == '-' && p->s.p[p->at + 1] != ']') {
		p->at++;
		if (!set_rune(p, begin, &hi))
			return false;
		if (hi < lo)
			return re_fail(p, at, "invalid character class range");
	}
	if (!(p->flags & RF_FOLD)) {
		re_ranges_add(s, lo, hi);
		return true;
	}
	re_ranges_add(&part, lo, hi);
	add_part(p, s, &part, false);
	return true;
}

static bool set_item(struct re_parser *p, struct re_ranges *s, size_t begin)
{
	struct span t = span_skip(p->s, p->at);

	if (t.n > 2 && t.p[0] == '[' && t.p[1] == ':') {
		if (posix_set(p, s))
			return true;
		if (p->why)
			return false;
	}
	if (re_set_escape(p, s))
		return true;
	return !p->why && set_range(p, s, begin);
}

bool re_set_parse(struct re_parser *p, struct re_ranges *s)
{
	size_t begin = p->at++;
	bool negated = re_more(p) && p->s.p[p->at] == '^', first = true;

	if (negated)
		p->at++;
	for (; !re_more(p) || p->s.p[p->at] != ']' || first; first = false)
		if (!set_item(p, s, begin) || !heap_steps(p->h, 1))
			return false;
	p->at++;
	if (negated)
		re_ranges_negate(s);
	return true;
}
