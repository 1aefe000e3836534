/* FRESH: whether a guest may keep what it holds. The release decision again (decide.c), over the newest asset statement and without
 * counting a use; nothing secret leaves. Where the answer is no, it is journaled as a denial, at most LAPSES_MAX times a session. */
#include <string.h>

#include "base/own.h"
#include "base/secret.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/asking.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/noise.h"
#include "cofferd/keep/trace.h"
#include "cofferd/keep/turn.h"
#include "crypto/hash.h"
#include "proto/fresh.h"

#define LAPSES_MAX 16

/* Signed by this session's request key, and not before the last one that was. */
static enum coffer_rc admit_ask(struct keep *k, const struct keep_fresh_req *m, const struct fresh_ask *ask, struct asking *q, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(FRESH_REQUEST_MAX + 64);
	struct pubkey key = { 0 };
	bool has = false;

	TRY(request_key_read(q->members, &has, &key, e));
	fresh_ask_to_sign(m->ask, q->session_id, &w);
	TRY(wr_done(&w, "freshness", e));
	if (!has || !key_verify(&key, wr_span(&w), SPAN(m->sig)))
		return err_deny(e, "R1", "a question that the attested request key did not sign; attest again");
	if (!asking_counts(k, q->session, ask->counter))
		return err_deny(e, "R1", "a question whose counter did not rise; the guest asks with a higher one");
	asking_count(k, q->session, ask->counter);
	return COFFER_OK;
}

/* The statement that came with what is held: one who decides of it may have revoked it and said another since, or have lost the key that signed it. */
static enum coffer_rc held_revoked(struct keep *k, const struct fresh_item *t, const struct asset_path *p, bool *known, bool *revoked,
    struct err *e)
{
	CLEANUP(q_close) struct q q = q_open(k->store,
	    "SELECT EXISTS(SELECT 1 FROM revoked r WHERE r.target=s.id AND NOT EXISTS(SELECT 1 FROM revoked l"
	    " WHERE l.target=r.statement AND l.issuer=r.issuer)), e.time FROM statement s JOIN entry e ON e.seq=s.seq WHERE s.id=?1 AND s.kind=?2"
	    " AND s.issuer=?3 AND s.subject=?4");
	CLEANUP(wr_close) struct wr subject = wr_open(ASSET_PATH_MAX + 8);

	wr_blob32(&subject, span_of(p->text));
	TRY(wr_done(&subject, "subject", e));
	q_blob(&q, SPAN(t->statement));
	q_i64(&q, ST_ASSET);
	q_text(&q, span_of(p->owner));
	q_blob(&q, wr_span(&subject));
	TRY(q_row(&q, known, e));
	*revoked = *known && q_col_i64(&q, 0) != 0;
	if (!*known || *revoked)
		return COFFER_OK;
	return registry_by_dead(&k->registry, &(struct voided_question){ t->statement, p->owner, ST_ASSET, q_col_i64(&q, 1) }, revoked, e);
}

static enum coffer_rc write_down(struct keep *k, const struct asking *q, const struct decision *d, struct fresh_said *s, struct err *e)
{
	CLEANUP(tx_end) struct tx tx = { 0 };
	const struct trace_in t = { .in = &q->in, .d = d, .id = s->decision, .thumb = q->key.thumb };

	if (q->session->lapses >= LAPSES_MAX || (d->stranger && !noise_may_write(k)))
		return COFFER_OK;
	q->session->lapses++;
	random_bytes(s->decision, sizeof(s->decision));
	TRY(tx_begin(&k->journal, &tx, e));
	TRY(trace_write(k, &t, e));
	return tx_commit(&tx, e);
}

static void say(struct fresh_said *s, enum fresh_status status, const char *check)
{
	s->status = status;
	memset(s->check, 0, sizeof(s->check));
	memcpy(s->check, check, strnlen(check, sizeof(s->check) - 1));
}

/* policy: its answer; where it is not asked yet, only that is not known. */
static enum coffer_rc decide_item(struct keep *k, struct asking *q, const struct fresh_item *t, const struct policy_answer *policy,
    struct decision *d, struct err *e)
{
	TRY(asset_path_parse(t->path, &q->in.q.path, e));
	q->in.q.container = t->container;
	q->in.q.purpose = t->purpose;
	q->in.policy = (struct policy_answer){ .asked = false };
	TRY(asking_facts(k, q, e));
	decide(&q->in, d);
	if (policy->asked && decision_wants_policy(&q->in, d)) {
		q->in.policy = *policy;
		decide(&q->in, d);
	}
	return COFFER_OK;
}

/* Before anything is written: a question may have to wait, and then it is as if none had been asked. */
static enum coffer_rc ask_policies(struct keep *k, struct asking *q, const struct fresh_ask *ask, struct policy_answer *out, struct err *e)
{
	CLEANUP(freep) struct decision *d = calloc(1, sizeof(*d));
	bool waits = false;

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "freshness: out of memory");
	for (size_t i = 0; i < ask->n; i++) {
		enum coffer_rc rc;

		TRY(decide_item(k, q, &ask->item[i], &out[i], d, e));
		if (!decision_wants_policy(&q->in, d))
			continue;
		rc = asking_policy(k, q, e);
		if (rc != COFFER_OK && (!eval_waits(k) || k->turn->no_place))
			return rc;
		waits = waits || rc != COFFER_OK;
		out[i] = q->in.policy;
	}
	return waits ? COFFER_E_UPSTREAM : COFFER_OK; /* *e says so */
}

/* To a stranger everything looks alike, as in a release. */
static enum coffer_rc judge(struct keep *k, struct asking *q, const struct fresh_item *t, const struct policy_answer *policy,
    struct fresh_said *s, struct err *e)
{
	CLEANUP(freep) struct decision *d = calloc(1, sizeof(*d));
	bool known = false, revoked = false;

	if (!d)
		return err_set(e, COFFER_E_SYSTEM, "freshness: out of memory");
	TRY(decide_item(k, q, t, policy, d, e));
	TRY(held_revoked(k, t, &q->in.q.path, &known, &revoked, e));
	if (decision_wants_policy(&q->in, d))
		return err_set(e, COFFER_E_BUG, "freshness: a policy was not asked");
	if (d->stranger || !known)
		say(s, FRESH_ENDED, "policy");
	else if (!d->allowed && strcmp(d->check[d->reason].id, "R11") == 0)
		say(s, d->check[d->reason].paused ? FRESH_PAUSED : FRESH_REVOKED, "R11");
	else if (!d->allowed)
		say(s, FRESH_ENDED, d->check[d->reason].id);
	else if (revoked)
		say(s, FRESH_REVOKED, "R11");
	else
		say(s, FRESH_HELD, "");
	return d->allowed ? COFFER_OK : write_down(k, q, d, s, e);
}

static enum coffer_rc sign(struct keep *k, const struct fresh_answer *ans, struct answer *a, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(FRESH_ANSWER_MAX), w = wr_open(FRESH_ANSWER_MAX + 64);
	struct keep_fresh_rep rep = { .answer = { 0 } };

	fresh_answer_write(ans, &body);
	TRY(wr_done(&body, "freshness answer", e));
	fresh_answer_to_sign(wr_span(&body), &w);
	TRY(wr_done(&w, "freshness answer", e));
	TRY(key_sign(k->keys.reply, wr_span(&w), rep.sig, e));
	rep.answer = wr_span(&body);
	keep_fresh_rep_write(a->out, &rep);
	return COFFER_OK;
}

enum coffer_rc on_fresh(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	CLEANUP(asking_clear) struct asking q = { .in = { .held = true, .q = { .scoped = true, .signature_ok = true, .counter_ok = true } } };
	CLEANUP(freep) struct policy_answer *policy = calloc(FRESH_ITEMS_MAX, sizeof(*policy));
	struct fresh_answer ans = { .n = 0 };
	struct merkle_head head;
	struct keep_fresh_req m;
	struct fresh_ask ask;

	TRY(keep_fresh_req_read(body, &m, e));
	TRY(fresh_ask_read(m.ask, &ask, e));
	TRY(asking_session(k, m.session, &q, e));
	TRY(tee_key_read(q.members, &q.key, e));
	TRY(admit_ask(k, &m, &ask, &q, e));
	if (!policy)
		return err_set(e, COFFER_E_SYSTEM, "freshness: out of memory");
	TRY(ask_policies(k, &q, &ask, policy, e));
	for (ans.n = 0; ans.n < ask.n; ans.n++)
		TRY(judge(k, &q, &ask.item[ans.n], &policy[ans.n], &ans.said[ans.n], e));
	memcpy(ans.session_key, q.key.thumb, sizeof(ans.session_key));
	memcpy(ans.nonce, ask.nonce, sizeof(ans.nonce));
	sha256(m.ask, ans.ask);
	tree_head(&k->journal.tree, &head);
	ans.size = head.size;
	memcpy(ans.root, &head.root, sizeof(ans.root));
	ans.time = k->now;
	return sign(k, &ans, a, e);
}
