/* Which statements a receipt has: those that the release turned on, what parties whose word counts said of these (said.h), and the keys in time of
 * whoever signed one of them, introducers too; of nobody else, or parties that have nothing to do with a release could make its receipt
 * longer than a receipt may be. Of a release by rule 1 (leaf.h), whose map shows no party's last word: the keys in time of all.
 *
 * By their entries. At most RECEIPT_STATEMENTS_MAX: more are COFFER_E_LIMIT. */
#pragma once
#include "cofferd/keep/keep.h"
#include "trust/ledger/leaf.h"

struct told { uint64_t *seq; size_t n; }; /* owned; none twice */
void           told_clear(struct told *t); /* CLEANUP-ready */
enum coffer_rc told_add(struct told *t, uint64_t seq, struct err *e) NODISCARD;
/* What the record of the release names. */
enum coffer_rc told_named(struct keep *k, const struct leaf *release, struct told *t, struct err *e) NODISCARD;
/* Last, when all others are there: who signed them; and of an asset that goes by an amendment of the genesis, the amendments up to that one,
 * which every founder signed. Leaves them in the order of the ledger. */
enum coffer_rc told_lives(struct keep *k, const struct leaf *release, struct told *t, struct err *e) NODISCARD;
