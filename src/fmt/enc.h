/* Base64 and hex. Decoders are strict: exact alphabet, exact padding, no white
 * space, no stray bits in the last character. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

void b64_write(struct wr *w, struct span s);     /* RFC 4648 section 4, padded */
void b64url_write(struct wr *w, struct span s);  /* section 5, no padding */
void hex_write(struct wr *w, struct span s);     /* lower case */

/* Append the decoded bytes to w; false (w then holds anything) on any other form. */
bool b64_read(struct span s, struct wr *w) NODISCARD;
bool b64url_read(struct span s, struct wr *w) NODISCARD;
bool hex_read(struct span s, struct wr *w) NODISCARD; /* both cases accepted */

/* Exactly n bytes into dst, written only on success. */
bool hex_fixed(struct span s, uint8_t *dst, size_t n) NODISCARD;
bool b64url_fixed(struct span s, uint8_t *dst, size_t n) NODISCARD;
bool b64_fixed(struct span s, uint8_t *dst, size_t n) NODISCARD;

#define HEX32_LEN 65
void hex_text(struct span s, char *out); /* 2 * s.n digits, lower case, and a NUL */
void hex32(const uint8_t d[static 32], char out[static HEX32_LEN]); /* with NUL */
