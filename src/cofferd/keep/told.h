/* Which statements a receipt has: those that the release turned on, what parties whose word counts said of these (said.h), and the keys in time of
 * whoever's signature counted on one of them: its issuer, who decides of an asset with it, the founders, and introducers, of whom it is their party
 * statements. Of nobody else, whoever signed it too, or one party could make another's receipt longer than a receipt may be. Of a release by rule 1
 * (leaf.h), whose map shows no party's last word: the keys in time of all.
 *
 * By their entries. At most RECEIPT_STATEMENTS_MAX: more are COFFER_E_LIMIT. */
#pragma once
#include "cofferd/keep/keep.h"
#include "trust/ledger/leaf.h"

/* sigs: bit i where its signature i is shown. A further one, which a store of before may have, is by nobody in the receipt, and the statement is the
 * same without it. */
struct told_one { uint64_t seq; uint32_t sigs; };
struct told { struct told_one *st; size_t n; }; /* owned; none twice */
void           told_clear(struct told *t); /* CLEANUP-ready */
enum coffer_rc told_add(struct told *t, uint64_t seq, struct err *e) NODISCARD;
/* What the record of the release names. */
enum coffer_rc told_named(struct keep *k, const struct leaf *release, struct told *t, struct err *e) NODISCARD;
/* Of the statements about the asset before the one that it was released by: the newest, RECEIPT_ASSETS_MAX with that one, as long as they come to no more bytes; none
 * where there is no room for these and the keys in time of who signed them. */
#define TOLD_ASSETS_BYTES (1 << 20)
/* Last, when all others are there: those; whose signatures counted on them; and of an asset that goes by an amendment of the genesis, the amendments up to that one,
 * which every founder signed. Leaves them in the order of the ledger. */
enum coffer_rc told_lives(struct keep *k, const struct leaf *release, struct told *t, struct err *e) NODISCARD;
