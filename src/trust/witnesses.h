/* Whose cosignatures the founders want under the ledger's heads (docs/protocol/ledger.md, "Witnesses"). */
#pragma once
#include "trust/statement.h"

/* The genesis' "witnesses" and "cosignatures": g->log, g->witness, g->n_witnesses, g->cosignatures; after origin and ledger
 * key are read. COFFER_E_INPUT for what ledger_policy_ok refuses, an address that is not http(s), a ledger key that signs no
 * notes where there are witnesses, and witnesses of whom none need sign: they would be believed to help. */
enum coffer_rc witnesses_read(const struct json *body, struct genesis *g, struct err *e) NODISCARD;

/* One item of "witnesses": {"key":"<vkey>","url":"<address>"}. */
void witness_write(const struct genesis_witness *w, struct json_wr *j);

/* How many of whom: what every head must satisfy. Borrows g. COFFER_E_INPUT for a ledger key that signs no notes. */
struct genesis_policy {
	struct note_key      log, witness[GENESIS_WITNESSES_MAX];
	struct ledger_policy p; /* points into this: do not copy */
};
enum coffer_rc genesis_policy(const struct genesis *g, struct genesis_policy *out, struct err *e) NODISCARD;

/* "VKEY=URL", as it is typed. COFFER_E_INPUT for a malformed half. */
enum coffer_rc witness_arg(const char *text, struct genesis_witness *out, struct err *e) NODISCARD;
/* http:// or https://, then printable characters; no blank, "?", "#" or slash at its end. */
bool witness_url_ok(struct span url) NODISCARD;
