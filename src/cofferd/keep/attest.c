/* AUTH and ATTEST: the session's nonce, the evidence that answers it (R1, R2), and the token. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/credential.h"
#include "cofferd/keep/evidence.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/noise.h"
#include "cofferd/keep/references.h"
#include "cofferd/keep/token.h"
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

/* ---- what the evidence must be bound to ---- */

struct bound { uint8_t digest[HASH_MAX], device[HASH_MAX]; size_t n; };

/* Rebuilt from our nonce and the members as they were sent. */
static enum coffer_rc bind(const struct session *s, const struct keep_attest_req *m, struct bound *out, struct err *e)
{
	CLEANUP(wr_close) struct wr nonce = wr_open(64);
	struct rcar_binding b = { .member = s->members.member, .n_members = s->members.n, .additional = m->additional };

	if (m->hash != HASH_SHA256 && m->hash != HASH_SHA384 && m->hash != HASH_SHA512)
		return err_set(e, COFFER_E_INPUT, "attest: unknown hash");
	b64_write(&nonce, SPAN(s->nonce));
	if (!span_eq(m->nonce, wr_span(&nonce)))
		return err_deny(e, "R1", "the runtime data is for another nonce than this session's");
	b.nonce = wr_span(&nonce);
	out->n = hash_len((enum hash_alg)m->hash);
	TRY(rcar_report_data(&b, (enum hash_alg)m->hash, out->digest, e));
	b.device = true;
	return rcar_report_data(&b, (enum hash_alg)m->hash, out->device, e);
}

static enum coffer_rc check_members(const struct session *s, struct appraisal *a, struct err *e)
{
	struct pubkey request_key;
	struct tee_key key;
	bool has_request;

	TRY(tee_key_read(&s->members, &key, e));
	TRY(request_key_read(&s->members, &has_request, &request_key, e));
	return member_genesis(&s->members, &a->has_genesis, a->genesis, e);
}

/* ---- what it showed ---- */

static void fill(const struct session *s, const struct keep_attest_req *m, const struct bound *b, const struct evidence_out *v,
		 struct appraisal *a)
{
	bool tpm = s->tee == TEE_TPM || s->tee == TEE_SWTPM;

	a->platform = tee_name((enum tee_kind)s->tee);
	a->attested = true;
	a->expires = s->expires;
	/* Upstream's TPM attester cuts its report data to the 32 bytes that the quote's nonce has. */
	a->expected_n = tpm && v->report_data_n == 32 && b->n > 32 ? 32 : b->n;
	memcpy(a->expected, b->digest, a->expected_n);
	a->found_n = v->report_data_n;
	memcpy(a->found, v->report_data, a->found_n);
	a->has_register = v->has_register;
	memcpy(a->init_register, v->init_register, sizeof(a->init_register));
	a->has_initdata = m->initdata.n > 0;
	if (a->has_initdata)
		sha256(m->initdata, a->initdata);
	a->genuine = v->genuine;
	a->hw = s->tee == TEE_SAMPLE ? NULL : &v->facts;
	a->collateral = true;
	(void)snprintf(a->why, sizeof(a->why), "%s", v->why);
}

static enum coffer_rc conclude(struct keep *k, struct session *s, const struct decide_in *in, const struct evidence_out *v,
			       struct keep_attest_rep *rep, struct wr *token, struct err *e)
{
	CLEANUP(wr_close) struct wr facts = wr_open(FACTS_PACKED_MAX);
	struct check c;

	decide_fresh(in, &c);
	if (c.holds)
		decide_genuine(in, &c);
	if (!c.holds)
		return err_deny(e, c.id, "%s", c.found);
	if (s->tee != TEE_SAMPLE)
		facts_write(&facts, &v->facts);
	TRY(wr_done(&facts, "hardware facts", e));
	session_attested(k->sessions, s);
	s->a = in->a;
	s->a.hw = NULL; /* the session's note has them */
	TRY(session_note(k->sessions, s, wr_span(&facts), wr_span(&v->submods), e));
	TRY(token_make(k, s, token, e));
	rep->token = wr_span(token);
	return COFFER_OK;
}

static enum coffer_rc attest(struct keep *k, struct session *s, const struct keep_attest_req *m, struct answer *a, struct err *e)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX), references = wr_open(EVAL_DOC_MAX);
	CLEANUP(evidence_clear) struct evidence_out v = { 0 };
	struct decide_in in = { .now = k->now, .genesis = k->genesis };
	struct keep_attest_rep rep = { 0 };
	struct evidence_in ask = { .s = s, .m = m };
	uint8_t initdata[32];
	struct bound b;

	members_clear(&s->members);
	TRY(members_copy(m->member, m->n_members, &s->members, e));
	TRY(check_members(s, &in.a, e));
	TRY(bind(s, m, &b, e));
	sha256(m->initdata, initdata);
	TRY(registry_references(&k->registry, initdata, k->now, &references, e));
	ask.references = wr_span(&references);
	ask.expected = (struct span){ b.digest, b.n };
	ask.device = (struct span){ b.device, b.n };
	TRY(evidence_judge(k, &ask, &v, e));
	if (v.needs.n > 0 && ++s->tries >= SESSION_TRIES_MAX)
		return err_deny(e, "R2", "collateral unavailable: %.*s; the service's operator can mend it", (int)(v.needs.n > 200 ? 200 : v.needs.n),
				(const char *)v.needs.p);
	if (v.needs.n > 0) {
		rep.needs = wr_span(&v.needs);
	} else {
		fill(s, m, &b, &v, &in.a);
		TRY(conclude(k, s, &in, &v, &rep, &token, e));
	}
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
	rc = attest(k, s, &m, a, e);
	if (rc != COFFER_OK) {
		session_drop(k->sessions, s);
		noise_count(k);
	}
	return rc;
}
