/* Upstream's binding of evidence, hash selection and sample evidence, from the shared vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/sample.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "proto/rcar_json.h"
#include "tests/t.h"

static struct json_doc *load(const char *name)
{
	CLEANUP(freep) char *path = str_fmt("%s/vectors/guest/%s", getenv("COFFER_SHARED"), name);
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);
	struct json_doc *doc = NULL;
	struct err e = { 0 };

	if (!path || file_read(path, 1u << 20, &w, &e) != COFFER_OK || json_parse(wr_span(&w), 1u << 20, &doc, &e) != COFFER_OK)
		return NULL;
	return doc;
}

/* The vector in the shape of an attestation, so that the very parser of the service reads its key. */
static bool as_attestation(const struct json *v, struct rcar_attestation *a)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16);
	struct json_wr j = jw_open(&w, false);
	struct err e = { 0 };

	wr_str(&w, "{\"init-data\":null,\"runtime-data\":{\"nonce\":");
	jw_str(&j, json_str(json_get(v, "nonce")));
	wr_str(&w, ",\"tee-pubkey\":");
	j = jw_open(&w, false);
	jw_value(&j, json_get(v, "tee-pubkey"));
	wr_str(&w, "},\"tee-evidence\":{\"primary_evidence\":");
	j = jw_open(&w, false);
	jw_value(&j, json_get(v, "sample_primary_evidence"));
	wr_str(&w, ",\"additional_evidence\":");
	j = jw_open(&w, false);
	jw_str(&j, json_str(json_get(v, "additional_evidence")));
	wr_str(&w, "}}");
	return wr_ok(&w) && rcar_attestation_parse(wr_span(&w), a, &e) == COFFER_OK;
}

static bool binds(const struct rcar_binding *b, const struct json *v, const char *kind)
{
	CLEANUP(freep) char *canon = str_fmt("%s_runtime_data_canonical", kind), *hex = str_fmt("%s_report_data_hex", kind);
	CLEANUP(wr_close) struct wr w = wr_open(1u << 16), digest = wr_open(256);
	uint8_t d[HASH_MAX];
	struct err e = { 0 };
	enum hash_alg alg;

	if (!canon || !hex || !hash_by_name(json_str(json_get(v, "hash")), &alg))
		return false;
	rcar_runtime_data(b, &w);
	if (!span_eq(wr_span(&w), json_str(json_get(v, canon))) || rcar_report_data(b, alg, d, &e) != COFFER_OK)
		return false;
	hex_write(&digest, (struct span){ d, hash_len(alg) });
	return span_eq(wr_span(&digest), json_str(json_get(v, hex)));
}

static void runtime_data_is_bit_exact(void)
{
	CLEANUP(json_freep) struct json_doc *doc = load("kbs-protocol/runtime_data_binding.json");
	const struct json *list = json_root(doc);

	CHECK(json_len(list) > 0);
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(rcar_attestation_clear) struct rcar_attestation a = { 0 };
		const struct json *v = json_at(list, i);
		struct sample_evidence s = { 0 };
		struct rcar_binding b;
		struct err e = { 0 };
		uint8_t d[HASH_MAX];
		enum hash_alg alg = HASH_SHA256;

		CHECK(as_attestation(v, &a));
		b = (struct rcar_binding){
		    .member = a.member, .n_members = a.n_members, .nonce = a.nonce, .additional = a.additional};
		CHECK(binds(&b, v, "primary"));
		CHECK(sample_parse(a.primary, &s, &e) == COFFER_OK && hash_by_name(json_str(json_get(v, "hash")), &alg));
		CHECK(rcar_report_data(&b, alg, d, &e) == COFFER_OK);
		CHECK(span_eq((struct span){ s.report_data, s.report_data_n }, (struct span){ d, hash_len(alg) }));
		b.device = true;
		CHECK(binds(&b, v, "device"));
	}
}

static void selected_hash_is_as_upstream(void)
{
	CLEANUP(json_freep) struct json_doc *doc = load("kbs-protocol/selected_hash_algorithm.json");
	const struct json *cases = json_get(json_root(doc), "cases");

	CHECK(json_len(cases) > 0);
	for (size_t i = 0; i < json_len(cases); i++) {
		const struct json *c = json_at(cases, i);
		enum hash_alg got = HASH_SHA512, want;
		struct err e = { 0 };
		enum coffer_rc rc = rcar_hash_alg(json_get(c, "extra_params"), &got, &e);

		if (json_get(c, "error"))
			CHECK(rc == COFFER_E_INPUT);
		else
			CHECK(rc == COFFER_OK && hash_by_name(json_str(json_get(c, "result")), &want) && got == want);
	}
}

static void sample_evidence_is_read(void)
{
	static const char *const names[] = { "sample.json", "sampledevice.json" };
	CLEANUP(json_freep) struct json_doc *expected = load("evidence/expected.json");
	struct span hex = json_str(json_get(json_get(json_root(expected), "sample.json"), "report_data_hex"));
	CLEANUP(wr_close) struct wr want = wr_open(64);

	CHECK(hex.n > 0 && hex_read(hex, &want));
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(freep) char *path = str_fmt("evidence/%s", names[i]);
		CLEANUP(json_freep) struct json_doc *doc = path ? load(path) : NULL;
		struct sample_evidence s = { 0 };
		struct err e = { 0 };

		CHECK(sample_parse(json_root(doc), &s, &e) == COFFER_OK);
		CHECK(span_eq((struct span){ s.report_data, s.report_data_n }, wr_span(&want)) && !s.has_register);
	}
}

int main(void)
{
	static const struct t_case cases[] = {T(runtime_data_is_bit_exact), T(selected_hash_is_as_upstream),
					      T(sample_evidence_is_read)};
	const char *shared = getenv("COFFER_SHARED");
	CLEANUP(freep) char *probe = str_fmt("%s/vectors/guest", shared ? shared : "");

	if (!shared || !probe || !file_exists(probe)) {
		printf("1..3\n");
		for (size_t i = 0; i < 3; i++)
			printf("ok %zu %s # SKIP no shared vectors\n", i + 1, cases[i].name);
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
