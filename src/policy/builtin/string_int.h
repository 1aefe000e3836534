/* Builtins about strings that have files of their own; string.c has the table. */
#pragma once
#include "policy/builtin/text.h"

/* string_edit.c */
struct val bi_string_replace(struct call *c);
struct val bi_string_replace_n(struct call *c);
struct val bi_string_split(struct call *c);

/* string_trim.c */
struct val bi_string_trim(struct call *c);
struct val bi_string_trim_left(struct call *c);
struct val bi_string_trim_right(struct call *c);
struct val bi_string_trim_prefix(struct call *c);
struct val bi_string_trim_suffix(struct call *c);
struct val bi_string_trim_space(struct call *c);

/* Where `what` next stands in s from `at` on; s.n + 1 when nowhere. An empty one stands at every place. */
size_t string_find(struct span s, size_t at, struct span what);
