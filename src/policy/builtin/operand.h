/* Operands that are collections, for the families about arrays, sets and objects. */
#pragma once
#include "policy/builtin/text.h"

/* Operand i has this type; otherwise false and the fault is recorded. */
bool bi_is(struct call *c, size_t i, enum val_type t) NODISCARD;
/* Operand i is an array or a set. */
bool bi_items(struct call *c, size_t i) NODISCARD;
/* A fault in OPA's words: an item of operand i is not of the type wanted ("array of numbers"). Returns VAL_UNDEF. */
struct val bi_item(struct call *c, size_t i, struct val got, const char *want);
/* Steps for bringing n items in order. */
bool bi_order(struct call *c, size_t n) NODISCARD;

/* Paths into a document: a set of arrays, sorted, so that those with the same first steps stand together and a shorter one before
 * the longer ones it holds in. Operand i is an array or set of paths, each "a/b/c" with ~0 and ~1, or an array of keys. */
bool bi_paths(struct call *c, size_t i, struct val *out) NODISCARD;
/* One such path; VAL_UNDEF when v is neither text nor an array. */
struct val bi_path(struct heap *h, struct val v);
