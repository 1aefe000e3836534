/* AUTH and ATTEST: the session's nonce, the evidence that answers it (R1, R2), and the token. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/credential.h"
#include "cofferd/keep/evidence.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/noise.h"
#include "cofferd/keep/references.h"
#include "cofferd/keep/showing.h"
#include "cofferd/keep/token.h"
#include "cofferd/keep/turn.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "proto/eval.h"
#include "proto/rcar_json.h"

enum coffer_rc on_auth(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	CLEANUP(credential_clear) struct credential_keys keys = { 0 };
	struct tpm_credential credential = { 0 };
	struct keep_auth_rep rep = { 0 };
	struct keep_auth_req m;
	enum coffer_rc rc = COFFER_OK;
	struct session *s;

	TRY(keep_auth_req_read(body, &m, e));
	if (m.tpm.ek_cert.n > 0)
		TRY(credential_judge(k, &m, &keys, e));
	s = session_add(k->sessions, m.tee, k->now);
	if (keys.ek)
		rc = credential_lock(k, s, &keys, &credential, e);
	if (rc != COFFER_OK) {
		session_drop(k->sessions, s);
		return rc;
	}
	memcpy(rep.session, s->id, sizeof(rep.session));
	memcpy(rep.nonce, s->nonce, sizeof(rep.nonce));
	rep.credential = (struct span){ credential.blob, credential.blob_n };
	rep.secret = (struct span){ credential.seed, credential.seed_n };
	keep_auth_rep_write(a->out, &rep);
	return COFFER_OK;
}

/* ---- what it is bound to ---- */

static enum coffer_rc check_nonce(const struct session *s, const struct keep_attest_req *m, struct err *e)
{
	CLEANUP(wr_close) struct wr nonce = wr_open(64);

	b64_write(&nonce, SPAN(s->nonce));
	return span_eq(m->nonce, wr_span(&nonce)) ? COFFER_OK
						  : err_deny(e, "R1", "the runtime data is for another nonce than this session's");
}

static enum coffer_rc check_members(const struct session *s, struct appraisal *a, struct err *e)
{
	uint8_t bindings[BINDINGS_MAX][32];
	struct pubkey request_key;
	struct tee_key key;
	bool has_request;
	size_t n;

	TRY(tee_key_read(&s->members, &key, e));
	TRY(request_key_read(&s->members, &has_request, &request_key, e));
	TRY(member_bindings(&s->members, bindings, &n, e));
	return member_genesis(&s->members, &a->has_genesis, a->genesis, e);
}

/* ---- what it showed ---- */

static void shown_by(const struct keep *k, const struct session *s, const struct keep_attest_req *m, struct shown *out)
{
	*out = (struct shown){ .tee = (enum tee_kind)s->tee, .time = k->turn->since, .expires = s->expires, .hash = m->hash,
		.member = s->members.member, .n_members = s->members.n, .additional = m->additional, .evidence = m->evidence,
		.initdata = m->initdata, .ak = session_span(&s->ak), .n_files = m->n_files, .service = span_of(k->id),
		.build = span_of(COFFER_VERSION) };
	memcpy(out->session, s->id, sizeof(out->session));
	memcpy(out->nonce, s->nonce, sizeof(out->nonce));
	memcpy(out->file, m->file, m->n_files * sizeof(out->file[0]));
}

static enum coffer_rc conclude(struct keep *k, struct session *s, const struct decide_in *in, const struct shown *shown,
			       struct wr *token, struct err *e)
{
	CLEANUP(wr_close) struct wr facts = wr_open(FACTS_PACKED_MAX);
	struct check c;

	decide_fresh(in, &c);
	if (c.holds)
		decide_genuine(in, &c);
	if (!c.holds)
		return err_deny(e, c.id, "%s", c.found);
	if (in->a.hw)
		facts_write(&facts, in->a.hw);
	TRY(wr_done(&facts, "hardware facts", e));
	session_attested(k->sessions, s);
	session_accept(s, &in->a);
	TRY(session_note(k->sessions, s, wr_span(&facts), shown->claims, e));
	TRY(showing_hold(k, s, shown, e));
	return token_make(k, s, token, e);
}

/* rep borrows token and v. */
static enum coffer_rc judge(struct keep *k, struct session *s, struct shown *shown, struct evidence_out *v, struct wr *token,
    struct err *e)
{
	CLEANUP(wr_close) struct wr references = wr_open(EVAL_DOC_MAX);
	struct decide_in in = { .now = k->now, .genesis = k->genesis };
	struct evidence_in ask = { .session = s, .s = shown };
	uint8_t initdata[32];

	TRY(check_members(s, &in.a, e));
	TRY(shown_bind(shown, &ask.bound, e));
	sha256(shown->initdata, initdata);
	TRY(registry_references(&k->registry, initdata, k->now, &references, e));
	shown->references = wr_span(&references);
	TRY(evidence_judge(k, &ask, v, e));
	if (v->needs.n > 0)
		return COFFER_OK;
	shown->claims = wr_span(&v->submods);
	shown_appraisal(shown, &ask.bound, &v->v, &in.a);
	return conclude(k, s, &in, shown, token, e);
}

static enum coffer_rc attest(struct keep *k, struct session *s, const struct keep_attest_req *m, struct answer *a, struct err *e)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
	CLEANUP(evidence_clear) struct evidence_out v = { 0 };
	struct keep_attest_rep rep = { 0 };
	struct shown shown;

	members_clear(&s->members);
	TRY(members_copy(m->member, m->n_members, &s->members, e));
	TRY(check_nonce(s, m, e));
	shown_by(k, s, m, &shown);
	TRY(judge(k, s, &shown, &v, &token, e));
	if (v.needs.n > 0 && ++s->tries >= SESSION_TRIES_MAX)
		return err_deny(e, "R2", "collateral unavailable: %.*s; the service's operator can mend it", (int)(v.needs.n > 200 ? 200 : v.needs.n),
				(const char *)v.needs.p);
	if (v.needs.n > 0)
		TRY(registry_collateral_age(&k->registry, tee_name((enum tee_kind)s->tee), k->now, &rep.max_age, e));
	rep.needs = wr_span(&v.needs);
	rep.token = wr_span(&token);
	keep_attest_rep_write(a->out, &rep);
	return COFFER_OK;
}

/* One evidence a session: whatever fails ends it, and whoever was attested attests anew in another. */
enum coffer_rc on_attest(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct keep_attest_req m;
	struct session *s;
	enum coffer_rc rc;

	TRY(keep_attest_req_read(body, &m, e));
	s = session_get(k->sessions, m.session, k->now);
	if (!s)
		return err_deny(e, "session", "no such session, or it has expired; begin with auth");
	if (s->a.attested)
		return err_deny(e, "session", "this session has its evidence; begin a new one with auth");
	if (s->busy && k->turn->runs == 1)
		return err_deny(e, "session", "this session's evidence is being appraised");
	rc = attest(k, s, &m, a, e);
	s->busy = eval_waits(k);
	if (rc != COFFER_OK && !eval_waits(k)) {
		session_drop(k->sessions, s);
		noise_count(k);
	}
	return rc;
}
