/* What makes a CCA token good: a platform that somebody vouched for signed it and vouches for the realm's key, which signed the
 * realm's part. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/cca_anchor.h"
#include "evidence/driver.h"
#include "evidence/ints.h"

#define JSON_MAX ((size_t)8 * CCA_TOKEN_MAX)
#define OUT_MAX	 (256u << 10)

/* Lifecycle states (DEN0137 A7.2.3.2.7, PSA's): in all others but the secured one somebody may have had the platform's key. */
#define LIFECYCLE_STATE	  0xff00
#define LIFECYCLE_SECURED 0x3000

struct cca {
	struct wr raw;
	struct cca_token t;
	struct cca_anchors anchors;
	struct vkey *rak;
};

static void cca_clear(struct cca *c)
{
	wr_close(&c->raw);
	cca_anchors_clear(&c->anchors);
	vkey_free(c->rak);
}

/* {"token": [bytes]}, or the token itself. */
static enum coffer_rc read_evidence(struct span in, struct cca *c, struct err *e)
{
	static const char *const names[] = { "token", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	if (in.n == 0 || in.p[0] != '{')
		return cca_token_parse(in, &c->t, e);
	TRY(json_parse(in, JSON_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "cca evidence", e));
	c->raw = wr_open(CCA_TOKEN_MAX);
	if (!ints_read(json_get(json_root(doc), "token"), &c->raw))
		return err_set(e, COFFER_E_INPUT, "cca: \"token\" is no list of at most %u bytes", CCA_TOKEN_MAX);
	return cca_token_parse(wr_span(&c->raw), &c->t, e);
}

/* ---- checks ---- */

static bool secured(const struct cca *c)
{
	return (c->t.platform.lifecycle & LIFECYCLE_STATE) == LIFECYCLE_SECURED;
}

static void check_platform(const struct cca *c, struct ev_out *o)
{
	bool good = false;
	char state[16];

	for (size_t i = 0; i < c->anchors.n && !good; i++)
		good = cose_sign1_verify(&c->t.platform_msg, c->anchors.key[i]);
	(void)ev_need(o, "platform_signature", good, VERDICT_INVALID, "by the platform's key",
	    good		? "valid"
	    : c->anchors.n == 0 ? "the trust anchor's key is no point of its curve"
				: "not by that key");
	(void)snprintf(state, sizeof(state), "0x%04x", c->t.platform.lifecycle);
	(void)ev_need(o, "platform_lifecycle", secured(c), VERDICT_INVALID,
	    "secured (0x30..)", state);
}

static void check_realm(struct cca *c, struct ev_out *o)
{
	uint8_t digest[HASH_MAX];
	enum hash_alg h = HASH_SHA256;
	struct err bad = { 0 };
	bool key = cca_realm_key(&c->t.realm, &c->rak, &bad) == COFFER_OK;
	bool good = key && cose_sign1_verify(&c->t.realm_msg, c->rak);

	(void)ev_need(o, "realm_signature", good, VERDICT_INVALID, "by the realm's key",
	    good  ? "valid"
	    : key ? "not by that key"
		  : bad.msg);
	(void)!cca_hash(c->t.realm.rak_hash_alg, &h); /* the parser has seen that it is known */
	hash_once(h, c->t.realm.rak, digest);
	(void)ev_need_hex(o, "rak_binding", (struct span){ digest, hash_len(h) }, c->t.platform.challenge);
}

/* ---- claims ---- */

static void text_m(struct json_wr *j, const char *name, struct span s)
{
	if (s.n > 0)
		jw_m_str(j, name, s);
}

static void write_sw(struct json_wr *j, const struct cca_sw *s)
{
	jw_obj(j);
	text_m(j, "hash-algo-id", s->hash_alg);
	text_m(j, "measurement-type", s->type);
	jw_m_b64(j, "measurement-value", s->value);
	jw_m_b64(j, "signer-id", s->signer);
	text_m(j, "version", s->version);
	jw_obj_end(j);
}

static void write_platform(struct json_wr *j, const struct cca_platform *p)
{
	jw_obj(j);
	jw_m_b64(j, "cca-platform-challenge", p->challenge);
	jw_m_b64(j, "cca-platform-config", p->config);
	jw_m_str(j, "cca-platform-hash-algo-id", p->hash_alg);
	jw_m_b64(j, "cca-platform-implementation-id", p->implementation_id);
	jw_m_b64(j, "cca-platform-instance-id", p->instance_id);
	jw_m_u64(j, "cca-platform-lifecycle", p->lifecycle);
	jw_m_str(j, "cca-platform-profile", p->profile);
	text_m(j, "cca-platform-service-indicator", p->service);
	jw_name(j, "cca-platform-sw-components");
	jw_arr(j);
	for (size_t i = 0; i < p->n_sw; i++)
		write_sw(j, &p->sw[i]);
	jw_arr_end(j);
	jw_obj_end(j);
}

static void write_realm(struct json_wr *j, const struct cca_realm *r)
{
	jw_obj(j);
	jw_m_b64(j, "cca-realm-challenge", r->challenge);
	jw_name(j, "cca-realm-extensible-measurements");
	jw_arr(j);
	for (size_t i = 0; i < CCA_REMS; i++)
		jw_b64(j, r->rem[i]);
	jw_arr_end(j);
	jw_m_str(j, "cca-realm-hash-algo-id", r->hash_alg);
	jw_m_b64(j, "cca-realm-initial-measurement", r->rim);
	jw_m_b64(j, "cca-realm-personalization-value", r->rpv);
	text_m(j, "cca-realm-profile", r->profile);
	jw_m_b64(j, "cca-realm-public-key", r->rak);
	jw_m_str(j, "cca-realm-public-key-hash-algo-id", r->rak_hash_alg);
	jw_obj_end(j);
}

static void write_claims(const struct cca_token *t, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_hex(&j, "init_data", t->realm.rpv);
	jw_name(&j, "platform");
	write_platform(&j, &t->platform);
	jw_name(&j, "realm");
	write_realm(&j, &t->realm);
	jw_m_hex(&j, "report_data", t->realm.challenge);
	jw_obj_end(&j);
}

static void write_values(const struct cca_token *t, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_hex(&j, "challenge", t->realm.challenge);
	jw_m_hex(&j, "config", t->platform.config);
	jw_m_hex(&j, "implementation_id", t->platform.implementation_id);
	jw_m_hex(&j, "instance_id", t->platform.instance_id);
	jw_m_u64(&j, "lifecycle", t->platform.lifecycle);
	jw_m_str(&j, "platform_hash_alg", t->platform.hash_alg);
	jw_m_str(&j, "platform_profile", t->platform.profile);
	jw_m_str(&j, "pubkey_hash_alg", t->realm.rak_hash_alg);
	jw_m_str(&j, "realm_hash_alg", t->realm.hash_alg);
	jw_name(&j, "realm_profile");
	if (t->realm.profile.n > 0)
		jw_str(&j, t->realm.profile);
	else
		jw_null(&j);
	jw_name(&j, "rem");
	jw_arr(&j);
	for (size_t i = 0; i < CCA_REMS; i++)
		jw_hex(&j, t->realm.rem[i]);
	jw_arr_end(&j);
	jw_m_hex(&j, "rim", t->realm.rim);
	jw_m_hex(&j, "rpv", t->realm.rpv);
	jw_m_u64(&j, "sw_components", t->platform.n_sw);
	jw_obj_end(&j);
}

/* ---- facts ---- */

/* The token does not tell whether threads share a core: who refuses that is not told that they do not. No realm migrates. */
static enum coffer_rc put_facts(const struct cca *c, struct ev_out *out, struct err *e)
{
	const struct cca_realm *r = &c->t.realm;
	struct hw_facts *f = &out->facts;
	struct span id = c->t.platform.instance_id;
	bool fits = id.n <= sizeof(f->chip) && r->challenge.n <= sizeof(out->report_data) && r->rpv.n <= sizeof(out->init_register) &&
		    facts_add_reg(f, "initial_measurement", r->rim);

	for (size_t i = 0; fits && i < CCA_REMS; i++) {
		const char name[] = { 'r', 'e', 'm', '_', (char)('0' + i), '\0' };

		fits = facts_add_reg(f, name, r->rem[i]);
	}
	if (!fits)
		return err_set(e, COFFER_E_BUG, "cca: facts do not fit");
	(void)snprintf(f->platform, sizeof(f->platform), "cca");
	memcpy(f->chip, id.p, id.n);
	f->chip_n = id.n;
	f->debug = !secured(c);
	f->smt = true;
	memcpy(out->report_data, r->challenge.p, r->challenge.n);
	out->report_data_n = r->challenge.n;
	memcpy(out->init_register, r->rpv.p, r->rpv.n);
	out->init_register_n = r->rpv.n;
	return COFFER_OK;
}

static enum coffer_rc appraise(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(cca_clear) struct cca c = { 0 };
	struct err bad = { 0 };
	bool known;

	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, &c, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	known = cca_anchors_find(in->col, &c.t.platform, &c.anchors, &bad) == COFFER_OK;
	if (ev_need(out, "trust_anchor", known && c.anchors.named > 0, VERDICT_COLLATERAL,
		"the key of this instance and implementation",
		!known		      ? bad.msg
		: c.anchors.named > 0 ? "found"
				      : "none"))
		check_platform(&c, out);
	check_realm(&c, out);
	ev_bindings(out, in, c.t.realm.challenge, c.t.realm.rpv);
	write_claims(&c.t, &out->claims);
	if (!in->no_values)
		write_values(&c.t, &out->values);
	TRY(put_facts(&c, out, e));
	return ev_done(out, e);
}

static bool looks_like(struct span evidence)
{
	CLEANUP(cca_clear) struct cca c = { 0 };
	struct err ignore = { 0 };

	return read_evidence(evidence, &c, &ignore) == COFFER_OK;
}

const struct tee_driver tee_cca = { "cca", "cca", "cpu", appraise, looks_like, NULL };
