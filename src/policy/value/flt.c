#include "policy/value/flt.h"

#include <stdio.h>

#include "base/own.h"
#include "policy/value/num.h"

__extension__ typedef unsigned __int128 wide;

/* ---- arithmetic: exact in 128 bits but for a last bit that stands for everything below ---- */

static struct flt round_up(struct flt f)
{
	if (++f.m == 0) {
		f.m = UINT64_C(1) << 63;
		f.e++;
	}
	return f;
}

static struct flt round_wide(wide x, int32_t e, bool neg)
{
	struct flt f = { .neg = neg };
	unsigned shift;
	uint64_t low;

	if (!x)
		return (struct flt){ 0 };
	shift = (unsigned)(x >> 64 ? __builtin_clzll((uint64_t)(x >> 64)) : 64 + __builtin_clzll((uint64_t)x));
	x <<= shift;
	e -= (int32_t)shift;
	low = (uint64_t)x;
	f.m = (uint64_t)(x >> 64);
	f.e = e + 64;
	return low > UINT64_C(1) << 63 || (low == UINT64_C(1) << 63 && (f.m & 1)) ? round_up(f) : f;
}

/* x / 2^n; bits that fall off leave the last bit set. */
static wide shift_jam(wide x, uint32_t n)
{
	if (n == 0)
		return x;
	if (n > 127)
		return x != 0;
	return x >> n | ((x << (128 - n)) != 0);
}

struct flt flt_add(struct flt a, struct flt b)
{
	wide x, y;

	if (!b.m)
		return a;
	if (!a.m || a.e < b.e)
		return a.m ? flt_add(b, a) : b;
	x = (wide)a.m << 62;
	y = shift_jam((wide)b.m << 62, (uint32_t)(a.e - b.e));
	if (a.neg == b.neg)
		return round_wide(x + y, a.e - 62, a.neg);
	return x >= y ? round_wide(x - y, a.e - 62, a.neg) : round_wide(y - x, a.e - 62, b.neg);
}

struct flt flt_mul(struct flt a, struct flt b)
{
	return round_wide((wide)a.m * b.m, a.e + b.e, a.neg != b.neg);
}

struct flt flt_div(struct flt a, struct flt b)
{
	wide x = (wide)a.m << 64, q = x / b.m, rest = x % b.m;

	q = q << 32 | (rest << 32) / b.m;
	return round_wide(q << 1 | ((rest << 32) % b.m != 0), a.e - b.e - 97, a.neg != b.neg);
}

/* ---- from decimal ---- */

bool big_steps(struct heap *h, uint64_t n)
{
	return heap_steps(h, n * n / 64);
}

static void big_digits(struct big *b, struct dec d)
{
	for (uint32_t i = 0; i < d.n;) {
		uint32_t part = 0, scale = 1;

		for (; i < d.n && scale < 1000000000; i++, scale *= 10)
			part = part * 10 + (uint32_t)(d.digit[i] - '0');
		big_muladd(b, scale, part);
	}
}

static bool big_ok(struct heap *h, const struct big *b)
{
	if (b->bad)
		heap_over(h, REGO_LIMIT_MEMORY);
	return heap_ok(h);
}

bool big_from_dec(struct heap *h, struct big *b, struct dec d)
{
	if (d.exp > (int32_t)(NUM_BITS_MAX / 3)) /* more than 3 bits a digit */
		heap_over(h, REGO_LIMIT_MEMORY);
	if (!heap_ok(h) || (d.exp > 64 && !big_steps(h, (uint64_t)d.exp / 9)))
		return false;
	big_digits(b, d);
	if (d.n)
		big_mul_pow10(b, (uint32_t)d.exp - d.n);
	b->bad |= big_bits(b) > NUM_BITS_MAX;
	return big_ok(h, b);
}

/* b * 2^e, and a little more if `more`. */
static struct flt round_big(const struct big *b, int32_t e, bool more)
{
	size_t bits = big_bits(b), drop = bits > 64 ? bits - 64 : 0;
	struct flt f = { .e = e + (int32_t)bits - 64 };
	bool half = drop && big_bit(b, drop - 1);

	f.m = big_top64(b);
	if (half && (more || (f.m & 1) || big_low_bits(b, drop - 1)))
		f = round_up(f);
	return f;
}

/* n / 10^exp, with enough bits of the quotient to round. */
static struct flt divided(struct big *n, uint32_t exp)
{
	CLEANUP(big_clear) struct big ten, q;
	struct flt f = { 0 };
	size_t shift = 0;

	big_init(&ten);
	big_init(&q);
	big_set(&ten, 1);
	big_mul_pow10(&ten, exp);
	if (big_bits(n) < big_bits(&ten) + 66)
		shift = big_bits(&ten) + 66 - big_bits(n);
	big_shl(n, shift);
	big_divmod(&q, n, &ten);
	n->bad |= q.bad;
	if (!n->bad)
		f = round_big(&q, -(int32_t)shift, n->n != 0);
	return f;
}

bool flt_from_dec(struct heap *h, struct dec d, struct flt *out)
{
	CLEANUP(big_clear) struct big n;
	int64_t exp = (int64_t)d.exp - d.n;
	uint64_t size = d.n + (uint64_t)(exp < 0 ? -exp : exp);
	struct flt f = { 0 };

	big_init(&n);
	if (size > 64 && !big_steps(h, size / 9))
		return false;
	big_digits(&n, d);
	if (exp >= 0)
		big_mul_pow10(&n, (uint32_t)exp);
	if (n.n && exp < 0)
		f = divided(&n, (uint32_t)-exp);
	else if (n.n)
		f = round_big(&n, 0, false);
	if (!big_ok(h, &n))
		return false;
	f.neg = d.neg && f.m;
	*out = f;
	return true;
}

/* ---- to decimal: Steele and White's digit generation (also Knuth's "Dragon4"), margins of half a unit on both sides ---- */

struct digits {
	struct big r, s, margin; /* value = r / s * 10^k, to be had within margin / s */
	bool       edge;         /* the margin itself is near enough */
	int32_t    k;
	uint8_t    digit[24];
	uint32_t   n;
};

/* Is r + margin beyond s (or at it, where the edge counts)? */
static bool reaches(const struct digits *g)
{
	CLEANUP(big_clear) struct big sum;
	int c;

	big_init(&sum);
	big_copy(&sum, &g->r);
	big_add(&sum, &g->margin);
	c = big_cmp(&sum, &g->s);
	return g->edge ? c >= 0 : c > 0;
}

/* Sets up r, s, margin and k so that the value is below 10^k and its first digit, but for rounding, is not 0. */
static void scale(struct digits *g, struct flt f, unsigned bits)
{
	uint32_t up = f.e > 0 ? (uint32_t)f.e : 0, down = f.e < 0 ? (uint32_t)-f.e : 0;
	int64_t log2 = (int64_t)f.e + 63;

	big_set(&g->r, f.m);
	big_shl(&g->r, up + 1);
	big_set(&g->s, 2);
	big_shl(&g->s, down);
	big_set(&g->margin, 1);
	big_shl(&g->margin, up + 64 - bits);
	g->edge = !(f.m >> (64 - bits) & 1);
	g->k = (int32_t)(log2 * (log2 < 0 ? 1292913987 : 1292913986) >> 32); /* log10(2) = 1292913986.03 / 2^32: never too high */
	if (g->k > 0) {
		big_mul_pow10(&g->s, (uint32_t)g->k);
	} else {
		big_mul_pow10(&g->r, (uint32_t)-g->k);
		big_mul_pow10(&g->margin, (uint32_t)-g->k);
	}
	while (!g->s.bad && !g->r.bad && reaches(g)) {
		big_muladd(&g->s, 10, 0);
		g->k++;
	}
}

/* The rest r of the last digit d lies within the margin below, above, or both: then the nearer. */
static uint8_t last_digit(struct digits *g, uint8_t d, bool low, bool high)
{
	int c;

	if (low != high)
		return (uint8_t)(d + high);
	big_shl(&g->r, 1);
	c = big_cmp(&g->r, &g->s);
	return (uint8_t)(d + (c > 0 || (c == 0 && (d & 1))));
}

static void generate(struct digits *g)
{
	bool low = false, high = false;

	while (!low && !high && g->n < sizeof(g->digit) && !g->r.bad && !g->margin.bad) {
		uint8_t d = 0;
		int c;

		big_muladd(&g->r, 10, 0);
		big_muladd(&g->margin, 10, 0);
		for (; big_cmp(&g->r, &g->s) >= 0; d++)
			big_sub(&g->r, &g->s);
		c = big_cmp(&g->r, &g->margin);
		low = g->edge ? c <= 0 : c < 0;
		high = reaches(g);
		if (low || high)
			d = last_digit(g, d, low, high);
		g->digit[g->n++] = (uint8_t)('0' + d);
	}
}

static bool is_integer(struct flt f)
{
	return f.e >= 0 || (f.e > -64 && (f.m & ((UINT64_C(1) << -f.e) - 1)) == 0);
}

/* As %g with the shortest precision: an exponent below 1e-4 and from 1e6 up, of two digits at least. */
static struct val with_text(struct heap *h, struct dec d)
{
	char buf[64], *p = buf;
	int32_t x = d.exp - 1;

	if (d.neg)
		*p++ = '-';
	if (x < -4 || x >= 6) {
		p += snprintf(p, 40, d.n > 1 ? "%c.%.*s" : "%c", d.digit[0], (int)d.n - 1, (const char *)d.digit + 1);
		p += snprintf(p, 20, "e%c%02d", x < 0 ? '-' : '+', x < 0 ? -x : x);
	} else if (d.exp <= 0) {
		p += snprintf(p, 40, "0.%.*s%.*s", -d.exp, "0000", (int)d.n, (const char *)d.digit);
	} else {
		p += snprintf(p, 40, "%.*s.%.*s", d.exp, (const char *)d.digit, (int)d.n - d.exp, (const char *)d.digit + d.exp);
	}
	return num_make(h, (struct num_form){ d, false, { (const uint8_t *)buf, (size_t)(p - buf) } });
}

struct val flt_value(struct heap *h, struct flt f, unsigned bits)
{
	struct val v = VAL_UNDEF;
	struct digits g = { 0 };
	uint64_t size = (uint64_t)(f.e < 0 ? -(int64_t)f.e : f.e);

	if (!f.m)
		return val_int(h, 0);
	if (size > (uint64_t)NUM_EXP_MAX * 10 / 3)
		heap_over(h, REGO_LIMIT_MEMORY);
	if (!heap_ok(h) || (size > 256 && !big_steps(h, size / 32)))
		return v;
	big_init(&g.r);
	big_init(&g.s);
	big_init(&g.margin);
	scale(&g, f, bits);
	generate(&g);
	g.r.bad |= g.s.bad || g.margin.bad;
	if (big_ok(h, &g.r)) {
		struct dec d = { g.digit, g.n, g.k, f.neg };

		v = is_integer(f) ? num_make(h, (struct num_form){ .d = d, .whole = true }) : with_text(h, d);
	}
	big_clear(&g.r);
	big_clear(&g.s);
	big_clear(&g.margin);
	return v;
}

/* ---- integers back to decimal ---- */

struct val big_value(struct heap *h, const struct big *b, bool neg)
{
	CLEANUP(big_clear) struct big x;
	CLEANUP(freep) uint8_t *digit = NULL;
	size_t room = ((size_t)b->n + 1) * 10, at = room;

	big_init(&x);
	big_copy(&x, b);
	if (!big_ok(h, &x) || big_bits(b) > NUM_BITS_MAX || (b->n > 8 && !big_steps(h, b->n))) {
		heap_over(h, REGO_LIMIT_MEMORY);
		return VAL_UNDEF;
	}
	digit = malloc(room);
	if (!digit) {
		heap_over(h, REGO_SYSTEM);
		return VAL_UNDEF;
	}
	while (x.n) {
		uint32_t part = big_divsmall(&x, 1000000000);

		for (int i = 0; i < 9; i++, part /= 10)
			digit[--at] = (uint8_t)('0' + part % 10);
	}
	return num_make(h, (struct num_form){ .d = { digit + at, (uint32_t)(room - at), (int32_t)(room - at), neg }, .whole = true });
}
