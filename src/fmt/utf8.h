/* UTF-8 by Unicode 15 table 3-7: no overlong forms, no surrogates, nothing beyond
 * U+10FFFF. U+0000 is valid here; whoever forbids it says so. */
#pragma once
#include "base/rd.h"

/* Length (1 to 4) of the sequence at the start of s; 0 when it is invalid or cut. */
size_t utf8_seq(struct span s);

bool utf8_ok(struct span s) NODISCARD;

/* Encodes a scalar value (not a surrogate, at most U+10FFFF) and returns its length. */
size_t utf8_put(uint32_t c, uint8_t out[static 4]);

/* The code point at s[at] and its length; U+FFFD of length 1 for a byte that begins no valid sequence. at < s.n. */
uint32_t utf8_at(struct span s, size_t at, size_t *len);
/* The place behind the code point at s[at]; at + 1 from the end. */
size_t utf8_next(struct span s, size_t at);
