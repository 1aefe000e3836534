#include "cofferd/keep/token.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/handlers.h"
#include "cofferd/keep/partyauth.h"
#include "cofferd/keep/turn.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "proto/rcar_json.h"

#define HEADER_MAX (12u << 10)
#define STATE_MAX (8u << 10)
#define STATE_MAGIC "CFT2"

/* ---- what keep writes for itself ---- */

static void put_flagged(struct wr *w, bool has, const uint8_t *d)
{
	wr_u8(w, has);
	if (has)
		wr_put(w, (struct span){ d, 32 });
}

static void state_write(const struct keep *k, const struct session *s, struct span facts, struct wr *w)
{
	wr_str(w, STATE_MAGIC);
	wr_u8(w, s->tee);
	wr_u8(w, s->a.genuine);
	wr_put(w, SPAN(s->a.root));
	wr_be64(w, (uint64_t)k->now + TOKEN_SECONDS_EAR);
	wr_put(w, SPAN(s->id));
	wr_blob32(w, (struct span){ s->a.found, s->a.found_n });
	wr_u8(w, (uint8_t)s->a.expected_n);
	put_flagged(w, s->a.has_register, s->a.init_register);
	put_flagged(w, s->a.has_initdata, s->a.initdata);
	wr_u8(w, (uint8_t)s->members.n);
	for (size_t i = 0; i < s->members.n; i++) {
		wr_blob32(w, s->members.member[i].name);
		wr_blob32(w, s->members.member[i].value);
	}
	wr_blob32(w, facts);
}

static bool get_flag(struct rd *r)
{
	uint8_t v = rd_u8(r);

	if (v > 1)
		r->bad = true;
	return v == 1;
}

static bool get_flagged(struct rd *r, uint8_t *d)
{
	bool has = get_flag(r);

	if (has)
		rd_copy(r, d, 32);
	return has;
}

static void get_members(struct rd *r, struct token_state *out, struct err *e)
{
	struct keep_member m[KEEP_MEMBERS_MAX] = { 0 };
	size_t n = rd_count(r, rd_u8(r), 8, KEEP_MEMBERS_MAX);

	for (size_t i = 0; i < n; i++) {
		m[i].name = rd_blob32(r, KEEP_MEMBER_NAME_MAX);
		m[i].value = rd_blob32(r, KEEP_MEMBER_VALUE_MAX);
	}
	if (rd_ok(r) && members_copy(m, n, &out->members, e) != COFFER_OK)
		r->bad = true;
}

static void get_appraisal(struct rd *r, struct appraisal *a)
{
	a->attested = a->collateral = true;
	a->genuine = get_flag(r);
	rd_copy(r, a->root, sizeof(a->root));
	a->expires = (int64_t)((uint64_t)rd_be32(r) << 32);
	a->expires |= (int64_t)rd_be32(r);
}

/* What was checked against the report data before the token was signed is not there to be checked again: the signature
 * stands for it, so expected and found are the same bytes. */
static void get_bindings(struct rd *r, struct appraisal *a)
{
	struct span found = rd_blob32(r, sizeof(a->found));

	a->expected_n = rd_u8(r);
	if (a->expected_n > found.n || found.n == 0)
		r->bad = true;
	if (r->bad)
		return;
	memcpy(a->found, found.p, found.n);
	a->found_n = found.n;
	memcpy(a->expected, a->found, a->expected_n);
	a->has_register = get_flagged(r, a->init_register);
	a->has_initdata = get_flagged(r, a->initdata);
}

static enum coffer_rc state_read(struct span in, struct token_state *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct span magic = rd_span(&r, 4), facts;
	uint8_t tee = rd_u8(&r);

	get_appraisal(&r, &out->a);
	rd_copy(&r, out->session, sizeof(out->session));
	get_bindings(&r, &out->a);
	get_members(&r, out, e);
	facts = rd_blob32(&r, FACTS_PACKED_MAX);
	if (!rd_done(&r) || !span_eq_str(magic, STATE_MAGIC) || tee == 0 || tee > TEE_LAST)
		return err_set(e, COFFER_E_INPUT, "token: malformed");
	out->a.platform = tee_name((enum tee_kind)tee);
	(void)snprintf(out->a.why, sizeof(out->a.why), "as when the token was made");
	out->has_facts = facts.n > 0;
	return out->has_facts ? facts_read(facts, &out->facts, e) : COFFER_OK;
}

/* ---- header ---- */

#define HEAD "{\"alg\":\"ES256\",\"coffer\":\""

/* What follows the state in the header: which key of the service's JWKS signed it. */
static void header_tail(const struct keep *k, struct wr *w)
{
	uint8_t thumb[32];

	pubkey_thumbprint(privkey_public(k->keys.token), thumb);
	wr_str(w, "\",\"kid\":\"");
	b64url_write(w, SPAN(thumb));
	wr_str(w, "\",\"typ\":\"JWT\"}");
}

/* ---- the key, for whoever verifies tokens ---- */

enum coffer_rc on_jwks(struct keep *k, struct span body, struct answer *a, struct err *e)
{
	const struct pubkey *key = privkey_public(k->keys.token);
	CLEANUP(wr_close) struct wr x = wr_open(64), y = wr_open(64), kid = wr_open(64);
	struct json_wr j = jw_open(a->out, false);
	uint8_t thumb[32];

	if (body.n != 0)
		return err_set(e, COFFER_E_INPUT, "jwks: a body where none belongs");
	pubkey_thumbprint(key, thumb);
	b64url_write(&x, SPAN(key->x));
	b64url_write(&y, SPAN(key->y));
	b64url_write(&kid, SPAN(thumb));
	jw_obj(&j);
	jw_name(&j, "keys");
	jw_arr(&j);
	jw_obj(&j);
	jw_m_text(&j, "alg", "ES256");
	jw_m_text(&j, "crv", "P-256");
	jw_m_str(&j, "kid", wr_span(&kid));
	jw_m_text(&j, "kty", "EC");
	jw_m_text(&j, "use", "sig");
	jw_m_str(&j, "x", wr_span(&x));
	jw_m_str(&j, "y", wr_span(&y));
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_obj_end(&j);
	return COFFER_OK;
}

static enum coffer_rc header(const struct keep *k, const struct session *s, struct span facts, struct wr *w, struct err *e)
{
	CLEANUP(wr_close) struct wr state = wr_open(STATE_MAX);

	state_write(k, s, facts, &state);
	TRY(wr_done(&state, "token", e));
	wr_str(w, HEAD);
	b64url_write(w, wr_span(&state));
	header_tail(k, w);
	return wr_done(w, "token header", e);
}


/* ---- claims ---- */

bool claims_write(const struct keep *k, const struct session *s, struct wr *out)
{
	struct claims_in in = { .genesis = k->genesis, .session = s->id, .service = span_of(k->id), .build = span_of(COFFER_VERSION), .time = k->now };
	struct span facts;

	return session_read_note(s, &facts, &in.submods) && shown_claims(&in, out);
}

enum coffer_rc token_make(const struct keep *k, const struct session *s, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr head = wr_open(HEADER_MAX), body = wr_open(CLAIMS_MAX);
	struct span facts, submods;

	if (!session_read_note(s, &facts, &submods))
		return err_set(e, COFFER_E_BUG, "token: the session has no appraisal");
	TRY(header(k, s, facts, &head, e));
	if (!claims_write(k, s, &body))
		return err_deny(e, "R2", "the appraisal's claims are malformed: the service's operator looks at eval");
	TRY(wr_done(&body, "token", e));
	return jws_sign(k->keys.token, wr_span(&head), wr_span(&body), out, e);
}

/* ---- reading our own ---- */

/* The header decoded, when it begins and ends as ours do. */
static bool state_of(const struct keep *k, struct span head, struct wr *state)
{
	CLEANUP(wr_close) struct wr tail = wr_open(HEADER_MAX);
	size_t n = strlen(HEAD);

	header_tail(k, &tail);
	if (!wr_ok(&tail) || head.n <= n + tail.n || !span_starts(head, HEAD) ||
	    !span_eq(span_skip(head, head.n - tail.n), wr_span(&tail)))
		return false;
	return b64url_read((struct span){ head.p + n, head.n - n - tail.n }, state) && wr_ok(state);
}

static bool ours(const struct keep *k, const struct keep_resource_req *q, struct wr *state)
{
	CLEANUP(wr_close) struct wr head = wr_open(HEADER_MAX);
	struct span text = { q->token_signing_input.p, span_find(q->token_signing_input, '.') };

	return key_verify_seen(privkey_public(k->keys.token), q->token_signing_input, SPAN(q->token_sig), &k->turn->token) &&
	       jws_payload_is(q->token_signing_input, q->token_payload) && b64url_read(text, &head) && wr_ok(&head) &&
	       state_of(k, wr_span(&head), state);
}

enum coffer_rc token_read(const struct keep *k, const struct keep_resource_req *q, struct token_state *out, struct err *e)
{
	CLEANUP(wr_close) struct wr state = wr_open(STATE_MAX);

	if (!ours(k, q, &state))
		return err_deny(e, "token", "the token is not one of this service");
	TRY(state_read(wr_span(&state), out, e));
	TRY(member_genesis(&out->members, &out->a.has_genesis, out->a.genesis, e));
	if (k->now >= out->a.expires)
		return err_deny(e, "token", "the token has expired; attest again");
	return COFFER_OK;
}
