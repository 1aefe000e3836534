/* One function a message type; keep_dispatch.c holds the table. Each decodes its body to the last
 * byte before it looks at anything, and writes its answer into a->out only when it succeeds. */
#pragma once
#include "cofferd/keep/keep.h"

struct answer {
	struct wr          *out;      /* body of the reply */
	bool                has_decision;
	uint8_t             decision[16];
};

enum coffer_rc on_auth(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_attest(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_resource(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_fresh(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_put(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_delete(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_statement(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_query(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_assets(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_decision(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_journal(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_ledger(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_receipt(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_had(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_round(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_witness(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_cosign(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_collect(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_openings(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_parties(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_lent(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_status(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;
enum coffer_rc on_jwks(struct keep *k, struct span body, struct answer *a, struct err *e) NODISCARD;

/* ledger.c: the head of everything that was decided, and is on the disk when this leaves, with our signature. */
enum coffer_rc ledger_sign(struct keep *k, struct wr *out, struct err *e) NODISCARD;
