/* JSON forms that upstream's attesters serialise byte strings and numbers in. */
#pragma once
#include "fmt/json.h"

/* An array of exactly n integers 0..255. */
bool ints_fixed(const struct json *v, uint8_t *out, size_t n) NODISCARD;
/* An array of at most w->max of them. */
bool ints_read(const struct json *v, struct wr *w) NODISCARD;
