#include "crypto/jwe.h"

#include "crypto/cipher.h"
#include "crypto/jwe_priv.h"
#include "crypto/jwk.h"
#include "crypto_util.h"
#include "tests/t.h"

static const char content[] = "thirty-two bytes are a data key.";

static struct json_doc *sealed_to(const struct privkey *k, struct span plain, const char *extra)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct err e;

	if (jwe_seal(privkey_public(k), plain, extra, &w, &e) != COFFER_OK)
		abort();
	return parsed(wr_span(&w));
}

/* RFC 7518, appendix C gives Z; the key was computed from 4.6.2 with an independent program. */
static void jwe_kek_rfc7518_z_gives_answer(void)
{
	uint8_t z[32], kek[32];

	hex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4", z, 32);
	jwe_kek(z, kek);
	CHECK(is_hex(SPAN(kek), "89ab838633757805bd678cb164f2427776824e8f784152f23747096449921f46"));
}

static void jwe_open_sealed_gives_content(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(json_freep) struct json_doc *doc = sealed_to(k, span_of(content), NULL);
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e;

	CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_OK && p.has_epk);
	CHECK(jwe_open(k, &p, &s, &e) == COFFER_OK);
	CHECK(span_eq_str((struct span){ s.p, s.n }, content));
}

static void jwe_open_empty_content_is_empty(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(json_freep) struct json_doc *doc = sealed_to(k, (struct span){ 0 }, NULL);
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e;

	CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_OK);
	CHECK(jwe_open(k, &p, &s, &e) == COFFER_OK && s.n == 0 && s.p == NULL);
	p.tag[0] ^= 1;
	CHECK(jwe_open(k, &p, &s, &e) == COFFER_E_DENIED);
}

static void jwe_seal_header_has_upstream_order(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(json_freep) struct json_doc *doc = sealed_to(k, span_of(content), "\"cty\":\"coffer-output+json\"");
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	CLEANUP(json_freep) struct json_doc *head = NULL;

	CHECK(b64url_read(json_str(json_get(json_root(doc), "protected")), &text));
	CHECK(span_starts(wr_span(&text), "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""));
	CHECK(span_ends(wr_span(&text), "\"},\"cty\":\"coffer-output+json\"}"));
	head = parsed(wr_span(&text));
	CHECK(json_len(json_root(head)) == 4);
}

static void jwe_open_wrong_key_is_denied(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(privkey_freep) struct privkey *other = fresh(KEY_P256);
	CLEANUP(privkey_freep) struct privkey *ed = fresh(KEY_ED25519);
	CLEANUP(json_freep) struct json_doc *doc = sealed_to(k, span_of(content), NULL);
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e;

	CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_OK);
	CHECK(jwe_open(other, &p, &s, &e) == COFFER_E_DENIED && strcmp(e.check, "seal") == 0);
	CHECK(jwe_open(ed, &p, &s, &e) == COFFER_E_INPUT);
	CHECK(s.p == NULL);
}

static bool opens(const struct privkey *k, const struct jwe_parts *p, struct span aad, struct span key, struct span ct)
{
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e;
	enum coffer_rc rc = jwe_open_raw(k, &p->epk, key, p->iv, aad, ct, p->tag, &s, &e);

	if (rc != COFFER_OK)
		CHECK((rc == COFFER_E_DENIED && strcmp(e.check, "seal") == 0 && s.p == NULL) || rc == COFFER_E_INPUT);
	return rc == COFFER_OK;
}

/* Flips every byte of a copy of s in turn. */
static void flip_each(const struct privkey *k, const struct jwe_parts *p, int which)
{
	struct span part[3] = { p->protected_b64, p->encrypted_key, p->ciphertext };
	size_t n = part[which].n;
	uint8_t *copy = malloc(n);

	for (size_t i = 0; i <= n; i++) {
		memcpy(copy, part[which].p, n);
		if (i < n)
			copy[i] ^= 1;
		part[which].p = copy;
		CHECK(opens(k, p, part[0], part[1], part[2]) == (i == n));
		part[which] = (struct span[]){ p->protected_b64, p->encrypted_key, p->ciphertext }[which];
	}
	free(copy);
}

static void jwe_open_raw_any_part_changed_is_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(json_freep) struct json_doc *doc = sealed_to(k, span_of(content), NULL);
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	struct err e;

	CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_OK);
	for (int i = 0; i < 3; i++)
		flip_each(k, &p, i);
	for (size_t n = 0; n < p.encrypted_key.n; n++)
		CHECK(!opens(k, &p, p.protected_b64, (struct span){ p.encrypted_key.p, n }, p.ciphertext));
	for (size_t n = 0; n < p.ciphertext.n; n++)
		CHECK(!opens(k, &p, p.protected_b64, p.encrypted_key, (struct span){ p.ciphertext.p, n }));
	p.iv[3] ^= 1;
	CHECK(!opens(k, &p, p.protected_b64, p.encrypted_key, p.ciphertext));
	p.iv[3] ^= 1;
	p.epk.x[0] ^= 1; /* off the curve */
	CHECK(!opens(k, &p, p.protected_b64, p.encrypted_key, p.ciphertext));
}

#define EPK "\"epk\":{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\"," \
	    "\"y\":\"SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps\"}"
#define EC "\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"," EPK
#define REST "\"encrypted_key\":\"AAAA\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"AA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\""

/* A whole JWE whose protected header is `header`. */
static enum coffer_rc parse_header(const char *header, struct jwe_parts *p, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(16384);

	wr_str(&w, "{\"protected\":\"");
	b64url_write(&w, span_of(header));
	wr_str(&w, "\"," REST "}");
	doc = parsed(wr_span(&w));
	return jwe_parse(json_root(doc), p, e);
}

static void jwe_parse_headers_outside_profile_are_refused(void)
{
	static const struct {
		const char *header, *word;
	} t[] = {
		{ "{" EC ",\"crit\":[\"x\"]}", "crit" },
		{ "{" EC ",\"zip\":\"DEF\"}", "zip" },
		{ "{" EC ",\"b64\":false}", "b64" },
		{ "{" EC ",\"apu\":\"QWxpY2U\"}", "apu" },
		{ "{" EC ",\"apv\":\"Qm9i\"}", "apv" },
		{ "{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\"," EPK "}", "alg" },
		{ "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}", "alg" },
		{ "{\"alg\":\"RSA1_5\",\"enc\":\"A256GCM\"}", "alg" },
		{ "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A128GCM\"," EPK "}", "enc" },
		{ "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256CBC-HS512\"," EPK "}", "enc" },
		{ "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"}", "epk" },
		{ "{\"enc\":\"A256GCM\"," EPK "}", "alg" },
		{ "{\"alg\":\"ECDH-ES+A256KW\"," EPK "}", "enc" },
		{ "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":{\"crv\":\"Ed25519\",\"kty\":\"OKP\","
		  "\"x\":\"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0\"}}", "P-256" },
		{ "{" EC ",\"alg\":\"dir\"}", "" },
		{ "[]", "" },
		{ "", "" },
	};
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	struct err e;

	CHECK(parse_header("{" EC "}", &p, &e) == COFFER_OK && p.has_epk);
	jwe_parts_clear(&p);
	CHECK(parse_header("{" EC ",\"cty\":\"x\",\"apu\":\"\"}", &p, &e) == COFFER_OK);
	jwe_parts_clear(&p);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK(parse_header(t[i].header, &p, &e) == COFFER_E_INPUT);
		CHECK(strstr(e.msg, t[i].word) != NULL);
		CHECK(p.own.p == NULL && !p.has_epk);
	}
}

static void jwe_parse_members_missing_or_unknown_are_refused(void)
{
	static const char *const bad[] = {
		"[]", "{}", "{" REST "}", "{\"protected\":1," REST "}", "{\"protected\":\"=\"," REST "}",
		"{\"protected\":\"@\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"AA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"protected\":\"@\",\"encrypted_key\":\"AA\",\"iv\":\"AAAA\",\"ciphertext\":\"AA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"protected\":\"@\",\"encrypted_key\":\"AA\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"AA\",\"tag\":\"AAAA\"}",
		"{\"protected\":\"@\",\"encrypted_key\":\"A\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"AA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"protected\":\"@\",\"encrypted_key\":\"AA\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"ciphertext\":\"+/\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"protected\":\"@\"," REST ",\"aad\":\"AA\"}", "{\"protected\":\"@\"," REST ",\"header\":{}}",
		"{\"protected\":\"@\"," REST ",\"unprotected\":{}}", "{\"protected\":\"@\"," REST ",\"recipients\":[]}",
	};
	CLEANUP(wr_close) struct wr head = wr_open(1024);
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	struct err e;

	b64url_write(&head, span_of("{" EC "}"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(json_freep) struct json_doc *doc = NULL;
		CLEANUP(wr_close) struct wr w = wr_open(4096);
		const char *at = strchr(bad[i], '@');

		wr_put(&w, (struct span){ (const uint8_t *)bad[i], at ? (size_t)(at - bad[i]) : strlen(bad[i]) });
		wr_put(&w, at ? wr_span(&head) : (struct span){ 0 });
		wr_str(&w, at ? at + 1 : "");
		doc = parsed(wr_span(&w));
		CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_E_INPUT);
	}
}

static void jwe_parse_header_over_limit_is_refused(void)
{
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct err e;
	char *text;

	wr_str(&w, "{" EC ",\"cty\":\"");
	for (int i = 0; i < 4096; i++)
		wr_u8(&w, 'x');
	wr_str(&w, "\"}");
	text = wr_take(&w, NULL);
	CHECK(parse_header(text, &p, &e) == COFFER_E_INPUT);
	free(text);
}

/* A 2048-bit key made for this test; it guards nothing. */
static const char rsa_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQDeqqAKukoU8dJT\n"
	"9UYLoTzEDz8zvhGta0FMQYTfdQsyvhZoxFM4XcboNladYYgPemOsuACMKTyK71MF\n"
	"nyvSoOedPQv5pwm+DeI0UPk5BNiwBl2uhZLmIkOYpX9X3JJ+TFpH8jCpxcBBh2YO\n"
	"ZFeJEGp+FZdRG9kUsU4rwW/SLt+2HU9qnUpWYd2pvUoCWJyr+zGWDMsFXJD/HOoN\n"
	"ZLF2OSwzd0yUloJSYgn4bvfQ3GMOJ9zdVJkZ/h+KrRW+eAWY3ugilXy241I17jHb\n"
	"hBIJ/9aU+CtiRZEpSQCGzn6LeO+wQPhlj75k47azaw47axgstWKJ/zI9SwDgMGNo\n"
	"DWbCWsL9AgMBAAECggEAJ1zPbQYQqZI0Rd5SsySeSuSNHjcIBfmzcekVNbGJuL8s\n"
	"0/l84raFPrC4cBr5RA81RqfChQSXLNJxAUnpo9MJDt1nXAtg6AWpSulTnXZTXg7K\n"
	"CduYI/HDtFzxXZVjGkuiHBze6GxKd+sZKgsoBFVwFfj4JoD/R66ubILGI0hhCN7i\n"
	"LLPFR31TFyr0xFE4P5YrFDgvqsZfER/+u9j/E75y1XNhuHeVWcL89cltXITXe2Et\n"
	"ftGYWAsuza09cSGXY8kLzo4FQ+6hOq9mzZsUEC/VcQpxn6E9lgU43Daq272NXOep\n"
	"wF7RRvu91ZPodgLzDT9C3WT8mm27SudSh3b1MrhdIQKBgQDvewhpkzhZn+bbnd7H\n"
	"wfKfyJ1g1NxzdtSLFq1n3LW9h8d+B2fzZ8+4zH+SznmRiMqgV1cPl9sDS+HgsOjR\n"
	"6am1Ic0qa5JvTIOBeT6zmgeOtUHf2yKVYg3AChaNtU1oNxWhA4QElH8UmBK+x6sg\n"
	"V2iiZS2yUiBR+D3TYbwkGLKfrQKBgQDuBqx3bBPFXf3PDEcV3xNOCOQqJLM0xy3k\n"
	"LS3QtDScsGN4bB5gZTYPFfDC40qn4tcc5zxG3KqQ102vWXA2AdyLsk9vXQGwSuds\n"
	"qzE8NDNrX/PAyCMDCtFvGfI4C323FNQASd7gpzc3vONDjg7OrIkmK97VxAa6KUjZ\n"
	"650uQKnakQKBgF2iJS/iN+4S7xh/KVPBKTQAJEhv8aHTnFaljzdEvGpWZFGKY8Jv\n"
	"nHAMxPSJdk7IxTDb9VZLcX5gdPh9Mwqf6ZLAnI8xcBfEOsasuS9P0hSiGheEfokZ\n"
	"xXaIezj84j8VCofh8AQ6a1WKAApH10jV5Dtag/ts0OY7wTCczgru/SghAoGAfflA\n"
	"O/ASQqmtE3B/Cr9GW01vXDKSOcOUsSeMEOHe2nKsImauaPwH8VH+W1aqA1KV4LEt\n"
	"AJ/3EbMxZTVjouG3VKPpUJobs67g7m1oIGHMOO7OdeA2T3zhPPixbiH+xe+bCBAQ\n"
	"ijtViQVKDk3X3mAIMhCT3fTiTpJdASCmznzgqFECgYAUNA3/5qLr4LutZSeG0p4Y\n"
	"tB97f9G2xDSYkytsHlIjyvgnIfZyHy+F1ilk1YZUMIisnaOqMZe363L3wz6iT5jt\n"
	"6CKCjyUnl4nf1esxXACBAG4rmO0C3z3AgXRR4Z5hjIpZNUkQifffuLJgMsuKgFq/\n"
	"yD+KkAYgKbt6xa5sP8eujg==\n"
	"-----END PRIVATE KEY-----\n";
static const char rsa_n[] =
	"deaaa00aba4a14f1d253f5460ba13cc40f3f33be11ad6b414c4184df750b32be1668c453385dc6e836569d61880f7a63"
	"acb8008c293c8aef53059f2bd2a0e79d3d0bf9a709be0de23450f93904d8b0065dae8592e6224398a57f57dc927e4c5a"
	"47f230a9c5c04187660e645789106a7e1597511bd914b14e2bc16fd22edfb61d4f6a9d4a5661dda9bd4a02589cabfb31"
	"960ccb055c90ff1cea0d64b176392c33774c949682526209f86ef7d0dc630e27dcdd549919fe1f8aad15be780598dee8"
	"22957cb6e35235ee31db841209ffd694f82b62459129490086ce7e8b78efb040f8658fbe64e3b6b36b0e3b6b182cb562"
	"89ff323d4b00e03063680d66c25ac2fd";

static struct json_doc *sealed_to_rsa(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	static const uint8_t e65537[] = { 1, 0, 1 };
	uint8_t n[256];
	struct err e;

	hex(rsa_n, n, sizeof(n));
	if (jwe_seal_rsa(SPAN(n), SPAN(e65537), span_of(content), &w, &e) != COFFER_OK)
		abort();
	return parsed(wr_span(&w));
}

static void jwe_open_rsa_sealed_gives_content(void)
{
	CLEANUP(json_freep) struct json_doc *doc = sealed_to_rsa();
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e;

	CHECK(span_eq_str(json_str(json_get(json_root(doc), "protected")), "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0"));
	CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_OK && !p.has_epk);
	CHECK(jwe_open_rsa(span_of(rsa_pem), (struct span){ 0 }, &p, false, &s, &e) == COFFER_OK);
	CHECK(span_eq_str((struct span){ s.p, s.n }, content));
}

/* RSA-OAEP with SHA-1, as ocicrypt writes it; made with Python's cryptography and the key above. */
static const char rsa_sha1[] =
	"{\"protected\":\"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ\",\"encrypted_key\":\"tgvWFhjKyuiCkH9xW"
	"F3ehW5h7X5nAH7utfFJJEvK8vZqArhP3ZjwGqbf2xSAdanQAFRJjr4c_a-RaBUu4nxoPLk7yY3lKbneLtZ3s68Okqku_KArr"
	"XnwmCqD0l217zh0bI-1W24aXWeo0AUoDVdpkDGy0G4LgzgrS5Ps2E9yicCwJbBa_CIPwvUZ4kChGdKgtOE0HM0Rad-pEZpoe"
	"4Yln6BROdKZ9j03v_BfI3ZblX8ae_O48LQySEQNYY-RKELkZGhAF-6-NmbdFp3COC-scfWLqIJd-sZpsnBH3n4kyQC62SsPM"
	"srkrPAvP8T2vxUFS_GQ-8_8lOP2ypEASaZjRw\",\"iv\":\"gBzXFenO8rnFVaUd\",\"ciphertext\":\"RvK4CIwBjlN5lrY8O1R"
	"KwqnAfK0\",\"tag\":\"0_ZS72fjlf9K_x0VKDLMMg\"}";

static void jwe_open_rsa_sha1_only_when_asked_for(void)
{
	CLEANUP(json_freep) struct json_doc *doc = parsed(span_of(rsa_sha1));
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	struct err e;

	CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_OK);
	CHECK(jwe_open_rsa(span_of(rsa_pem), (struct span){ 0 }, &p, false, &s, &e) == COFFER_E_INPUT && s.p == NULL);
	CHECK(jwe_open_rsa(span_of(rsa_pem), (struct span){ 0 }, &p, true, &s, &e) == COFFER_OK);
	CHECK(span_eq_str((struct span){ s.p, s.n }, "sealed as Go does it"));
}

static void jwe_open_rsa_refusals(void)
{
	CLEANUP(json_freep) struct json_doc *doc = sealed_to_rsa();
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(json_freep) struct json_doc *ec = sealed_to(k, span_of(content), NULL);
	CLEANUP(jwe_parts_clear) struct jwe_parts p = { 0 }, q = { 0 };
	CLEANUP(secret_free) struct secret s = { 0 };
	struct span none = { 0 };
	struct err e;

	CHECK(jwe_parse(json_root(doc), &p, &e) == COFFER_OK && jwe_parse(json_root(ec), &q, &e) == COFFER_OK);
	CHECK(jwe_open_rsa(span_of(rsa_pem), none, &p, true, &s, &e) == COFFER_E_INPUT); /* alg says SHA-256 */
	CHECK(jwe_open_rsa(span_of(rsa_pem), none, &q, false, &s, &e) == COFFER_E_INPUT);
	CHECK(jwe_open_rsa(span_of("x"), none, &p, false, &s, &e) == COFFER_E_INPUT);
	CHECK(jwe_open(k, &p, &s, &e) == COFFER_E_INPUT);
	p.own.p[7] ^= 1; /* inside the encrypted key */
	CHECK(jwe_open_rsa(span_of(rsa_pem), none, &p, false, &s, &e) == COFFER_E_DENIED && strcmp(e.check, "seal") == 0);
	p.own.p[7] ^= 1;
	p.tag[0] ^= 1;
	CHECK(jwe_open_rsa(span_of(rsa_pem), none, &p, false, &s, &e) == COFFER_E_DENIED && strcmp(e.check, "seal") == 0);
	CHECK(s.p == NULL);
}

static void jwe_seal_rsa_bad_keys_are_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	static const uint8_t good_e[] = { 1, 0, 1 }, one[] = { 1 }, even[] = { 1, 0, 0 }, zero[] = { 0, 1, 1 }, long_e[] = { 1,
	    0, 0, 0, 1 };
	uint8_t n[513];
	struct err e;

	memset(n, 0xff, sizeof(n));
	CHECK(jwe_seal_rsa((struct span){ n, 255 }, SPAN(good_e), span_of("x"), &w, &e) == COFFER_E_INPUT);
	CHECK(jwe_seal_rsa((struct span){ n, 513 }, SPAN(good_e), span_of("x"), &w, &e) == COFFER_E_INPUT);
	CHECK(jwe_seal_rsa((struct span){ n, 256 }, SPAN(one), span_of("x"), &w, &e) == COFFER_E_INPUT);
	CHECK(jwe_seal_rsa((struct span){ n, 256 }, SPAN(even), span_of("x"), &w, &e) == COFFER_E_INPUT);
	CHECK(jwe_seal_rsa((struct span){ n, 256 }, SPAN(zero), span_of("x"), &w, &e) == COFFER_E_INPUT);
	CHECK(jwe_seal_rsa((struct span){ n, 256 }, SPAN(long_e), span_of("x"), &w, &e) == COFFER_E_INPUT);
	CHECK(jwe_seal_rsa((struct span){ n, 256 }, (struct span){ 0 }, span_of("x"), &w, &e) == COFFER_E_INPUT);
	n[255] = 0xfe;
	CHECK(jwe_seal_rsa((struct span){ n, 256 }, SPAN(good_e), span_of("x"), &w, &e) == COFFER_E_INPUT);
	n[255] = 0xff;
	n[0] = 0x7f;
	CHECK(jwe_seal_rsa((struct span){ n, 256 }, SPAN(good_e), span_of("x"), &w, &e) == COFFER_E_INPUT);
	CHECK(w.n == 0);
}

static void jwe_seal_off_curve_recipient_is_refused(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct pubkey k = { .kind = KEY_P256, .x = { 1 }, .y = { 2 } };
	struct err e;

	CHECK(jwe_seal(&k, span_of("x"), NULL, &w, &e) == COFFER_E_INPUT && w.n == 0);
}

int main(void)
{
	static const struct t_case c[] = {
		T(jwe_kek_rfc7518_z_gives_answer), T(jwe_open_sealed_gives_content), T(jwe_open_empty_content_is_empty),
		T(jwe_seal_header_has_upstream_order), T(jwe_open_wrong_key_is_denied), T(jwe_open_raw_any_part_changed_is_refused),
		T(jwe_parse_headers_outside_profile_are_refused), T(jwe_parse_members_missing_or_unknown_are_refused),
		T(jwe_parse_header_over_limit_is_refused), T(jwe_open_rsa_sealed_gives_content),
		    T(jwe_open_rsa_sha1_only_when_asked_for), T(jwe_open_rsa_refusals),
		T(jwe_seal_rsa_bad_keys_are_refused), T(jwe_seal_off_curve_recipient_is_refused),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
