/* guest/cosign: signed images of other tools, judged by the policies listed. */
#include "tests/conformance/vec.h"

#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/policy.h"
#include "image/sign.h"

/* A "dir:" signature file: NUL, "sigstore-json", newline, JSON. */
static bool load_dir_signature(const char *file, struct sign_set *out)
{
	static const char head[] = "\0sigstore-json\n";
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(wr_close) struct wr payload = wr_open(SIGN_PAYLOAD_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *root;
	struct err e;

	if (!vec_read(file, &text) || text.n < sizeof(head) || memcmp(text.p, head, sizeof(head) - 1) != 0) /* public: file magic */
		return false;
	if (json_parse(span_skip(wr_span(&text), sizeof(head) - 1), 1 << 20, &doc, &e) != COFFER_OK)
		return false;
	root = json_root(doc);
	return b64_read(json_str(json_get(root, "payload")), &payload) &&
	    sign_set_add(out, wr_span(&payload), json_str(json_get(json_get(root, "annotations"), SIGN_NOTE)), &e) == COFFER_OK;
}

/* The listed requirement as a whole policy, its relative keyPath made absolute. */
static void write_policy(const struct json *req, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_name(&j, "default");
	jw_arr(&j);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(req); i++) {
		struct span name = json_name(req, i), s = json_str(json_at(req, i));
		CLEANUP(freep) char *rel = str_fmt("cosign/containers-image/%.*s", (int)s.n, s.n ? (const char *)s.p : "");
		CLEANUP(freep) char *abs = vec_path(rel);

		jw_namen(&j, name);
		if (span_eq_str(name, "keyPath"))
			jw_text(&j, abs);
		else
			jw_value(&j, json_at(req, i));
	}
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_obj_end(&j);
}

static bool case_allows(const struct json *c)
{
	CLEANUP(wr_close) struct wr policy = wr_open(1 << 16);
	CLEANUP(wr_close) struct wr manifest = { 0 };
	CLEANUP(policy_freep) struct policy *p = NULL;
	CLEANUP(sign_set_clear) struct sign_set sigs = { 0 };
	struct span dir = json_str(json_get(c, "dir"));
	struct span file = json_str(json_get(c, "file")), m = json_str(json_get(c, "manifest"));
	CLEANUP(freep) char *sig = file.n ? str_fmt("cosign/%.*s", (int)file.n, (const char *)file.p) :
	    str_fmt("cosign/%.*s/signature-1", (int)dir.n, (const char *)dir.p);
	CLEANUP(freep) char *man = m.n ? str_fmt("cosign/%.*s", (int)m.n, (const char *)m.p) :
	    str_fmt("cosign/%.*s/manifest.json", (int)dir.n, (const char *)dir.p);
	uint8_t digest[32];
	struct ref r;
	struct err e;

	CHECK(load_dir_signature(sig, &sigs) && vec_read(man, &manifest));
	sha256(wr_span(&manifest), digest);
	write_policy(json_get(c, "policy"), &policy);
	CHECK(ref_parse(json_str(json_get(c, "ref")), &r, &e) == COFFER_OK);
	return policy_parse(wr_span(&policy), &p, &e) == COFFER_OK && policy_judge(p, &r, digest, &sigs, &e) == COFFER_OK;
}

static void listed_cases_end_as_listed(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("cosign/expected.json");
	const struct json *cases = json_get(json_root(doc), "cases");
	size_t allowed = 0;

	CHECK(json_len(cases) == 12);
	for (size_t i = 0; i < json_len(cases); i++) {
		struct span want = json_str(json_get(json_at(cases, i), "expect"));
		bool allow = span_eq_str(want, "allow"); /* the case without signedIdentity: as containers/image, refused */

		if (case_allows(json_at(cases, i)) != allow)
			printf("# case %zu\n", i);
		CHECK(case_allows(json_at(cases, i)) == allow);
		allowed += allow;
	}
	CHECK(allowed == 3);
}

/* What a registry serves, as files: ":" in a blob's name is "-". */
static bool load_registry_files(const char *dir, const char *digest_hex, struct sign_set *out)
{
	CLEANUP(freep) char *path = str_fmt("cosign/%s/manifests/sha256-%s.sig.json", dir, digest_hex);
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	struct err e;

	if (!path || !vec_read(path, &text) || image_manifest_parse(wr_span(&text), &m, &e) != COFFER_OK)
		return false;
	for (size_t i = 0; i < m.n_layers; i++) {
		CLEANUP(wr_close) struct wr payload = { 0 };
		char hex[HEX32_LEN];
		uint8_t got[32];

		hex32(m.layers[i].digest, hex);
		CLEANUP(freep) char *blob = str_fmt("cosign/%s/blobs/sha256-%s", dir, hex);
		if (!vec_read(blob, &payload) || !span_eq_str(m.layers[i].media_type, SIGN_MEDIA))
			return false;
		sha256(wr_span(&payload), got);
		if (!span_eq(SPAN(got), SPAN(m.layers[i].digest)) ||
		    sign_set_add(out, wr_span(&payload), descriptor_note(&m.layers[i], SIGN_NOTE), &e) != COFFER_OK)
			return false;
	}
	return true;
}

static bool registry_allows(const char *key, const char *name, const struct sign_set *sigs, const char *digest_hex)
{
	CLEANUP(freep) char *path = vec_path(key);
	CLEANUP(freep) char *policy = str_fmt("{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s\","
	    "\"signedIdentity\":{\"type\":\"matchRepository\"}}]}", path);
	CLEANUP(policy_freep) struct policy *p = NULL;
	uint8_t digest[32];
	struct ref r;
	struct err e;

	CHECK(hex_fixed(span_of(digest_hex), digest, 32) && ref_parse(span_of(name), &r, &e) == COFFER_OK);
	CHECK(policy_parse(span_of(policy), &p, &e) == COFFER_OK);
	return policy_judge(p, &r, digest, sigs, &e) == COFFER_OK;
}

static void registry_trees_end_as_listed(void)
{
	static const char hello[] = "254153cb84b1d2675ea33abbb894519c72423dc09b577622a237bee1a7f0d8a2";
	static const char sample[] = "634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00";
	static const char name[] = "registry.test:5000/demo/hello:v1";
	CLEANUP(sign_set_clear) struct sign_set a = { 0 };
	CLEANUP(sign_set_clear) struct sign_set b = { 0 };

	CHECK(load_registry_files("registry-signed", hello, &a) && a.n == 2);
	CHECK(registry_allows("cosign/registry-signed/keys/signer-p256.pub", name, &a, hello));
	CHECK(registry_allows("cosign/registry-signed/keys/signer-rsa2048.pub", name, &a, hello));
	CHECK(!registry_allows("cosign/registry-signed/keys/other-p256.pub", name, &a, hello));
	CHECK(!registry_allows("cosign/registry-signed/keys/signer-p256.pub", name, &a, sample));
	CHECK(load_registry_files("registry-single-sample", sample, &b) && b.n == 1);
	CHECK(registry_allows("cosign/containers-image/cosign.pub", "192.168.64.2:5000/cosign-signed-single-sample", &b, sample));
}

int main(void)
{
	static const struct t_case cases[] = { T(listed_cases_end_as_listed), T(registry_trees_end_as_listed) };

	return vec_main("cosign/expected.json", cases, sizeof(cases) / sizeof(cases[0]));
}
