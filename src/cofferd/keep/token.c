#include "cofferd/keep/token.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/partyauth.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"

#define PAYLOAD_MAX CLAIMS_MAX

static void header(const struct keep *k, struct wr *w)
{
	const struct pubkey *key = privkey_public(k->keys.token);
	struct json_wr j = jw_open(w, false);
	CLEANUP(wr_close) struct wr x = wr_open(64), y = wr_open(64);

	b64url_write(&x, SPAN(key->x));
	b64url_write(&y, SPAN(key->y));
	jw_obj(&j);
	jw_m_text(&j, "alg", "ES256");
	jw_name(&j, "jwk");
	jw_obj(&j);
	jw_m_text(&j, "alg", "ES256");
	jw_m_text(&j, "crv", "P-256");
	jw_m_text(&j, "kty", "EC");
	jw_m_str(&j, "x", wr_span(&x));
	jw_m_str(&j, "y", wr_span(&y));
	jw_obj_end(&j);
	jw_m_text(&j, "typ", "JWT");
	jw_obj_end(&j);
}

static void hex_member(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)4 * SESSION_BYTES_MAX);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static void evidence(const struct session *s, struct json_wr *j)
{
	CLEANUP(wr_close) struct wr nonce = wr_open(64);

	b64_write(&nonce, SPAN(s->nonce));
	jw_obj(j);
	if (s->a.has_initdata)
		hex_member(j, "coffer.initdata", SPAN(s->a.initdata));
	hex_member(j, "init_data", s->a.has_register ? SPAN(s->a.init_register) : (struct span){ 0 });
	jw_name(j, "init_data_claims");
	jw_obj(j);
	jw_obj_end(j);
	hex_member(j, "report_data", (struct span){ s->a.found, s->a.found_n });
	jw_name(j, "runtime_data_claims");
	jw_obj(j);
	jw_m_str(j, "nonce", wr_span(&nonce));
	jw_name(j, "tee-pubkey");
	jw_obj(j);
	for (size_t i = 0; i < s->members.n; i++) {
		jw_namen(j, s->members.member[i].name);
		jw_str(j, s->members.member[i].value);
	}
	jw_obj_end(j);
	jw_obj_end(j);
	jw_name(j, s->a.platform);
	jw_obj(j);
	jw_obj_end(j);
	jw_obj_end(j);
}

static void appraisal(const struct session *s, struct json_wr *j)
{
	static const char *const vector[] = { "configuration", "executables", "file-system", "hardware", "instance-identity",
		"runtime-opaque", "sourced-data", "storage-opaque" };

	jw_obj(j);
	jw_m_text(j, "ear.appraisal-policy-id", "none");
	jw_m_text(j, "ear.status", "none");
	jw_name(j, "ear.trustworthiness-vector");
	jw_obj(j);
	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++)
		jw_m_u64(j, vector[i], 0);
	jw_obj_end(j);
	jw_name(j, "ear.veraison.annotated-evidence");
	evidence(s, j);
	jw_obj_end(j);
}

void claims_write(const struct keep *k, const struct session *s, struct wr *out)
{
	struct json_wr j = jw_open(out, false);

	jw_obj(&j);
	jw_name(&j, "ear.verifier-id");
	jw_obj(&j);
	jw_m_text(&j, "build", "cofferd-keep " COFFER_VERSION);
	jw_m_text(&j, "developer", "coffer");
	jw_obj_end(&j);
	jw_m_text(&j, "eat_profile", "tag:github.com,2024:confidential-containers/Trustee");
	jw_m_u64(&j, "exp", (uint64_t)k->now + TOKEN_SECONDS_EAR);
	jw_m_u64(&j, "iat", (uint64_t)k->now);
	jw_m_text(&j, "iss", "coffer");
	hex_member(&j, "jti", SPAN(s->id));
	jw_name(&j, "submods");
	jw_obj(&j);
	jw_name(&j, "cpu0");
	appraisal(s, &j);
	jw_obj_end(&j);
	jw_obj_end(&j);
}

enum coffer_rc token_make(const struct keep *k, const struct session *s, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr head = wr_open(PAYLOAD_MAX), body = wr_open(PAYLOAD_MAX);

	header(k, &head);
	claims_write(k, s, &body);
	TRY(wr_done(&head, "token header", e));
	TRY(wr_done(&body, "token", e));
	return jws_sign(k->keys.token, wr_span(&head), wr_span(&body), out, e);
}

/* ---- reading our own ---- */

static bool ours(const struct keep *k, const struct keep_resource_req *q)
{
	CLEANUP(wr_close) struct wr head = wr_open(PAYLOAD_MAX), text = wr_open(PAYLOAD_MAX);

	header(k, &head);
	b64url_write(&text, wr_span(&head));
	wr_u8(&text, '.');
	return wr_ok(&text) && q->token_signing_input.n > text.n &&
	       span_eq((struct span){ q->token_signing_input.p, text.n }, wr_span(&text)) &&
	       jws_payload_is(q->token_signing_input, q->token_payload) &&
	       key_verify(privkey_public(k->keys.token), q->token_signing_input, SPAN(q->token_sig));
}

static enum coffer_rc read_members(const struct json *set, struct member_set *out, struct err *e)
{
	struct keep_member m[KEEP_MEMBERS_MAX];
	size_t n = json_len(set);

	if (n > KEEP_MEMBERS_MAX)
		return err_set(e, COFFER_E_INPUT, "token: too many key members");
	for (size_t i = 0; i < n; i++)
		m[i] = (struct keep_member){ json_name(set, i), json_str(json_at(set, i)) };
	return members_copy(m, n, out, e);
}

/* What was checked against the report data before the token was signed is not there to be checked again: the signature
 * stands for it, so expected and found are the same bytes. */
static enum coffer_rc read_evidence(const struct json *v, struct appraisal *a, struct err *e)
{
	CLEANUP(wr_close) struct wr report = wr_open(sizeof(a->found));
	struct span initdata = json_str(json_get(v, "coffer.initdata")), reg = json_str(json_get(v, "init_data"));

	if (!hex_read(json_str(json_get(v, "report_data")), &report) || !wr_ok(&report) || report.n == 0)
		return err_set(e, COFFER_E_INPUT, "token: malformed report_data");
	memcpy(a->expected, report.p, report.n);
	memcpy(a->found, report.p, report.n);
	a->expected_n = a->found_n = report.n;
	a->has_register = reg.n > 0;
	a->has_initdata = initdata.n > 0;
	if ((a->has_register && !hex_fixed(reg, a->init_register, 32)) || (a->has_initdata && !hex_fixed(initdata, a->initdata, 32)))
		return err_set(e, COFFER_E_INPUT, "token: malformed init_data");
	return COFFER_OK;
}

enum coffer_rc token_read(const struct keep *k, const struct keep_resource_req *q, struct appraisal *a,
			  struct member_set *members, uint8_t session[static KEEP_SESSION_LEN], struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(members_clear) struct member_set set = { 0 };
	struct appraisal got = { .attested = true };
	const struct json *v, *ev;
	uint64_t exp = 0;

	if (!ours(k, q))
		return err_deny(e, "token", "the token is not one of this service");
	TRY(json_parse(q->token_payload, PAYLOAD_MAX, &doc, e));
	v = json_root(doc);
	ev = json_get(json_get(json_get(v, "submods"), "cpu0"), "ear.veraison.annotated-evidence");
	TRY(json_need_u64(v, "exp", "token", &exp, e));
	TRY(read_members(json_get(json_get(ev, "runtime_data_claims"), "tee-pubkey"), &set, e));
	TRY(member_genesis(&set, &got.has_genesis, got.genesis, e));
	TRY(read_evidence(ev, &got, e));
	if (exp > INT64_MAX || !hex_fixed(json_str(json_get(v, "jti")), session, KEEP_SESSION_LEN))
		return err_set(e, COFFER_E_INPUT, "token: malformed");
	if ((uint64_t)k->now >= exp)
		return err_deny(e, "token", "the token has expired; attest again");
	if (json_type(json_get(ev, tee_name(TEE_SAMPLE))) != JSON_OBJECT)
		return err_deny(e, "R3", "the token is for another platform than this version can judge");
	got.platform = tee_name(TEE_SAMPLE);
	got.expires = (int64_t)exp;
	*a = got;
	*members = set;
	set = (struct member_set){ 0 };
	return COFFER_OK;
}
