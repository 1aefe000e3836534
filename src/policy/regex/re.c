#include "policy/regex/re.h"

#include <string.h>

#include "base/str.h"
#include "fmt/utf8.h"
#include "policy/regex/re_int.h"

#define BYTES_PER_STEP 64 /* of what is only looked through for a prefix */

enum re_rc re_compile(struct heap *h, struct span pattern, const struct re **out, const char **why, size_t *at)
{
	struct re_parser p = { .h = h, .s = pattern };
	struct re *re = heap_alloc(h, sizeof(*re));
	const struct re_node *tree;

	if (!re || !heap_steps(h, pattern.n / RE_VISITS_PER_STEP))
		return RE_TOO_LARGE;
	tree = re_parse(&p);
	if (p.why && heap_ok(h)) { /* a parser that ran out of memory or steps may have seen ghosts */
		*why = p.why;
		*at = p.why_at;
		return RE_SYNTAX;
	}
	if (!tree || !heap_ok(h) || re_generate(&p, tree, re) != RE_OK || !heap_ok(h)) {
		heap_over(h, REGO_LIMIT_REGEX); /* unless another limit was the reason */
		return RE_TOO_LARGE;
	}
	*out = re;
	return RE_OK;
}

size_t re_groups(const struct re *re)
{
	return re->groups;
}

struct span re_group_name(const struct re *re, size_t i)
{
	return i && i <= re->groups ? re->name[i] : (struct span){ NULL, 0 };
}

static bool word(struct span s, size_t at)
{
	uint8_t c = at < s.n ? s.p[at] : 0;

	return c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Looks at bytes: neither a new line nor an ASCII letter is ever a part of another character. */
bool re_holds(enum re_assert what, struct span s, size_t at)
{
	switch (what) {
	case RA_BEGIN_TEXT:
		return at == 0;
	case RA_END_TEXT:
		return at == s.n;
	case RA_BEGIN_LINE:
		return at == 0 || s.p[at - 1] == '\n';
	case RA_END_LINE:
		return at == s.n || s.p[at] == '\n';
	case RA_WORD:
	case RA_NOT_WORD:
		return ((at > 0 && word(s, at - 1)) != word(s, at)) == (what == RA_WORD);
	}
	return false;
}

static bool stands_at(struct span prefix, struct span s, size_t at)
{
	return s.n - at >= prefix.n && memcmp(s.p + at, prefix.p, prefix.n) == 0; /* public: pattern and text */
}

size_t re_candidate(const struct re *re, struct span s, size_t at)
{
	if (re->anchored)
		return at == 0 && (re->prefix.n == 0 || stands_at(re->prefix, s, 0)) ? 0 : s.n + 1;
	if (re->prefix.n) {
		const uint8_t *p = at < s.n ? memmem(s.p + at, s.n - at, re->prefix.p, re->prefix.n) : NULL;

		return p ? (size_t)(p - s.p) : s.n + 1;
	}
	if (!re->use_first)
		return at;
	while (at < s.n && !(re->first[s.p[at] / 64] >> s.p[at] % 64 & 1))
		at++;
	return at < s.n ? at : s.n + 1;
}

/* A pattern that is one text: no machine. */
static bool search_literal(const struct re_run *r)
{
	const struct re *re = r->re;
	size_t at = re_candidate(re, r->s, r->from), last = r->s.n - re->prefix.n;

	if (re->to_end && re->prefix.n <= r->s.n && at <= last) /* the one place it can stand at */
		at = !re->anchored || last == 0 ? last : r->s.n + 1;
	if (at > r->s.n || (re->prefix.n && !stands_at(re->prefix, r->s, at)) || (re->to_end && at != last))
		return false;
	if (r->slots) {
		r->cap[0] = at;
		r->cap[1] = at + re->prefix.n;
	}
	return true;
}

bool re_seek(struct heap *h, const struct re *re, struct span text, size_t from, size_t *cap, size_t n_cap)
{
	size_t slots = 2 * (n_cap <= re->groups ? n_cap : re->groups + 1);
	struct re_run r = { .h = h, .re = re, .s = text, .from = from, .cap = cap, .slots = slots };
	enum re_found f = RE_TOO_BIG;

	for (size_t i = 0; i < 2 * n_cap; i++)
		cap[i] = SIZE_MAX;
	if (from > text.n || !heap_steps(h, 1))
		return false;
	if (re->literal)
		f = search_literal(&r) ? RE_YES : RE_NO;
	else
		f = re_back(&r);
	if (f == RE_TOO_BIG)
		f = re_pike(&r) ? RE_YES : RE_NO;
	return heap_steps(h, ((f == RE_YES && slots ? cap[1] : text.n) - from) / BYTES_PER_STEP) && f == RE_YES;
}
