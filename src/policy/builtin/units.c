/* Amounts with a unit: "1.5Gi", "250m", "10KB". */
#include <stdio.h>

#include "base/own.h"
#include "policy/builtin/amount.h"
#include "policy/builtin/numeric.h"
#include "policy/builtin/text.h"

/* Where the unit begins, as OPA finds it: an e counts to the number only with a digit or a sign behind it. SIZE_MAX: an exponent
 * of too many digits. */
static size_t unit_at(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t k;

		if ((s.p[i] | 0x20) == 'e') {
			if (!amount_digit(s, i + 1) && !amount_sign(s, i + 1))
				return i;
			i += amount_sign(s, i + 1);
			for (k = i + 1; amount_digit(s, k);)
				k++;
			if (k - i - 1 > AMOUNT_EXP_DIGITS)
				return SIZE_MAX;
		} else if (!amount_digit(s, i) && s.p[i] != '.' && !amount_sign(s, i)) {
			return i;
		}
	}
	return s.n;
}

/* How a unit counts: 10^dec * 2^bin. */
struct scale {
	int32_t dec;
	unsigned bin;
};

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

static struct val scaled(struct call *c, const struct amount *a, struct scale by, int32_t shift)
{
	return amount_times(c->h, a, INT64_C(1) << by.bin, by.dec + shift);
}

/* Ten decimals, as OPA prints what is not whole. */
static struct val ten_decimals(struct call *c, const struct amount *a, struct scale by)
{
	CLEANUP(wr_close) struct wr w = wr_open(AMOUNT_MAX + AMOUNT_EXP_MAX + 64);
	struct val v = scaled(c, a, by, 10);
	bool minus = num_sign(v) < 0;
	char *text, digits[AMOUNT_MAX + AMOUNT_EXP_MAX + 64];
	size_t n;

	if (!val_defined(v) || num_round(c->h, 0, num_abs(c->h, v), &v) != NUM_OK || !bi_base_steps(c->h, v) ||
	    !num_put_base(&w, v, 10) || !wr_ok(&w))
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
struct split {
	struct amount amount;
	char unit[8];
};

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
	return num_is_int(v) ? amount_whole(c->h, v) : ten_decimals(c, &s.amount, by);
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
	return val_defined(v) ? amount_whole(c->h, v) : VAL_UNDEF;
}

const struct builtin bi_units[] = {
	{ .name = "units.parse", .args = 1, .fn = units_parse },
	{ .name = "units.parse_bytes", .args = 1, .fn = units_parse_bytes },
	{ 0 },
};
