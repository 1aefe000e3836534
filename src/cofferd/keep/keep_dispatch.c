#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/turn.h"

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
	[KEEP_LENT]      = { 32,             on_lent },
	[KEEP_RECEIPT]   = { 256u << 10,     on_receipt },
	[KEEP_HAD]       = { 256u << 10,     on_had },
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

	wr_close(reply);
	*reply = wr_open(KEEP_FRAME_MAX);
	(void)snprintf(r.check, sizeof(r.check), "%s", e->check[0] ? e->check : word[e->rc]);
	(void)snprintf(r.reason, sizeof(r.reason), "%s", fault ? "the service cannot answer now; its operator's log says why" : e->msg);
	if (a->has_decision)
		memcpy(r.decision, a->decision, sizeof(r.decision));
	if (fault)
		(void)fprintf(stderr, "cofferd-keep: %s\n", e->msg);
	keep_refusal_write(reply, &r);
}

/* ---- turns ---- */

void turn_clear(struct turn *t)
{
	for (size_t i = 0; i < TURN_ASKS_MAX; i++)
		wr_close(&t->ask[i].said);
	wr_close(&t->frame);
	wr_close(&t->reply);
	explicit_bzero(t, sizeof(*t));
}

void turn_fault(struct turn *t, const struct err *why)
{
	const struct answer none = { .out = NULL };

	t->rc = (uint8_t)why->rc;
	refuse(why, &none, &t->reply);
}

/* The second for which eval is asked is the second in which it is decided, as long as no entry is of a later one. */
static void begin(struct keep *k, struct turn *t)
{
	if (t->runs++ == 0) {
		t->since = k->now;
		t->until_ms = clock_monotonic_ms() + TURN_MS;
	} else {
		k->now = t->since > k->journal.time ? t->since : k->journal.time;
	}
	t->waits = t->no_place = t->changed = false;
	t->at = 0;
	wr_close(&t->reply);
	t->reply = wr_open(KEEP_FRAME_MAX);
	k->turn = t;
}

bool turn_run(struct keep *k, struct turn *t)
{
	struct answer a = { .out = &t->reply };
	uint64_t entries = journal_entries(&k->journal);
	struct err e = { 0 };
	enum coffer_rc rc;

	begin(k, t);
	if (clock_monotonic_ms() > t->until_ms)
		rc = err_set(&e, COFFER_E_LIMIT, "more requests wait to be appraised than can be in time; ask again");
	else
		rc = run(k, t->type, t->body, &a, &e);
	k->turn = NULL;
	t->changes += t->changed;
	if (t->waits && rc != COFFER_OK && entries == journal_entries(&k->journal))
		return false;
	if (t->waits)
		rc = err_set(&e, COFFER_E_BUG, "keep: message %u did something before it had its answer from eval", (unsigned)t->type);
	t->rc = (uint8_t)rc;
	if (rc != COFFER_OK) {
		e.rc = rc;
		refuse(&e, &a, &t->reply);
	}
	return true;
}

bool turn_ready(const struct keep *k, const struct turn *t)
{
	return t->sent == 0 && (!t->no_place || k->eval < 0 || eval_has_place(k, t->wants, t->by) || eval_crowds(k, t));
}

static void wait_for_eval(struct keep *k)
{
	struct pollfd p = { .fd = k->eval, .events = POLLIN };
	int ms = eval_time_left(k);

	if (k->eval >= 0 && poll(&p, 1, ms) > 0)
		eval_take(k);
}

enum coffer_rc keep_dispatch(struct keep *k, uint8_t type, struct span body, struct wr *reply)
{
	struct turn *t = calloc(1, sizeof(*t));
	enum coffer_rc rc = COFFER_E_SYSTEM;

	wr_close(reply);
	if (!t)
		return rc;
	t->type = type;
	t->body = body;
	t->may_wait = true;
	while (!turn_run(k, t))
		while (!turn_ready(k, t))
			wait_for_eval(k);
	rc = (enum coffer_rc)t->rc;
	*reply = t->reply;
	t->reply = (struct wr){ 0 };
	turn_clear(t);
	free(t);
	return rc;
}
