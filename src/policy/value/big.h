/* Natural numbers of any size up to a bound, as scratch space of the arithmetic in this folder.
 *
 * Failure is sticky: past BIG_LIMBS_MAX limbs or without memory `bad` is set and the number means nothing. Small ones live in
 * the struct itself, which therefore must not be copied by assignment. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BIG_INLINE    32
#define BIG_LIMBS_MAX 32768 /* of 32 bits */

struct big {
	uint32_t *p; /* least limb first; the highest of n limbs is not zero */
	uint32_t  n, cap;
	bool      bad;
	uint32_t  room[BIG_INLINE];
};

void big_init(struct big *b); /* zero */
void big_clear(struct big *b); /* for CLEANUP */

void big_set(struct big *b, uint64_t v);
void big_copy(struct big *to, const struct big *from);
void big_swap(struct big *a, struct big *b);

int    big_cmp(const struct big *a, const struct big *b);
size_t big_bits(const struct big *b); /* length; 0 for zero */
bool   big_bit(const struct big *b, size_t i);
bool   big_low_bits(const struct big *b, size_t n); /* any of the lowest n is set */
uint64_t big_top64(const struct big *b); /* the highest 64 bits, the first of them set; 0 for zero */
bool   big_u64(const struct big *b, uint64_t *out) NODISCARD;

void big_muladd(struct big *b, uint32_t mul, uint32_t add); /* b = b * mul + add */
uint32_t big_divsmall(struct big *b, uint32_t by);          /* b = b / by; answers the rest */
void big_add(struct big *b, const struct big *x);
void big_sub(struct big *b, const struct big *x);           /* x <= b */
void big_shl(struct big *b, size_t n);
void big_shr(struct big *b, size_t n);
void big_mul(struct big *out, const struct big *a, const struct big *b); /* out is neither */
void big_divmod(struct big *q, struct big *rest, const struct big *by);  /* rest: in the dividend, out the remainder; by not 0 */
void big_mul_pow10(struct big *b, uint32_t exp);

/* Limbs are to be written up to n by the caller, who then calls big_trim. */
bool big_room(struct big *b, size_t n) NODISCARD;
void big_trim(struct big *b);
