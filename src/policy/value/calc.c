/* Arithmetic: small integers by the machine, larger ones by big.h, everything else by flt.h. */
#include <math.h>
#include <stdio.h>

#include "base/own.h"
#include "policy/value/flt.h"
#include "policy/value/num.h"

#define FLOAT_STEPS 40 /* what takes as long as so many steps: shortest text of a result, or whole numbers beyond a word */

/* ---- integers ---- */

struct signed_big {
	struct big b;
	bool       neg;
};

static bool load(struct heap *h, struct signed_big *x, struct val v)
{
	uint8_t buf[20];
	struct dec d = num_dec(v, buf);

	x->neg = d.neg;
	return big_from_dec(h, &x->b, d);
}

static void sum(struct signed_big *a, struct signed_big *b, struct signed_big *out)
{
	bool less = big_cmp(&a->b, &b->b) < 0;

	out->neg = less ? b->neg : a->neg;
	big_copy(&out->b, less ? &b->b : &a->b);
	if (a->neg == b->neg)
		big_add(&out->b, less ? &a->b : &b->b);
	else
		big_sub(&out->b, less ? &a->b : &b->b);
}

static struct flt flt_of(struct heap *h, struct val v)
{
	struct flt f = { 0 };
	uint8_t buf[20];

	if (!flt_from_dec(h, num_dec(v, buf), &f))
		return (struct flt){ 0 };
	return f;
}

static struct val float_arith(struct heap *h, enum num_op op, struct val a, struct val b)
{
	struct flt x = flt_of(h, a), y = flt_of(h, b);

	if (!heap_ok(h))
		return VAL_UNDEF;
	if (op == NUM_SUB)
		y.neg = !y.neg;
	if (op == NUM_MUL)
		return flt_value(h, flt_mul(x, y), 64);
	if (op == NUM_DIV)
		return flt_value(h, flt_div(x, y), 64);
	return flt_value(h, flt_add(x, y), 64);
}

/* Quotient or remainder; a quotient that leaves a rest is a float. */
static struct val divide(struct heap *h, enum num_op op, const struct val v[2], struct signed_big x[3])
{
	bool exact;

	big_divmod(&x[2].b, &x[0].b, &x[1].b);
	exact = x[0].b.n == 0;
	if (op == NUM_REM)
		return big_value(h, &x[0].b, x[0].neg);
	return exact ? big_value(h, &x[2].b, x[0].neg != x[1].neg) : float_arith(h, op, v[0], v[1]);
}

static struct val big_arith(struct heap *h, enum num_op op, struct val a, struct val b)
{
	struct signed_big x[3]; /* a, b, result */
	struct val v = VAL_UNDEF;

	for (int i = 0; i < 3; i++)
		big_init(&x[i].b);
	if (load(h, &x[0], a) && load(h, &x[1], b) && big_steps(h, x[0].b.n + x[1].b.n)) {
		if (op == NUM_SUB)
			x[1].neg = !x[1].neg;
		if (op == NUM_ADD || op == NUM_SUB)
			sum(&x[0], &x[1], &x[2]);
		else if (op == NUM_MUL)
			big_mul(&x[2].b, &x[0].b, &x[1].b);
		if (op == NUM_MUL)
			x[2].neg = x[0].neg != x[1].neg;
		v = op == NUM_DIV || op == NUM_REM ? divide(h, op, (struct val[2]){ a, b }, x) : big_value(h, &x[2].b, x[2].neg);
	}
	for (int i = 0; i < 3; i++)
		big_clear(&x[i].b);
	return v;
}

/* Both small; false when the result is not. */
static bool small_arith(struct heap *h, enum num_op op, const int64_t x[2], struct val *out)
{
	int64_t r = 0;

	switch (op) {
	case NUM_ADD:
		r = x[0] + x[1];
		break;
	case NUM_SUB:
		r = x[0] - x[1];
		break;
	case NUM_MUL:
		if (__builtin_mul_overflow(x[0], x[1], &r))
			return false;
		break;
	case NUM_DIV:
		if (x[0] % x[1])
			return false;
		r = x[0] / x[1];
		break;
	case NUM_REM:
		r = x[0] % x[1];
		break;
	}
	*out = val_int(h, r);
	return true;
}

/* An integer to calculate with exactly: in plain notation, or a float that is one and not large. */
static bool exact_int(struct val v)
{
	return tag_of(v) == TAG_INT || (num_is_int(v) && (num_node(v)->whole || num_node(v)->exp <= 19));
}

enum num_rc num_arith(struct heap *h, enum num_op op, struct val a, struct val b, struct val *out)
{
	bool small = tag_of(a) == TAG_INT && tag_of(b) == TAG_INT;

	if (op == NUM_REM && (!num_is_int(a) || !num_is_int(b)))
		return NUM_NOT_INT;
	if ((op == NUM_DIV || op == NUM_REM) && num_sign(b) == 0)
		return NUM_DIV_ZERO;
	if (small && small_arith(h, op, (int64_t[2]){ small_of(a), small_of(b) }, out))
		return NUM_OK;
	if (!heap_steps(h, FLOAT_STEPS))
		return NUM_RANGE;
	if (op == NUM_REM || (exact_int(a) && exact_int(b) && !(small && op == NUM_DIV)))
		*out = big_arith(h, op, a, b);
	else
		*out = float_arith(h, op, a, b);
	return heap_ok(h) ? NUM_OK : NUM_RANGE;
}

/* ---- rounding, sign ---- */

static struct val add_one(struct heap *h, struct val v, bool neg)
{
	struct val out = VAL_UNDEF;

	return num_arith(h, neg ? NUM_SUB : NUM_ADD, v, val_int(h, 1), &out) == NUM_OK ? out : VAL_UNDEF;
}

enum num_rc num_round(struct heap *h, int how, struct val a, struct val *out)
{
	uint8_t buf[20];
	struct dec d = num_dec(a, buf);
	bool away = how == 0 ? d.exp >= 0 && d.n > (uint32_t)d.exp && d.digit[d.exp] >= '5' : (how < 0) == d.neg;

	*out = a;
	if (num_is_int(a)) /* 1e2 becomes 100, what is larger stays as it is written */
		*out = d.exp <= 64 ? num_make(h, (struct num_form){ .d = d, .whole = true }) : a;
	if (num_is_int(a))
		return heap_ok(h) ? NUM_OK : NUM_RANGE;
	d.n = d.exp > 0 ? (uint32_t)d.exp : 0;
	*out = num_make(h, (struct num_form){ .d = d, .whole = true });
	if (away)
		*out = add_one(h, *out, d.neg);
	return heap_ok(h) ? NUM_OK : NUM_RANGE;
}

struct val num_neg(struct heap *h, struct val a)
{
	struct num_form f = { 0 };
	CLEANUP(freep) uint8_t *text = NULL;
	struct span s;

	if (tag_of(a) == TAG_INT)
		return val_int(h, -small_of(a));
	f = (struct num_form){ num_dec(a, (uint8_t[20]){ 0 }), num_node(a)->whole, num_node(a)->text };
	f.d.neg = !f.d.neg && f.d.n;
	if (f.whole)
		return num_make(h, f);
	s = f.text;
	if (s.p[0] == '-') {
		f.text = span_skip(s, 1);
		return num_make(h, f);
	}
	text = malloc(s.n + 1);
	if (!text) {
		heap_over(h, REGO_SYSTEM);
		return VAL_UNDEF;
	}
	text[0] = '-';
	memcpy(text + 1, s.p, s.n);
	f.text = (struct span){ text, s.n + 1 };
	return num_make(h, f);
}

struct val num_abs(struct heap *h, struct val a)
{
	return num_sign(a) < 0 ? num_neg(h, a) : a;
}

/* ---- bits: two's complement with as many sign bits as it takes ---- */

/* x as n limbs. */
static bool to_complement(struct signed_big *x, size_t n)
{
	uint64_t carry = x->neg;

	if (!big_room(&x->b, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t limb = i < x->b.n ? x->b.p[i] : 0;

		carry += x->neg ? ~limb : limb;
		x->b.p[i] = (uint32_t)carry;
		carry >>= 32;
	}
	x->b.n = (uint32_t)n;
	return true;
}

static void from_complement(struct signed_big *x)
{
	uint64_t carry = 1;

	x->neg = x->b.n && x->b.p[x->b.n - 1] >> 31;
	for (size_t i = 0; x->neg && i < x->b.n; i++) {
		carry += (uint32_t)~x->b.p[i];
		x->b.p[i] = (uint32_t)carry;
		carry >>= 32;
	}
	big_trim(&x->b);
}

static void combine(enum num_bits op, struct signed_big *a, struct signed_big *b)
{
	size_t n = (a->b.n > b->b.n ? a->b.n : b->b.n) + (size_t)1;

	if (!to_complement(a, n) || !to_complement(b, n))
		return;
	for (size_t i = 0; i < n; i++) {
		uint32_t x = a->b.p[i], y = b->b.p[i];

		a->b.p[i] = op == NUM_AND ? x & y : op == NUM_OR ? x | y : x ^ y;
	}
	from_complement(a);
}

/* Right shifts of negative numbers round down, as they do in two's complement. */
static void shift(struct heap *h, enum num_bits op, struct signed_big *a, uint64_t by)
{
	struct big one;

	if (op == NUM_SHL && a->b.n && by > NUM_BITS_MAX)
		heap_over(h, REGO_LIMIT_MEMORY);
	if (op == NUM_SHL) {
		if (by <= NUM_BITS_MAX)
			big_shl(&a->b, by);
		return;
	}
	by = by > NUM_BITS_MAX ? NUM_BITS_MAX : by;
	big_init(&one);
	big_set(&one, a->neg && big_low_bits(&a->b, by));
	big_shr(&a->b, by);
	big_add(&a->b, &one);
	big_clear(&one);
}

enum num_rc num_bitop(struct heap *h, enum num_bits op, struct val a, struct val b, struct val *out)
{
	struct signed_big x, y;
	uint64_t by = UINT64_MAX;
	enum num_rc rc = NUM_OK;

	if (!num_is_int(a) || !num_is_int(b))
		return NUM_NOT_INT;
	if ((op == NUM_SHL || op == NUM_SHR) && num_sign(b) < 0)
		return NUM_RANGE;
	big_init(&x.b);
	big_init(&y.b);
	if (load(h, &x, a) && load(h, &y, b)) {
		if (!big_u64(&y.b, &by))
			by = UINT64_MAX;
		if (op == NUM_SHL || op == NUM_SHR)
			shift(h, op, &x, by);
		else
			combine(op, &x, &y);
		*out = heap_ok(h) ? big_value(h, &x.b, x.neg) : VAL_UNDEF;
	}
	if (!heap_ok(h))
		rc = NUM_RANGE;
	big_clear(&x.b);
	big_clear(&y.b);
	return rc;
}

/* ~a = -a - 1 */
enum num_rc num_not(struct heap *h, struct val a, struct val *out)
{
	if (!num_is_int(a))
		return NUM_NOT_INT;
	if (!exact_int(a)) {
		heap_over(h, REGO_LIMIT_MEMORY);
		return NUM_RANGE;
	}
	return num_arith(h, NUM_SUB, num_neg(h, a), val_int(h, 1), out);
}

/* ---- other notations ---- */

bool num_put_base(struct wr *w, struct val v, unsigned base)
{
	CLEANUP(big_clear) struct big b;
	CLEANUP(freep) uint8_t *text = NULL;
	uint8_t buf[20];
	struct dec d = num_dec(v, buf);
	size_t room, at;

	big_init(&b);
	if (!num_is_int(v) || base < 2 || base > 36 || d.exp > (int32_t)(NUM_BITS_MAX / 3))
		return false;
	for (int32_t i = 0; i < d.exp; i++)
		big_muladd(&b, 10, i < (int64_t)d.n ? d.digit[i] - '0' : 0);
	room = at = big_bits(&b) + 1;
	text = malloc(room);
	if (!text || b.bad) {
		w->bad = true;
		return true;
	}
	do
		text[--at] = (uint8_t)"0123456789abcdefghijklmnopqrstuvwxyz"[big_divsmall(&b, base)];
	while (b.n);
	if (d.neg)
		wr_u8(w, '-');
	wr_put(w, (struct span){ text + at, room - at });
	return true;
}

/* Seventeen digits decide but for ties, which need all of them; strtod rounds correctly. */
double num_to_double(struct val v)
{
	uint8_t buf[20];
	struct dec d = num_dec(v, buf);
	CLEANUP(freep) char *text = NULL;
	double out = 0;

	if (d.n == 0)
		return 0;
	text = str_fmt("%s0.%.*se%d", d.neg ? "-" : "", (int)d.n, (const char *)d.digit, d.exp);
	if (text)
		out = strtod(text, NULL);
	return out;
}

struct val num_from_double(struct heap *h, double d)
{
	int e = 0;
	double m = frexp(d < 0 ? -d : d, &e);
	struct flt f = { (uint64_t)ldexp(m, 53) << 11, e - 64, d < 0 };

	return flt_value(h, f, 53);
}
