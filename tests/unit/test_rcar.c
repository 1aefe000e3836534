/* The guest's side of a release against a service that lies in one place at a time: with the right reply key or with another, with the
 * owner's true statement or with a made one. The connection below client/rcar.c is this file's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "client/rcar.h"
#include "client/release.h"
#include "crypto/jwe.h"
#include "fmt/enc.h"
#include "proto/rcar_json.h"
#include "tests/unit/trust_fix.h"

#define PATH "kbs:///hospital/data/x"

/* What the service does; zero is an honest one. */
static struct lie {
	bool        reply_key, sealed_to_other, no_entry, no_session, cut;
	uint64_t    sent_version;                  /* 0: 1 */
	const char *path, *issuer, *kind;          /* of the statement; NULL: right */
	uint64_t    version;
	bool        ledger, no_ledger, signer, digest, no_credential;
} lie;

/* What a guest with a TPM asked and showed. */
static struct { bool asked, opened; } seen_tpm;

struct service_conn { struct genesis genesis; struct service keys; };

static struct service_conn conn;
static struct privkey *reply, *owner, *stranger;
static struct pubkey tee, request;
static uint64_t counter; /* of the last request */

/* ---- the connection ---- */

const struct genesis *service_genesis(const struct service_conn *c) { return &c->genesis; }
const struct service *service_keys(const struct service_conn *c) { return &c->keys; }

enum coffer_rc service_vouches(struct service_conn *c, const char *id, const struct dsse *env, int64_t issued, bool *yes, struct err *e)
{
	(void)c, (void)issued;
	if (strcmp(id, "hospital") != 0)
		return err_set(e, COFFER_E_NOTFOUND, "no such party");
	*yes = dsse_signed_by(env, privkey_public(owner));
	return COFFER_OK;
}

static struct span member_of(const struct rcar_attestation *a, const char *name)
{
	for (size_t i = 0; i < a->n_members; i++)
		if (span_eq_str(a->member[i].name, name))
			return a->member[i].value;
	return (struct span){ 0 };
}

static enum coffer_rc attest(struct span body, struct http_res *out, struct err *e)
{
	CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };
	uint8_t xy[64];

	TRY(rcar_attestation_parse(body, &a, e));
	tee = request = (struct pubkey){ .kind = KEY_P256 };
	CHECK(b64url_fixed(member_of(&a, "x"), tee.x, 32) && b64url_fixed(member_of(&a, "y"), tee.y, 32));
	CHECK(b64url_fixed(member_of(&a, "coffer-request-key"), xy, 64));
	CHECK(span_eq_str(member_of(&a, "coffer-purpose"), "attest") && member_of(&a, "coffer-genesis").n == 64);
	memcpy(request.x, xy, 32);
	memcpy(request.y, xy + 32, 32);
	wr_str(&out->body, "{\"token\":\"e30.e30.AA\"}");
	return COFFER_OK;
}

static void made_statement(struct span salted, struct dsse *env)
{
	CLEANUP(wr_close) struct wr payload = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(freep) struct statement *s = calloc(1, sizeof(*s));
	const char *path = lie.path ? lie.path : PATH, *who = lie.issuer ? lie.issuer : "hospital";
	CLEANUP(freep) char *body = NULL;
	struct err e = { 0 };

	if (!s)
		abort();
	body = lie.kind ? span_dup(span_of(lie.kind))
	                : str_fmt("{\"path\":\"%s\",\"type\":\"data\",\"version\":%llu,\"k\":1,\"of\":[\"hospital\"],\"least-action\":\"stop\"}", path,
	                          (unsigned long long)(lie.version ? lie.version : 1));
	*s = (struct statement){ .kind = lie.kind ? ST_REVOCATION : ST_ASSET, .has_ledger = true, .issued = 1, .expires = 1000,
		.serial = lie.version ? lie.version : 1, .n_subjects = 1 };
	(void)snprintf(s->issuer, sizeof(s->issuer), "%s", who);
	memcpy(s->ledger, conn.genesis.id, 32);
	s->ledger[0] ^= lie.ledger;
	s->subject[0].name = span_of(path);
	sha256(salted, s->subject[0].sha256);
	s->subject[0].sha256[0] ^= lie.digest;
	CHECK(json_parse(span_of(body), DSSE_PAYLOAD_MAX, &doc, &e) == COFFER_OK);
	s->body = json_root(doc);
	CHECK(statement_write(s, &payload, &e) == COFFER_OK && dsse_new(wr_span(&payload), env, &e) == COFFER_OK);
	CHECK(dsse_sign(env, lie.signer ? stranger : owner, &e) == COFFER_OK);
}

static void seal(struct wr *out)
{
	static const char salted[] = "0123456789abcdef0123456789abcdefthe content";
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX), plain = wr_open(1u << 20);
	struct json_wr j = jw_open(&text, false);
	struct err e = { 0 };

	made_statement(span_of(salted), &env);
	dsse_write(&env, &j);
	wr_str(&plain, "CRP1");
	wr_blob32(&plain, wr_span(&text));
	wr_str(&plain, lie.cut ? "0123" : salted);
	CHECK(jwe_seal(lie.sealed_to_other ? privkey_public(reply) : &tee, wr_span(&plain), NULL, out, &e) == COFFER_OK);
}

static void signed_reply(struct http_res *out)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024), text = wr_open(128);
	uint64_t version = lie.sent_version ? lie.sent_version : 1;
	uint8_t d[32], raw[SIG_LEN], thumb[32];
	char entry[160];
	struct err e = { 0 };

	seal(&out->body);
	sha256(wr_span(&out->body), d);
	pubkey_thumbprint(&tee, thumb);
	wr_put(&w, (struct span){ (const uint8_t *)"coffer reply v1", 16 });
	wr_put(&w, SPAN(d));
	wr_put(&w, SPAN(thumb));
	wr_blob32(&w, span_of("hospital/data/x"));
	wr_be64(&w, version);
	wr_be64(&w, 7);
	wr_put(&w, SPAN(conn.genesis.id));
	CHECK(key_sign(lie.reply_key ? stranger : reply, wr_span(&w), raw, &e) == COFFER_OK);
	b64url_write(&text, SPAN(raw));
	hex32(conn.genesis.id, entry);
	wr_fmt(&out->head, "Coffer-Reply: %.*s\r\n", (int)text.n, (const char *)text.p);
	if (!lie.no_entry)
		wr_fmt(&out->head, "Coffer-Entry: 7.%s.%llu\r\n", entry, (unsigned long long)version);
}

static struct span header_of(const struct service_req *q, const char *name)
{
	const char *at = q->headers ? strstr(q->headers, name) : NULL;

	at = at ? at + strlen(name) : "";
	return (struct span){ (const uint8_t *)at, strcspn(at, "\r") };
}

/* What the service checks of a request: signed by the attested request key over path, request and session. */
static void note_request(const struct service_req *q)
{
	CLEANUP(wr_close) struct wr req = wr_open(1024), w = wr_open(2048);
	static const uint8_t session[RELEASE_SESSION_LEN] = { 0 };
	uint8_t sig[SIG_LEN];
	struct rd r;

	CHECK(b64url_read(header_of(q, "Coffer-Request: "), &req) && b64url_fixed(header_of(q, "Coffer-Signature: "), sig, sizeof(sig)));
	wr_put(&w, (struct span){ (const uint8_t *)"coffer request v1", 18 });
	wr_blob32(&w, span_of("hospital/data/x"));
	wr_put(&w, wr_span(&req));
	wr_put(&w, SPAN(session));
	CHECK(wr_ok(&w) && key_verify(&request, wr_span(&w), SPAN(sig)));
	r = rd_open(wr_span(&req));
	(void)rd_span(&r, 4 + 8);
	counter = 0;
	for (int i = 0; i < 8; i++)
		counter = counter << 8 | rd_u8(&r);
}

enum coffer_rc service_call(struct service_conn *c, const struct service_req *q, size_t max, struct http_res *out, struct err *e)
{
	static const uint8_t nonce[32] = { 1 };

	(void)c;
	out->head = wr_open(4096);
	out->body = wr_open(max);
	wr_str(&out->head, "HTTP/1.1 200 OK\r\n");
	if (strcmp(q->path, "/kbs/v0/auth") == 0) {
		const struct rcar_credential cred = { span_of("credential"), span_of("secret") };

		seen_tpm.asked = memmem(q->body.p, q->body.n, "\"tpm\":{\"ek_cert\":\"ZWs=\",\"ak_public\":\"YWs=\"}", 42) != NULL;
		if (seen_tpm.asked && !lie.no_credential)
			rcar_tpm_challenge_write(&out->body, nonce, &cred);
		else
			rcar_challenge_write(&out->body, nonce);
		if (!lie.no_session)
			wr_str(&out->head, "Set-Cookie: kbs-session-id=00000000000000000000000000000000; Secure\r\n");
	} else if (strcmp(q->path, "/kbs/v0/attest") == 0) {
		TRY(attest(q->body, out, e));
	} else {
		note_request(q);
		signed_reply(out);
	}
	wr_str(&out->head, "\r\n");
	return wr_ok(&out->head) && wr_ok(&out->body) ? COFFER_OK : err_set(e, COFFER_E_BUG, "test: no room");
}

/* ---- tests ---- */

static enum coffer_rc evidence(void *arg, struct span report_data, const uint8_t reg[static 32], struct wr *json, struct err *e)
{
	(void)arg;
	(void)report_data;
	(void)reg;
	(void)e;
	wr_str(json, "{}");
	return COFFER_OK;
}

static enum coffer_rc ask(void *arg, struct rcar_tpm *out, struct err *e)
{
	(void)arg;
	(void)e;
	out->ek_cert = wr_open(16);
	out->ak_public = wr_open(16);
	wr_str(&out->ek_cert, "ek");
	wr_str(&out->ak_public, "ak");
	return COFFER_OK;
}

static enum coffer_rc open_it(void *arg, const struct rcar_tpm_answer *a, struct err *e)
{
	seen_tpm.opened = span_eq_str(wr_span(&a->credential), "credential") && span_eq_str(wr_span(&a->secret), "secret");
	return arg ? err_deny(e, "tpm", "not for this one") : COFFER_OK;
}

static enum coffer_rc attest_as(const char *name, void *arg)
{
	const struct attester a = { .tee = name, .evidence = evidence, .arg = arg, .ask = ask, .open = open_it };
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	struct err e = { 0 };

	seen_tpm.asked = seen_tpm.opened = false;
	return rcar_attest(&conn, &a, span_of("initdata"), &r, &e);
}

/* On swtpm a credential counts where the founders name a maker, and would be refused elsewhere. */
static void credential_is_asked_for_where_it_counts_and_must_be_opened(void)
{
	lie = (struct lie){ 0 };
	CHECK(attest_as("tpm", NULL) == COFFER_OK && seen_tpm.asked && seen_tpm.opened);
	CHECK(attest_as("swtpm", NULL) == COFFER_OK && !seen_tpm.asked && !seen_tpm.opened);
	conn.genesis.n_roots = 2;
	(void)snprintf(conn.genesis.root[0].vendor, sizeof(conn.genesis.root[0].vendor), "amd");
	(void)snprintf(conn.genesis.root[1].vendor, sizeof(conn.genesis.root[1].vendor), "intel");
	CHECK(attest_as("swtpm", NULL) == COFFER_OK && !seen_tpm.asked);
	(void)snprintf(conn.genesis.root[1].vendor, sizeof(conn.genesis.root[1].vendor), "tpm");
	CHECK(attest_as("swtpm", NULL) == COFFER_OK && seen_tpm.asked && seen_tpm.opened);
	CHECK(attest_as("swtpm", &conn) == COFFER_E_DENIED && seen_tpm.opened);
	lie.no_credential = true;
	CHECK(attest_as("tpm", NULL) == COFFER_E_INPUT && seen_tpm.asked && !seen_tpm.opened);
	lie = (struct lie){ 0 };
	conn.genesis.n_roots = 0;
}

static enum coffer_rc attested(struct rcar **r, struct err *e)
{
	static const struct attester a = { .tee = "sample", .evidence = evidence };

	return rcar_attest(&conn, &a, span_of("initdata"), r, e);
}

static enum coffer_rc get(uint64_t version, struct lie how, struct rcar_asset *a, struct err *e)
{
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	struct asset_path p;

	CHECK(asset_path_parse(span_of(PATH), &p, e) == COFFER_OK && attested(&r, e) == COFFER_OK);
	lie = how;
	return rcar_get(r, &p, version, span_of("c"), PURPOSE_API, a, e);
}

static void honest_reply_gives_the_content(void)
{
	CLEANUP(rcar_asset_clear) struct rcar_asset a = { 0 };
	struct err e = { 0 };

	CHECK(get(0, (struct lie){ 0 }, &a, &e) == COFFER_OK && a.version == 1 && a.seq == 7);
	CHECK(span_eq_str((struct span){ a.content.p, a.content.n }, "the content"));
	rcar_asset_clear(&a);
	CHECK(get(2, (struct lie){ .sent_version = 2, .version = 2 }, &a, &e) == COFFER_OK && a.version == 2);
}

static void every_lie_is_refused_and_nothing_given(void)
{
	static const struct { struct lie lie; uint64_t version; const char *says; } c[] = {
		{ { .reply_key = true }, 0, "reply key" },
		{ { .no_entry = true }, 0, "no journal entry" },
		{ { .sealed_to_other = true }, 0, "" },
		{ { .cut = true }, 0, "cut" },
		{ { 0 }, 2, "version 1, not 2" },
		{ { .sent_version = 2, .version = 2 }, 1, "version 2, not 1" },
		{ { .sent_version = 2 }, 0, "another path, version or owner" },
		{ { .version = 2 }, 0, "another path, version or owner" },
		{ { .path = "kbs:///hospital/data/y" }, 0, "another path, version or owner" },
		{ { .issuer = "mallory" }, 0, "another path, version or owner" },
		{ { .kind = "{\"statement\":\"" "00000000000000000000000000000000" "00000000000000000000000000000000" "\",\"reason\":\"x\"}" }, 0,
		  "no asset statement" },
		{ { .ledger = true }, 0, "another genesis" },
		{ { .signer = true }, 0, "not signed by hospital" },
		{ { .digest = true }, 0, "not what hospital sealed" },
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		CLEANUP(rcar_asset_clear) struct rcar_asset a = { 0 };
		struct err e = { 0 };
		bool no = get(c[i].version, c[i].lie, &a, &e) != COFFER_OK && !a.content.p && a.version == 0;

		CHECK(no && strstr(e.msg, c[i].says));
		if (!no || !strstr(e.msg, c[i].says))
			printf("# lie %zu: %s\n", i, e.msg);
	}
}

static void service_without_a_session_is_refused(void)
{
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	struct err e = { 0 };

	lie = (struct lie){ .no_session = true };
	CHECK(attested(&r, &e) == COFFER_E_UPSTREAM && !r);
	lie = (struct lie){ 0 };
}

static void requests_of_a_session_count_upwards(void)
{
	CLEANUP(rcar_freep) struct rcar *r = NULL;
	struct asset_path p;
	struct err e = { 0 };

	lie = (struct lie){ 0 };
	CHECK(asset_path_parse(span_of(PATH), &p, &e) == COFFER_OK && attested(&r, &e) == COFFER_OK);
	for (uint64_t i = 1; i < 4; i++) {
		CLEANUP(rcar_asset_clear) struct rcar_asset a = { 0 };

		CHECK(rcar_get(r, &p, 0, span_of("c"), PURPOSE_API, &a, &e) == COFFER_OK && counter == i);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(credential_is_asked_for_where_it_counts_and_must_be_opened),
		T(honest_reply_gives_the_content), T(every_lie_is_refused_and_nothing_given),
		T(service_without_a_session_is_refused), T(requests_of_a_session_count_upwards),
	};
	int bad;

	conn.genesis.id[0] = 9;
	reply = fix_key(KEY_P256);
	owner = fix_key(KEY_ED25519);
	stranger = fix_key(KEY_P256);
	conn.keys.reply = *privkey_public(reply);
	bad = t_main(cases, sizeof(cases) / sizeof(cases[0]));
	privkey_free(reply);
	privkey_free(owner);
	privkey_free(stranger);
	return bad;
}
