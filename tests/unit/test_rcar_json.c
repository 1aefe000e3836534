/* The JSON of the KBS protocol: every parser refuses what it should, and what it binds is bit exact. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"
#include "proto/rcar_tpm.h"
#include "tests/t.h"

#define NONCE "ZmFrZSBub25jZSBvZiAzMiBieXRlcyBmb3IgdGVzdHM="
#define KEY "{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"aa\",\"y\":\"bb\"}"
static const char good[] = "{\"init-data\":{\"format\":\"toml\",\"body\":\"a = 1\\n\"},\"runtime-data\":{\"nonce\":\"" NONCE
	"\",\"tee-pubkey\":" KEY "},\"tee-evidence\":{\"primary_evidence\":{\"svn\":\"1\"},\"additional_evidence\":\"\"}}";

static enum coffer_rc attestation(const char *text, struct rcar_attestation *a)
{
	struct err e = { 0 };

	return rcar_attestation_parse(span_of(text), a, &e);
}

static void attestation_members_come_out_sorted(void)
{
	static const char *const names[] = { "alg", "crv", "kty", "x", "y" };
	CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };

	CHECK(attestation(good, &a) == COFFER_OK);
	CHECK(a.n_members == 5 && span_eq_str(a.nonce, NONCE) && span_eq_str(a.initdata, "a = 1\n") && a.additional.n == 0);
	for (size_t i = 0; i < a.n_members && i < 5; i++)
		CHECK(span_eq_str(a.member[i].name, names[i]));
	CHECK(json_type(a.primary) == JSON_OBJECT);
}

static void attestation_refuses_other_shapes(void)
{
#define RT(key)                                                                                                                  \
	"{\"init-data\":null,\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":" key                                              \
	"},\"tee-evidence\":{\"primary_evidence\":{}}}"
	static const char *const bad[] = {
	    "",
	    "[]",
	    "{}",
	    "{\"init-data\":null}",
	    RT("{}"),
	    RT("[]"),
	    RT("\"x\""),
	    RT("{\"kty\":1}"),
	    RT("{\"x\":\"1\"}"),
	    RT("{\"kty\":\"EC\",\"n\":null}"),
	    RT("{\"kty\":\"EC\",\"kty\":\"EC\"}"),
	    RT("{\"kty\":\"EC\",\"\\u00e9\":\"1\"}"),
	    RT("{\"kty\":\"EC\",\"a b\":\"1\"}"),
	    RT("{\"kty\":\"EC\",\"\":\"1\"}"),
	    "{\"init-data\":{\"format\":\"json\",\"body\":\"x\"},\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":" KEY
	    "},\"tee-evidence\":{\"primary_evidence\":{}}}",
	    "{\"init-data\":\"x\",\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":" KEY
	    "},\"tee-evidence\":{\"primary_evidence\":{}}}",
	    "{\"init-data\":null,\"runtime-data\":{\"nonce\":7,\"tee-pubkey\":" KEY
	    "},\"tee-evidence\":{\"primary_evidence\":{}}}",
	    "{\"init-data\":null,\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":" KEY "},\"tee-evidence\":{}}",
	    "{\"init-data\":null,\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":" KEY
	    "},\"tee-evidence\":{\"primary_evidence\":{},\"additional_evidence\":{}}}",
	    "{\"init-data\":null,\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":" KEY
	    ",\"more\":1},\"tee-evidence\":{\"primary_evidence\":{}}}",
	    "{\"init-data\":null,\"more\":1,\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":" KEY
	    "},\"tee-evidence\":{\"primary_evidence\":{}}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };

		CHECK(attestation(bad[i], &a) == COFFER_E_INPUT);
		CHECK(!a.doc && a.n_members == 0);
	}
}

/* tee-pubkey with kty and n - 1 more members */
static enum coffer_rc with_members(unsigned n)
{
	CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(8192);

	wr_str(&w, "{\"runtime-data\":{\"nonce\":\"x\",\"tee-pubkey\":{\"kty\":\"EC\"");
	for (unsigned i = 1; i < n; i++)
		wr_fmt(&w, ",\"m%u\":\"v\"", i);
	wr_str(&w, "}},\"tee-evidence\":{\"primary_evidence\":{}}}");
	wr_u8(&w, 0);
	return attestation((const char *)w.p, &a);
}

static void attestation_takes_16_members_and_not_17(void)
{
	CHECK(with_members(16) == COFFER_OK);
	CHECK(with_members(17) == COFFER_E_INPUT);
}

static void attestation_refuses_every_prefix(void)
{
	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct err e = { 0 };

		if (!exact)
			abort();
		memcpy(exact, good, n);
		CHECK(rcar_attestation_parse((struct span){ exact, n }, &a, &e) != COFFER_OK);
	}
}

static void attestation_written_is_read_back_and_binds_the_same(void)
{
	CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 }, b = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	uint8_t da[HASH_MAX], db[HASH_MAX];
	struct err e = { 0 };
	struct rcar_binding bind;

	CHECK(attestation(good, &a) == COFFER_OK);
	bind = (struct rcar_binding){.member = a.member, .n_members = a.n_members, .nonce = a.nonce, .additional = a.additional};
	rcar_attestation_write(&w, &bind, a.initdata, span_of("{\"svn\":\"1\"}"));
	CHECK(rcar_attestation_parse(wr_span(&w), &b, &e) == COFFER_OK && span_eq(b.initdata, a.initdata));
	CHECK(rcar_report_data(&bind, HASH_SHA384, da, &e) == COFFER_OK);
	bind = (struct rcar_binding){.member = b.member, .n_members = b.n_members, .nonce = b.nonce, .additional = b.additional};
	CHECK(rcar_report_data(&bind, HASH_SHA384, db, &e) == COFFER_OK);
	CHECK(memcmp(da, db, 48) == 0 /* public: digests of a test */);
}

static void report_data_depends_on_every_part(void)
{
	struct keep_member m[2] = { { span_of("a"), span_of("1") }, { span_of("kty"), span_of("EC") } };
	struct rcar_binding base = { .member = m, .n_members = 2, .nonce = span_of("n") }, x;
	uint8_t d0[HASH_MAX], d1[HASH_MAX];
	struct err e = { 0 };

	CHECK(rcar_report_data(&base, HASH_SHA256, d0, &e) == COFFER_OK);
	x = base;
	x.nonce = span_of("o");
	CHECK(rcar_report_data(&x, HASH_SHA256, d1, &e) == COFFER_OK && memcmp(d0, d1, 32) != 0 /* public: test */);
	x = base;
	x.additional = span_of("{}");
	CHECK(rcar_report_data(&x, HASH_SHA256, d1, &e) == COFFER_OK && memcmp(d0, d1, 32) != 0 /* public: test */);
	x = base;
	x.device = true;
	CHECK(rcar_report_data(&x, HASH_SHA256, d1, &e) == COFFER_OK && memcmp(d0, d1, 32) != 0 /* public: test */);
	m[0].value = span_of("2");
	CHECK(rcar_report_data(&base, HASH_SHA256, d1, &e) == COFFER_OK && memcmp(d0, d1, 32) != 0 /* public: test */);
}

static void request_refuses_every_version_but_ours(void)
{
	static const char *const bad[] = { "0.1.0", "0.4.1", "0.4", "1.0.0", "", "0.4.0 " };
	CLEANUP(rcar_request_clear) struct rcar_request r = { 0 };
	struct err e = { 0 };
	char text[128];

	CHECK(rcar_request_parse(span_of("{\"version\":\"0.4.0\",\"tee\":\"snp\"}"), &r, &e) == COFFER_OK &&
	      span_eq_str(r.tee, "snp"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(rcar_request_clear) struct rcar_request x = { 0 };

		(void)snprintf(text, sizeof(text), "{\"version\":\"%s\",\"tee\":\"sample\",\"extra-params\":\"\"}", bad[i]);
		CHECK(rcar_request_parse(span_of(text), &x, &e) == COFFER_E_DENIED && strcmp(e.check, "version") == 0);
	}
}

static void request_refuses_other_shapes(void)
{
	static const char *const bad[] = {"",
					  "{}",
					  "[]",
					  "{\"version\":\"0.4.0\"}",
					  "{\"version\":4,\"tee\":\"sample\"}",
					  "{\"version\":\"0.4.0\",\"tee\":null}",
					  "{\"version\":\"0.4.0\",\"tee\":\"sample\",\"x\":1}",
					  "{\"version\":\"0.4.0\",\"tee\":\"sample\"}x"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(rcar_request_clear) struct rcar_request r = { 0 };
		struct err e = { 0 };

		CHECK(rcar_request_parse(span_of(bad[i]), &r, &e) == COFFER_E_INPUT && !r.doc);
	}
}

static void request_written_is_read_back(void)
{
	CLEANUP(rcar_request_clear) struct rcar_request r = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct err e = { 0 };
	enum tee_kind t = TEE_SAMPLE;

	rcar_request_write(&w, "sample", NULL, NULL);
	CHECK(rcar_request_parse(wr_span(&w), &r, &e) == COFFER_OK && tee_by_name(r.tee, &t) && t == TEE_SAMPLE);
	CHECK(strcmp(tee_name(t), "sample") == 0 && tee_by_name(span_of("snp"), &t) && t == TEE_SNP && !tee_by_name(span_of("se"), &t));
	for (int i = 1; i <= TEE_LAST; i++) /* each has a name, and its own */
		CHECK(tee_by_name(span_of(tee_name((enum tee_kind)i)), &t) && (int)t == i);
}

static enum coffer_rc tpm_of(const char *extra, enum tee_kind tee, struct rcar_tpm *t)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e = { 0 };

	CHECK(json_parse(span_of(extra), 1u << 16, &doc, &e) == COFFER_OK);
	return rcar_tpm_read(json_root(doc), tee, t, &e);
}

static void tpm_of_a_request_is_read_where_it_is_asked_for(void)
{
	static const char *const none[] = { "\"\"", "null", "{}", "7", "[]", "{\"tpm\":null}", "{\"supported-hash-algorithms\":[\"sha256\"]}" };
	CLEANUP(rcar_tpm_clear) struct rcar_tpm t = { 0 };
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		CHECK(tpm_of(none[i], TEE_SNP, &t) == COFFER_OK && t.ek_cert.n == 0 && t.ak_public.n == 0 && t.n_chain == 0);
	CHECK(rcar_tpm_read(NULL, TEE_TPM, &t, &e) == COFFER_OK && t.ek_cert.n == 0);
	CHECK(tpm_of("{\"tpm\":{\"ek_cert\":\"AQ==\",\"ak_public\":\"AgI=\"}}", TEE_TPM, &t) == COFFER_OK);
	CHECK(t.ek_cert.n == 1 && t.ak_public.n == 2 && t.ak_public.p[1] == 2 && t.n_chain == 0);
	rcar_tpm_clear(&t);
	CHECK(tpm_of("{\"tpm\":{\"ek_cert\":\"AQ==\",\"ak_public\":\"AgI=\",\"ek_chain\":[\"AQ==\",\"Ag==\",\"Aw==\",\"BA==\"]}}", TEE_SWTPM, &t) ==
	      COFFER_OK);
	CHECK(t.n_chain == 4 && t.chain[3].n == 1 && t.chain[3].p[0] == 4);
}

static void tpm_of_a_request_refuses_other_shapes(void)
{
	static const char *const bad[] = { "{}", "[]", "\"\"", "7", "{\"ek_cert\":\"AQ==\"}", "{\"ak_public\":\"AQ==\"}",
		"{\"ek_cert\":\"AQ==\",\"ak_public\":\"\"}", "{\"ek_cert\":\"\",\"ak_public\":\"AQ==\"}", "{\"ek_cert\":\"AQ\",\"ak_public\":\"AQ==\"}",
		"{\"ek_cert\":1,\"ak_public\":\"AQ==\"}", "{\"ek_cert\":\"AQ==\",\"ak_public\":\"AQ==\",\"x\":1}",
		"{\"ek_cert\":\"AQ==\",\"ak_public\":\"AQ==\",\"ek_chain\":\"AQ==\"}", "{\"ek_cert\":\"AQ==\",\"ak_public\":\"AQ==\",\"ek_chain\":[1]}",
		"{\"ek_cert\":\"AQ==\",\"ak_public\":\"AQ==\",\"ek_chain\":[\"AQ==\",\"AQ==\",\"AQ==\",\"AQ==\",\"AQ==\"]}" };
	static const uint8_t big[KEEP_EK_MAX + 1];
	struct rcar_tpm t = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(freep) char *text = str_fmt("{\"tpm\":%s}", bad[i]);

		CHECK(tpm_of(text, TEE_TPM, &t) == COFFER_E_INPUT && !t.ek_cert.p && t.n_chain == 0);
	}
	CHECK(tpm_of("{\"tpm\":{\"ek_cert\":\"AQ==\",\"ak_public\":\"AgI=\"}}", TEE_SNP, &t) == COFFER_E_INPUT);
	for (size_t i = 0; i < 4; i++) {
		CLEANUP(wr_close) struct wr ek = wr_open(1u << 16), ak = wr_open(1u << 16);
		CLEANUP(freep) char *text = NULL;

		b64_write(&ek, (struct span){ big, KEEP_EK_MAX + (i & 1) });
		b64_write(&ak, (struct span){ big, KEEP_AK_MAX + (i >> 1) });
		text = str_fmt("{\"tpm\":{\"ek_cert\":\"%.*s\",\"ak_public\":\"%.*s\"}}", (int)ek.n, (const char *)ek.p, (int)ak.n, (const char *)ak.p);
		CHECK(tpm_of(text, TEE_TPM, &t) == (i == 0 ? COFFER_OK : COFFER_E_INPUT));
		rcar_tpm_clear(&t);
	}
}

static void challenge_with_a_credential_is_a_challenge(void)
{
	static const uint8_t nonce[32] = { 9 }, c[] = { 1, 2 }, s[] = { 3 };
	const struct rcar_credential both = { SPAN(c), SPAN(s) };
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct rcar_challenge got = { 0 };
	struct err e = { 0 };

	rcar_tpm_challenge_write(&w, nonce, &both);
	CHECK(rcar_challenge_parse(wr_span(&w), &got, &e) == COFFER_OK && got.hash == HASH_SHA384);
	CHECK(span_eq_str(wr_span(&w), "{\"nonce\":\"CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\",\"extra-params\":{\"tpm\":{\"credential\":\"AQI=\","
	                               "\"secret\":\"Aw==\"}}}"));
}

static enum coffer_rc answer_of(const char *text, struct rcar_tpm_answer *out)
{
	struct err e = { 0 };

	return rcar_tpm_answer_read(span_of(text), out, &e);
}

static void credential_in_a_challenge_is_read_and_other_forms_are_refused(void)
{
	static const char *const bad[] = { "", "{}", "{\"extra-params\":\"\"}", "{\"extra-params\":{\"tpm\":null}}", "{\"extra-params\":{\"tpm\":{}}}",
		"{\"extra-params\":{\"tpm\":{\"credential\":\"AQI=\"}}}", "{\"extra-params\":{\"tpm\":{\"credential\":\"AQI=\",\"secret\":\"\"}}}",
		"{\"extra-params\":{\"tpm\":{\"credential\":\"AQI=\",\"secret\":\"Aw==\",\"more\":1}}}",
		"{\"extra-params\":{\"tpm\":{\"credential\":\"AQI\",\"secret\":\"Aw==\"}}}" };
	static const uint8_t nonce[32] = { 9 }, c[] = { 1, 2 }, s[] = { 3 };
	const struct rcar_credential both = { SPAN(c), SPAN(s) };
	CLEANUP(rcar_tpm_answer_clear) struct rcar_tpm_answer a = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct err e = { 0 };

	rcar_tpm_challenge_write(&w, nonce, &both);
	for (size_t i = 0; i < w.n; i++)
		CHECK(rcar_tpm_answer_read((struct span){ w.p, i }, &a, &e) == COFFER_E_INPUT && !a.secret.p);
	CHECK(rcar_tpm_answer_read(wr_span(&w), &a, &e) == COFFER_OK && span_eq(wr_span(&a.credential), SPAN(c)) && span_eq(wr_span(&a.secret), SPAN(s)));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rcar_tpm_answer none = { 0 };

		CHECK(answer_of(bad[i], &none) == COFFER_E_INPUT && !none.credential.p && !none.secret.p);
	}
}

static void request_for_a_credential_is_read_back(void)
{
	CLEANUP(rcar_tpm_clear) struct rcar_tpm t = { .ek_cert = wr_open(16), .ak_public = wr_open(16), .chain[0] = wr_open(16), .n_chain = 1 }, got = { 0 };
	CLEANUP(rcar_request_clear) struct rcar_request r = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e = { 0 };

	wr_str(&t.ek_cert, "ek");
	wr_str(&t.ak_public, "ak");
	wr_str(&t.chain[0], "issuer");
	rcar_tpm_request_write(&w, "swtpm", &t);
	CHECK(rcar_request_parse(wr_span(&w), &r, &e) == COFFER_OK && rcar_tpm_read(r.extra, TEE_SWTPM, &got, &e) == COFFER_OK);
	CHECK(span_eq_str(wr_span(&got.ek_cert), "ek") && span_eq_str(wr_span(&got.ak_public), "ak"));
	CHECK(got.n_chain == 1 && span_eq_str(wr_span(&got.chain[0]), "issuer"));
}

static void challenge_written_is_read_back(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct rcar_challenge c = { 0 };
	uint8_t nonce[32], raw[32];
	struct err e = { 0 };

	memset(nonce, 7, sizeof(nonce));
	rcar_challenge_write(&w, nonce);
	CHECK(rcar_challenge_parse(wr_span(&w), &c, &e) == COFFER_OK && c.hash == HASH_SHA384);
	CHECK(b64_fixed(span_of(c.nonce), raw, 32) && span_eq(SPAN(raw), SPAN(nonce)));
}

static void challenge_refuses_other_shapes(void)
{
	static const char *const bad[] = { "", "{}", "{\"nonce\":\"AA==\"}", "{\"nonce\":7}", "{\"nonce\":\"" NONCE "\",\"x\":1}",
		"{\"nonce\":\"" NONCE "\",\"extra-params\":7}", "{\"nonce\":\"" NONCE "\",\"extra-params\":\"x\"}",
		"{\"nonce\":\"" NONCE "\",\"extra-params\":{\"selected-hash-algorithm\":\"md5\"}}" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rcar_challenge c = { 0 };
		struct err e = { 0 };

		CHECK(rcar_challenge_parse(span_of(bad[i]), &c, &e) == COFFER_E_INPUT && c.nonce[0] == '\0');
	}
}

static void error_of_the_protocol_is_taken_apart(void)
{
	struct rcar_error r;

	CHECK(rcar_error_parse(
	    span_of("{\"type\":\"https://x/errors/PolicyDeny\",\"detail\":\"R9: no approval: none; decision 00ff\"}"), &r));
	CHECK(strcmp(r.type, "PolicyDeny") == 0 && strcmp(r.check, "R9") == 0 &&
	      strcmp(r.reason, "no approval: none; decision 00ff") == 0);
	CHECK(rcar_error_parse(span_of("{\"type\":\"x\",\"detail\":\"a plain sentence: of sorts\"}"), &r));
	CHECK(r.check[0] == '\0' && strcmp(r.reason, "a plain sentence: of sorts") == 0);
}

static void error_of_coffer_is_taken_apart(void)
{
	struct rcar_error r;

	CHECK(rcar_error_parse(span_of("{\"error\":{\"check\":\"token\",\"reason\":\"expired\",\"fix\":\"coffer token\"}}"), &r));
	CHECK(strcmp(r.check, "token") == 0 && strcmp(r.reason, "expired") == 0 && strcmp(r.fix, "coffer token") == 0 &&
	      r.type[0] == '\0');
	CHECK(rcar_error_parse(span_of("{\"error\":{}}"), &r) && r.reason[0] != '\0');
}

static void error_shows_no_control_characters(void)
{
	struct rcar_error r;

	CHECK(rcar_error_parse(span_of("{\"type\":\"x\",\"detail\":\"\\u001b[2Jgone\"}"), &r));
	CHECK(strcmp(r.reason, "?[2Jgone") == 0);
}

static void error_that_is_cut_says_so(void)
{
	static const struct { int n; bool whole; } row[] = { { ERR_MSG_MAX - 1, true }, { ERR_MSG_MAX, false } };
	struct rcar_error r;
	char text[4096];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		(void)snprintf(text, sizeof(text), "{\"type\":\"x\",\"detail\":\"%0*d\"}", row[i].n, 7);
		CHECK(rcar_error_parse(span_of(text), &r) && strlen(r.reason) == ERR_MSG_MAX - 1);
		CHECK((strstr(r.reason, ERR_CUT) == NULL) == row[i].whole && (strchr(r.reason, '7') != NULL) == row[i].whole);
	}
}

static void error_refuses_what_is_neither(void)
{
	static const char *const bad[] = {
	    "", "no", "[]", "{}", "{\"type\":\"x\"}", "{\"detail\":\"x\"}", "{\"type\":\"x\",\"detail\":7}", "{\"error\":7}"};
	struct rcar_error r = { .reason = "untouched" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!rcar_error_parse(span_of(bad[i]), &r) && strcmp(r.reason, "untouched") == 0);
}

int main(void)
{
	static const struct t_case cases[] = {
	    T(attestation_members_come_out_sorted),
	    T(attestation_refuses_other_shapes),
	    T(attestation_takes_16_members_and_not_17),
	    T(attestation_refuses_every_prefix),
	    T(attestation_written_is_read_back_and_binds_the_same),
	    T(report_data_depends_on_every_part),
	    T(request_refuses_every_version_but_ours),
	    T(request_refuses_other_shapes),
	    T(request_written_is_read_back),
	    T(tpm_of_a_request_is_read_where_it_is_asked_for),
	    T(tpm_of_a_request_refuses_other_shapes),
	    T(challenge_with_a_credential_is_a_challenge),
	    T(credential_in_a_challenge_is_read_and_other_forms_are_refused),
	    T(request_for_a_credential_is_read_back),
	    T(challenge_written_is_read_back),
	    T(challenge_refuses_other_shapes),
	    T(error_of_the_protocol_is_taken_apart),
	    T(error_of_coffer_is_taken_apart),
	    T(error_shows_no_control_characters), T(error_that_is_cut_says_so),
	    T(error_refuses_what_is_neither),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
