/* KBS protocol replies and token signers of the shared vectors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "crypto/jwe_priv.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "fmt/enc.h"
#include "fmt/json.h"

static bool slurp(const char *name, struct wr *w)
{
	CLEANUP(freep) char *path = str_fmt("%s/vectors/%s", getenv("COFFER_SHARED"), name);
	FILE *f = path ? fopen(path, "rbe") : NULL;
	uint8_t buf[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		wr_put(w, (struct span){ buf, n });
	(void)fclose(f);
	return wr_ok(w);
}

static struct json_doc *load(const char *name)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	struct json_doc *doc = NULL;
	struct err e;

	if (!slurp(name, &w) || json_parse(wr_span(&w), 1 << 20, &doc, &e) != COFFER_OK)
		return NULL;
	return doc;
}

static bool is_hex_member(struct span got, const struct json *v, const char *name)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 16);

	hex_write(&w, got);
	return json_str(json_get(v, name)).n > 0 && span_eq(wr_span(&w), json_str(json_get(v, name)));
}

static bool response_ecdh_p256(void)
{
	CLEANUP(json_freep) struct json_doc *doc = load("guest/kbs-protocol/response_ecdh_p256.json");
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(secret_free) struct secret s = { 0 };
	const struct json *v = json_root(doc);
	uint8_t z[32], kek[32];
	struct pubkey pub;
	struct err e;

	if (pem_read_private(json_str(json_get(v, "tee_private_key_pkcs8_pem")), (struct span){ 0 }, &k, &e) != COFFER_OK ||
	    jwk_read(json_get(v, "tee_pubkey"), "tee_pubkey", &pub, &e) != COFFER_OK || !pubkey_eq(&pub, privkey_public(k)) ||
	    jwe_parse(json_get(v, "response"), &p, &e) != COFFER_OK || key_ecdh(k, &p.epk, z, &e) != COFFER_OK)
		return false;
	jwe_kek(z, kek);
	return is_hex_member(SPAN(z), v, "z_hex") && is_hex_member(SPAN(kek), v, "kek_hex") && jwe_open(k, &p, &s, &e) == COFFER_OK &&
	    is_hex_member((struct span){ s.p, s.n }, v, "plaintext_hex");
}

static bool response_rsa_oaep256(void)
{
	CLEANUP(json_freep) struct json_doc *doc = load("guest/kbs-protocol/response_rsa_oaep256.json");
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	const struct json *v = json_root(doc);
	struct err e;

	return jwe_parse(json_get(v, "response"), &p, &e) == COFFER_OK &&
	    jwe_open_rsa(json_str(json_get(v, "tee_private_key_pkcs1_pem")), (struct span){ 0 }, &p, false, &s, &e) == COFFER_OK &&
	    is_hex_member((struct span){ s.p, s.n }, v, "plaintext_hex");
}

/* Our own sealing to the RSA key of the vector opens with its private half. */
static bool reply_to_rsa_key_opens(void)
{
	CLEANUP(json_freep) struct json_doc *doc = load("guest/kbs-protocol/response_rsa_oaep256.json");
	CLEANUP(json_freep) struct json_doc *sealed = NULL;
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	CLEANUP(wr_close) struct wr n = wr_open(1024);
	CLEANUP(wr_close) struct wr exponent = wr_open(16);
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	const struct json *v = json_root(doc), *jwk = json_get(v, "tee_pubkey");
	struct err e;

	return b64url_read(json_str(json_get(jwk, "n")), &n) && b64url_read(json_str(json_get(jwk, "e")), &exponent) &&
	    jwe_seal_rsa(wr_span(&n), wr_span(&exponent), span_of("content"), &w, &e) == COFFER_OK &&
	    json_parse(wr_span(&w), 8192, &sealed, &e) == COFFER_OK && jwe_parse(json_root(sealed), &p, &e) == COFFER_OK &&
	    jwe_open_rsa(json_str(json_get(v, "tee_private_key_pkcs1_pem")), (struct span){ 0 }, &p, false, &s, &e) == COFFER_OK &&
	    span_eq_str((struct span){ s.p, s.n }, "content");
}

static bool test_token_splits(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	struct span t;
	struct err e;

	if (!slurp("guest/kbs-protocol/test_token.jwt", &w))
		return false;
	t = wr_span(&w);
	while (t.n > 0 && t.p[t.n - 1] == '\n')
		t.n--;
	return jws_split(t, 4096, &p, &e) == COFFER_OK && span_eq_str(p.header, "{\"alg\":\"ES256\",\"kid\":\"simple\",\"typ\":\"JWT\"}");
}

/* ---- every token-x5c-* entry of the manifest ---- */

static bool x5c_case(const struct json *entry)
{
	const struct json *files = json_get(entry, "files"), *expect = json_get(entry, "expect");
	CLEANUP(freep) char *jwk = span_dup(json_str(json_get(files, "jwk")));
	CLEANUP(freep) char *trust = span_dup(json_str(json_get(files, "trust")));
	CLEANUP(json_freep) struct json_doc *doc = jwk ? load(jwk) : NULL;
	CLEANUP(wr_close) struct wr pem = wr_open(1 << 16);
	enum coffer_rc rc;
	bool trusted;
	struct err e;

	if (!doc || !slurp(trust, &pem) || !json_bool(json_get(expect, "trusted"), &trusted))
		return false;
	rc = x509_check_x5c(json_root(doc), wr_span(&pem), -1, &e);
	if (rc != COFFER_OK)
		printf("# %s\n", e.msg);
	return trusted ? rc == COFFER_OK : rc == COFFER_E_DENIED && strcmp(e.check, "x5c") == 0;
}

static const struct {
	const char *name;
	bool (*fn)(void);
} cases[] = {
	{ "response_ecdh_p256", response_ecdh_p256 },
	{ "response_rsa_oaep256", response_rsa_oaep256 },
	{ "reply_to_rsa_key_opens", reply_to_rsa_key_opens },
	{ "test_token_splits", test_token_splits },
};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

static int result(size_t n, bool ok, struct span name)
{
	printf("%sok %zu %.*s\n", ok ? "" : "not ", n, (int)name.n, (const char *)name.p);
	return !ok;
}

int main(void)
{
	CLEANUP(json_freep) struct json_doc *manifest = NULL;
	const struct json *all;
	size_t n = 0;
	int bad = 0;

	if (getenv("COFFER_SHARED"))
		manifest = load("manifest.json");
	if (!manifest) {
		for (size_t i = 0; i < N_CASES; i++)
			printf("ok %zu %s # SKIP no shared vectors\n", i + 1, cases[i].name);
		printf("ok %zu token-x5c # SKIP no shared vectors\n1..%zu\n", N_CASES + 1, N_CASES + 1);
		return 0;
	}
	for (size_t i = 0; i < N_CASES; i++)
		bad |= result(++n, cases[i].fn(), span_of(cases[i].name));
	all = json_root(manifest);
	for (size_t i = 0; i < json_len(all); i++) {
		struct span id = json_str(json_get(json_at(all, i), "id"));

		if (span_starts(id, "token-x5c-"))
			bad |= result(++n, x5c_case(json_at(all, i)), id);
	}
	printf("1..%zu\n", n);
	return bad;
}
