/* What a session showed when it attested (decide/shown.h), kept: in memory until a release rests on it, then in the store, written once a
 * session in the transaction of its first release. Files that many sessions bring (collateral) are stored once.
 *
 * It is no secret: evidence names the machine and what was booted, and goes with the receipt to the asset's owner and the workload's
 * provider alone. */
#pragma once
#include "cofferd/keep/asking.h"
#include "decide/shown.h"
#include "fmt/json.h"

/* After the appraisal. Where memory for such is full the oldest others are forgotten. COFFER_E_LIMIT for what has too long a document. */
enum coffer_rc showing_hold(struct keep *k, struct session *s, const struct shown *shown, struct err *e) NODISCARD;

/* Inside a transaction: stores it unless it is stored. *has: digest names it; else it was forgotten, and the release has none.
 * COFFER_E_DENIED (check "R12") where what is kept has no room for it (kept.h). */
enum coffer_rc showing_store(struct keep *k, const struct asking *q, bool *has, uint8_t digest[static 32], struct err *e) NODISCARD;
/* After the commit, with that digest, if there is one. */
void showing_stored(struct keep *k, const struct asking *q, const uint8_t digest[static 32]);

/* All that is stored is what its digest says, and all that releases name is there. COFFER_E_DENIED (check "R12"). */
enum coffer_rc showing_check(struct store *s, struct err *e) NODISCARD;

/* Member "evidence" of a receipt, where the release of that entry names any: `document`, and of `files` as many as the answer has room
 * for. COFFER_E_NOTFOUND (check "evidence-pruned") says when it was pruned. */
enum coffer_rc showing_put(struct keep *k, uint64_t seq, struct json_wr *j, struct err *e) NODISCARD;
