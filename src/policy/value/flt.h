/* Binary floats with a mantissa of 64 bits, rounded to nearest, ties to even, as Go's big.Float of default precision. In integers
 * only, so that every machine gets the same bits. No infinity, no NaN; the exponent is not bounded here but by the decimals that
 * come in. */
#pragma once
#include "policy/value/big.h"
#include "policy/value/node.h"

struct flt {
	uint64_t m; /* top bit set, or 0 for zero */
	int32_t  e; /* value = m * 2^e */
	bool     neg;
};

struct flt flt_add(struct flt a, struct flt b);
struct flt flt_mul(struct flt a, struct flt b);
struct flt flt_div(struct flt a, struct flt b); /* b not zero */

/* The nearest float. Takes steps; false when the heap is over. */
bool flt_from_dec(struct heap *h, struct dec d, struct flt *out) NODISCARD;
/* As a value: the shortest decimal that is nearest to f among floats whose mantissa has `bits` bits (53 or 64). Whole if it is an
 * integer, else in the form of Go's %g. */
struct val flt_value(struct heap *h, struct flt f, unsigned bits);

/* An integral decimal as a big; false (heap over) when it has more than NUM_BITS_MAX bits. */
bool big_from_dec(struct heap *h, struct big *b, struct dec d) NODISCARD;
struct val big_value(struct heap *h, const struct big *b, bool neg);
/* Steps for work on n limbs that grows with its square. */
bool big_steps(struct heap *h, uint64_t n) NODISCARD;
