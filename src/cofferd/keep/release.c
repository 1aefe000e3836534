/* RESOURCE: gather, decide (decide.c), and R12: the entry is durable before the answer exists outside. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/asking.h"
#include "cofferd/keep/assets.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/noise.h"
#include "cofferd/keep/policy.h"
#include "cofferd/keep/reply.h"
#include "cofferd/keep/showing.h"
#include "cofferd/keep/status.h"
#include "cofferd/keep/token.h"
#include "cofferd/keep/trace.h"
#include "cofferd/keep/turn.h"
#include "cofferd/keep/witnessed.h"
#include "crypto/hash.h"

void asking_clear(struct asking *q)
{
	members_clear(&q->token.members);
}

/* ---- who asks ---- */

enum coffer_rc asking_session(struct keep *k, const uint8_t id[static KEEP_SESSION_LEN], struct asking *q, struct err *e)
{
	struct span facts, claims;

	q->session = session_get(k->sessions, id, k->now);
	if (!q->session || !q->session->a.attested)
		return err_deny(e, "session", "no attested session; attest again");
	if (!session_read_note(q->session, &facts, &claims))
		return err_deny(e, "session", "the session's appraisal was forgotten under load; show the token, or attest again");
	memcpy(q->session_id, id, sizeof(q->session_id));
	session_appraisal(q->session, &q->in.a);
	q->members = &q->session->members;
	if (facts.n > 0)
		TRY(facts_read(facts, &q->hw, e));
	q->in.a.hw = facts.n > 0 ? &q->hw : NULL;
	return COFFER_OK;
}

static enum coffer_rc by_token(struct keep *k, const struct keep_resource_req *m, struct asking *q, struct err *e)
{
	TRY(token_read(k, m, &q->token, e));
	q->by_token = true;
	q->in.a = q->token.a;
	q->in.a.hw = q->token.has_facts ? &q->token.facts : NULL;
	memcpy(q->session_id, q->token.session, sizeof(q->session_id));
	q->session = session_get(k->sessions, q->session_id, k->now);
	q->members = &q->token.members;
	return COFFER_OK;
}

/* ---- what is asked ---- */

bool asking_counts(const struct keep *k, const struct session *s, uint64_t counter)
{
	return counter > s->counter || k->turn->counted;
}

void asking_count(struct keep *k, struct session *s, uint64_t counter)
{
	s->counter = counter > s->counter ? counter : s->counter;
	k->turn->counted = true;
}

/* A counter is remembered with its session: without a living session there is nothing to hold it against. */
static enum coffer_rc check_request(struct keep *k, const struct keep_resource_req *m, struct asking *q, struct err *e)
{
	const struct request_signed asked = { m->request, m->request_sig, q->session_id, &k->turn->request };

	q->in.q.scoped = m->has_request;
	if (!m->has_request)
		return COFFER_OK;
	TRY(request_read(m->request, &q->in.q, &q->counter, e));
	TRY(request_verify(&q->in.q, &asked, q->members, &q->in.q.signature_ok, e));
	q->asked = asked;
	q->in.q.counter_ok = q->session && asking_counts(k, q->session, q->counter);
	if (q->in.q.signature_ok && q->in.q.counter_ok)
		asking_count(k, q->session, q->counter);
	return COFFER_OK;
}

enum coffer_rc asking_facts(struct keep *k, struct asking *q, struct err *e)
{
	uint8_t bound[BINDINGS_MAX][32];
	struct facts_question ask = { .path = &q->in.q.path, .init_register = q->in.a.init_register, .platform = q->in.a.platform,
		.held = q->in.held, .bound = bound };
	const struct facts *f;

	q->in.now = k->now;
	q->in.genesis = k->genesis;
	q->in.shipped = k->shipped;
	TRY(member_bindings(q->members, bound, &ask.n_bound, e));
	TRY(registry_facts(&k->registry, &ask, k->now, &f, e));
	q->in.view = parties_genesis_by(&k->registry.parties, f->has_asset && f->asset.body.amended ? f->asset.body.amendment : NULL);
	q->in.has_asset = f->has_asset;
	q->in.asset = f->asset;
	q->in.workload = f->workload;
	q->in.n_workloads = f->n_workloads;
	q->in.approval = f->approval;
	q->in.n_approvals = f->n_approvals;
	q->in.service = f->service;
	q->in.n_services = f->n_services;
	q->in.boot = f->boot;
	q->in.n_boots = f->n_boots;
	q->in.tcb = f->tcb;
	q->in.n_tcbs = f->n_tcbs;
	q->in.assessment = f->assessment;
	q->in.n_assessments = f->n_assessments;
	q->in.binding = f->binding;
	q->in.n_bindings = f->n_bindings;
	q->in.n_bound = f->n_bound;
	q->in.release = f->release;
	q->in.n_releases = f->n_releases;
	q->in.delegation = f->delegation;
	q->in.n_delegations = f->n_delegations;
	q->in.revocation = f->revocation;
	q->in.n_revocations = f->n_revocations;
	return facts_things(&k->registry, q, e);
}

static enum coffer_rc gather(struct keep *k, const struct keep_resource_req *m, struct asking *q, struct err *e)
{
	TRY(asset_path_parse(m->path, &q->in.q.path, e));
	TRY(m->by_token ? by_token(k, m, q, e) : asking_session(k, m->session, q, e));
	TRY(tee_key_read(q->members, &q->key, e));
	TRY(check_request(k, m, q, e));
	return asking_facts(k, q, e);
}

/* ---- no ---- */

/* To a stranger absent, foreign and denied look alike: same code, same words. */
static enum coffer_rc refusal(const struct decision *d, struct err *e)
{
	const struct check *c = &d->check[d->reason];
	bool absent = d->absent && strcmp(c->id, "R9") == 0;
	bool named = strncmp(c->found, c->who, strlen(c->who)) == 0; /* the sentence began with who can mend it */

	if (d->stranger && d->appraised)
		return err_deny(e, "policy", "this evidence gives no right to that resource");
	(void)err_deny(e, c->id, "%s; %s can%s%s%s", c->found, named ? "it" : c->who, named ? "" : " mend it",
		       c->command[0] ? " with: " : "", c->command);
	e->rc = absent ? COFFER_E_NOTFOUND : COFFER_E_DENIED;
	return e->rc;
}

static enum coffer_rc deny(struct keep *k, const struct asking *q, const struct decision *d, struct answer *a, struct err *e)
{
	CLEANUP(tx_end) struct tx tx = { 0 };
	const struct trace_in t = { .in = &q->in, .d = d, .id = a->decision, .thumb = q->key.thumb };

	if (!d->appraised || (d->stranger && !noise_may_write(k))) {
		noise_count(k);
		return refusal(d, e);
	}
	random_bytes(a->decision, sizeof(a->decision));
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(trace_write(k, &t, e));
	TRY(tx_commit(&tx, e));
	a->has_decision = true;
	return refusal(d, e);
}

/* ---- yes ---- */

static enum coffer_rc count_use(struct keep *k, const struct fact_approval *ap, struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "INSERT INTO approval_use(statement, uses) VALUES(?,1) ON CONFLICT(statement) DO UPDATE SET uses=uses+1 RETURNING uses");
	uint64_t count;
	bool row = false;

	if (!ap->body.has_uses)
		return COFFER_OK;
	q_blob(&q, SPAN(ap->s.id));
	TRY(q_row(&q, &row, e));
	if (!row)
		return err_set(e, COFFER_E_BUG, "store: a count without a row");
	count = (uint64_t)q_col_i64(&q, 0);
	TRY(q_row(&q, &row, e));
	return status_used(k, ap->s.id, count, e);
}

static struct held_for held_for(const struct asking *q)
{
	return (struct held_for){ .thumb = q->key.thumb, .statement = q->in.asset.s.id, .path = &q->in.q.path, .scoped = q->in.q.scoped,
		.container = q->in.q.container, .purpose = (uint8_t)q->in.q.purpose,
		.in = &q->in };
}

/* What leaves now, or its ticket: with witnesses, nothing does before they have signed. */
static enum coffer_rc hand_out(struct keep *k, const struct asking *q, const struct keep_resource_rep *rep, struct wr *out,
    struct err *e)
{
	CLEANUP(wr_close) struct wr whole = wr_open(KEEP_FRAME_MAX);
	struct keep_resource_rep held = { .held = true };
	const struct held_for f = held_for(q);

	if (!witnessed_wanted(k, &q->in.asset.body)) {
		keep_resource_rep_write(out, rep);
		return COFFER_OK;
	}
	keep_resource_rep_write(&whole, rep);
	TRY(wr_done(&whole, "reply", e));
	witnessed_hold(k, &f, wr_span(&whole), held.ticket);
	keep_resource_rep_write(out, &held);
	return COFFER_OK;
}

/* Asked again while the reply waits: the same ticket, no second entry. */
static bool waits(struct keep *k, const struct asking *q, struct wr *out)
{
	struct keep_resource_rep held = { .held = true };
	const struct held_for f = held_for(q);

	if (!q->in.has_asset || (q->in.q.scoped && !(q->in.q.signature_ok && q->in.q.counter_ok)) || !witnessed_find(k, &f, held.ticket))
		return false;
	keep_resource_rep_write(out, &held);
	return true;
}

/* Everything is made and signed inside the transaction and handed out only after its commit. */
static enum coffer_rc release(struct keep *k, const struct asking *q, const struct decision *d, struct answer *a, struct err *e)
{
	CLEANUP(tx_end) struct tx tx = { 0 };
	CLEANUP(secret_free) struct secret plain = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(KEEP_FRAME_MAX / 2);
	struct reply_in r = { .key = &q->key, .path = &q->in.q.path, .version = q->in.asset.body.version };
	struct trace_in t = { .in = &q->in, .d = d, .id = a->decision, .thumb = q->key.thumb, .version = r.version, .by_token = q->by_token,
		.asked = &q->asked };
	struct keep_resource_rep rep = { .version = r.version };
	uint8_t digest[32], shown[32];
	bool has_shown = false;

	TRY(asset_load(k, &q->in.q.path, r.version, &plain, e));
	r.plain = (struct span){ plain.p, plain.n };
	if (q->in.q.scoped) {
		TRY(registry_envelope(&k->registry, q->in.asset.s.id, &env, e));
		r.statement = &env;
	}
	TRY(reply_seal(&r, &body, e));
	TRY(wr_done(&body, "reply", e));
	if (witnessed_wanted(k, &q->in.asset.body))
		TRY(witnessed_room(k, body.n + 1024, e));
	sha256(wr_span(&body), digest);
	t.reply = digest;
	random_bytes(a->decision, sizeof(a->decision));
	TRY(tx_begin(&k->journal, &tx, e));
	for (size_t i = 0; i < d->n_approvals; i++) /* before the entry: its leaf carries the map with the counts */
		TRY(count_use(k, d->approval[i], e));
	TRY(showing_store(k, q, &has_shown, shown, e));
	t.shown = has_shown ? shown : NULL;
	TRY(trace_write(k, &t, e));
	TRY(reply_sign(k, &r, wr_span(&body), rep.reply_sig, e));
	rep.seq = k->journal.seq;
	memcpy(rep.entry, k->journal.hash, sizeof(rep.entry));
	TRY(tx_commit(&tx, e));
	if (has_shown)
		showing_stored(k, q, shown);
	rep.body = wr_span(&body);
	return hand_out(k, q, &rep, a->out, e);
}

/* The policy sees the claims that a token of this session carries: the token's own where it came with one. */
enum coffer_rc asking_policy(struct keep *k, struct asking *q, struct err *e)
{
	CLEANUP(wr_close) struct wr claims = wr_open(CLAIMS_MAX);

	if (!claims_write(k, q->session, &claims))
		return err_set(e, COFFER_E_BUG, "resource: the session has no claims");
	TRY(wr_done(&claims, "claims", e));
	return policy_ask(k, &q->in, wr_span(&claims), &q->in.policy, e);
}

enum coffer_rc on_resource(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	CLEANUP(asking_clear) struct asking q = { 0 };
	CLEANUP(freep) struct decision *d = calloc(1, sizeof(*d));
	struct keep_resource_req m;

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "resource: out of memory");
	TRY(keep_resource_req_read(body, &m, e));
	TRY(gather(k, &m, &q, e));
	if (waits(k, &q, a->out))
		return COFFER_OK;
	decide(&q.in, d);
	if (decision_wants_policy(&q.in, d)) {
		if (m.by_token)
			TRY(policy_ask(k, &q.in, m.token_payload, &q.in.policy, e));
		else
			TRY(asking_policy(k, &q, e));
		decide(&q.in, d);
	}
	return d->allowed ? release(k, &q, d, a, e) : deny(k, &q, d, a, e);
}
