/* Amounts as people write them, "1.5" before "Gi" or "ms". Exact: a decimal is kept as digits and an exponent. */
#pragma once
#include "policy/value/num.h"

#define AMOUNT_MAX 1024        /* bytes of the amount */
#define AMOUNT_EXP_DIGITS 6    /* as OPA */
#define AMOUNT_EXP_MAX    9999 /* past this the result would not fit anything */

struct amount {
	char    digits[AMOUNT_MAX + 1]; /* sign and digits without the point */
	int32_t exp;                    /* value = digits * 10^exp */
};

/* Is there a digit, a sign, at s[i]. */
bool amount_digit(struct span s, size_t i);
bool amount_sign(struct span s, size_t i);

/* [sign] digits [. digits] [e [sign] digits], the whole of s, with a digit on one side of the point at least; false otherwise or
 * past the limits above. */
bool amount_parse(struct span s, struct amount *a) NODISCARD;
/* a * factor * 10^exp; VAL_UNDEF when the heap is over. */
struct val amount_times(struct heap *h, const struct amount *a, int64_t factor, int32_t exp);
/* What stands before the point. */
struct val amount_whole(struct heap *h, struct val v);
