/* Which statements may be logged: docs/protocol/statements.md. */
#pragma once
/* Bytes of a party statement's payload. */
#define PARTY_STATEMENT_MAX (12u << 10)

#include "cofferd/keep/keep.h"

/* Reads the payload only after a key of a known party has signed it. Then: signed by its issuer (a party statement: by
 * itself and an introducer), ledger is our genesis, time window, persona, what the kind allows, and serial = last + 1 with
 * the last one's id. *known tells that exactly this statement is logged already (*was is then filled; nothing else is checked), or one that says the same and stands (room.h).
 * COFFER_E_DENIED with check "signature", "ledger", "window", "persona", "kind" or "serial"; COFFER_E_INPUT for a bad form;
 * COFFER_E_LIMIT beyond KEEP_STATEMENTS_PER_HOUR of one party, but for what holds back (noise.h) and a recovery quorum's word; and beyond what one party may fill of
 * others' receipts (room.h).
 * An asset statement is admitted here as to all but its content, which put (assets.c) checks. */
enum coffer_rc admit(struct keep *k, const struct dsse *env, struct statement *out, bool *known, struct logged *was,
		     struct err *e) NODISCARD;

/* Writes an entry "refusal" {by, check, id} where a known party signed what was refused; 60 a minute of each party. admit()
 * calls it; outside transactions. A failure to write loses the entry, which is counted. */
void admit_refused(struct keep *k, const struct dsse *env, const struct err *why);

/* A known party by a key of which the envelope is signed; NULL. */
const struct party *admit_signer(const struct keep *k, const struct dsse *env);

/* Journals and stores it; inside a transaction. */
enum coffer_rc admit_log(struct keep *k, const struct statement *s, const struct dsse *env, struct logged *out,
			 struct err *e) NODISCARD;
