/* guest/policy: references, scopes, requirements and identities. */
#include "tests/conformance/vec.h"

#include "image/identity.h"
#include "image/policy.h"

static const uint8_t some_digest[32] = { 1 };

static bool allowed(struct span policy, struct span ref)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	struct ref r;
	struct err e;

	return policy_parse(policy, &p, &e) == COFFER_OK && ref_parse(ref, &r, &e) == COFFER_OK &&
	    policy_judge(p, &r, some_digest, NULL, &e) == COFFER_OK;
}

/* The empty list makes the whole of our reading fail, so it is taken out for the other cases. */
static void without_member(const struct json *o, const char *skip, struct wr *w)
{
	struct json_wr j = jw_open(w, false);
	const struct json *docker = json_get(json_get(o, "transports"), "docker");

	jw_obj(&j);
	jw_name(&j, "default");
	jw_value(&j, json_get(o, "default"));
	jw_name(&j, "transports");
	jw_obj(&j);
	jw_name(&j, "docker");
	jw_obj(&j);
	for (size_t i = 0; i < json_len(docker); i++) {
		if (span_eq_str(json_name(docker, i), skip))
			continue;
		jw_namen(&j, json_name(docker, i));
		jw_value(&j, json_at(docker, i));
	}
	jw_obj_end(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
}

static void eval_cases_end_as_listed(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("policy/eval_cases.json");
	CLEANUP(json_freep) struct json_doc *pol = vec_json("policy/eval_policy.json");
	const struct json *cases = json_get(json_root(doc), "cases");
	CLEANUP(wr_close) struct wr whole = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(1 << 16);
	size_t judged = 0;

	without_member(json_root(pol), "empty.test", &w);
	for (size_t i = 0; i < json_len(cases); i++) {
		struct span ref = json_str(json_get(json_at(cases, i), "ref"));
		bool want;

		if (!json_bool(json_get(json_at(cases, i), "allow"), &want))
			continue;
		CHECK(allowed(wr_span(&w), ref) == want);
		judged++;
	}
	CHECK(judged == 6);
	CHECK(vec_read("policy/eval_policy.json", &whole));
	CHECK(!allowed(wr_span(&whole), span_of("quay.io/good/app:v1"))); /* an empty list spoils the whole text */
}

static void inline_policies_end_as_listed(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("policy/eval_cases.json");
	const struct json *list = json_get(json_root(doc), "inline_policies");
	bool seen_error = false, seen_short = false;

	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *c = json_at(list, i);
		CLEANUP(policy_freep) struct policy *p = NULL;
		CLEANUP(wr_close) struct wr w = wr_open(1 << 16);
		struct json_wr j = jw_open(&w, false);
		struct span said = json_str(json_get(c, "allow"));
		struct err e;
		bool want;

		jw_value(&j, json_get(c, "policy"));
		if (json_bool(json_get(c, "allow"), &want)) {
			CHECK(allowed(wr_span(&w), json_str(json_get(c, "ref"))) == want);
		} else if (span_starts(said, "error")) {
			CHECK(policy_parse(wr_span(&w), &p, &e) == COFFER_E_INPUT);
			seen_error = true;
		} else { /* no "transports": to be accepted */
			CHECK(allowed(wr_span(&w), json_str(json_get(c, "ref"))));
			seen_short = true;
		}
	}
	CHECK(seen_error && seen_short);
}

static void whole_policies_are_read_or_refused(void)
{
	CLEANUP(wr_close) struct wr a = { 0 };
	CLEANUP(wr_close) struct wr b = { 0 };
	CLEANUP(policy_freep) struct policy *p = NULL;
	CLEANUP(policy_freep) struct policy *q = NULL;
	struct err e;
	struct ref r;

	CHECK(vec_read("policy/image-rs-policy.json", &a) && vec_read("policy/containers-image-policy.json", &b));
	CHECK(policy_parse(wr_span(&a), &p, &e) == COFFER_OK);
	CHECK(p && ref_parse(span_of("example.com/playground/x:1"), &r, &e) == COFFER_OK && policy_judge(p, &r, some_digest, NULL, &e) == COFFER_OK);
	CHECK(p && ref_parse(span_of("example.com/hardened:1"), &r, &e) == COFFER_OK && policy_judge(p, &r, some_digest, NULL, &e) == COFFER_E_DENIED);
	CHECK(p && strcmp(e.check, "policy") == 0 && strstr(e.msg, "signedBy"));
	CHECK(policy_parse(wr_span(&b), &q, &e) == COFFER_E_INPUT); /* signedByGPGKeys, signedBaseLayer: unknown */
}

static void identity_cases_match_as_listed(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("policy/signed_identity_cases.json");
	const struct json *cases = json_get(json_root(doc), "cases");

	CHECK(json_len(cases) == 9);
	for (size_t i = 0; i < json_len(cases); i++) {
		const struct json *c = json_at(cases, i);
		struct identity id;
		struct ref image;
		struct err e;
		bool want;

		CHECK(json_bool(json_get(c, "match"), &want));
		CHECK(identity_parse(json_get(c, "identity"), &id, &e) == COFFER_OK);
		CHECK(ref_parse(json_str(json_get(c, "image")), &image, &e) == COFFER_OK);
		CHECK(identity_fits(&id, &image, json_str(json_get(c, "signed"))) == want);
	}
}

static void digest_cases_are_read_or_refused(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("policy/digest_cases.json");
	const struct json *cases = json_get(json_root(doc), "cases");

	CHECK(json_len(cases) == 9);
	for (size_t i = 0; i < json_len(cases); i++) {
		uint8_t d[32];
		struct err e;

		CHECK((ref_digest_parse(json_str(json_get(json_at(cases, i), "in")), d, &e) == COFFER_OK) ==
		    (json_get(json_at(cases, i), "ok") != NULL));
	}
}

/* A policy that has the scopes from the k-th on decides by the k-th. */
static bool scopes_in_order(const struct json *c, size_t k)
{
	const struct json *names = json_get(c, "namespaces");
	CLEANUP(policy_freep) struct policy *p = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1 << 16);
	struct ref r;
	struct err e;

	wr_str(&w, "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{\"\":[{\"type\":\"reject\"}]");
	for (size_t i = json_len(names); i > k; i--) {
		struct span n = json_str(json_at(names, i - 1));

		wr_fmt(&w, ",\"%.*s\":[{\"type\":\"reject\"}]", (int)n.n, (const char *)n.p);
	}
	wr_str(&w, "}}}");
	if (policy_parse(wr_span(&w), &p, &e) != COFFER_OK || ref_parse(json_str(json_get(c, "ref")), &r, &e) != COFFER_OK)
		return false;
	if (k == json_len(names))
		return strcmp(policy_scope(p, &r), "") == 0;
	return span_eq_str(json_str(json_at(names, k)), policy_scope(p, &r));
}

static void namespaces_are_tried_in_the_listed_order(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("policy/namespaces.json");
	const struct json *cases = json_get(json_root(doc), "cases"), *bad = json_get(json_root(doc), "invalid_references");

	CHECK(json_len(cases) == 3 && json_len(bad) >= 15);
	for (size_t i = 0; i < json_len(cases); i++)
		for (size_t k = 0; k <= json_len(json_get(json_at(cases, i), "namespaces")); k++)
			CHECK(scopes_in_order(json_at(cases, i), k));
	for (size_t i = 0; i < json_len(bad); i++) {
		struct ref r;
		struct err e;

		CHECK(ref_parse(json_str(json_at(bad, i)), &r, &e) == COFFER_E_INPUT);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(eval_cases_end_as_listed), T(inline_policies_end_as_listed), T(whole_policies_are_read_or_refused),
		T(identity_cases_match_as_listed), T(digest_cases_are_read_or_refused), T(namespaces_are_tried_in_the_listed_order),
	};

	return vec_main("policy/eval_cases.json", cases, sizeof(cases) / sizeof(cases[0]));
}
