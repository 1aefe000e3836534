/* What an approval allows that another does not, in words, for who is about to put one in the other's place. Pure. */
#pragma once
#include "trust/manifest_diff.h" /* enum diff_way, diff_cb */
#include "trust/statement.h"

/* Names each difference of `is` against `was`, once; `where` is always "". Without any they allow the same. Uses are counted for each approval by itself, so
 * that a number of them is DIFF_OTHER even where it is the same number. Not compared: which statement the assets' owners have made since. */
void approval_diff(const struct approval *was, const struct approval *is, diff_cb each, void *arg);
