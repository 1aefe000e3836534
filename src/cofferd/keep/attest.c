/* AUTH and ATTEST: the session's nonce, the evidence that answers it (R1, R2), and the token. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/noise.h"
#include "cofferd/keep/token.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"

enum coffer_rc on_auth(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	struct keep_auth_rep rep = { 0 };
	struct keep_auth_req m;
	struct session *s;

	TRY(keep_auth_req_read(body, &m, e));
	if (m.tee != TEE_SAMPLE)
		return err_deny(e, "R3", "this version cannot judge that platform");
	s = session_add(k->sessions, m.tee, k->now);
	memcpy(rep.session, s->id, sizeof(rep.session));
	memcpy(rep.nonce, s->nonce, sizeof(rep.nonce));
	keep_auth_rep_write(a->out, &rep);
	return COFFER_OK;
}

/* Rebuilds what the report data must be from our nonce and the members as they were sent. */
static enum coffer_rc appraise(const struct session *s, const struct keep_attest_req *m, struct appraisal *a, struct err *e)
{
	CLEANUP(wr_close) struct wr nonce = wr_open(64);
	uint8_t digest[HASH_MAX];
	struct rcar_binding b = { .member = s->members.member, .n_members = s->members.n, .additional = m->additional };
	struct pubkey request_key;
	struct tee_key key;
	bool has_request;

	if (m->hash != HASH_SHA256 && m->hash != HASH_SHA384 && m->hash != HASH_SHA512)
		return err_set(e, COFFER_E_INPUT, "attest: unknown hash");
	if (m->report_data.n == 0 || m->report_data.n > sizeof(a->found))
		return err_set(e, COFFER_E_INPUT, "attest: report data of %zu bytes", m->report_data.n);
	TRY(tee_key_read(&s->members, &key, e));
	TRY(request_key_read(&s->members, &has_request, &request_key, e));
	TRY(member_genesis(&s->members, &a->has_genesis, a->genesis, e));
	b64_write(&nonce, SPAN(s->nonce));
	b.nonce = wr_span(&nonce);
	TRY(rcar_report_data(&b, (enum hash_alg)m->hash, digest, e));
	a->platform = tee_name((enum tee_kind)s->tee);
	a->attested = true;
	a->expires = s->expires;
	a->expected_n = hash_len((enum hash_alg)m->hash);
	memcpy(a->expected, digest, a->expected_n);
	a->found_n = m->report_data.n;
	memcpy(a->found, m->report_data.p, a->found_n);
	a->has_register = m->has_register;
	memcpy(a->init_register, m->init_register, sizeof(a->init_register));
	a->has_initdata = m->initdata.n > 0;
	if (a->has_initdata)
		sha256(m->initdata, a->initdata);
	return COFFER_OK;
}

static enum coffer_rc attest(struct keep *k, struct session *s, const struct keep_attest_req *m, struct answer *a, struct err *e)
{
	CLEANUP(wr_close) struct wr token = wr_open(64u << 10);
	struct decide_in in = { .now = k->now, .genesis = k->genesis };
	struct check c;

	TRY(members_copy(m->member, m->n_members, &s->members, e));
	TRY(appraise(s, m, &in.a, e));
	decide_fresh(&in, &c);
	if (c.holds)
		decide_genuine(&in, &c);
	if (!c.holds)
		return err_deny(e, c.id, "%s", c.found);
	session_attested(k->sessions, s);
	s->a = in.a;
	TRY(token_make(k, s, &token, e));
	wr_put(a->out, wr_span(&token)); /* the whole body: a token has no other part */
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
