/* Operands and results that are text, for the families about strings.
 *
 * A getter of an operand records what is wrong (bi_type) and answers false. Text that a builtin makes is counted and bounded
 * here: steps for its bytes, REGO_LIMIT_OUTPUT past heap.string_max. */
#pragma once
#include "policy/builtin/builtin.h"

#define BI_BYTES_PER_STEP 32 /* of work that looks at bytes or copies them */

bool bi_str(struct call *c, size_t i, struct span *out) NODISCARD;
bool bi_int(struct call *c, size_t i, int64_t *out) NODISCARD;
/* Steps for n bytes looked at. */
bool bi_work(struct call *c, size_t n);
/* As bi_type with words of its own behind "<name>: operand <i> "; no values in them. Returns VAL_UNDEF. */
struct val bi_operand(struct call *c, size_t i, const char *fmt, ...) PRINTF(3, 4);
/* The texts of an operand that is an array or a set (with or_string: or a string), into the arena. */
bool bi_strs(struct call *c, size_t i, bool or_string, struct span **out, size_t *n) NODISCARD;

/* Room in the arena for a text of n bytes that is going to be the result; NULL where it may not be. */
uint8_t *bi_room(struct call *c, size_t n) NODISCARD;

/* A text that grows. Sticky like heap. */
struct text { struct call *c; uint8_t *p; size_t n, cap; };
void       text_put(struct text *t, struct span s);
void       text_str(struct text *t, const char *s);
void       text_rune(struct text *t, uint32_t rune);
struct val text_val(struct text *t); /* VAL_UNDEF when the heap is over */
