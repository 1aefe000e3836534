/* What a guest believes of a freshness answer. Pure: no network. */
#pragma once
#include "proto/fresh.h"

/* The largest ledger that an answer named; zero before the first. */
struct fresh_seen { uint64_t size; uint8_t root[32]; };

struct fresh_expect {
	const struct fresh_ask *ask;
	struct span             ask_bytes;   /* as sent */
	uint8_t                 session_key[32];
	const struct pubkey    *reply;       /* the service's reply key */
	const struct fresh_seen *seen;
};

/* body: answer, then its signature. COFFER_E_DENIED (check "lease") names what is wrong: not signed by the reply key; for another
 * session; an answer to another question (one given before, or out of turn); not as many answers as questions. "ledger-rollback": of a
 * ledger shorter than one seen; "ledger-fork": of its size with another root. That a longer ledger continues the shorter is not checked here. */
enum coffer_rc fresh_check(struct span body, const struct fresh_expect *x, struct fresh_answer *out, struct err *e) NODISCARD;
