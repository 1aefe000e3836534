/* regex.*: the engine is policy/regex. What is found are pieces of the text searched, not copies. */
#include <string.h>

#include "fmt/unicode.h"
#include "fmt/utf8.h"
#include "policy/builtin/regex_int.h"
#include "policy/regex/cache.h"

/* The program of a pattern; NULL with the reason recorded, or with the heap over. */
static const struct re *program(struct call *c, struct span pattern)
{
	const struct re *re = NULL;
	const char *why = NULL;
	size_t at;

	if (regex_cached(c->h, c->host->regex, pattern, &re, &why, &at) == RE_SYNTAX)
		(void)bi_fail(c, "error parsing regexp: %s", why);
	return re;
}

static const struct re *compiled(struct call *c, size_t i)
{
	struct span pattern;

	return bi_str(c, i, &pattern) ? program(c, pattern) : NULL;
}

/* Matches from left to right. An empty one right behind the one before it does not count. */
struct matches {
	struct heap     *h;
	const struct re *re;
	struct span      s;
	size_t           at, last; /* where to look on; end of the match before, SIZE_MAX at first */
	size_t          *cap, n_cap;
};

static bool matches_open(struct matches *m, struct call *c, const struct re *re, struct span s, size_t n_cap)
{
	*m = (struct matches){ .h = c->h, .re = re, .s = s, .last = SIZE_MAX, .n_cap = n_cap };
	m->cap = re ? heap_array(c->h, 2 * n_cap, sizeof(*m->cap)) : NULL;
	return m->cap != NULL;
}

static bool matches_next(struct matches *m)
{
	while (re_seek(m->h, m->re, m->s, m->at, m->cap, m->n_cap)) {
		bool empty_again = m->cap[1] == m->at && m->cap[0] == m->last;

		m->at = m->cap[1] == m->at ? utf8_next(m->s, m->at) : m->cap[1];
		m->last = m->cap[1];
		if (!empty_again)
			return true;
	}
	return false;
}

static struct val piece(const struct matches *m, size_t group)
{
	size_t from = m->cap[2 * group], to = m->cap[2 * group + 1];

	return val_str_borrow(m->h, from == SIZE_MAX ? (struct span){ m->s.p, 0 } : (struct span){ m->s.p + from, to - from });
}

static struct val is_valid(struct call *c)
{
	const struct re *re = NULL;
	const char *why;
	size_t at;

	if (val_type(c->arg[0]) != VT_STRING)
		return val_bool(false);
	return val_bool(regex_cached(c->h, c->host->regex, val_span(c->arg[0]), &re, &why, &at) == RE_OK);
}

static struct val match(struct call *c)
{
	const struct re *re = compiled(c, 0);
	struct span s;

	return re && bi_str(c, 1, &s) ? val_bool(re_seek(c->h, re, s, 0, NULL, 0)) : VAL_UNDEF;
}

/* Operands pattern, text, and how many at most (negative: all). */
static bool find_open(struct call *c, struct matches *m, int64_t *most, bool groups)
{
	const struct re *re = compiled(c, 0);
	struct span s;

	return re && bi_str(c, 1, &s) && bi_int(c, 2, most) && matches_open(m, c, re, s, groups ? re_groups(re) + 1 : 1);
}

static struct val find_n(struct call *c)
{
	struct vlist found = { .h = c->h };
	struct matches m;
	int64_t most;

	if (!find_open(c, &m, &most, false))
		return VAL_UNDEF;
	for (; most && matches_next(&m); most--)
		vlist_add(&found, piece(&m, 0));
	return val_array(c->h, found.p, found.n);
}

static struct val find_all_string_submatch_n(struct call *c)
{
	struct vlist found = { .h = c->h };
	struct matches m;
	int64_t most;

	if (!find_open(c, &m, &most, true))
		return VAL_UNDEF;
	for (; most && matches_next(&m); most--) {
		struct vlist groups = { .h = c->h };

		for (size_t i = 0; i < m.n_cap && heap_steps(c->h, 1); i++)
			vlist_add(&groups, piece(&m, i));
		vlist_add(&found, val_array(c->h, groups.p, groups.n));
	}
	return val_array(c->h, found.p, found.n);
}

static struct val split(struct call *c)
{
	struct vlist parts = { .h = c->h };
	const struct re *re = compiled(c, 0);
	struct matches m;
	struct span s;
	size_t begin = 0, end = 0;

	if (!re || !bi_str(c, 1, &s) || !matches_open(&m, c, re, s, 1))
		return VAL_UNDEF;
	if (s.n == 0 && val_span(c->arg[0]).n) {
		vlist_add(&parts, c->arg[1]);
		return val_array(c->h, parts.p, parts.n);
	}
	while (matches_next(&m)) {
		end = m.cap[0];
		if (m.cap[1])
			vlist_add(&parts, val_str_borrow(c->h, (struct span){ s.p + begin, end - begin }));
		begin = m.cap[1];
	}
	if (end != s.n)
		vlist_add(&parts, val_str_borrow(c->h, span_skip(s, begin)));
	return val_array(c->h, parts.p, parts.n);
}

/* What a replacement text names after '$': a group's number or name, perhaps in braces. */
struct reference { struct span name; bool number; uint64_t n; };

static bool name_rune(uint32_t c)
{
	struct uc_set letters, digits;
	uint32_t lo, hi;

	if (c < 128)
		return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	if (!uc_set_find(span_of("L"), &letters) || !uc_set_find(span_of("Nd"), &digits))
		return false;
	while (uc_set_next(&letters, &lo, &hi))
		if (c >= lo && c <= hi)
			return true;
	while (uc_set_next(&digits, &lo, &hi))
		if (c >= lo && c <= hi)
			return true;
	return false;
}

/* Reads one from the front of *t; false where the '$' stands for itself. */
static bool read_reference(struct span *t, struct reference *r)
{
	bool braces = t->n && t->p[0] == '{';
	struct span s = braces ? span_skip(*t, 1) : *t;
	size_t n = 0, len;

	while (n < s.n && name_rune(utf8_at(s, n, &len)))
		n += len;
	if (n == 0 || (braces && (n == s.n || s.p[n] != '}')))
		return false;
	*r = (struct reference){ .name = { s.p, n }, .number = !(n > 1 && s.p[0] == '0') };
	for (size_t i = 0; i < n && r->number; i++) {
		r->number = s.p[i] >= '0' && s.p[i] <= '9' && r->n < 100000000;
		r->n = r->n * 10 + s.p[i] - '0';
	}
	*t = span_skip(s, n + braces);
	return true;
}

static void put_group(struct text *t, const struct matches *m, const struct reference *r)
{
	size_t i = r->number ? (size_t)r->n : 1;

	while (!r->number && i < m->n_cap && (m->cap[2 * i] == SIZE_MAX || !span_eq(re_group_name(m->re, i), r->name)))
		i++;
	if (i < m->n_cap && m->cap[2 * i] != SIZE_MAX)
		text_put(t, (struct span){ m->s.p + m->cap[2 * i], m->cap[2 * i + 1] - m->cap[2 * i] });
}

/* Appends the replacement with its references filled in. */
static void expand(struct text *t, const struct matches *m, struct span with)
{
	while (with.n && heap_steps(m->h, 1)) {
		size_t n = span_find(with, '$');
		struct reference r;

		text_put(t, (struct span){ with.p, n });
		if (n == with.n)
			return;
		with = span_skip(with, n + 1);
		if (with.n && with.p[0] == '$') {
			text_str(t, "$");
			with = span_skip(with, 1);
		} else if (read_reference(&with, &r)) {
			put_group(t, m, &r);
		} else {
			text_str(t, "$");
		}
	}
}

/* Operands text, pattern, replacement. Go's loop, which differs from that of find in what it does after an empty match. */
static struct val replace(struct call *c)
{
	struct text t = { .c = c };
	const struct re *re;
	struct matches m;
	struct span s, with;
	size_t last = 0;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	re = compiled(c, 1);
	if (!re || !bi_str(c, 2, &with) || !matches_open(&m, c, re, s, re_groups(re) + 1))
		return VAL_UNDEF;
	for (size_t at = 0, next; at <= s.n && re_seek(c->h, re, s, at, m.cap, m.n_cap); at = next) {
		text_put(&t, (struct span){ s.p + last, m.cap[0] - last });
		if (m.cap[1] > last || m.cap[0] == 0)
			expand(&t, &m, with);
		last = m.cap[1];
		next = utf8_next(s, at);
		next = next > last ? next : last;
	}
	text_put(&t, span_skip(s, last));
	return text_val(&t);
}

/* Text that is to be matched as it stands. */
static void put_quoted(struct text *t, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr("\\.+*?()|[]{}^$", s.p[i]))
			text_str(t, "\\");
		text_put(t, (struct span){ s.p + i, 1 });
	}
}

/* A template is text with patterns between delimiters, which may nest. As a pattern: the text quoted, the patterns as groups. */
static bool put_template(struct call *c, struct text *t, uint8_t open, uint8_t close)
{
	struct span s = val_span(c->arg[0]);
	size_t depth = 0, from = 0;

	text_str(t, "^");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == open && depth++ == 0) {
			put_quoted(t, (struct span){ s.p + from, i - from });
			from = i + 1;
		} else if (s.p[i] == close && s.p[i] != open) {
			if (depth == 0)
				return false;
			if (--depth)
				continue;
			if (!program(c, (struct span){ s.p + from, i - from })) /* each must be a pattern by itself */
				return false;
			text_str(t, "(");
			text_put(t, (struct span){ s.p + from, i - from });
			text_str(t, ")");
			from = i + 1;
		}
	}
	put_quoted(t, span_skip(s, from));
	text_str(t, "$");
	return depth == 0;
}

static bool delimiter(struct call *c, size_t i, const char *which, uint8_t *out)
{
	struct span s;

	if (!bi_str(c, i, &s))
		return false;
	if (s.n != 1) {
		(void)bi_fail(c, "%s delimiter has to be exactly one character long but is %zu long", which, s.n);
		return false;
	}
	*out = s.p[0];
	return true;
}

static struct val template_match(struct call *c)
{
	struct text t = { .c = c };
	const struct re *re;
	struct span tpl, s;
	uint8_t open, close;

	if (!bi_str(c, 0, &tpl) || !bi_str(c, 1, &s) || !delimiter(c, 2, "start", &open) || !delimiter(c, 3, "end", &close))
		return VAL_UNDEF;
	if (!put_template(c, &t, open, close))
		return bi_fail(c, "unbalanced braces");
	re = program(c, (struct span){ t.p, t.n });
	return re ? val_bool(re_seek(c->h, re, s, 0, NULL, 0)) : VAL_UNDEF;
}

const struct builtin bi_regex[] = {
	{ .name = "regex.find_all_string_submatch_n", .args = 3, .fn = find_all_string_submatch_n },
	{ .name = "regex.find_n", .args = 3, .fn = find_n },
	{ .name = "regex.globs_match", .args = 2, .fn = bi_regex_globs_match },
	{ .name = "regex.is_valid", .args = 1, .fn = is_valid },
	{ .name = "regex.match", .args = 2, .fn = match },
	{ .name = "regex.replace", .args = 3, .fn = replace },
	{ .name = "regex.split", .args = 2, .fn = split },
	{ .name = "regex.template_match", .args = 4, .fn = template_match },
	{ .name = NULL },
};
