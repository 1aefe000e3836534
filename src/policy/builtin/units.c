/* Amounts with a unit: "1.5Gi", "250m", "10KB". Exact: the decimal is kept as digits and an exponent. */
#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "policy/builtin/text.h"
#include "policy/value/num.h"

#define AMOUNT_MAX 1024 /* bytes of the amount */
#define EXP_DIGITS 6    /* as OPA */
#define EXP_MAX    9999 /* past this the result would not fit anything */

struct amount {
	char    digits[AMOUNT_MAX + 1]; /* sign and digits without the point */
	int32_t exp;                    /* value = digits * 10^exp */
};

static bool digit(struct span s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static bool sign(struct span s, size_t i)
{
	return i < s.n && (s.p[i] == '+' || s.p[i] == '-');
}

/* Where the unit begins, as OPA finds it: an e counts to the number only with a digit or a sign behind it. SIZE_MAX: an exponent
 * of too many digits. */
static size_t unit_at(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t k;

		if ((s.p[i] | 0x20) == 'e') {
			if (!digit(s, i + 1) && !sign(s, i + 1))
				return i;
			i += sign(s, i + 1);
			for (k = i + 1; digit(s, k);)
				k++;
			if (k - i - 1 > EXP_DIGITS)
				return SIZE_MAX;
		} else if (!digit(s, i) && s.p[i] != '.' && !sign(s, i)) {
			return i;
		}
	}
	return s.n;
}

/* [sign] digits [. digits] [e [sign] digits], with a digit on one side of the point at least. */
static bool amount_parse(struct span s, struct amount *a)
{
	size_t n = 0, i = 0, digits = 0;
	bool point = false;

	if (s.n > AMOUNT_MAX)
		return false;
	a->exp = 0;
	if (sign(s, 0) && s.p[i++] == '-')
		a->digits[n++] = '-';
	for (; digit(s, i) || (!point && i < s.n && s.p[i] == '.'); i++) {
		if (s.p[i] == '.') {
			point = true;
			continue;
		}
		a->exp -= point;
		if (digits++ && a->digits[n - 1] == '0' && (n == 1 || a->digits[n - 2] == '-'))
			n--; /* no leading zeros */
		a->digits[n++] = (char)s.p[i];
	}
	a->digits[n] = 0;
	if (i < s.n && (s.p[i] | 0x20) == 'e') {
		char text[EXP_DIGITS + 2] = { 0 };
		size_t from = i + 1 + sign(s, i + 1);

		if (!digit(s, from) || s.n - from > EXP_DIGITS)
			return false;
		memcpy(text, s.p + from, s.n - from);
		for (i = from; digit(s, i);)
			i++;
		a->exp += (int32_t)strtol(text, NULL, 10) * (s.p[from - 1] == '-' ? -1 : 1);
	}
	return digits > 0 && i == s.n && abs(a->exp) <= EXP_MAX;
}

static struct val amount_val(struct heap *h, const char *digits, int32_t exp)
{
	char text[AMOUNT_MAX + 16];

	(void)snprintf(text, sizeof(text), exp ? "%se%d" : "%s", digits, (int)exp);
	return num_parse(h, span_of(text));
}

/* How a unit counts: 10^dec * 2^bin. */
struct scale { int32_t dec; unsigned bin; };

/* The letters k m g t p e, alone or with i. `lower` is the unit with all letters lowered but for the first. */
static bool scale_of(const char *unit, struct scale *out)
{
	static const char letters[] = "kmgtpe";
	const char *p = unit[0] ? strchr(letters, unit[0] | 0x20) : NULL;
	unsigned step = p ? (unsigned)(p - letters) + 1 : 0;

	*out = (struct scale){ 0, 0 };
	if (!unit[0])
		return true;
	if (!p || (unit[1] && strcmp(unit + 1, "i") != 0))
		return false;
	*out = unit[1] ? (struct scale){ 0, 10 * step } : (struct scale){ 3 * (int32_t)step, 0 };
	return true;
}

/* digits * 2^bin * 10^exp, exactly: the product of whole numbers, its decimals moved. */
static struct val scaled(struct call *c, const struct amount *a, struct scale by, int32_t shift)
{
	CLEANUP(wr_close) struct wr w = wr_open(AMOUNT_MAX + 64);
	struct val v = amount_val(c->h, a->digits, 0);

	if (num_arith(c->h, NUM_MUL, v, val_int(c->h, INT64_C(1) << by.bin), &v) != NUM_OK || !num_put_base(&w, v, 10))
		return VAL_UNDEF;
	wr_u8(&w, 0);
	return wr_ok(&w) ? amount_val(c->h, (const char *)w.p, a->exp + by.dec + shift) : VAL_UNDEF;
}

static struct val whole(struct call *c, struct val v)
{
	return num_round(c->h, num_sign(v) < 0 ? 1 : -1, v, &v) == NUM_OK ? v : VAL_UNDEF;
}

/* Ten decimals, as OPA prints what is not whole. */
static struct val ten_decimals(struct call *c, const struct amount *a, struct scale by)
{
	CLEANUP(wr_close) struct wr w = wr_open(AMOUNT_MAX + EXP_MAX + 64);
	struct val v = scaled(c, a, by, 10);
	bool minus = num_sign(v) < 0;
	char *text, digits[AMOUNT_MAX + EXP_MAX + 64];
	size_t n;

	if (!val_defined(v) || num_round(c->h, 0, num_abs(c->h, v), &v) != NUM_OK || !num_put_base(&w, v, 10) || !wr_ok(&w))
		return VAL_UNDEF;
	n = w.n < 11 ? 11 : w.n;
	memset(digits, '0', n);
	memcpy(digits + n - w.n, w.p, w.n);
	text = heap_alloc(c->h, n + 3);
	if (!text)
		return VAL_UNDEF;
	(void)snprintf(text, n + 3, "%s%.*s.%.10s", minus ? "-" : "", (int)(n - 10), digits, digits + n - 10);
	return num_parse(c->h, span_of(text));
}

/* The text without quotation marks, split; false when a fault is recorded. `bytes` words the faults as units.parse_bytes. */
struct split { struct amount amount; char unit[8]; };

static bool split(struct call *c, bool bytes, struct split *out)
{
	const char *what = bytes ? "byte amount" : "amount";
	struct span s;
	uint8_t *p;
	size_t n = 0, at;

	if (!bi_str(c, 0, &s))
		return false;
	p = heap_alloc(c->h, s.n);
	for (size_t i = 0; p && i < s.n; i++) {
		if (s.p[i] != '"')
			p[n++] = s.p[i];
	}
	s = (struct span){ p, n };
	at = p ? unit_at(s) : 0;
	if (span_find(s, ' ') < s.n)
		(void)bi_fail(c, "spaces not allowed in resource strings");
	else if (at == SIZE_MAX)
		(void)bi_fail(c, "exponent too large");
	else if (at == 0)
		(void)bi_fail(c, "no %s provided", what);
	else if (s.n - at >= sizeof(out->unit))
		(void)bi_fail(c, "%sunit not recognized", bytes ? "byte " : "");
	if (c->code != REGO_OK || !p)
		return false;
	memset(out->unit, 0, sizeof(out->unit));
	for (size_t i = at; i < s.n; i++)
		out->unit[i - at] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' && (bytes || i > at) ? s.p[i] | 0x20 : s.p[i]);
	if (!amount_parse((struct span){ s.p, at }, &out->amount)) {
		(void)bi_fail(c, "could not parse %s to a number", what);
		return false;
	}
	return true;
}

/* m is a thousandth, M a million. */
static struct val units_parse(struct call *c)
{
	struct scale by = { -3, 0 };
	struct split s;
	struct val v;

	if (!split(c, false, &s))
		return VAL_UNDEF;
	if (strcmp(s.unit, "m") != 0 && !scale_of(s.unit, &by))
		return bi_fail(c, "unit not recognized");
	v = scaled(c, &s.amount, by, 0);
	if (!val_defined(v))
		return VAL_UNDEF;
	return num_is_int(v) ? whole(c, v) : ten_decimals(c, &s.amount, by);
}

/* Letters of either case, a b behind them or not; what is less than a byte is cut off. */
static struct val units_parse_bytes(struct call *c)
{
	struct scale by;
	struct split s;
	struct val v;
	size_t n;

	if (!split(c, true, &s))
		return VAL_UNDEF;
	n = strlen(s.unit);
	if (n > 1 && s.unit[n - 1] == 'b')
		s.unit[n - 1] = 0;
	if (!scale_of(s.unit, &by))
		return bi_fail(c, "byte unit not recognized");
	v = scaled(c, &s.amount, by, 0);
	return val_defined(v) ? whole(c, v) : VAL_UNDEF;
}

const struct builtin bi_units[] = {
	{ .name = "units.parse", .args = 1, .fn = units_parse },
	{ .name = "units.parse_bytes", .args = 1, .fn = units_parse_bytes },
	{ 0 },
};
