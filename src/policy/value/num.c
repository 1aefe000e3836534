/* Numbers as values: making them from text, comparing, hashing, printing. Arithmetic is in calc.c. */
#include "policy/value/num.h"

#include "policy/value/node.h"

/* ---- the decimal view ---- */

struct dec num_dec(struct val v, uint8_t buf[static 20])
{
	struct dec d = { .digit = buf + 20, .neg = small_of(v) < 0 };
	uint64_t x = d.neg ? -(uint64_t)small_of(v) : (uint64_t)small_of(v);

	if (tag_of(v) == TAG_NUM) {
		const struct num_node *o = num_node(v);

		return (struct dec){ o->digit, o->n, o->exp, o->neg };
	}
	for (; x; x /= 10) {
		buf[19 - d.n++] = (uint8_t)('0' + x % 10);
		d.digit--;
	}
	d.exp = (int32_t)d.n;
	while (d.n && d.digit[d.n - 1] == '0')
		d.n--;
	return d;
}

static struct dec trimmed(struct dec d)
{
	for (; d.n && d.digit[0] == '0'; d.digit++, d.n--)
		d.exp--;
	while (d.n && d.digit[d.n - 1] == '0')
		d.n--;
	if (!d.n)
		d.exp = 0;
	return d;
}

/* The integer of at most 19 digits before the point (others: false). */
static bool dec_int64(struct dec d, int64_t *out)
{
	uint64_t x = 0;

	if (d.exp < (int64_t)d.n || d.exp > 19)
		return false;
	for (int32_t i = 0; i < d.exp; i++)
		x = x * 10 + (i < (int64_t)d.n ? (uint64_t)(d.digit[i] - '0') : 0);
	if (x > (uint64_t)INT64_MAX + d.neg)
		return false;
	*out = d.neg ? (int64_t)-x : (int64_t)x;
	return true;
}

/* ---- hashing: the value modulo the prime 2^61 - 1, where a fraction has its inverse: 1 and 1.0 need no common form ---- */

#define PRIME   ((UINT64_C(1) << 61) - 1)
#define TENTH   UINT64_C(2075258708292324556) /* 10 * TENTH = 1 (mod PRIME) */

__extension__ typedef unsigned __int128 wide;

static uint64_t mul_mod(uint64_t a, uint64_t b)
{
	wide x = (wide)a * b;
	uint64_t sum = (uint64_t)(x & PRIME) + (uint64_t)(x >> 61);

	return sum >= PRIME ? sum - PRIME : sum;
}

static uint32_t hash_residue(uint64_t r, bool neg)
{
	return mix64(r << 1 | (neg && r));
}

static uint32_t hash_dec(struct dec d)
{
	uint64_t r = 0, ten = 10;
	int64_t exp = (int64_t)d.exp - d.n;

	for (size_t i = 0; i < d.n; i++)
		r = (mul_mod(r, 10) + (uint64_t)(d.digit[i] - '0')) % PRIME;
	if (exp < 0) {
		ten = TENTH;
		exp = -exp;
	}
	for (; exp; exp /= 2, ten = mul_mod(ten, ten))
		if (exp & 1)
			r = mul_mod(r, ten);
	return hash_residue(r, d.neg);
}

uint32_t num_hash(struct val v)
{
	int64_t i = small_of(v);

	if (tag_of(v) == TAG_NUM)
		return num_node(v)->hash;
	return tag_of(v) == TAG_INT ? hash_residue(i < 0 ? -(uint64_t)i : (uint64_t)i, i < 0) : 0;
}

/* ---- making ---- */

struct val num_make(struct heap *h, struct num_form f)
{
	struct dec d = trimmed(f.d);
	struct num_node *o;
	uint8_t *bytes;
	int64_t i;

	if (!heap_ok(h))
		return VAL_UNDEF;
	if (f.whole && dec_int64(d, &i) && i >= SMALL_MIN && i <= SMALL_MAX)
		return small_val(i);
	o = heap_alloc(h, sizeof(*o) + d.n + f.text.n);
	if (!o)
		return VAL_UNDEF;
	bytes = (uint8_t *)(o + 1);
	*o = (struct num_node){ d.n, hash_dec(d), d.exp, d.neg, f.whole, bytes, { bytes + d.n, f.text.n } };
	if (d.n)
		memcpy(bytes, d.digit, d.n);
	if (f.text.n)
		memcpy(bytes + d.n, f.text.p, f.text.n);
	return val_node(o, TAG_NUM);
}

struct val num_copy(struct heap *h, struct val v)
{
	uint8_t buf[20];

	return num_make(h, (struct num_form){ num_dec(v, buf), num_node(v)->whole, num_node(v)->text });
}

static struct val from_u64(struct heap *h, uint64_t x, bool neg)
{
	uint8_t buf[20];
	uint32_t n = 0;

	for (; x; x /= 10)
		buf[19 - n++] = (uint8_t)('0' + x % 10);
	return num_make(h, (struct num_form){ .d = { buf + 20 - n, n, (int32_t)n, neg }, .whole = true });
}

struct val num_from_u64(struct heap *h, uint64_t v)
{
	return heap_ok(h) && v <= SMALL_MAX ? small_val((int64_t)v) : from_u64(h, v, false);
}

struct val val_int(struct heap *h, int64_t i)
{
	if (heap_ok(h) && i >= SMALL_MIN && i <= SMALL_MAX)
		return small_val(i);
	return from_u64(h, i < 0 ? -(uint64_t)i : (uint64_t)i, i < 0);
}

bool val_int64(struct val v, int64_t *out)
{
	uint8_t buf[20];

	if (tag_of(v) == TAG_NUM)
		return dec_int64(num_dec(v, buf), out);
	if (tag_of(v) == TAG_INT)
		*out = small_of(v);
	return tag_of(v) == TAG_INT;
}

/* ---- literals (RFC 8259 section 6) ---- */

static bool digit_at(struct span s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static size_t digits_from(struct span s, size_t i)
{
	while (digit_at(s, i))
		i++;
	return i;
}

/* The exponent that starts at i ("e" or "E"); false if it is malformed, too large or not the rest of s. */
static bool exponent(struct span s, size_t i, int32_t *out)
{
	bool neg = i + 1 < s.n && s.p[i + 1] == '-';
	int64_t e = 0;

	i += i + 1 < s.n && (s.p[i + 1] == '-' || s.p[i + 1] == '+') ? 2 : 1;
	if (!digit_at(s, i))
		return false;
	for (; digit_at(s, i) && e <= NUM_EXP_MAX; i++)
		e = e * 10 + s.p[i] - '0';
	*out = (int32_t)(neg ? -e : e);
	return i == s.n && e <= NUM_EXP_MAX;
}

/* All that is in a literal but up to 18 digits. */
static struct val parse_long(struct heap *h, struct span s, uint8_t digit[static NUM_TEXT_MAX])
{
	struct num_form f = { .text = s };
	size_t start = s.n && s.p[0] == '-', point = digits_from(s, start), end = point;
	int32_t exp = 0;

	if (point == start || (s.p[start] == '0' && point > start + 1))
		return VAL_UNDEF;
	memcpy(digit, s.p + start, point - start);
	f.d = (struct dec){ digit, (uint32_t)(point - start), (int32_t)(point - start), start == 1 };
	if (point < s.n && s.p[point] == '.') {
		end = digits_from(s, point + 1);
		if (end == point + 1)
			return VAL_UNDEF;
		memcpy(digit + f.d.n, s.p + point + 1, end - point - 1);
		f.d.n += (uint32_t)(end - point - 1);
	}
	if (end < s.n && ((s.p[end] != 'e' && s.p[end] != 'E') || !exponent(s, end, &exp)))
		return VAL_UNDEF;
	f.d.exp += exp;
	f.whole = point == s.n;
	if (f.whole)
		f.text = (struct span){ 0 };
	return num_make(h, f);
}

struct val num_parse(struct heap *h, struct span s)
{
	size_t start = s.n && s.p[0] == '-', n = s.n - start;
	uint8_t digit[NUM_TEXT_MAX];
	int64_t v = 0;

	if (s.n > NUM_TEXT_MAX || !heap_ok(h))
		return VAL_UNDEF;
	if (n == 0 || n > 17 || digits_from(s, start) != s.n || (s.p[start] == '0' && n > 1))
		return parse_long(h, s, digit);
	for (size_t i = start; i < s.n; i++)
		v = v * 10 + s.p[i] - '0';
	return small_val(start ? -v : v);
}

/* ---- order ---- */

static int sign_of(struct dec d)
{
	return d.n == 0 ? 0 : d.neg ? -1 : 1;
}

static int dec_cmp(struct dec a, struct dec b)
{
	uint32_t n = a.n < b.n ? a.n : b.n;
	int s = sign_of(a), c;

	if (s != sign_of(b))
		return s < sign_of(b) ? -1 : 1;
	if (s == 0)
		return 0;
	if (a.exp != b.exp)
		return a.exp < b.exp ? -s : s;
	c = memcmp(a.digit, b.digit, n); /* public: numbers of a policy */
	if (c == 0)
		c = (a.n > b.n) - (a.n < b.n);
	return c < 0 ? -s : c > 0 ? s : 0;
}

int num_cmp(struct val a, struct val b)
{
	uint8_t x[20], y[20];

	if (tag_of(a) == TAG_INT && tag_of(b) == TAG_INT)
		return (small_of(a) > small_of(b)) - (small_of(a) < small_of(b));
	return dec_cmp(num_dec(a, x), num_dec(b, y));
}

bool num_is_int(struct val v)
{
	return tag_of(v) == TAG_INT || (tag_of(v) == TAG_NUM && num_node(v)->exp >= (int64_t)num_node(v)->n);
}

int num_sign(struct val v)
{
	uint8_t buf[20];

	return sign_of(num_dec(v, buf));
}

size_t num_digits(struct val v)
{
	uint8_t buf[20];
	struct dec d = num_dec(v, buf);

	return d.exp > 0 ? (size_t)d.exp : 0;
}

/* ---- text ---- */

void num_put(struct wr *w, struct val v)
{
	uint8_t buf[20];
	struct dec d = num_dec(v, buf);

	if (tag_of(v) == TAG_NUM && !num_node(v)->whole) {
		wr_put(w, num_node(v)->text);
		return;
	}
	if (d.neg)
		wr_u8(w, '-');
	if (d.n == 0)
		wr_u8(w, '0');
	wr_put(w, (struct span){ d.digit, d.n });
	for (int64_t i = d.n; i < d.exp && wr_ok(w); i++)
		wr_u8(w, '0');
}
