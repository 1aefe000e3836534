/* Party tokens: what the client makes, net takes apart. Sealed bodies, signed requests, query values, cookies. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "client/service.h"
#include "cofferd/net/conns.h"
#include "cofferd/net/forms.h"
#include "cofferd/net/web.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "tests/t.h"

/* In the place of the HTTP library: one header of each name. */
struct fake { const char *cookie, *authorization; };
struct span web_header(const struct request *q, const char *name)
{
	const struct fake *f = q->con;

	return span_of(strcmp(name, "Cookie") == 0 ? f->cookie : f->authorization);
}

static char *make(enum key_kind kind)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct err e = { 0 };

	if (privkey_new(kind, &k, &e) != COFFER_OK ||
	    party_token(k, "acme", "POST", "/kbs/v0/resource/a/b/c", span_of("body"), 1000, &w, &e) != COFFER_OK)
		return NULL;
	wr_u8(&w, 0);
	return strdup((const char *)w.p);
}

static void token_of_both_key_kinds_is_taken_apart(void)
{
	for (int i = KEY_ED25519; i <= KEY_P256; i++) {
		CLEANUP(party_token_clear) struct party_token t = { 0 };
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		CLEANUP(freep) char *text = make((enum key_kind)i);
		struct err e = { 0 };
		uint64_t iat = 0, exp = 0;

		CHECK(text && party_token_split(span_of(text), &t, &e) == COFFER_OK);
		CHECK(json_parse(t.auth.payload, 8192, &doc, &e) == COFFER_OK);
		CHECK(json_u64(json_get(json_root(doc), "iat"), &iat) && json_u64(json_get(json_root(doc), "exp"), &exp));
		CHECK(iat == 1000 && exp > iat && exp - iat <= 300 && json_len(json_root(doc)) == 7);
		CHECK(span_eq_str(json_str(json_get(json_root(doc), "path")), "/kbs/v0/resource/a/b/c"));
		CHECK(json_str(json_get(json_root(doc), "jti")).n == 32);
	}
}

static void token_verifies_under_its_key_alone(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL, *other = NULL;
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	uint8_t kid[32];
	struct err e = { 0 };

	CHECK(privkey_new(KEY_ED25519, &k, &e) == COFFER_OK && privkey_new(KEY_ED25519, &other, &e) == COFFER_OK);
	CHECK(party_token(k, "acme", "GET", "/coffer/v0/assets", (struct span){ 0 }, 5, &w, &e) == COFFER_OK);
	CHECK(party_token_split(wr_span(&w), &t, &e) == COFFER_OK);
	pubkey_thumbprint(privkey_public(k), kid);
	CHECK(span_eq(SPAN(kid), SPAN(t.auth.kid)));
	CHECK(key_verify(privkey_public(k), t.auth.signing_input, SPAN(t.auth.sig)));
	CHECK(!key_verify(privkey_public(other), t.auth.signing_input, SPAN(t.auth.sig)));
}

static void token_refuses_every_prefix(void)
{
	CLEANUP(freep) char *text = make(KEY_P256);
	size_t len = text ? strlen(text) : 0;

	CHECK(len > 0);
	for (size_t n = 0; n < len; n++) {
		CLEANUP(party_token_clear) struct party_token t = { 0 };
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct err e = { 0 };

		if (!exact)
			abort();
		memcpy(exact, text, n);
		CHECK(party_token_split((struct span){ exact, n }, &t, &e) != COFFER_OK);
	}
}

static bool header_passes(const char *header)
{
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	uint8_t sig[64] = { 0 };
	struct err e = { 0 };

	b64url_write(&w, span_of(header));
	wr_str(&w, ".e30.");
	b64url_write(&w, SPAN(sig));
	return party_token_split(wr_span(&w), &t, &e) == COFFER_OK;
}

static void token_refuses_foreign_headers(void)
{
#define KID "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	CHECK(header_passes("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}"));
	CHECK(!header_passes("{\"alg\":\"none\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}"));
	CHECK(!header_passes("{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}"));
	CHECK(!header_passes("{\"alg\":\"EdDSA\",\"kid\":\"short\",\"typ\":\"JWT\"}"));
	CHECK(!header_passes("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWE\"}"));
	CHECK(!header_passes("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\"}"));
	CHECK(!header_passes("{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\",\"jwk\":{}}"));
}

static enum coffer_rc sealed(const char *text)
{
	CLEANUP(sealed_asset_clear) struct sealed_asset s = { 0 };
	struct err e = { 0 };

	return sealed_asset_parse(span_of(text), &s, &e);
}

static void sealed_asset_reads_what_seal_writes(void)
{
	CLEANUP(privkey_freep) struct privkey *receive = NULL, *owner = NULL;
	CLEANUP(sealed_asset_clear) struct sealed_asset s = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(65536), jwe = wr_open(65536);
	CLEANUP(secret_free) struct secret plain = { 0 };
	CLEANUP(dsse_clear) struct dsse d = { 0 };
	struct json_wr j = jw_open(&w, false);
	struct err e = { 0 };

	CHECK(privkey_new(KEY_P256, &receive, &e) == COFFER_OK && privkey_new(KEY_ED25519, &owner, &e) == COFFER_OK);
	CHECK(dsse_new(span_of("{}"), &d, &e) == COFFER_OK && dsse_sign(&d, owner, &e) == COFFER_OK);
	CHECK(jwe_seal(privkey_public(receive), span_of("salt and content"), NULL, &jwe, &e) == COFFER_OK);
	wr_str(&w, "{\"statement\":");
	dsse_write(&d, &j);
	wr_str(&w, ",\"sealed\":");
	wr_put(&w, wr_span(&jwe));
	wr_str(&w, "}");
	CHECK(sealed_asset_parse(wr_span(&w), &s, &e) == COFFER_OK);
	CHECK(dsse_signed_by(&s.statement, privkey_public(owner)));
	CHECK(jwe_open_raw(receive, &s.sealed.epk, s.sealed.encrypted_key, s.sealed.iv, s.sealed.protected_b64,
			   s.sealed.ciphertext, s.sealed.tag, &plain, &e) == COFFER_OK);
	CHECK(span_eq_str((struct span){ plain.p, plain.n }, "salt and content"));
	for (size_t n = 0; n < w.n; n++) {
		CLEANUP(sealed_asset_clear) struct sealed_asset cut = { 0 };
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);

		if (!exact)
			abort();
		memcpy(exact, w.p, n);
		CHECK(sealed_asset_parse((struct span){ exact, n }, &cut, &e) != COFFER_OK);
	}
}

static void sealed_asset_refuses_what_is_not_sealed(void)
{
	static const char *const bad[] = {"",
					  "a secret as it is",
					  "{}",
					  "{\"statement\":{}}",
					  "{\"statement\":{},\"sealed\":{}}",
					  "{\"statement\":{},\"sealed\":\"x\"}",
					  "[]"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(sealed(bad[i]) != COFFER_OK);
}

static void signed_request_needs_both_headers_whole(void)
{
	static const char sig[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	CLEANUP(wr_close) struct wr w = { 0 };
	uint8_t out[SIG_LEN];
	struct err e = { 0 };

	CHECK(signed_request_parse(span_of("Q1JRMQ"), span_of(sig), &w, out, &e) == COFFER_OK &&
	      span_eq_str(wr_span(&w), "CRQ1"));
	wr_close(&w);
	CHECK(signed_request_parse(span_of("Q1JRMQ"), (struct span){ 0 }, &w, out, &e) == COFFER_E_INPUT);
	wr_close(&w);
	CHECK(signed_request_parse((struct span){ 0 }, span_of(sig), &w, out, &e) == COFFER_E_INPUT);
	wr_close(&w);
	CHECK(signed_request_parse(span_of("!!"), span_of(sig), &w, out, &e) == COFFER_E_INPUT);
}

static bool unescape(const char *in, const char *want)
{
	CLEANUP(wr_close) struct wr w = wr_open(16);

	return web_unescape(span_of(in), &w) && span_eq_str(wr_span(&w), want);
}

static void unescape_decodes_and_refuses_control_characters(void)
{
	CHECK(unescape("a%2Fb", "a/b") && unescape("", "") && unescape("kbs%3a///x", "kbs:///x"));
	CHECK(!unescape("%", "") && !unescape("%2", "") && !unescape("%zz", "") && !unescape("a%00", "a") &&
	      !unescape("%0a", "\n"));
	CHECK(!unescape("12345678901234567", "12345678901234567"));
}

static void cookie_and_bearer_are_found(void)
{
	struct fake f = { "a=1; kbs-session-id=00ff ;b=2", "bEARER  x.y.z " };
	const struct request q = { .con = &f };

	CHECK(span_eq_str(web_cookie(&q, "kbs-session-id"), "00ff") && span_eq_str(web_cookie(&q, "b"), "2"));
	CHECK(web_cookie(&q, "session-id").n == 0 && web_cookie(&q, "c").n == 0);
	CHECK(span_eq_str(web_bearer(&q), "x.y.z"));
	f = (struct fake){ NULL, "Basic x" };
	CHECK(web_bearer(&q).n == 0 && web_cookie(&q, "b").n == 0);
}

static void sweep_shuts_only_what_is_overdue(void)
{
	static struct conns c;
	struct conn *a = NULL, *b = NULL;
	int s[2], t[2];
	char byte;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, t) == 0);
	conns_init(&c);
	a = conns_add(&c, s[0], 1000);
	b = conns_add(&c, t[0], 5000);
	CHECK(a && b && conns_sweep(&c, 1000 + CONN_REQUEST_MS - 1) == 0);
	CHECK(conns_sweep(&c, 1000 + CONN_REQUEST_MS) == 1 && conns_sweep(&c, 1000 + CONN_REQUEST_MS) == 0);
	CHECK(read(s[1], &byte, 1) == 0 && write(t[0], "x", 1) == 1 && read(t[1], &byte, 1) == 1);
	conns_begin(&c, b, 14000); /* its first line late: the connection's own deadline stays */
	CHECK(b->deadline_ms == 5000 + CONN_REQUEST_MS);
	conns_idle(&c, b, 14000);
	CHECK(conns_sweep(&c, 14000 + CONN_IDLE_MS - 1) == 0);
	conns_begin(&c, b, 20000);
	CHECK(b->deadline_ms == 20000 + CONN_REQUEST_MS);
	conns_del(&c, b);
	CHECK(conns_sweep(&c, 999999) == 0);
	for (int i = 0; i < 2; i++) {
		(void)close(s[i]);
		(void)close(t[i]);
	}
}

static void conns_add_refuses_one_more_than_the_table_holds(void)
{
	static struct conns c;

	conns_init(&c);
	for (int i = 0; i < CONNS_MAX; i++)
		CHECK(conns_add(&c, 1000000 + i, 0) != NULL);
	CHECK(conns_add(&c, 2000000, 0) == NULL);
}

int main(void)
{
	static const struct t_case cases[] = {
	    T(token_of_both_key_kinds_is_taken_apart),
	    T(token_verifies_under_its_key_alone),
	    T(token_refuses_every_prefix),
	    T(token_refuses_foreign_headers),
	    T(sealed_asset_reads_what_seal_writes),
	    T(sealed_asset_refuses_what_is_not_sealed),
	    T(signed_request_needs_both_headers_whole),
	    T(unescape_decodes_and_refuses_control_characters),
	    T(cookie_and_bearer_are_found),
	    T(sweep_shuts_only_what_is_overdue),
	    T(conns_add_refuses_one_more_than_the_table_holds),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
