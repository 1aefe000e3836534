#include <string.h>

#include "base/str.h"
#include "fmt/utf8.h"
#include "policy/regex/re_int.h"

static struct re_node *parse_alt(struct re_parser *p);

bool re_fail(struct re_parser *p, size_t at, const char *why)
{
	if (!p->why) {
		p->why = why;
		p->why_at = at;
	}
	return false;
}

uint32_t re_rune(struct re_parser *p)
{
	size_t len;
	uint32_t c = utf8_at(p->s, p->at, &len);

	p->at += len;
	return c;
}

static int hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind \x: two digits, or {any number of them}. */
static bool hex_rune(struct re_parser *p, uint32_t *c)
{
	struct span t = span_skip(p->s, p->at);
	uint32_t v = 0;
	size_t n = 0, i = t.n && t.p[0] == '{' ? 1 : 0, end = i ? t.n : t.n < 2 ? t.n : 2;

	for (; i < end && hex(t.p[i]) >= 0 && v <= UC_MAX; i++, n++)
		v = v * 16 + (uint32_t)hex(t.p[i]);
	if (t.n && t.p[0] == '{' ? n == 0 || i >= t.n || t.p[i] != '}' : n != 2)
		return false;
	p->at += t.p[0] == '{' ? i + 1 : i;
	*c = v;
	return v <= UC_MAX;
}

static bool octal(const struct re_parser *p)
{
	return re_more(p) && p->s.p[p->at] >= '0' && p->s.p[p->at] <= '7';
}

static void octal_rune(struct re_parser *p, uint32_t *c)
{
	for (int i = 1; i < 3 && octal(p); i++)
		*c = *c * 8 + p->s.p[p->at++] - '0';
}

bool re_escape_rune(struct re_parser *p, uint32_t *c)
{
	static const char from[] = "afnrtv", to[] = "\a\f\n\r\t\v";
	size_t begin = p->at++;
	const char *s;

	if (!re_more(p))
		return re_fail(p, begin, "trailing backslash at end of expression");
	*c = re_rune(p);
	s = *c > 0 && *c < 0x80 ? strchr(from, (int)*c) : NULL;
	if (s) {
		*c = (uint32_t)to[s - from];
		return true;
	}
	if (*c == '0' || (*c >= '1' && *c <= '7' && octal(p))) { /* one digit but 0 would be a backreference */
		*c -= '0';
		octal_rune(p, c);
		return true;
	}
	if (*c == 'x' ? hex_rune(p, c) : *c < 0x80 && !((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') && !(*c >= '0' && *c <= '9'))
		return true;
	return re_fail(p, begin, "invalid escape sequence");
}

/* A node over its children, with what they give to it. */
static struct re_node *node(struct re_parser *p, enum re_op op, struct re_node *sub)
{
	struct re_node *n = heap_alloc(p->h, sizeof(*n));

	if (!n)
		return NULL;
	n->op = op;
	n->sub = sub;
	n->product = 1;
	n->nullable = op != RN_CHAR && op != RN_CLASS && op != RN_ALT;
	for (; sub; sub = sub->next) {
		n->depth = sub->depth > n->depth ? sub->depth : n->depth;
		n->product = sub->product > n->product ? sub->product : n->product;
		n->nullable = op == RN_ALT ? n->nullable || sub->nullable : n->nullable && sub->nullable;
	}
	n->depth++;
	if (n->depth <= 2 * RE_DEPTH_MAX) /* a group is two nodes at most, with its alternatives */
		return n;
	(void)re_fail(p, p->at, "expression nests too deeply");
	return NULL;
}

static struct re_node *leaf(struct re_parser *p, enum re_op op, uint32_t arg)
{
	struct re_node *n = node(p, op, NULL);

	if (n)
		n->arg = arg;
	return n;
}

static struct re_node *class_leaf(struct re_parser *p, struct re_ranges *s)
{
	const struct re_class *c = re_ranges_class(s);

	if (!c)
		return NULL;
	if (p->n_cls == p->cls_cap) {
		size_t cap = p->cls_cap ? p->cls_cap * 2 : 8;
		const struct re_class **more = heap_array(p->h, cap, sizeof(void *));

		if (!more)
			return NULL;
		if (p->n_cls)
			memcpy(more, p->cls, p->n_cls * sizeof(void *));
		p->cls = more;
		p->cls_cap = cap;
	}
	p->cls[p->n_cls] = c;
	return leaf(p, RN_CLASS, (uint32_t)p->n_cls++);
}

static struct re_node *rune_leaf(struct re_parser *p, uint32_t c)
{
	struct re_ranges s = { .h = p->h };

	if (!(p->flags & RF_FOLD) || uc_fold_next(c) == c)
		return leaf(p, RN_CHAR, c);
	re_ranges_add(&s, c, c);
	re_ranges_fold(&s);
	return class_leaf(p, &s);
}

static struct re_node *dot(struct re_parser *p)
{
	struct re_ranges s = { .h = p->h };

	p->at++;
	if (!(p->flags & RF_DOT_NL))
		re_ranges_add(&s, '\n', '\n');
	re_ranges_negate(&s);
	return class_leaf(p, &s);
}

/* Groups. p->at stands behind "(?". Sets flags for what follows; *opens tells whether a group begins. */
static bool parse_flags(struct re_parser *p, bool *opens)
{
	static const char letter[] = "ismU";
	static const unsigned flag[] = { RF_FOLD, RF_DOT_NL, RF_LINES, RF_UNGREEDY };
	size_t begin = p->at - 2;
	unsigned flags = p->flags;
	bool minus = false, seen = false;

	while (re_more(p)) {
		uint8_t c = p->s.p[p->at++];
		const char *l = c ? strchr(letter, c) : NULL;

		if (l) {
			unsigned f = flag[l - letter];

			flags = minus ? flags & ~f : flags | f;
			seen = true;
		} else if (c == '-' && !minus) {
			minus = true;
			seen = false;
		} else if ((c == ':' || c == ')') && (!minus || seen)) {
			*opens = c == ':';
			p->flags = flags;
			return true;
		} else {
			break;
		}
	}
	return re_fail(p, begin, "invalid or unsupported Perl syntax");
}

/* Where `skip` bytes behind p->at a name begins that ends in '>'. */
static bool parse_name(struct re_parser *p, size_t skip, struct span *out)
{
	struct span t = span_skip(p->s, p->at + skip);
	size_t n = span_find(t, '>');

	if (n == 0 || n == t.n)
		return re_fail(p, p->at, "invalid named capture");
	for (size_t i = 0; i < n; i++)
		if (t.p[i] != '_' && !((t.p[i] | 0x20) >= 'a' && (t.p[i] | 0x20) <= 'z') && !(t.p[i] >= '0' && t.p[i] <= '9'))
			return re_fail(p, p->at, "invalid named capture");
	*out = (struct span){ t.p, n };
	p->at += skip + n + 1;
	return true;
}

static bool new_group(struct re_parser *p, struct span name)
{
	if (++p->groups >= p->name_cap) {
		size_t cap = p->name_cap ? p->name_cap * 2 : 8;
		struct span *more = heap_array(p->h, cap, sizeof(*more));

		if (!more)
			return false;
		if (p->groups > 1)
			memcpy(more, p->name, p->groups * sizeof(*more));
		p->name = more;
		p->name_cap = cap;
	}
	p->name[p->groups] = name;
	return true;
}

/* What stands between the parentheses; p->at is behind the opening one's prefix. */
static struct re_node *group_body(struct re_parser *p, size_t begin, unsigned flags)
{
	struct re_node *n;

	if (++p->depth > RE_DEPTH_MAX) {
		(void)re_fail(p, begin, "expression nests too deeply");
		return NULL;
	}
	n = parse_alt(p);
	if (!n)
		return NULL;
	if (!re_more(p)) {
		(void)re_fail(p, begin, "missing closing )");
		return NULL;
	}
	p->at++; /* ')', nothing else ends parse_alt before the end */
	p->depth--;
	p->flags = flags;
	return n;
}

static struct re_node *capture(struct re_parser *p, size_t begin, struct span name)
{
	struct re_node *sub, *n;
	size_t number;

	if (!new_group(p, name))
		return NULL;
	number = p->groups;
	sub = group_body(p, begin, p->flags);
	n = sub ? node(p, RN_GROUP, sub) : NULL;
	if (n)
		n->arg = (uint32_t)number;
	return n;
}

/* At '('. *nothing is set where only flags stood. */
static struct re_node *parse_group(struct re_parser *p, bool *nothing)
{
	size_t begin = p->at;
	struct span t = span_skip(p->s, begin), name = { NULL, 0 };
	unsigned flags = p->flags;
	bool opens = false;

	if (!span_starts(t, "(?")) {
		p->at++;
		return capture(p, begin, name);
	}
	if ((span_starts(t, "(?P<") && t.n > 4) || (span_starts(t, "(?<") && t.n > 3))
		return parse_name(p, t.p[2] == 'P' ? 4 : 3, &name) ? capture(p, begin, name) : NULL;
	p->at += 2;
	if (!parse_flags(p, &opens))
		return NULL;
	if (opens)
		return group_body(p, begin, flags);
	*nothing = true;
	return NULL;
}

/* Counts: *n = -1 for one that is too great. Leading zeros are none. */
static bool parse_count(const struct re_parser *p, size_t *at, int *n)
{
	size_t begin = *at;

	*n = 0;
	for (; *at < p->s.n && p->s.p[*at] >= '0' && p->s.p[*at] <= '9'; ++*at)
		*n = *n < 0 || *n > RE_REPEAT_MAX ? -1 : *n * 10 + p->s.p[*at] - '0';
	return *at > begin && (*at == begin + 1 || p->s.p[begin] != '0');
}

/* {n} {n,} {n,m} at p->at; false where the brace is an ordinary character. */
static bool parse_braces(struct re_parser *p, int *min, int *max)
{
	size_t at = p->at + 1;

	if (!parse_count(p, &at, min))
		return false;
	*max = *min;
	if (at < p->s.n && p->s.p[at] == ',') {
		at++;
		if (at < p->s.n && p->s.p[at] == '}')
			*max = *min < 0 ? RE_REPEAT_MAX + 1 : -1;
		else if (!parse_count(p, &at, max))
			return false;
		else if (*max < 0)
			*max = RE_REPEAT_MAX + 1;
	}
	if (at >= p->s.n || p->s.p[at] != '}')
		return false;
	*min = *min < 0 ? RE_REPEAT_MAX + 1 : *min;
	p->at = at + 1;
	return true;
}

static struct re_node *repeat(struct re_parser *p, struct re_node *sub, size_t begin, int min, int max)
{
	int count = max < 0 ? min : max;
	struct re_node *n;

	if (min > RE_REPEAT_MAX || max > RE_REPEAT_MAX || (max >= 0 && min > max)) {
		(void)re_fail(p, begin, "invalid repeat count");
		return NULL;
	}
	n = node(p, RN_REPEAT, sub);
	if (!n)
		return NULL;
	n->min = min;
	n->max = max;
	n->lazy = (p->flags & RF_UNGREEDY) != 0;
	n->nullable = min == 0 || sub->nullable;
	if (re_more(p) && p->s.p[p->at] == '?') {
		p->at++;
		n->lazy = !n->lazy;
	}
	if (max == 0)
		n->product = 1;
	else if (count > 1)
		n->product *= (uint32_t)count;
	if (n->product <= RE_REPEAT_MAX)
		return n;
	(void)re_fail(p, begin, "invalid repeat count");
	return NULL;
}

static uint8_t here(const struct re_parser *p)
{
	return re_more(p) ? p->s.p[p->at] : 0;
}

/* The atom with the operator behind it, if there is one. */
static struct re_node *parse_repeats(struct re_parser *p, struct re_node *atom)
{
	size_t begin = p->at, last = p->at;
	struct re_node *n = atom;
	bool repeated = false;

	for (;;) {
		uint8_t c = here(p);
		int min = c == '+', max = c == '?' ? 1 : -1;

		begin = p->at;
		if (c == '*' || c == '+' || c == '?')
			p->at++;
		else if (c != '{' || !parse_braces(p, &min, &max))
			return n;
		if (repeated) { /* a** would be a star of a star, and a++ something else in Perl */
			(void)re_fail(p, last, "invalid nested repetition operator");
			return NULL;
		}
		n = repeat(p, n, begin, min, max);
		if (!n)
			return NULL;
		repeated = true;
		last = begin;
	}
}

static struct re_node *assertion(struct re_parser *p, enum re_assert what, size_t len)
{
	p->at += len;
	return leaf(p, RN_ASSERT, what);
}

static struct re_node *parse_escape(struct re_parser *p)
{
	struct re_ranges s = { .h = p->h };
	uint32_t c;

	switch (p->at + 1 < p->s.n ? p->s.p[p->at + 1] : 0) {
	case 'A':
		return assertion(p, RA_BEGIN_TEXT, 2);
	case 'z':
		return assertion(p, RA_END_TEXT, 2);
	case 'b':
		return assertion(p, RA_WORD, 2);
	case 'B':
		return assertion(p, RA_NOT_WORD, 2);
	default:
		break;
	}
	if (re_set_escape(p, &s))
		return class_leaf(p, &s);
	if (p->why || !re_escape_rune(p, &c))
		return NULL;
	return rune_leaf(p, c);
}

static struct re_node *parse_atom(struct re_parser *p, bool *nothing)
{
	struct re_ranges s = { .h = p->h };

	switch (here(p)) {
	case '(':
		return parse_group(p, nothing);
	case '[':
		return re_set_parse(p, &s) ? class_leaf(p, &s) : NULL;
	case '.':
		return dot(p);
	case '^':
		return assertion(p, p->flags & RF_LINES ? RA_BEGIN_LINE : RA_BEGIN_TEXT, 1);
	case '$':
		return assertion(p, p->flags & RF_LINES ? RA_END_LINE : RA_END_TEXT, 1);
	case '\\':
		return parse_escape(p);
	case '*':
	case '+':
	case '?':
		(void)re_fail(p, p->at, "missing argument to repetition operator");
		return NULL;
	default:
		return rune_leaf(p, re_rune(p));
	}
}

/* Items of one alternative, in order; a list with its end. */
struct items { struct re_node *first, **tail, **last; };

static void append(struct items *it, struct re_node *n)
{
	it->last = it->tail;
	*it->tail = n;
	it->tail = &n->next;
}

/* \Q...\E: every character as it stands. */
static bool parse_quoted(struct re_parser *p, struct items *it)
{
	for (p->at += 2; re_more(p); ) {
		struct re_node *n;

		if (span_starts(span_skip(p->s, p->at), "\\E")) {
			p->at += 2;
			return true;
		}
		n = rune_leaf(p, re_rune(p));
		if (!n)
			return false;
		append(it, n);
	}
	return true;
}

/* One item, or what stands in the place of one. The operator behind flags or a quotation is for the item before. */
static bool parse_item(struct re_parser *p, struct items *it)
{
	int min, max;
	size_t begin = p->at;
	struct re_node *n;
	bool nothing = false;

	if (span_starts(span_skip(p->s, p->at), "\\Q")) {
		if (!parse_quoted(p, it))
			return false;
	} else if (here(p) == '{' && parse_braces(p, &min, &max)) {
		return re_fail(p, begin, "missing argument to repetition operator");
	} else {
		n = parse_atom(p, &nothing);
		if (n)
			append(it, n);
		else if (!nothing)
			return false;
	}
	if (!it->first)
		return true; /* an operator here finds nothing before it: parse_atom says so */
	n = parse_repeats(p, *it->last);
	if (!n)
		return false;
	*it->last = n;
	it->tail = &n->next;
	return true;
}

static struct re_node *parse_cat(struct re_parser *p)
{
	struct items it = { NULL, NULL, NULL };

	it.tail = it.last = &it.first;
	while (re_more(p) && here(p) != '|' && here(p) != ')')
		if (!parse_item(p, &it) || !heap_steps(p->h, 1))
			return NULL;
	if (!it.first)
		return leaf(p, RN_EMPTY, 0);
	return it.first->next ? node(p, RN_CAT, it.first) : it.first;
}

static struct re_node *parse_alt(struct re_parser *p)
{
	struct re_node *first = parse_cat(p), *last = first;

	while (last && here(p) == '|') {
		p->at++;
		last->next = parse_cat(p);
		last = last->next;
	}
	if (!last)
		return NULL;
	return first->next ? node(p, RN_ALT, first) : first;
}

struct re_node *re_parse(struct re_parser *p)
{
	struct re_node *n;

	if (!utf8_ok(p->s)) {
		(void)re_fail(p, 0, "invalid UTF-8");
		return NULL;
	}
	n = parse_alt(p);
	if (n && re_more(p)) {
		(void)re_fail(p, p->at, "unexpected )");
		return NULL;
	}
	return n;
}
