/* JSON Patch (RFC 6902) as OPA applies it. */
#pragma once
#include "policy/value/val.h"

/* Applies the operations in turn. All or nothing: false, and *out untouched, when any of them is malformed or fails, or the heap
 * is over. Paths are pointers (the leading slash may be missing, as in OPA) or arrays of keys; a step into a set is a member of
 * it. Indexes are whole numbers without leading zeros, "-" the end. Not checked: what the paths touch. */
bool rego_patch(struct heap *h, struct val doc, struct val ops, struct val *out) NODISCARD;
