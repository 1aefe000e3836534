#include "policy/builtin/addr.h"

#include <stdio.h>

static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };

/* A decimal from the front of *s, at most three digits and max. */
static bool decimal(struct span *s, unsigned max, bool zeros, unsigned *out)
{
	size_t n = 0;

	for (*out = 0; n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		*out = *out * 10 + s->p[n] - '0';
	if (n == 0 || *out > max || (!zeros && n > 1 && s->p[0] == '0'))
		return false;
	*s = span_skip(*s, n);
	return true;
}

static bool parse_v4(struct span s, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned v;

		if (i && (s.n == 0 || s.p[0] != '.'))
			return false;
		s = i ? span_skip(s, 1) : s;
		if (!decimal(&s, 255, false, &v))
			return false;
		out[i] = (uint8_t)v;
	}
	return s.n == 0;
}

/* One to four hexadecimal digits from the front of *s. */
static bool group(struct span *s, uint8_t out[2])
{
	unsigned v = 0;
	size_t n = 0;

	for (; n < s->n && n < 5; n++) {
		uint8_t c = s->p[n], l = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if (l >= 'a' && l <= 'f')
			v = v << 4 | (unsigned)(l - 'a' + 10);
		else
			break;
	}
	if (n == 0 || n > 4)
		return false;
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
	*s = span_skip(*s, n);
	return true;
}

/* Groups up to a double colon or the end. An IPv4 address may stand for the last two. */
static bool groups(struct span *s, uint8_t out[16], size_t *n)
{
	for (*n = 0; s->n && *n < 16; ) {
		struct span before = *s;

		if (*n <= 12 && parse_v4(*s, out + *n)) {
			*n += 4;
			*s = span_skip(*s, s->n);
			return true;
		}
		if (!group(s, out + *n))
			return false;
		*n += 2;
		if (s->n == 0 || span_starts(*s, "::"))
			return true;
		if (s->p[0] != ':' || before.n == s->n)
			return false;
		*s = span_skip(*s, 1);
		if (s->n == 0)
			return false;
	}
	return s->n == 0;
}

static bool parse_v6(struct span s, uint8_t out[16])
{
	uint8_t head[16] = { 0 }, tail[16] = { 0 };
	size_t n = 0, m = 0;

	if (!span_starts(s, "::") && !groups(&s, head, &n))
		return false;
	memset(out, 0, 16);
	memcpy(out, head, n);
	if (s.n == 0)
		return n == 16;
	s = span_skip(s, 2);
	if (s.n && (!groups(&s, tail, &m) || s.n))
		return false;
	if (n + m > 14) /* the double colon stands for at least one group */
		return false;
	memcpy(out + 16 - m, tail, m);
	return true;
}

static void settle(struct addr *a)
{
	a->v4 = memcmp(a->b, mapped, sizeof(mapped)) == 0; /* public: an address */
}

static bool parse(struct span s, struct addr *out, bool *written_v4)
{
	struct addr a = { 0 };

	memcpy(a.b, mapped, sizeof(mapped));
	*written_v4 = parse_v4(s, a.b + 12);
	if (!*written_v4 && (span_find(s, ':') == s.n || !parse_v6(s, a.b)))
		return false;
	settle(&a);
	*out = a;
	return true;
}

bool addr_parse(struct span s, struct addr *out)
{
	bool v4;

	return parse(s, out, &v4);
}

/* The bits from `bits` on of all 128. */
static void fill(struct addr *a, unsigned bits, bool ones)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits > 8 * i ? (bits - 8 * i < 8 ? bits - 8 * i : 8) : 0;
		uint8_t mask = (uint8_t)(0xFF >> keep);

		a->b[i] = ones ? a->b[i] | mask : a->b[i] & (uint8_t)~mask;
	}
}

bool cidr_parse(struct span s, struct cidr *out)
{
	size_t n = span_find(s, '/');
	struct span len = span_skip(s, n + 1);
	struct cidr c = { 0 };
	bool v4;

	if (n == s.n || !parse((struct span){ s.p, n }, &c.base, &v4) || !decimal(&len, v4 ? 32 : 128, true, &c.bits) || len.n)
		return false;
	c.bits += v4 ? 96 : 0;
	fill(&c.base, c.bits, false);
	settle(&c.base); /* a short prefix of a mapped address is no IPv4 block */
	c.bits -= c.base.v4 ? 96 : 0;
	*out = c;
	return true;
}

struct cidr cidr_of(struct addr a, unsigned bits)
{
	struct cidr c = { a, bits };

	fill(&c.base, a.v4 ? bits + 96 : bits, false);
	return c;
}

static unsigned all_bits(const struct cidr *c)
{
	return c->base.v4 ? c->bits + 96 : c->bits;
}

bool addr_in(struct addr a, const struct cidr *c)
{
	if (a.v4 != c->base.v4)
		return false;
	fill(&a, all_bits(c), false);
	return memcmp(a.b, c->base.b, sizeof(a.b)) == 0; /* public: addresses */
}

struct addr cidr_last(const struct cidr *c)
{
	struct addr a = c->base;

	fill(&a, all_bits(c), true);
	return a;
}

bool addr_next(struct addr *a)
{
	unsigned first = a->v4 ? 12 : 0;

	for (unsigned i = 16; i-- > first;)
		if (++a->b[i])
			return true;
	return false;
}

/* The longest run of zero groups, the first of several, at least two. */
static void zero_run(const uint8_t b[16], size_t *from, size_t *n)
{
	*from = *n = 0;
	for (size_t i = 0; i < 8; i++) {
		size_t k = i;

		while (k < 8 && b[2 * k] == 0 && b[2 * k + 1] == 0)
			k++;
		if (k - i > *n && k - i > 1) {
			*from = i;
			*n = k - i;
		}
	}
}

size_t addr_text(struct addr a, char out[static ADDR_TEXT])
{
	size_t from, n, at = 0;

	if (a.v4)
		return (size_t)snprintf(out, ADDR_TEXT, "%u.%u.%u.%u", a.b[12], a.b[13], a.b[14], a.b[15]);
	zero_run(a.b, &from, &n);
	for (size_t i = 0; i < 8; i++) {
		if (n && i == from) {
			at += (size_t)snprintf(out + at, ADDR_TEXT - at, "::");
			i += n - 1;
			continue;
		}
		at += (size_t)snprintf(out + at, ADDR_TEXT - at, "%s%x", i && !(n && i == from + n) ? ":" : "",
		    (unsigned)a.b[2 * i] << 8 | a.b[2 * i + 1]);
	}
	return at;
}
