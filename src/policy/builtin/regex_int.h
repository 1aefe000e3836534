/* Parts of regex.* that have files of their own; regex.c has the table. */
#pragma once
#include "policy/builtin/text.h"

struct val bi_regex_globs_match(struct call *c); /* regex_globs.c */
