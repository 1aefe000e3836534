#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); /* public: contract */
}

bool span_eq_str(struct span a, const char *s)
{
	return span_eq(a, span_of(s));
}

bool span_starts(struct span s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && span_eq((struct span){ s.p, n }, span_of(prefix));
}

bool span_ends(struct span s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && span_eq(span_skip(s, s.n - n), span_of(suffix));
}

struct span span_skip(struct span s, size_t n)
{
	if (n >= s.n)
		return (struct span){ 0 };
	return (struct span){ s.p + n, s.n - n };
}

size_t span_find(struct span s, uint8_t c)
{
	const uint8_t *hit = s.n ? memchr(s.p, c, s.n) : NULL;

	return hit ? (size_t)(hit - s.p) : s.n;
}

char *span_dup(struct span s)
{
	char *out;

	if (span_find(s, 0) != s.n)
		return NULL;
	out = calloc(1, s.n + 1);
	if (out && s.n)
		memcpy(out, s.p, s.n);
	return out;
}

bool span_u64(struct span s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20 || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t d = (uint8_t)(s.p[i] - '0');

		if (d > 9 || __builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, d, &v))
			return false;
	}
	*out = v;
	return true;
}

void span_plain(struct span s, char *out, size_t room)
{
	size_t n = s.n < room ? s.n : room - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = s.p[i] >= 0x20 && s.p[i] <= 0x7e ? (char)s.p[i] : '?';
	out[n] = 0;
}

char *str_fmt(const char *fmt, ...)
{
	char *out = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&out, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : out;
}
