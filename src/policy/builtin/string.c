/* Strings. Places and lengths are in code points; a byte that is no UTF-8 counts as one. */
#include <string.h>

#include "fmt/unicode.h"
#include "fmt/utf8.h"
#include "policy/builtin/string_int.h"

static bool starts(struct span s, struct span with)
{
	return s.n >= with.n && span_eq((struct span){ s.p, with.n }, with);
}

static bool ends(struct span s, struct span with)
{
	return s.n >= with.n && starts(span_skip(s, s.n - with.n), with);
}

size_t string_find(struct span s, size_t at, struct span what)
{
	const uint8_t *p;

	if (what.n == 0)
		return at <= s.n ? at : s.n + 1;
	p = at < s.n ? memmem(s.p + at, s.n - at, what.p, what.n) : NULL;
	return p ? (size_t)(p - s.p) : s.n + 1;
}

static size_t runes(struct span s)
{
	size_t n = 0, len;

	for (size_t at = 0; at < s.n; at += len, n++)
		(void)utf8_at(s, at, &len);
	return n;
}

/* Where the n-th code point begins; s.n when there are not so many. */
static size_t rune_at(struct span s, uint64_t n)
{
	size_t at = 0, len;

	for (; n && at < s.n; at += len, n--)
		(void)utf8_at(s, at, &len);
	return at;
}

static bool two(struct call *c, struct span *a, struct span *b)
{
	return bi_str(c, 0, a) && bi_str(c, 1, b);
}

static struct val contains(struct call *c)
{
	struct span s, what;

	return two(c, &s, &what) ? val_bool(string_find(s, 0, what) <= s.n) : VAL_UNDEF;
}

static struct val startswith(struct call *c)
{
	struct span s, with;

	return two(c, &s, &with) ? val_bool(starts(s, with)) : VAL_UNDEF;
}

static struct val endswith(struct call *c)
{
	struct span s, with;

	return two(c, &s, &with) ? val_bool(ends(s, with)) : VAL_UNDEF;
}

static struct val indexof(struct call *c)
{
	struct span s, what;
	size_t at;

	if (!two(c, &s, &what))
		return VAL_UNDEF;
	if (what.n == 0)
		return bi_fail(c, "empty search character");
	at = string_find(s, 0, what);
	return val_int(c->h, at > s.n ? -1 : (int64_t)runes((struct span){ s.p, at }));
}

/* All of them, those that overlap too. */
static struct val indexof_n(struct call *c)
{
	struct vlist found = { .h = c->h };
	struct span s, what;
	size_t last = 0, len;
	int64_t n = 0;

	if (!two(c, &s, &what))
		return VAL_UNDEF;
	if (what.n == 0)
		return bi_fail(c, "empty search character");
	for (size_t at = string_find(s, 0, what); at < s.n && heap_steps(c->h, 1) && bi_work(c, what.n);
	     at = string_find(s, last + len, what)) {
		n += (int64_t)runes((struct span){ s.p + last, at - last });
		vlist_add(&found, val_int(c->h, n));
		(void)utf8_at(s, at, &len);
		last = at;
	}
	return val_array(c->h, found.p, found.n);
}

static struct val count(struct call *c)
{
	struct span s, what;
	int64_t n = 0;

	if (!two(c, &s, &what))
		return VAL_UNDEF;
	if (what.n == 0)
		return val_int(c->h, (int64_t)runes(s) + 1);
	for (size_t at = 0; (at = string_find(s, at, what)) <= s.n; at += what.n)
		n++;
	return val_int(c->h, n);
}

static struct val substring(struct call *c)
{
	struct span s;
	int64_t start, length;
	size_t from, n;

	if (!bi_str(c, 0, &s) || !bi_int(c, 1, &start) || !bi_int(c, 2, &length))
		return VAL_UNDEF;
	if (start < 0)
		return bi_fail(c, "negative offset");
	from = rune_at(s, (uint64_t)start);
	s = span_skip(s, from);
	n = length < 0 ? s.n : rune_at(s, (uint64_t)length);
	return val_str_borrow(c->h, (struct span){ s.p, n });
}

/* What is no UTF-8 becomes U+FFFD, as Go's mapping makes it. */
static struct val mapped(struct call *c, uint32_t (*map)(uint32_t))
{
	struct text t = { .c = c };
	struct span s;
	size_t same = 0, len;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	while (same < s.n && s.p[same] < 0x80 && map(s.p[same]) == s.p[same])
		same++;
	if (same == s.n)
		return c->arg[0];
	text_put(&t, (struct span){ s.p, same });
	for (size_t at = same; at < s.n && heap_ok(c->h); at += len)
		text_rune(&t, map(utf8_at(s, at, &len)));
	return text_val(&t);
}

static struct val lower(struct call *c)
{
	return mapped(c, uc_lower);
}

static struct val upper(struct call *c)
{
	return mapped(c, uc_upper);
}

static struct val reverse(struct call *c)
{
	struct span s;
	uint8_t *p;
	size_t len;

	if (!bi_str(c, 0, &s))
		return VAL_UNDEF;
	p = bi_room(c, s.n);
	for (size_t at = 0; p && at < s.n; at += len) {
		(void)utf8_at(s, at, &len);
		memcpy(p + s.n - at - len, s.p + at, len);
	}
	return p ? val_str_borrow(c->h, (struct span){ p, s.n }) : VAL_UNDEF;
}

static struct val concat(struct call *c)
{
	struct span delim, *part;
	size_t n, total = 0, at = 0;
	uint8_t *p;

	if (!bi_str(c, 0, &delim) || !bi_strs(c, 1, false, &part, &n))
		return VAL_UNDEF;
	for (size_t i = 0; i < n; i++)
		if (__builtin_add_overflow(total, part[i].n + (i ? delim.n : 0), &total))
			total = SIZE_MAX;
	p = bi_room(c, total);
	for (size_t i = 0; p && i < n; i++) {
		if (i && delim.n)
			memcpy(p + at, delim.p, delim.n);
		at += i ? delim.n : 0;
		if (part[i].n)
			memcpy(p + at, part[i].p, part[i].n);
		at += part[i].n;
	}
	return p ? val_str_borrow(c->h, (struct span){ p, total }) : VAL_UNDEF;
}

static struct val any_match(struct call *c, bool (*match)(struct span, struct span))
{
	struct span *s, *with;
	size_t n, m;

	if (!bi_strs(c, 0, true, &s, &n) || !bi_strs(c, 1, true, &with, &m))
		return VAL_UNDEF;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < m; k++) {
			if (!heap_steps(c->h, 1) || !bi_work(c, with[k].n))
				return VAL_UNDEF;
			if (match(s[i], with[k]))
				return val_bool(true);
		}
	return val_bool(false);
}

static struct val any_prefix_match(struct call *c)
{
	return any_match(c, starts);
}

static struct val any_suffix_match(struct call *c)
{
	return any_match(c, ends);
}

const struct builtin bi_string[] = {
	{ .name = "concat", .args = 2, .fn = concat },
	{ .name = "contains", .args = 2, .fn = contains },
	{ .name = "endswith", .args = 2, .fn = endswith },
	{ .name = "indexof", .args = 2, .fn = indexof },
	{ .name = "indexof_n", .args = 2, .fn = indexof_n },
	{ .name = "lower", .args = 1, .fn = lower },
	{ .name = "replace", .args = 3, .fn = bi_string_replace },
	{ .name = "split", .args = 2, .fn = bi_string_split },
	{ .name = "startswith", .args = 2, .fn = startswith },
	{ .name = "strings.any_prefix_match", .args = 2, .fn = any_prefix_match },
	{ .name = "strings.any_suffix_match", .args = 2, .fn = any_suffix_match },
	{ .name = "strings.count", .args = 2, .fn = count },
	{ .name = "strings.replace_n", .args = 2, .fn = bi_string_replace_n },
	{ .name = "strings.reverse", .args = 1, .fn = reverse },
	{ .name = "substring", .args = 3, .fn = substring },
	{ .name = "trim", .args = 2, .fn = bi_string_trim },
	{ .name = "trim_left", .args = 2, .fn = bi_string_trim_left },
	{ .name = "trim_prefix", .args = 2, .fn = bi_string_trim_prefix },
	{ .name = "trim_right", .args = 2, .fn = bi_string_trim_right },
	{ .name = "trim_space", .args = 1, .fn = bi_string_trim_space },
	{ .name = "trim_suffix", .args = 2, .fn = bi_string_trim_suffix },
	{ .name = "upper", .args = 1, .fn = upper },
	{ .name = NULL },
};
