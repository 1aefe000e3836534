/* The token's part: claims against the policies that ship, with the provider's reference values, as an EAR's submods. */
#pragma once
#include "evidence/appraise.h"
#include "proto/eval.h"

/* What policies judge one by one; claims owns what some of d borrow. */
struct submods { struct appraise_device d[APPRAISE_DEVICES_MAX]; struct wr claims[APPRAISE_DEVICES_MAX]; size_t n; };
void submods_free(struct submods **p); /* CLEANUP-ready; NULL inside is fine */
/* Appends to out: a list of NVIDIA devices as each of them, and the machine as a whole where it is complete; all else as it is. Errors:
 * malformed or too many. */
enum coffer_rc submods_split(const struct appraise_device *found, size_t n, struct submods *out, struct err *e) NODISCARD;

/* found: the processor first, then what was beside it; all valid. A list of NVIDIA devices becomes a submod a device (gpu0, switch0, ...),
 * and one for the machine as a whole (ppcie0) where it is complete. Each submod says in "coffer.not-affirming" what kept it from
 * affirming. Errors as appraise(). */
enum coffer_rc submods_write(const struct eval_evidence_req *q, const struct appraise_device *found, size_t n, struct wr *out,
    struct err *e) NODISCARD;

/* Before the sandbox: compiles the policies, which each child then finds in its memory. */
void submods_warm(void);
