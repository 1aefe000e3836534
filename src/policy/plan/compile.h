/* What the evaluator needs of the compiler. */
#pragma once
#include "policy/plan/plan.h"

/* Compiles a query against a policy, which it only reads, into the evaluation's heap. The code adds rows
 * {"expressions": [...], "bindings": {...}} to an array and needs a frame of *slots. */
bool rego_plan_query(struct heap *h, const struct rego_policy *p, struct span text, struct code **out, uint32_t *slots,
    struct rego_error *e) NODISCARD;
