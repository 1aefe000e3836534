#include "policy/builtin/amount.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"

bool amount_digit(struct span s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

bool amount_sign(struct span s, size_t i)
{
	return i < s.n && (s.p[i] == '+' || s.p[i] == '-');
}

/* [sign] digits [. digits] [e [sign] digits], with a digit on one side of the point at least. */
bool amount_parse(struct span s, struct amount *a)
{
	size_t n = 0, i = 0, digits = 0;
	bool point = false;

	if (s.n > AMOUNT_MAX)
		return false;
	a->exp = 0;
	if (amount_sign(s, 0) && s.p[i++] == '-')
		a->digits[n++] = '-';
	for (; amount_digit(s, i) || (!point && i < s.n && s.p[i] == '.'); i++) {
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
		char text[AMOUNT_EXP_DIGITS + 2] = { 0 };
		size_t from = i + 1 + amount_sign(s, i + 1);

		if (!amount_digit(s, from) || s.n - from > AMOUNT_EXP_DIGITS)
			return false;
		memcpy(text, s.p + from, s.n - from);
		for (i = from; amount_digit(s, i);)
			i++;
		a->exp += (int32_t)strtol(text, NULL, 10) * (s.p[from - 1] == '-' ? -1 : 1);
	}
	return digits > 0 && i == s.n && abs(a->exp) <= AMOUNT_EXP_MAX;
}

static struct val amount_val(struct heap *h, const char *digits, int32_t exp)
{
	char text[AMOUNT_MAX + 16];

	(void)snprintf(text, sizeof(text), exp ? "%se%d" : "%s", digits, (int)exp);
	return num_parse(h, span_of(text));
}

/* Exactly: the product of whole numbers, its decimals moved. */
struct val amount_times(struct heap *h, const struct amount *a, int64_t factor, int32_t exp)
{
	CLEANUP(wr_close) struct wr w = wr_open(AMOUNT_MAX + 64);
	struct val v = amount_val(h, a->digits, 0);

	if (!val_defined(v) || num_arith(h, NUM_MUL, v, val_int(h, factor), &v) != NUM_OK || !num_put_base(&w, v, 10))
		return VAL_UNDEF;
	wr_u8(&w, 0);
	return wr_ok(&w) ? amount_val(h, (const char *)w.p, a->exp + exp) : VAL_UNDEF;
}

struct val amount_whole(struct heap *h, struct val v)
{
	return num_round(h, num_sign(v) < 0 ? 1 : -1, v, &v) == NUM_OK ? v : VAL_UNDEF;
}
