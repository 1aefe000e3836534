#include "crypto/jws.h"

#include "crypto/jwk.h"
#include "crypto_util.h"
#include "tests/t.h"

#define ES256_HEAD "eyJhbGciOiJFUzI1NiJ9"
#define ES256_BODY "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define ES256_SIG "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
static const char es256[] = ES256_HEAD "." ES256_BODY "." ES256_SIG;
static const char es256_jwk[] = "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"use\":\"sig\"}";

static enum coffer_rc read_jwk(const char *text, struct pubkey *k, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = parsed(span_of(text));

	return jwk_read(json_root(doc), "key", k, e);
}

/* RFC 7515, appendix A.3 */
static void jws_split_rfc7515_verifies(void)
{
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	struct pubkey k;
	struct err e;

	CHECK(read_jwk(es256_jwk, &k, &e) == COFFER_OK);
	CHECK(jws_split(span_of(es256), 1024, &p, &e) == COFFER_OK);
	CHECK(span_eq_str(p.header, "{\"alg\":\"ES256\"}"));
	CHECK(span_starts(p.payload, "{\"iss\":\"joe\",\r\n"));
	CHECK(span_eq_str(p.signing_input, ES256_HEAD "." ES256_BODY));
	CHECK(key_verify(&k, p.signing_input, SPAN(p.sig)));
}

/* RFC 8037, appendix A.4 */
static void jws_sign_rfc8037_gives_answer(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	uint8_t seed[32];
	struct err e;

	hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", seed, 32);
	CHECK(privkey_from_raw(KEY_ED25519, SPAN(seed), &k, &e) == COFFER_OK);
	CHECK(jws_sign(k, span_of("{\"alg\":\"EdDSA\"}"), span_of("Example of Ed25519 signing"), &w, &e) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&w), "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
				       "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"));
}

static void jws_sign_es256_splits_and_verifies(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct err e;

	CHECK(strcmp(jws_alg(KEY_P256), "ES256") == 0 && strcmp(jws_alg(KEY_ED25519), "EdDSA") == 0);
	CHECK(jws_sign(k, span_of("{\"alg\":\"ES256\"}"), span_of("{}"), &w, &e) == COFFER_OK);
	CHECK(jws_split(wr_span(&w), 1024, &p, &e) == COFFER_OK);
	CHECK(key_verify(privkey_public(k), p.signing_input, SPAN(p.sig)));
}

static void jws_sign_too_small_writer_is_limit(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(wr_close) struct wr w = wr_open(40);
	struct err e;

	CHECK(jws_sign(k, span_of("{\"alg\":\"ES256\"}"), span_of("{}"), &w, &e) == COFFER_E_LIMIT);
}

static void jws_split_every_prefix_is_refused(void)
{
	struct jws_parts p = { .sig = { 0xaa } };
	struct err e;

	for (size_t n = 0; n < sizeof(es256) - 1; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, es256, n);
		CHECK(jws_split((struct span){ exact, n }, 1024, &p, &e) == COFFER_E_INPUT);
		CHECK(p.sig[0] == 0xaa && p.own.p == NULL);
		free(exact);
	}
}

static void jws_split_other_shapes_are_refused(void)
{
	static const char *const bad[] = {
		"", ".", "..", "a.b.c", ES256_HEAD "." ES256_BODY, ES256_HEAD "." ES256_BODY "." ES256_SIG ".", es256 + 1,
		ES256_HEAD "." ES256_BODY "." ES256_SIG "." ES256_SIG, ES256_HEAD "." ES256_BODY "=." ES256_SIG,
		ES256_HEAD "=." ES256_BODY "." ES256_SIG, ES256_HEAD "." ES256_BODY "." ES256_SIG "AA",
		ES256_HEAD "." ES256_BODY "." ES256_SIG "\n", " " ES256_HEAD "." ES256_BODY "." ES256_SIG,
	};
	CLEANUP(jws_parts_clear) struct jws_parts p = { 0 };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(jws_split(span_of(bad[i]), 1024, &p, &e) == COFFER_E_INPUT);
	CHECK(jws_split(span_of(es256), sizeof(es256) - 2, &p, &e) == COFFER_E_LIMIT);
	CHECK(jws_split(span_of(es256), sizeof(es256) - 1, &p, &e) == COFFER_OK);
}

static void jwk_read_refusals_name_the_reason(void)
{
	static const struct {
		const char *text, *word;
	} t[] = {
		{ "[]", "key" },
		{ "{\"kty\":\"EC\"}", "crv" },
		{ "{\"crv\":\"P-256\",\"x\":\"\",\"y\":\"\"}", "kty" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"\",\"y\":\"\"}", "only" },
		{ "{\"kty\":\"RSA\",\"crv\":\"P-256\"}", "only" },
		{ "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"\"}", "only" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "\"x\"" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}", "\"x\"" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}", "\"y\"" },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":1}", "\"y\"" },
		{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\",\"d\":\"AA\"}", "PRIVATE" },
	};
	struct pubkey k = { .x = { 0xaa } };
	struct err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK(read_jwk(t[i].text, &k, &e) == COFFER_E_INPUT);
		CHECK(strstr(e.msg, t[i].word) != NULL);
		CHECK(k.x[0] == 0xaa && k.kind == 0);
	}
}

static void jwk_write_reads_back_in_jcs_order(void)
{
	static const enum key_kind kinds[] = { KEY_ED25519, KEY_P256 };
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(privkey_freep) struct privkey *k = fresh(kinds[i]);
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		CLEANUP(wr_close) struct wr w = wr_open(1024);
		CLEANUP(wr_close) struct wr canon = wr_open(1024);
		struct json_wr j = jw_open(&w, false);
		struct pubkey back;

		jwk_write(&j, privkey_public(k));
		doc = parsed(wr_span(&w));
		json_canon(json_root(doc), &canon);
		CHECK(span_eq(wr_span(&w), wr_span(&canon)));
		CHECK(jwk_read(json_root(doc), "key", &back, &e) == COFFER_OK);
		CHECK(pubkey_eq(&back, privkey_public(k)));
	}
}

int main(void)
{
	static const struct t_case c[] = {
		T(jws_split_rfc7515_verifies), T(jws_sign_rfc8037_gives_answer), T(jws_sign_es256_splits_and_verifies),
		T(jws_sign_too_small_writer_is_limit), T(jws_split_every_prefix_is_refused), T(jws_split_other_shapes_are_refused),
		T(jwk_read_refusals_name_the_reason), T(jwk_write_reads_back_in_jcs_order),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
