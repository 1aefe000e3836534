/* Trust anchors of CCA platforms: a JSON list of {"instance-id", "implementation-id", "pkey"} (hex, hex, EC JWK), as upstream's
 * trust anchor store has it. Nobody signed it: it is as good as the hand that put it among the collateral, and where that is not believed
 * (collateral.anchors_by_roots) only what the founders of the genesis signed for counts. */
#pragma once
#include "evidence/cca_token.h"
#include "evidence/evidence.h"

/* The keys that the collateral has for a platform. named: entries for both ids; keys: those of them that are points of their
 * curve, owned. */
#define CCA_ANCHORS_MAX 8
struct cca_anchors { size_t named; struct vkey *key[CCA_ANCHORS_MAX]; size_t n; };
void cca_anchors_clear(struct cca_anchors *a); /* CLEANUP-ready */
/* JSON that is no such list is another platform's and passed over. COFFER_E_LIMIT past CCA_ANCHORS_MAX. */
enum coffer_rc cca_anchors_find(
    const struct collateral *col, const struct cca_platform *p, struct cca_anchors *out, struct err *e) NODISCARD;
