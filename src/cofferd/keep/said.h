/* What each party said against a statement or thing, demands of a platform, and says of itself: in the ledger's map from rule 2 on
 * (trust/ledger/mapkey.h, trust/said.h), and by its keys in the store.
 *
 * table said: key (32, of the map), seq of the statement's entry. It is what the statements say, and computed again when the store is
 * opened. */
#pragma once
#include "cofferd/keep/keep.h"
#include "cofferd/keep/told.h"

/* A new statement, inside the transaction and before its entry is appended. By rule 1: nothing. */
enum coffer_rc said_log(struct keep *k, const struct statement *s, struct err *e) NODISCARD;

/* The one key under which it is, or is going to be, filed; *has false: none. */
enum coffer_rc said_under(struct keep *k, const struct statement *s, bool *has, struct mhash *key, struct err *e) NODISCARD;

/* The statements that were logged before the map held these: inside the transaction of the entry that begins rule 2. */
enum coffer_rc said_adopt(struct keep *k, struct err *e) NODISCARD;

/* Table and map against the statements. COFFER_E_DENIED (check "R12"). By rule 1 both have nothing. */
enum coffer_rc said_check(struct keep *k, struct err *e) NODISCARD;

/* Member "said" of the receipt of that release: of each party whose word counts for it what the map after it has (trust/said.h). To t it adds
 * what they said before it. By rule 1 there is no such member, and none of these. */
enum coffer_rc said_put(struct keep *k, const struct leaf *release, struct told *t, struct json_wr *j, struct err *e) NODISCARD;
