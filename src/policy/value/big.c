#include "policy/value/big.h"

#include <stdlib.h>
#include <string.h>

void big_init(struct big *b)
{
	b->p = b->room;
	b->n = 0;
	b->cap = BIG_INLINE;
	b->bad = false;
}

void big_clear(struct big *b)
{
	if (b->p != b->room)
		free(b->p);
	big_init(b);
}

bool big_room(struct big *b, size_t n)
{
	size_t cap = b->cap;
	uint32_t *p;

	if (n <= cap && !b->bad)
		return true;
	while (cap < n)
		cap *= 2;
	p = b->bad || n > BIG_LIMBS_MAX ? NULL : malloc(cap * sizeof(*p));
	if (!p) {
		b->bad = true;
		b->n = 0;
		return false;
	}
	memcpy(p, b->p, b->n * sizeof(*p));
	if (b->p != b->room)
		free(b->p);
	b->p = p;
	b->cap = (uint32_t)cap;
	return true;
}

void big_trim(struct big *b)
{
	while (b->n && b->p[b->n - 1] == 0)
		b->n--;
}

void big_set(struct big *b, uint64_t v)
{
	b->p[0] = (uint32_t)v;
	b->p[1] = (uint32_t)(v >> 32);
	b->n = 2;
	big_trim(b);
}

void big_copy(struct big *to, const struct big *from)
{
	to->bad |= from->bad;
	if (!big_room(to, from->n))
		return;
	memcpy(to->p, from->p, from->n * sizeof(*to->p));
	to->n = from->n;
}

void big_swap(struct big *a, struct big *b)
{
	struct big x = *a;
	bool a_in = a->p == a->room, b_in = b->p == b->room;

	*a = *b;
	*b = x;
	if (b_in)
		a->p = a->room;
	if (a_in)
		b->p = b->room;
}

int big_cmp(const struct big *a, const struct big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (size_t i = a->n; i-- > 0;)
		if (a->p[i] != b->p[i])
			return a->p[i] < b->p[i] ? -1 : 1;
	return 0;
}

size_t big_bits(const struct big *b)
{
	return b->n ? (size_t)b->n * 32 - (size_t)__builtin_clz(b->p[b->n - 1]) : 0;
}

bool big_bit(const struct big *b, size_t i)
{
	return i / 32 < b->n && (b->p[i / 32] >> i % 32 & 1);
}

bool big_low_bits(const struct big *b, size_t n)
{
	size_t whole = n / 32 < b->n ? n / 32 : b->n;

	for (size_t i = 0; i < whole; i++)
		if (b->p[i])
			return true;
	return whole < b->n && n % 32 && (b->p[whole] & ((UINT32_C(1) << n % 32) - 1));
}

uint64_t big_top64(const struct big *b)
{
	uint64_t limb[3] = { 0 }, top;
	unsigned shift;

	for (uint32_t i = 0; i < 3 && i < b->n; i++)
		limb[i] = b->p[b->n - 1 - i];
	top = limb[0] << 32 | limb[1];
	shift = top ? (unsigned)__builtin_clzll(top) : 0; /* below 32: the highest limb is not zero */
	return shift ? top << shift | limb[2] >> (32 - shift) : top;
}

bool big_u64(const struct big *b, uint64_t *out)
{
	if (b->n > 2 || b->bad)
		return false;
	*out = (b->n > 1 ? (uint64_t)b->p[1] << 32 : 0) | (b->n ? b->p[0] : 0);
	return true;
}

void big_muladd(struct big *b, uint32_t mul, uint32_t add)
{
	uint64_t carry = add;

	if (!big_room(b, (size_t)b->n + 1))
		return;
	for (size_t i = 0; i < b->n; i++) {
		carry += (uint64_t)b->p[i] * mul;
		b->p[i] = (uint32_t)carry;
		carry >>= 32;
	}
	b->p[b->n++] = (uint32_t)carry;
	big_trim(b);
}

uint32_t big_divsmall(struct big *b, uint32_t by)
{
	uint64_t rest = 0;

	for (size_t i = b->n; i-- > 0;) {
		rest = rest << 32 | b->p[i];
		b->p[i] = (uint32_t)(rest / by);
		rest %= by;
	}
	big_trim(b);
	return (uint32_t)rest;
}

void big_add(struct big *b, const struct big *x)
{
	size_t n = (b->n > x->n ? b->n : x->n) + (size_t)1;
	uint64_t carry = 0;

	b->bad |= x->bad;
	if (!big_room(b, n))
		return;
	memset(b->p + b->n, 0, (n - b->n) * sizeof(*b->p));
	for (size_t i = 0; i < n; i++) {
		carry += (uint64_t)b->p[i] + (i < x->n ? x->p[i] : 0);
		b->p[i] = (uint32_t)carry;
		carry >>= 32;
	}
	b->n = (uint32_t)n;
	big_trim(b);
}

void big_sub(struct big *b, const struct big *x)
{
	int64_t carry = 0;

	b->bad |= x->bad;
	for (size_t i = 0; i < b->n; i++) {
		carry += (int64_t)b->p[i] - (i < x->n ? x->p[i] : 0);
		b->p[i] = (uint32_t)carry;
		carry >>= 32;
	}
	big_trim(b);
}

void big_shl(struct big *b, size_t n)
{
	size_t limbs = n / 32, bits = n % 32, len = b->n;

	if (!len || !big_room(b, len + limbs + 1))
		return;
	memmove(b->p + limbs, b->p, len * sizeof(*b->p));
	memset(b->p, 0, limbs * sizeof(*b->p));
	b->p[limbs + len] = 0;
	b->n = (uint32_t)(limbs + len + 1);
	for (size_t i = b->n; bits && i-- > limbs;)
		b->p[i] = b->p[i] << bits | (i > limbs ? b->p[i - 1] >> (32 - bits) : 0);
	big_trim(b);
}

void big_shr(struct big *b, size_t n)
{
	size_t limbs = n / 32, bits = n % 32;

	if (limbs >= b->n) {
		b->n = 0;
		return;
	}
	b->n -= (uint32_t)limbs;
	memmove(b->p, b->p + limbs, b->n * sizeof(*b->p));
	for (size_t i = 0; bits && i < b->n; i++)
		b->p[i] = b->p[i] >> bits | (i + 1 < b->n ? b->p[i + 1] << (32 - bits) : 0);
	big_trim(b);
}

void big_mul(struct big *out, const struct big *a, const struct big *b)
{
	size_t n = (size_t)a->n + b->n;

	out->bad |= a->bad || b->bad;
	if (!big_room(out, n))
		return;
	memset(out->p, 0, n * sizeof(*out->p));
	for (size_t i = 0; i < a->n; i++) {
		uint64_t carry = 0;

		for (size_t j = 0; j < b->n; j++) {
			carry += (uint64_t)a->p[i] * b->p[j] + out->p[i + j];
			out->p[i + j] = (uint32_t)carry;
			carry >>= 32;
		}
		out->p[i + b->n] = (uint32_t)carry;
	}
	out->n = (uint32_t)n;
	big_trim(out);
}

/* Takes q times v (n limbs) from u (n + 1 limbs); true if that was once too often. */
static bool sub_times(uint32_t *u, const uint32_t *v, size_t n, uint64_t q)
{
	uint64_t carry = 0;
	int64_t diff = 0;

	for (size_t i = 0; i < n; i++) {
		carry += q * v[i];
		diff += (int64_t)u[i] - (int64_t)(uint32_t)carry;
		u[i] = (uint32_t)diff;
		diff >>= 32;
		carry >>= 32;
	}
	diff += (int64_t)u[n] - (int64_t)carry;
	u[n] = (uint32_t)diff;
	return diff < 0;
}

static void add_back(uint32_t *u, const uint32_t *v, size_t n)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < n; i++) {
		carry += (uint64_t)u[i] + v[i];
		u[i] = (uint32_t)carry;
		carry >>= 32;
	}
	u[n] += (uint32_t)carry;
}

/* One digit of the quotient, guessed from the two highest limbs of u and v and mended (Knuth, volume 2, 4.3.1 D3 to D6). */
static uint32_t quotient_limb(uint32_t *u, const uint32_t *v, size_t n)
{
	uint64_t top = (uint64_t)u[n] << 32 | u[n - 1], q = top / v[n - 1], rest = top % v[n - 1];

	while (q >> 32 || q * v[n - 2] > (rest << 32 | u[n - 2])) {
		q--;
		rest += v[n - 1];
		if (rest >> 32)
			break;
	}
	if (sub_times(u, v, n, q)) {
		q--;
		add_back(u, v, n);
	}
	return (uint32_t)q;
}

static void div_long(struct big *q, struct big *rest, const struct big *by)
{
	unsigned shift = (unsigned)__builtin_clz(by->p[by->n - 1]);
	size_t n = by->n, m = rest->n - n;
	struct big v;

	big_init(&v);
	big_copy(&v, by);
	big_shl(&v, shift);
	if (big_room(rest, (size_t)rest->n + 2) && big_room(q, m + 1) && !v.bad) {
		size_t len = rest->n;

		big_shl(rest, shift);
		if (rest->n == len) /* the limb above, which the algorithm wants */
			rest->p[rest->n++] = 0;
		for (size_t i = m + 1; i-- > 0;)
			q->p[i] = quotient_limb(rest->p + i, v.p, n);
		q->n = (uint32_t)(m + 1);
		rest->n = (uint32_t)n;
		big_trim(q);
		big_trim(rest);
		big_shr(rest, shift);
	}
	q->bad |= v.bad || rest->bad;
	big_clear(&v);
}

void big_divmod(struct big *q, struct big *rest, const struct big *by)
{
	q->bad |= rest->bad || by->bad || by->n == 0;
	q->n = 0;
	if (q->bad || big_cmp(rest, by) < 0)
		return;
	if (by->n == 1) {
		big_copy(q, rest);
		big_set(rest, big_divsmall(q, by->p[0]));
		return;
	}
	div_long(q, rest, by);
}

/* Large powers by squaring, so that two long multiplications do most of the work. */
void big_mul_pow10(struct big *b, uint32_t exp)
{
	struct big pow, square;

	for (; exp % 64 >= 9; exp -= 9)
		big_muladd(b, 1000000000, 0);
	for (; exp % 64; exp--)
		big_muladd(b, 10, 0);
	if (!exp)
		return;
	big_init(&pow);
	big_init(&square);
	big_set(&pow, 1);
	big_mul_pow10(&pow, 63);
	big_muladd(&pow, 10, 0);
	for (exp /= 64; exp; exp /= 2) {
		if (exp & 1) {
			big_mul(&square, b, &pow);
			big_swap(b, &square);
		}
		if (exp > 1) {
			big_mul(&square, &pow, &pow);
			big_swap(&pow, &square);
		}
	}
	big_clear(&pow);
	big_clear(&square);
}
