/* JSON forms that upstream's attesters serialise byte strings in. */
#pragma once
#include "fmt/json.h"

/* The member as base64 of 1 to max bytes, into a writer of its own (wr_close). `where` names the object: COFFER_E_INPUT otherwise. */
enum coffer_rc b64_need(const struct json *o, const char *name, const char *where, size_t max, struct wr *out, struct err *e) NODISCARD;

/* An array of exactly n integers 0..255. */
bool ints_fixed(const struct json *v, uint8_t *out, size_t n) NODISCARD;
/* An array of at most w->max of them. */
bool ints_read(const struct json *v, struct wr *w) NODISCARD;
