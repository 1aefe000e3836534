#include "fmt/utf8.h"

#include <string.h>

static bool tail(uint8_t b)
{
	return (b & 0xC0) == 0x80;
}

/* The second byte carries the range rules: E0 and F0 exclude overlong forms, ED the
 * surrogates, F4 what lies beyond U+10FFFF. */
static bool second_ok(uint8_t lead, uint8_t b)
{
	switch (lead) {
	case 0xE0:
		return b >= 0xA0 && b <= 0xBF;
	case 0xED:
		return b >= 0x80 && b <= 0x9F;
	case 0xF0:
		return b >= 0x90 && b <= 0xBF;
	case 0xF4:
		return b >= 0x80 && b <= 0x8F;
	default:
		return tail(b);
	}
}

size_t utf8_seq(struct span s)
{
	size_t want;

	if (s.n == 0)
		return 0;
	if (s.p[0] < 0x80)
		return 1;
	if (s.p[0] < 0xC2 || s.p[0] > 0xF4)
		return 0;
	want = s.p[0] < 0xE0 ? 2 : s.p[0] < 0xF0 ? 3 : 4;
	if (s.n < want || !second_ok(s.p[0], s.p[1]))
		return 0;
	for (size_t i = 2; i < want; i++)
		if (!tail(s.p[i]))
			return 0;
	return want;
}

static size_t ascii_run(struct span s)
{
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		uint64_t v;

		memcpy(&v, s.p + i, sizeof(v));
		if (v & 0x8080808080808080u)
			break;
	}
	while (i < s.n && s.p[i] < 0x80)
		i++;
	return i;
}

bool utf8_ok(struct span s)
{
	for (size_t i = 0; i < s.n;) {
		size_t k;

		i += ascii_run((struct span){ s.p + i, s.n - i });
		if (i == s.n)
			break;
		k = utf8_seq((struct span){ s.p + i, s.n - i });
		if (k == 0)
			return false;
		i += k;
	}
	return true;
}

size_t utf8_put(uint32_t c, uint8_t out[static 4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xC0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xE0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (c & 0x3F));
	return 4;
}

uint32_t utf8_at(struct span s, size_t at, size_t *len)
{
	const uint8_t *p = s.p + at;
	size_t n = *p < 0x80 ? 1 : utf8_seq((struct span){ p, s.n - at });

	*len = n ? n : 1;
	switch (n) {
	case 1:
		return p[0];
	case 2:
		return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
	case 3:
		return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
	case 4:
		return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6
		    | (p[3] & 0x3F);
	default:
		return 0xFFFD;
	}
}

size_t utf8_next(struct span s, size_t at)
{
	size_t len = 1;

	if (at < s.n)
		(void)utf8_at(s, at, &len);
	return at + len;
}
