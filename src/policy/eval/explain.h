/* See rego_eval_explain in policy.h. */
#pragma once
#include "policy/eval/eval.h"

struct explain *explain_new(struct rego_eval *v, const char *const *secret, size_t n); /* in the evaluation's heap */
void            explain_mute(struct rego_eval *v, int by); /* failures inside of `not` explain nothing */
