#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/handlers.h"

static const struct {
	size_t         max; /* bytes of body */
	enum coffer_rc (*run)(struct keep *, struct span, struct answer *, struct err *);
} rules[] = {
	[KEEP_AUTH]      = { 64u << 10,      on_auth },
	[KEEP_ATTEST]    = { KEEP_FRAME_MAX, on_attest },
	[KEEP_RESOURCE]  = { 256u << 10,     on_resource },
	[KEEP_PUT]       = { KEEP_FRAME_MAX, on_put },
	[KEEP_DELETE]    = { 256u << 10,     on_delete },
	[KEEP_STATEMENT] = { 512u << 10,     on_statement },
	[KEEP_QUERY]     = { 256u << 10,     on_query },
	[KEEP_ASSETS]    = { 256u << 10,     on_assets },
	[KEEP_DECISION]  = { 256u << 10,     on_decision },
	[KEEP_JOURNAL]   = { 256u << 10,     on_journal },
	[KEEP_STATUS]    = { 0,              on_status },
	[KEEP_JWKS]      = { 0,              on_jwks },
	[KEEP_LEDGER]    = { KEEP_LEDGER_NAME_MAX, on_ledger },
	[KEEP_OPENINGS]  = { 256u << 10,     on_openings },
	[KEEP_PARTIES]   = { 8,              on_parties },
	[KEEP_RECEIPT]   = { 256u << 10,     on_receipt },
	[KEEP_ROUND]     = { 0,              on_round },
	[KEEP_WITNESS]   = { 16,             on_witness },
	[KEEP_COSIGN]    = { KEEP_COSIGN_MAX + 16, on_cosign },
	[KEEP_COLLECT]   = { KEEP_TICKET_LEN, on_collect },
	[KEEP_FRESH]     = { 64u << 10,      on_fresh },
};

static enum coffer_rc run(struct keep *k, uint8_t type, struct span body, struct answer *a, struct err *e)
{
	if (type >= sizeof(rules) / sizeof(rules[0]) || !rules[type].run)
		return err_set(e, COFFER_E_INPUT, "keep: unknown message %u", (unsigned)type);
	if (body.n > rules[type].max)
		return err_set(e, COFFER_E_LIMIT, "keep: message %u has %zu bytes", (unsigned)type, body.n);
	TRY(rules[type].run(k, body, a, e));
	return wr_done(a->out, "answer", e);
}

/* What a peer may hear of a failure: refusals say why; faults of ours go to our log alone. */
static void refuse(const struct err *e, const struct answer *a, struct wr *reply)
{
	static const char *const word[] = {
	    [COFFER_E_INPUT] = "malformed", [COFFER_E_DENIED] = "denied",	 [COFFER_E_NOTFOUND] = "absent",
	    [COFFER_E_LIMIT] = "limit",	    [COFFER_E_UPSTREAM] = "unavailable", [COFFER_E_SYSTEM] = "unavailable",
	    [COFFER_E_BUG] = "unavailable"};
	bool fault = e->rc == COFFER_E_UPSTREAM || e->rc == COFFER_E_SYSTEM || e->rc == COFFER_E_BUG;
	struct keep_refusal r = { .has_decision = a->has_decision };

	(void)snprintf(r.check, sizeof(r.check), "%s", e->check[0] ? e->check : word[e->rc]);
	(void)snprintf(r.reason, sizeof(r.reason), "%s", fault ? "the service cannot answer now; its operator's log says why" : e->msg);
	if (a->has_decision)
		memcpy(r.decision, a->decision, sizeof(r.decision));
	if (fault)
		(void)fprintf(stderr, "cofferd-keep: %s\n", e->msg);
	keep_refusal_write(reply, &r);
}

enum coffer_rc keep_dispatch(struct keep *k, uint8_t type, struct span body, struct wr *reply)
{
	struct err e = { 0 };
	struct answer a = { .out = reply };
	enum coffer_rc rc;

	wr_close(reply);
	*reply = wr_open(KEEP_FRAME_MAX);
	rc = run(k, type, body, &a, &e);
	if (rc == COFFER_OK)
		return rc;
	e.rc = rc;
	wr_close(reply);
	*reply = wr_open(KEEP_FRAME_MAX);
	refuse(&e, &a, reply);
	return rc;
}
