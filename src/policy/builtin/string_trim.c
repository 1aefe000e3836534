/* trim and its relatives: what is taken off the ends of a string. The results lie within it. */
#include "fmt/unicode.h"
#include "fmt/utf8.h"
#include "policy/builtin/string_int.h"

/* Code points to take off: a set of them, or white space. */
struct cutset {
	struct call *c;
	struct span  s;
	uint64_t     ascii[2];
	bool         space;
};

static bool cuts(const struct cutset *k, uint32_t rune)
{
	size_t len;

	if (k->space)
		return uc_space(rune);
	if (rune < 128)
		return k->ascii[rune / 64] >> rune % 64 & 1;
	if (!bi_work(k->c, k->s.n))
		return false;
	for (size_t at = 0; at < k->s.n; at += len)
		if (utf8_at(k->s, at, &len) == rune)
			return true;
	return false;
}

static struct span cut_left(const struct cutset *k, struct span s)
{
	size_t len;

	while (s.n && cuts(k, utf8_at(s, 0, &len)))
		s = span_skip(s, len);
	return s;
}

/* The last code point of s: the shortest tail that is a whole sequence, else one byte. */
static uint32_t last_rune(struct span s, size_t *len)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (utf8_seq(span_skip(s, s.n - n)) == n)
			return utf8_at(s, s.n - n, len);
	*len = 1;
	return 0xFFFD;
}

static struct span cut_right(const struct cutset *k, struct span s)
{
	size_t len;

	while (s.n && cuts(k, last_rune(s, &len)))
		s.n -= len;
	return s;
}

static struct val result(struct call *c, struct span was, struct span s)
{
	return s.n == was.n ? c->arg[0] : val_str_borrow(c->h, s);
}

static struct val trim(struct call *c, bool left, bool right)
{
	struct cutset k = { .c = c };
	struct span s, was;

	if (!bi_str(c, 0, &was) || !bi_str(c, 1, &k.s))
		return VAL_UNDEF;
	for (size_t i = 0; i < k.s.n; i++)
		if (k.s.p[i] < 128)
			k.ascii[k.s.p[i] / 64] |= (uint64_t)1 << k.s.p[i] % 64;
	s = left ? cut_left(&k, was) : was;
	s = right ? cut_right(&k, s) : s;
	return result(c, was, s);
}

struct val bi_string_trim(struct call *c)
{
	return trim(c, true, true);
}

struct val bi_string_trim_left(struct call *c)
{
	return trim(c, true, false);
}

struct val bi_string_trim_right(struct call *c)
{
	return trim(c, false, true);
}

struct val bi_string_trim_space(struct call *c)
{
	struct cutset k = { .c = c, .space = true };
	struct span s;

	return bi_str(c, 0, &s) ? result(c, s, cut_right(&k, cut_left(&k, s))) : VAL_UNDEF;
}

struct val bi_string_trim_prefix(struct call *c)
{
	struct span s, prefix;

	if (!bi_str(c, 0, &s) || !bi_str(c, 1, &prefix))
		return VAL_UNDEF;
	return result(c, s, prefix.n <= s.n && span_eq((struct span){ s.p, prefix.n }, prefix) ? span_skip(s, prefix.n) : s);
}

struct val bi_string_trim_suffix(struct call *c)
{
	struct span s, suffix;

	if (!bi_str(c, 0, &s) || !bi_str(c, 1, &suffix))
		return VAL_UNDEF;
	if (suffix.n <= s.n && span_eq(span_skip(s, s.n - suffix.n), suffix))
		return result(c, s, (struct span){ s.p, s.n - suffix.n });
	return c->arg[0];
}
