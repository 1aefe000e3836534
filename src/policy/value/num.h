/* Numbers as OPA has them, but that integers are exact at any size (OPA rounds sums of long ones to 64 bits); other numbers keep
 * the literal they came with.
 *
 * Arithmetic: on integers exact; otherwise as OPA's big floats of 64 bits mantissa, so that results are the same bits everywhere
 * (no use of the machine's floating point). Text of results: integers in full, others the shortest decimal that gives the same
 * 64-bit-mantissa number back.
 * Sizes are bounded: a literal of at most NUM_TEXT_MAX bytes, an exponent of at most NUM_EXP_MAX, results of at most NUM_BITS_MAX bits
 * (REGO_LIMIT_MEMORY past that). */
#pragma once
#include "base/wr.h"
#include "policy/value/val.h"

#define NUM_TEXT_MAX 4096
#define NUM_EXP_MAX  100000
#define NUM_BITS_MAX (1u << 17)

/* A JSON number literal (RFC 8259 grammar, whole span). VAL_UNDEF if it is none or too large. */
struct val num_parse(struct heap *h, struct span literal);
struct val num_from_u64(struct heap *h, uint64_t v);
struct val num_from_double(struct heap *h, double d); /* only for what has no exact form, such as rand; no NaN, no infinity */

int      num_cmp(struct val a, struct val b);  /* exact, any mixture */
uint32_t num_hash(struct val v);               /* equal for equal values */
bool     num_is_int(struct val v);             /* integral VALUE: 1.0 and 1e2 too */
int      num_sign(struct val v);
size_t   num_digits(struct val v);             /* decimal digits before the point; 0 below 1 */

enum num_rc { NUM_OK, NUM_DIV_ZERO, NUM_NOT_INT, NUM_RANGE };
enum num_op { NUM_ADD, NUM_SUB, NUM_MUL, NUM_DIV, NUM_REM };
/* NUM_DIV: exact where the quotient is integral, otherwise a float; NUM_REM: integers only, sign of the dividend (as OPA). */
enum num_rc num_arith(struct heap *h, enum num_op op, struct val a, struct val b, struct val *out) NODISCARD;
enum num_rc num_round(struct heap *h, int how, struct val a, struct val *out) NODISCARD; /* how: -1 floor, 0 half away from zero, 1 ceil */
struct val  num_abs(struct heap *h, struct val a);
struct val  num_neg(struct heap *h, struct val a);

enum num_bits { NUM_AND, NUM_OR, NUM_XOR, NUM_SHL, NUM_SHR };
enum num_rc num_bitop(struct heap *h, enum num_bits op, struct val a, struct val b, struct val *out) NODISCARD; /* two's complement */
enum num_rc num_not(struct heap *h, struct val a, struct val *out) NODISCARD;

/* Integers in base 2..36 (lower case), with '-'; false if not an integer. */
bool num_put_base(struct wr *w, struct val v, unsigned base);
/* The text that OPA prints for the number. */
void num_put(struct wr *w, struct val v);
double num_to_double(struct val v); /* nearest; for formatting with %f %e %g only */
