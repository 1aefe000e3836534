#include "fmt/enc.h"

#include <string.h>

static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

/* Values of characters, 16 a line from the space on. Those of an alphabet have VALID set, so that AND over a text tells whether all
 * are. */
#define VALID 0x40
static const uint8_t std_value[256] = {
	[0x20] = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7e, 0, 0, 0, 0x7f,
	[0x30] = 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0, 0, 0, 0, 0, 0,
	[0x40] = 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
	[0x50] = 0x4f, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0, 0, 0, 0, 0,
	[0x60] = 0, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
	[0x70] = 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0, 0, 0, 0, 0,
};
static const uint8_t url_value[256] = {
	[0x20] = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7e, 0, 0,
	[0x30] = 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0, 0, 0, 0, 0, 0,
	[0x40] = 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
	[0x50] = 0x4f, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0, 0, 0, 0, 0x7f,
	[0x60] = 0, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
	[0x70] = 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x70, 0x71, 0x72, 0x73, 0, 0, 0, 0, 0,
};
static const uint8_t hex_value[256] = {
	[0x20] = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	[0x30] = 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0, 0, 0, 0, 0, 0,
	[0x40] = 0, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	[0x50] = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	[0x60] = 0, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	[0x70] = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

/* ---- base64 ---- */

/* The 3 bytes at p as 4 characters. */
static void b64_group(const uint8_t *p, const char *abc, uint8_t *out)
{
	uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

	out[0] = (uint8_t)abc[v >> 18];
	out[1] = (uint8_t)abc[v >> 12 & 63];
	out[2] = (uint8_t)abc[v >> 6 & 63];
	out[3] = (uint8_t)abc[v & 63];
}

static void b64_put(struct wr *w, struct span s, const char *abc, bool padded)
{
	size_t left = s.n % 3, groups = s.n / 3;
	uint8_t last[3] = { 0 }, end[4];
	uint8_t *out = groups <= SIZE_MAX / 4 ? wr_room(w, groups * 4) : NULL;

	if (!out)
		return;
	for (size_t i = 0; i < groups; i++)
		b64_group(s.p + 3 * i, abc, out + 4 * i);
	if (left == 0)
		return;
	memcpy(last, s.p + 3 * groups, left);
	b64_group(last, abc, end);
	memset(end + left + 1, '=', 3 - left);
	wr_put(w, (struct span){ end, padded ? 4 : left + 1 });
	explicit_bzero(last, sizeof(last)); /* keys pass through here */
	explicit_bzero(end, sizeof(end));
}

void b64_write(struct wr *w, struct span s)
{
	b64_put(w, s, b64_std, true);
}

void b64url_write(struct wr *w, struct span s)
{
	b64_put(w, s, b64_url, false);
}

static bool b64_unpad(struct span *s)
{
	if (s->n % 4)
		return false;
	for (int i = 0; i < 2 && s->n && s->p[s->n - 1] == '='; i++)
		s->n--;
	return true;
}

/* Takes padding away and yields the decoded length. The characters themselves are judged by b64_decode, but for the bits of the
 * last that carry no data: they must be zero (RFC 4648 section 3.5). */
static bool b64_form(struct span *s, bool url, size_t *n)
{
	size_t over;

	if (!url && !b64_unpad(s))
		return false;
	over = s->n % 4;
	if (over == 1 || (over && (url ? url_value : std_value)[s->p[s->n - 1]] & (over == 2 ? 15 : 3)))
		return false;
	*n = s->n / 4 * 3 + (over ? over - 1 : 0);
	return true;
}

/* One group of 4 characters, of which 3 bytes come; returns VALID where all are of the alphabet. */
static inline uint8_t b64_whole(const uint8_t *p, const uint8_t *value, uint8_t *out)
{
	uint8_t a = value[p[0]], b = value[p[1]], c = value[p[2]], d = value[p[3]];

	out[0] = (uint8_t)(a << 2 | (b >> 4 & 3));
	out[1] = (uint8_t)(b << 4 | (c >> 2 & 15));
	out[2] = (uint8_t)(c << 6 | (d & 63));
	return a & b & c & d & VALID;
}

/* The last group of 2 or 3 characters, of which n - 1 bytes come; returns VALID where all are of the alphabet. */
static uint8_t b64_ungroup(const uint8_t *p, size_t n, const uint8_t *value, uint8_t *out)
{
	uint8_t v[3] = { VALID, VALID, VALID };

	for (size_t i = 0; i < n; i++)
		v[i] = value[p[i]];
	out[0] = (uint8_t)(v[0] << 2 | (v[1] >> 4 & 3));
	if (n > 2)
		out[1] = (uint8_t)(v[1] << 4 | (v[2] >> 2 & 15));
	return v[0] & v[1] & v[2] & VALID;
}

/* The bytes of a text of the right form; false, and dst has anything, where a character is not of the alphabet. */
static bool b64_decode(struct span s, bool url, uint8_t *dst)
{
	const uint8_t *value = url ? url_value : std_value;
	uint8_t all = VALID;

	for (; s.n >= 4; s = (struct span){ s.p + 4, s.n - 4 }, dst += 3)
		all &= b64_whole(s.p, value, dst);
	if (s.n > 0)
		all &= b64_ungroup(s.p, s.n, value, dst);
	return all == VALID;
}

static bool b64_append(struct span s, bool url, struct wr *w)
{
	uint8_t *dst;
	size_t n;

	if (!b64_form(&s, url, &n))
		return false;
	dst = wr_room(w, n);
	return dst && b64_decode(s, url, dst);
}

static bool all_valid(struct span s, const uint8_t *value)
{
	uint8_t all = VALID;

	for (size_t i = 0; i < s.n; i++)
		all &= value[s.p[i]];
	return (all & VALID) != 0;
}

static bool b64_exact(struct span s, bool url, uint8_t *dst, size_t n)
{
	size_t have;

	return b64_form(&s, url, &have) && have == n && all_valid(s, url ? url_value : std_value) && b64_decode(s, url, dst);
}

bool b64_read(struct span s, struct wr *w)
{
	return b64_append(s, false, w);
}

bool b64url_read(struct span s, struct wr *w)
{
	return b64_append(s, true, w);
}

bool b64_fixed(struct span s, uint8_t *dst, size_t n)
{
	return b64_exact(s, false, dst, n);
}

bool b64url_fixed(struct span s, uint8_t *dst, size_t n)
{
	return b64_exact(s, true, dst, n);
}

/* ---- hex ---- */

static void hex_put(struct span s, uint8_t *out)
{
	for (size_t i = 0; i < s.n; i++) {
		out[2 * i] = (uint8_t)hex_digits[s.p[i] >> 4];
		out[2 * i + 1] = (uint8_t)hex_digits[s.p[i] & 15];
	}
}

void hex_write(struct wr *w, struct span s)
{
	uint8_t *out = s.n <= SIZE_MAX / 2 ? wr_room(w, 2 * s.n) : NULL;

	if (out)
		hex_put(s, out);
}

/* The n bytes of 2n digits; false, and dst has anything, where one is none. */
static bool hex_decode(const uint8_t *p, uint8_t *dst, size_t n)
{
	uint8_t all = VALID;

	for (size_t i = 0; i < n; i++) {
		uint8_t high = hex_value[p[2 * i]], low = hex_value[p[2 * i + 1]];

		all &= high & low;
		dst[i] = (uint8_t)(high << 4 | (low & 15));
	}
	return (all & VALID) != 0;
}

bool hex_read(struct span s, struct wr *w)
{
	uint8_t *dst = s.n % 2 == 0 ? wr_room(w, s.n / 2) : NULL;

	return dst && hex_decode(s.p, dst, s.n / 2);
}

bool hex_fixed(struct span s, uint8_t *dst, size_t n)
{
	return s.n % 2 == 0 && s.n / 2 == n && all_valid(s, hex_value) && hex_decode(s.p, dst, n);
}

void hex_text(struct span s, char *out)
{
	hex_put(s, (uint8_t *)out);
	out[2 * s.n] = 0;
}

void hex32(const uint8_t d[static 32], char out[static HEX32_LEN])
{
	hex_text((struct span){ d, 32 }, out);
}
