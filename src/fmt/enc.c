#include "fmt/enc.h"

#include <string.h>

#define BLOCK 384 /* output bytes made at a time; a multiple of 3 and 4 */
#define NONE 0xFF

static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

/* Encodes n bytes (1 to 3) as 4 characters; the last 3-n stay unused. */
static void b64_group(const uint8_t *p, size_t n, const char *abc, uint8_t out[static 4])
{
	uint32_t v = (uint32_t)p[0] << 16;

	if (n > 1)
		v |= (uint32_t)p[1] << 8;
	if (n > 2)
		v |= p[2];
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)abc[v >> (18 - 6 * i) & 63];
}

static void b64_put(struct wr *w, struct span s, const char *abc, bool padded)
{
	uint8_t b[BLOCK];
	size_t n = 0, i = 0;

	for (; s.n - i >= 3; i += 3) {
		if (n == BLOCK) {
			wr_put(w, (struct span){ b, n });
			n = 0;
		}
		b64_group(s.p + i, 3, abc, b + n);
		n += 4;
	}
	wr_put(w, (struct span){ b, n });
	if (i < s.n) {
		size_t left = s.n - i;

		b64_group(s.p + i, left, abc, b);
		if (padded)
			memset(b + left + 1, '=', 3 - left);
		wr_put(w, (struct span){ b, padded ? 4 : left + 1 });
	}
	explicit_bzero(b, s.n < BLOCK / 2 ? s.n * 2 : BLOCK); /* keys pass through here */
}

void b64_write(struct wr *w, struct span s)
{
	b64_put(w, s, b64_std, true);
}

void b64url_write(struct wr *w, struct span s)
{
	b64_put(w, s, b64_url, false);
}

/* Value of a character, NONE for any other; `url` chooses the last two. */
static uint8_t b64_value(uint8_t c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint8_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 52);
	if (c == (url ? '-' : '+'))
		return 62;
	return c == (url ? '_' : '/') ? 63 : NONE;
}

static bool b64_unpad(struct span *s)
{
	if (s->n % 4)
		return false;
	for (int i = 0; i < 2 && s->n && s->p[s->n - 1] == '='; i++)
		s->n--;
	return true;
}

/* Checks everything and yields the decoded length, so that decoding cannot fail.
 * The bits of the last character that carry no data must be zero (RFC 4648 section 3.5). */
static bool b64_check(struct span *s, bool url, size_t *n)
{
	size_t over;

	if (!url && !b64_unpad(s))
		return false;
	over = s->n % 4;
	if (over == 1)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (b64_value(s->p[i], url) == NONE)
			return false;
	if (over && b64_value(s->p[s->n - 1], url) & (over == 2 ? 15 : 3))
		return false;
	*n = s->n / 4 * 3 + (over ? over - 1 : 0);
	return true;
}

/* Decodes one group of up to 4 checked characters; returns its bytes. */
static size_t b64_ungroup(struct span s, bool url, uint8_t out[static 3])
{
	uint32_t v = 0;
	size_t n = s.n < 4 ? s.n : 4;

	for (unsigned i = 0; i < n; i++)
		v |= (uint32_t)b64_value(s.p[i], url) << (18 - 6 * i);
	for (unsigned i = 0; i < 3; i++)
		out[i] = (uint8_t)(v >> (16 - 8 * i));
	return n - 1;
}

static bool b64_append(struct span s, bool url, struct wr *w)
{
	uint8_t b[BLOCK + 3];
	size_t n, k = 0;

	if (!b64_check(&s, url, &n))
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		if (k == BLOCK) {
			wr_put(w, (struct span){ b, k });
			k = 0;
		}
		k += b64_ungroup((struct span){ s.p + i, s.n - i }, url, b + k);
	}
	wr_put(w, (struct span){ b, k });
	explicit_bzero(b, n < BLOCK ? n + 3 : sizeof(b));
	return wr_ok(w);
}

static bool b64_exact(struct span s, bool url, uint8_t *dst, size_t n)
{
	uint8_t b[3];
	size_t have, k = 0;

	if (!b64_check(&s, url, &have) || have != n)
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		size_t m = b64_ungroup((struct span){ s.p + i, s.n - i }, url, b);

		memcpy(dst + k, b, m);
		k += m;
	}
	explicit_bzero(b, sizeof(b));
	return true;
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

void hex_write(struct wr *w, struct span s)
{
	uint8_t b[BLOCK];
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (n == BLOCK) {
			wr_put(w, (struct span){ b, n });
			n = 0;
		}
		b[n++] = (uint8_t)hex_digits[s.p[i] >> 4];
		b[n++] = (uint8_t)hex_digits[s.p[i] & 15];
	}
	wr_put(w, (struct span){ b, n });
	explicit_bzero(b, s.n < BLOCK / 2 ? s.n * 2 : BLOCK);
}

static uint8_t hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint8_t)(c - 'a' + 10);
	return c >= 'A' && c <= 'F' ? (uint8_t)(c - 'A' + 10) : NONE;
}

static bool hex_check(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (hex_value(s.p[i]) == NONE)
			return false;
	return s.n % 2 == 0;
}

static uint8_t hex_byte(const uint8_t *p)
{
	return (uint8_t)(hex_value(p[0]) << 4 | hex_value(p[1]));
}

bool hex_read(struct span s, struct wr *w)
{
	uint8_t b[BLOCK];
	size_t k = 0;

	if (!hex_check(s))
		return false;
	for (size_t i = 0; i < s.n; i += 2) {
		if (k == BLOCK) {
			wr_put(w, (struct span){ b, k });
			k = 0;
		}
		b[k++] = hex_byte(s.p + i);
	}
	wr_put(w, (struct span){ b, k });
	explicit_bzero(b, s.n / 2 < BLOCK ? s.n / 2 : BLOCK);
	return wr_ok(w);
}

bool hex_fixed(struct span s, uint8_t *dst, size_t n)
{
	if (s.n / 2 != n || !hex_check(s))
		return false;
	for (size_t i = 0; i < n; i++)
		dst[i] = hex_byte(s.p + 2 * i);
	return true;
}

void hex_text(struct span s, char *out)
{
	for (size_t i = 0; i < s.n; i++) {
		out[2 * i] = hex_digits[s.p[i] >> 4];
		out[2 * i + 1] = hex_digits[s.p[i] & 15];
	}
	out[2 * s.n] = 0;
}

void hex32(const uint8_t d[static 32], char out[static HEX32_LEN])
{
	hex_text((struct span){ d, 32 }, out);
}
