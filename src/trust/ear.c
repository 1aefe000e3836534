#include "trust/ear.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/jws.h"
#include "fmt/enc.h"
#include "trust/form.h"

#define EAR_STATE "CFT2"
#define EAR_STATE_BEFORE "CFT1"
#define ROOT_AT 6

static enum coffer_rc check_signature(const struct jws_parts *p, const struct pubkey *key, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span alg;

	TRY(json_parse(p->header, EAR_MAX, &doc, e));
	TRY(json_need_str(json_root(doc), "alg", "token header", &alg, e));
	if (!span_eq_str(alg, "ES256") || json_get(json_root(doc), "crit") || key->kind != KEY_P256)
		return err_deny(e, "token", "the token is not signed with ES256");
	if (!key_verify(key, p->signing_input, SPAN(p->sig)))
		return err_deny(e, "token", "the token is not signed by the service's token key");
	return COFFER_OK;
}

static enum coffer_rc read_evidence(const struct json *root, const struct json **evidence, const struct json **keys,
    struct err *e)
{
	const struct json *v = NULL;

	TRY(json_need_obj(root, "submods", "token", &v, e));
	TRY(json_need_obj(v, "cpu0", "token submods", &v, e));
	TRY(json_need_obj(v, "ear.veraison.annotated-evidence", "token appraisal", evidence, e));
	TRY(json_need_obj(*evidence, "runtime_data_claims", "token evidence", &v, e));
	return json_need_obj(v, "tee-pubkey", "token runtime data", keys, e);
}

/* The evidence's claims stand in a member named like the platform: the only object besides the two known ones. */
static enum coffer_rc read_platform(const struct json *evidence, struct ear *out, struct err *e)
{
	struct span found = { NULL, 0 };
	size_t n = 0;

	for (size_t i = 0; i < json_len(evidence); i++) {
		struct span name = json_name(evidence, i);

		if (json_type(json_at(evidence, i)) != JSON_OBJECT || span_ends(name, "_claims"))
			continue;
		found = name;
		n++;
	}
	if (n != 1 || !party_ok(found) || found.n >= sizeof(out->platform))
		return err_set(e, COFFER_E_INPUT, "token: the evidence does not name one platform");
	memcpy(out->platform, found.p, found.n);
	return COFFER_OK;
}

static enum coffer_rc read_request_key(const struct json *keys, struct ear *out, struct err *e)
{
	struct span text;
	uint8_t xy[64];

	TRY(json_need_str(keys, "coffer-request-key", "token key set", &text, e));
	if (!b64url_fixed(text, xy, sizeof(xy)))
		return err_set(e, COFFER_E_INPUT, "token key set: coffer-request-key is not base64url of 64 bytes");
	out->request_key.kind = KEY_P256;
	memcpy(out->request_key.x, xy, 32);
	memcpy(out->request_key.y, xy + 32, 32);
	return COFFER_OK;
}

/* The service's part of the header: magic, the platform's number, whether it is genuine, the root. Tokens of before know no root. */
static enum coffer_rc read_state(struct span header, struct wr *state, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span text;

	TRY(json_parse(header, EAR_MAX, &doc, e));
	if (!json_get(json_root(doc), "coffer"))
		return COFFER_OK;
	TRY(json_need_str(json_root(doc), "coffer", "token header", &text, e));
	return b64url_read(text, state) && wr_ok(state) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "token header: member \"coffer\" is not base64url");
}

/* A TPM and one that is emulated make the same claims, under one name. Which it was stands in what the service writes into the header
 * for itself. */
static enum coffer_rc which_tpm(const struct wr *state, struct ear *out, struct err *e)
{
	if (strcmp(out->platform, "tpm") != 0)
		return COFFER_OK;
	if (state->n < 5 || !(span_starts(wr_span(state), EAR_STATE) || span_starts(wr_span(state), EAR_STATE_BEFORE)))
		return err_set(e, COFFER_E_INPUT, "token header: member \"coffer\" does not say which TPM it was");
	if (state->p[4] == EAR_STATE_SWTPM)
		(void)snprintf(out->platform, sizeof(out->platform), "swtpm");
	else if (state->p[4] != EAR_STATE_TPM)
		return err_set(e, COFFER_E_INPUT, "token header: another platform than the claims'");
	return COFFER_OK;
}

static enum coffer_rc read_header(struct span header, struct ear *out, struct err *e)
{
	CLEANUP(wr_close) struct wr state = wr_open(EAR_MAX);

	TRY(read_state(header, &state, e));
	TRY(which_tpm(&state, out, e));
	if (!span_starts(wr_span(&state), EAR_STATE) || state.n < ROOT_AT + sizeof(out->root))
		return COFFER_OK;
	memcpy(out->root, state.p + ROOT_AT, sizeof(out->root));
	return COFFER_OK;
}

/* What the register holds. A TPM's cannot be set, only extended: the digest stands behind the zeros that it began with. */
static void register_of(const char *platform, const struct ear_want *want, uint8_t out[static 32])
{
	static const char *const extends[] = { "tpm", "swtpm", "az-snp-vtpm", "az-tdx-vtpm" };
	uint8_t both[64] = { 0 };

	memcpy(both + 32, want->init_data, 32);
	memcpy(out, want->init_data, 32);
	for (size_t i = 0; i < sizeof(extends) / sizeof(extends[0]); i++)
		if (strcmp(platform, extends[i]) == 0)
			sha256(SPAN(both), out);
}

/* Registers longer than the digest hold zeros behind it. */
static enum coffer_rc check_init_data(const struct json *evidence, const char *platform, const struct ear_want *want, struct err *e)
{
	uint8_t reg[32];
	CLEANUP(wr_close) struct wr w = wr_open(64);
	struct span text;
	bool same;

	TRY(json_need_str(evidence, "init_data", "token evidence", &text, e));
	if (!hex_read(text, &w) || !wr_ok(&w) || w.n < 32)
		return err_set(e, COFFER_E_INPUT, "token evidence: init_data is no digest");
	register_of(platform, want, reg);
	same = span_eq((struct span){ w.p, 32 }, SPAN(reg));
	for (size_t i = 32; i < w.n; i++)
		same = same && w.p[i] == 0;
	return same ? COFFER_OK : err_deny(e, "token", "the token is for another workload: its init-data differs");
}

static enum coffer_rc check_genesis(const struct json *keys, const struct ear_want *want, struct err *e)
{
	uint8_t d[32];

	TRY(form_digest(keys, "coffer-genesis", "token key set", d, e));
	if (!span_eq(SPAN(d), SPAN(want->genesis)))
		return err_deny(e, "token", "the token is for another genesis");
	return COFFER_OK;
}

enum coffer_rc ear_check(struct span token, const struct pubkey *token_key, const struct ear_want *want, struct ear *out,
    struct err *e)
{
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *evidence = NULL, *keys = NULL;
	struct ear got = { 0 };
	uint64_t iat = 0;

	TRY(jws_split(token, EAR_MAX, &p, e));
	TRY(check_signature(&p, token_key, e));
	TRY(json_parse(p.payload, EAR_MAX, &doc, e));
	TRY(read_evidence(json_root(doc), &evidence, &keys, e));
	TRY(read_platform(evidence, &got, e));
	TRY(read_header(p.header, &got, e));
	TRY(check_init_data(evidence, got.platform, want, e));
	TRY(check_genesis(keys, want, e));
	TRY(read_request_key(keys, &got, e));
	TRY(form_number(json_root(doc), "iat", "token", (struct form_range){ 0, FORM_NUMBER_MAX }, &iat, e));
	got.issued = (int64_t)iat;
	*out = got;
	return COFFER_OK;
}
