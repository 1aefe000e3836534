/* A service's answer that a revocation or pause stands already (docs/protocol/statements.md, "How much"). */
#pragma once
#include "cli/publish.h"

struct stood { const struct home *h; const struct privkey *key; struct service_conn *conn; const uint8_t *id; uint64_t seq; };

/* env is by q->h's party. The statement q->id is by the same, says as much, is shown not to be lifted, and is entry q->seq of the ledger, under a head that continues the
 * one that this party's folder keeps (which is written). *checked false: the public head does not cover that entry yet. Not checked: that no lift of it was hidden; the
 * party would have said it itself. COFFER_E_DENIED: "statement", "ledger-opening", or what ledger_follow refuses. */
enum coffer_rc stood_check(const struct stood *q, const struct dsse *env, bool *checked, struct err *e) NODISCARD;
