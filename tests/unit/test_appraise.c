/* Appraisal by policy: the EAR that comes of it, why a member does not affirm, and everything that gives no EAR at all. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/appraise.h"
#include "tests/t.h"

#define CLAIMS "{\"init_data\":\"1d\",\"report_data\":\"4d\",\"svn\":\"1\"}"
#define HEAD   "package policy\n"
#define GOOD   HEAD "trust_claims := {\"executables\": 3, \"hardware\": 2}\n"

static const struct tee_driver cpu = { "sample", "sample", "cpu", NULL, NULL, NULL }, gpu = { "nvidia", "nvidia", "gpu", NULL, NULL, NULL },
	odd = { "odd", "odd", "dcu", NULL, NULL, NULL };

struct got { enum coffer_rc rc; struct err e; struct appraise_out out; struct json_doc *ear, *why; };

static void got_clear(struct got *g)
{
	appraise_clear(&g->out);
	json_freep(&g->ear);
	json_freep(&g->why);
}

static struct got run(const struct appraise_in *in)
{
	struct got g = { 0 };
	struct err e = { 0 };

	g.rc = appraise(in, &g.out, &g.e);
	if (g.rc != COFFER_OK) {
		CHECK(g.out.ear.n == 0 && g.out.why.n == 0 && g.out.status != EAR_AFFIRMING);
		return g;
	}
	CHECK(json_parse(wr_span(&g.out.ear), APPRAISE_EAR_MAX, &g.ear, &e) == COFFER_OK);
	CHECK(json_parse(wr_span(&g.out.why), APPRAISE_EAR_MAX, &g.why, &e) == COFFER_OK);
	return g;
}

static struct got with_policy(const char *policy)
{
	const struct appraise_device dev = { &cpu, VERDICT_VALID, span_of(CLAIMS) };
	const struct appraise_policy p = { "cpu", "mine", "mine.rego", span_of(policy), NULL };
	const struct appraise_in in = { .device = &dev, .n_devices = 1, .policy = &p, .n_policies = 1, .now = 1800000000, .build = "test" };

	return run(&in);
}

static const struct json *submod(const struct got *g, const char *name)
{
	return json_get(json_get(json_root(g->ear), "submods"), name);
}

static bool denied(const char *policy, const char *check, const char *words)
{
	CLEANUP(got_clear) struct got g = with_policy(policy);
	bool ok = g.rc == COFFER_E_DENIED && strcmp(g.e.check, check) == 0 && strstr(g.e.msg, words);

	if (!ok)
		printf("# rc %d, %s: %s\n", (int)g.rc, g.e.check, g.e.msg);
	return ok;
}

static void ear_has_upstreams_members(void)
{
	CLEANUP(got_clear) struct got g = with_policy(GOOD);
	const struct json *s = submod(&g, "cpu0"), *v = json_get(s, "ear.trustworthiness-vector"), *a;
	int64_t n = 0;

	CHECK(g.rc == COFFER_OK && g.out.status == EAR_AFFIRMING && json_len(json_root(g.why)) == 0);
	CHECK(span_eq_str(json_str(json_get(json_root(g.ear), "eat_profile")), "tag:github.com,2024:confidential-containers/Trustee"));
	CHECK(json_i64(json_get(json_root(g.ear), "iat"), &n) && n == 1800000000);
	CHECK(span_eq_str(json_str(json_get(json_get(json_root(g.ear), "ear.verifier-id"), "build")), "test"));
	CHECK(span_eq_str(json_str(json_get(s, "ear.status")), "affirming"));
	CHECK(span_eq_str(json_str(json_get(s, "ear.appraisal-policy-id")), "mine"));
	CHECK(json_len(v) == 2 && json_i64(json_get(v, "executables"), &n) && n == 3 && json_i64(json_get(v, "hardware"), &n) && n == 2);
	CHECK(json_get(json_get(json_get(s, "ear.trustee.identifiers"), "validated"), "container_images"));
	a = json_get(s, "ear.veraison.annotated-evidence");
	CHECK(span_eq_str(json_str(json_get(a, "init_data")), "1d") && span_eq_str(json_str(json_get(a, "report_data")), "4d"));
	CHECK(json_len(json_get(a, "sample")) == 1 && span_eq_str(json_str(json_get(json_get(a, "sample"), "svn")), "1"));
	CHECK(!json_get(a, "init_data_claims") && !json_get(a, "runtime_data_claims"));
}

static void tiers_are_those_of_ar4si(void)
{
	static const struct { int64_t n; enum ear_tier t; } want[] = { { 0, EAR_NONE }, { 1, EAR_NONE }, { -1, EAR_NONE }, { 2, EAR_AFFIRMING },
		{ 31, EAR_AFFIRMING }, { -2, EAR_AFFIRMING }, { -32, EAR_AFFIRMING }, { 32, EAR_WARNING }, { 95, EAR_WARNING }, { -33, EAR_WARNING },
		{ -96, EAR_WARNING }, { 96, EAR_CONTRAINDICATED }, { 127, EAR_CONTRAINDICATED }, { -97, EAR_CONTRAINDICATED },
		{ -128, EAR_CONTRAINDICATED } };

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		CHECK(ear_tier_of(want[i].n) == want[i].t);
}

static void status_is_the_worst_member(void)
{
	CLEANUP(got_clear) struct got warn = with_policy(HEAD "trust_claims := {\"executables\": 3, \"file-system\": 40, \"hardware\": 2}");
	CLEANUP(got_clear) struct got contra = with_policy(HEAD "trust_claims := {\"executables\": 33, \"runtime-opaque\": -128}");
	CLEANUP(got_clear) struct got none = with_policy(HEAD "trust_claims := {}");
	CLEANUP(got_clear) struct got zero = with_policy(HEAD "trust_claims := {\"executables\": 0}");

	CHECK(warn.out.status == EAR_WARNING && contra.out.status == EAR_CONTRAINDICATED);
	CHECK(none.rc == COFFER_OK && none.out.status == EAR_NONE && zero.out.status == EAR_NONE && json_len(json_root(zero.why)) == 1);
}

static void claims_out_of_range_or_unknown_refuse(void)
{
	CHECK(denied(HEAD "trust_claims := {\"hardware\": 300}", "trust-claims", "hardware"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": 128}", "trust-claims", "hardware"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": -129}", "trust-claims", "hardware"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": 2.5}", "trust-claims", "hardware"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": \"2\"}", "trust-claims", "hardware"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": true}", "trust-claims", "hardware"));
	CHECK(denied(HEAD "trust_claims := {\"file_system\": 2}", "trust-claims", "AR4SI"));
	CHECK(denied(HEAD "trust_claims := {3: 2}", "trust-claims", "AR4SI"));
	CHECK(denied(HEAD "trust_claims := [2]", "trust-claims", "no object"));
	CHECK(denied(HEAD "trust_claims := 2", "trust-claims", "no object"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": 2} if input.nothing", "trust-claims", "undefined"));
	CHECK(denied(HEAD "allow := true", "trust-claims", "not there"));
}

static void policy_that_fails_refuses_with_its_place(void)
{
	CHECK(denied("package policy\n\ntrust_claims := {", "policy", "mine.rego:3:"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": nowhere(1)}", "policy", "mine.rego:2:"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": 2}\ntrust_claims := {\"hardware\": 3}", "policy", "conflict"));
	CHECK(denied(HEAD "trust_claims := {\"hardware\": count([x | some i in numbers.range(0, 100000); some k in numbers.range(0, 100000); x := i * k])}",
	    "policy", "limit_"));
	CHECK(denied("", "policy", "mine.rego"));
}

static void policy_longer_than_the_bound_is_refused(void)
{
	CLEANUP(freep) char *big = calloc(1, APPRAISE_POLICY_MAX + 2);

	memset(big, '#', APPRAISE_POLICY_MAX + 1);
	for (size_t i = sizeof(GOOD); i < APPRAISE_POLICY_MAX; i += 100)
		big[i] = '\n';
	memcpy(big, GOOD, sizeof(GOOD) - 1);
	{
		CLEANUP(got_clear) struct got g = with_policy(big);

		CHECK(g.rc == COFFER_E_LIMIT);
	}
	big[APPRAISE_POLICY_MAX] = '\0';
	{
		CLEANUP(got_clear) struct got g = with_policy(big);

		CHECK(g.rc == COFFER_OK);
	}
}

static void extensions_become_members_and_odd_ones_refuse(void)
{
	CLEANUP(got_clear) struct got g = with_policy(GOOD
	    "extensions := [{\"name\": \"ear.trustee.identifiers\", \"key\": -18, \"value\": {\"validated\": {\"container_images\": [\"i\"]}}},"
	    "{\"name\": \"x\", \"key\": 1, \"value\": [1, null]}]");
	const struct json *s = submod(&g, "cpu0");

	CHECK(g.rc == COFFER_OK && json_len(json_get(s, "x")) == 2);
	CHECK(json_len(json_get(json_get(json_get(s, "ear.trustee.identifiers"), "validated"), "container_images")) == 1);
	CHECK(denied(GOOD "extensions := {}", "extensions", "list"));
	CHECK(denied(GOOD "extensions := [1]", "extensions", "extension"));
	CHECK(denied(GOOD "extensions := [{\"name\": \"x\", \"value\": 1}]", "extensions", "extension"));
	CHECK(denied(GOOD "extensions := [{\"name\": \"\", \"key\": 1, \"value\": 1}]", "extensions", "extension"));
	CHECK(denied(GOOD "extensions := [{\"name\": \"x\", \"key\": \"1\", \"value\": 1}]", "extensions", "extension"));
	CHECK(denied(GOOD "extensions := [{\"name\": \"x\", \"key\": 1, \"value\": 1, \"more\": 1}]", "extensions", "extension"));
	CHECK(denied(GOOD "extensions := [{\"name\": \"ear.status\", \"key\": 1, \"value\": \"affirming\"}]", "extensions", "extension"));
	CHECK(denied(GOOD "extensions := [{\"name\": \"x\", \"key\": 1, \"value\": 1}, {\"name\": \"x\", \"key\": 2, \"value\": 1}]", "extensions", "twice"));
	CHECK(denied(GOOD "extensions := [{\"name\": sprintf(\"x%d\", [i]), \"key\": 1, \"value\": 1} | some i in numbers.range(1, 17)]", "extensions", "at most"));
}

static struct got by_default(const char *refs, int64_t now)
{
	const struct appraise_device dev = { &cpu, VERDICT_VALID, span_of(CLAIMS) };
	CLEANUP(refs_freep) struct refs *r = NULL;
	struct err e = { 0 };
	struct appraise_in in = { .device = &dev, .n_devices = 1, .defaults = true, .now = now, .build = "test" };

	CHECK(refs_parse(span_of(refs), &r, &e) == COFFER_OK);
	in.refs = r;
	return run(&in);
}

static void reason_names_member_line_value_and_reference_value(void)
{
	CLEANUP(got_clear) struct got g = by_default("{\"sample_accepted\":true,\"svn\":\"2\"}", 0);
	const struct json *why = json_at(json_root(g.why), 0), *line = json_at(json_get(why, "because"), 0);
	uint64_t n = 0;

	CHECK(g.rc == COFFER_OK && g.out.status == EAR_WARNING && json_len(json_root(g.why)) == 1);
	CHECK(span_eq_str(json_str(json_get(why, "submod")), "cpu0") && span_eq_str(json_str(json_get(why, "member")), "executables"));
	CHECK(span_eq_str(json_str(json_get(line, "file")), "default_cpu.rego") && json_u64(json_get(line, "line"), &n) && n > 0);
	CHECK(span_eq_str(json_str(json_get(line, "path")), "input.sample.svn") && span_eq_str(json_str(json_get(line, "found")), "\"1\""));
	CHECK(json_len(json_get(why, "reference-values")) == 0);
}

static void reason_says_that_a_reference_value_is_absent_or_expired(void)
{
	static const char stored[] = "[{\"version\":\"1\",\"name\":\"svn\",\"expiration\":\"1970-01-01T00:01:40Z\",\"value\":\"1\"},"
				     "{\"version\":\"1\",\"name\":\"sample_accepted\",\"value\":true}]";
	CLEANUP(got_clear) struct got fresh = by_default(stored, 99), old = by_default(stored, 100), none = by_default("{}", 0);
	const struct json *why = json_at(json_root(old.why), 0);

	CHECK(fresh.out.status == EAR_AFFIRMING && old.out.status == EAR_WARNING && none.out.status == EAR_CONTRAINDICATED);
	CHECK(span_eq_str(json_str(json_get(json_get(why, "reference-values"), "svn")), "expired"));
	why = json_at(json_root(none.why), 0);
	CHECK(span_eq_str(json_str(json_get(json_get(why, "reference-values"), "sample_accepted")), "absent"));
}

static void text_of_a_claim_is_shown_as_printable_ascii(void)
{
	const struct appraise_device dev = { &cpu, VERDICT_VALID, span_of("{\"svn\":\"\\u001b[2Jx\\u00e9\"}") };
	const struct appraise_policy p = { "cpu", "mine", "mine.rego",
		span_of(HEAD "default hardware := 97\nhardware := 2 if input.sample.svn == \"\\u001b\"\ntrust_claims := {\"hardware\": hardware}"), NULL };
	const struct appraise_in in = { .device = &dev, .n_devices = 1, .policy = &p, .n_policies = 1, .build = "test" };
	CLEANUP(got_clear) struct got g = run(&in);

	CHECK(g.rc == COFFER_OK && json_len(json_root(g.why)) == 1);
	for (size_t i = 0; i < g.out.why.n; i++)
		CHECK(g.out.why.p[i] >= 0x20 && g.out.why.p[i] <= 0x7e);
}

static void evidence_that_is_not_valid_meets_no_policy(void)
{
	static const enum verdict bad[] = { VERDICT_INVALID, VERDICT_MALFORMED, VERDICT_STALE, VERDICT_COLLATERAL };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct appraise_device dev = { &cpu, bad[i], span_of(CLAIMS) };
		const struct appraise_policy p = { "cpu", "mine", "mine.rego", span_of(GOOD), NULL };
		const struct appraise_in in = { .device = &dev, .n_devices = 1, .policy = &p, .n_policies = 1, .build = "test" };
		CLEANUP(got_clear) struct got g = run(&in);

		CHECK(g.rc == COFFER_E_DENIED && strcmp(g.e.check, "verdict") == 0);
	}
}

static void devices_are_counted_by_class_and_the_worst_decides(void)
{
	const struct appraise_device dev[] = { { &cpu, VERDICT_VALID, span_of(CLAIMS) }, { &gpu, VERDICT_VALID, span_of("{}") },
		{ &gpu, VERDICT_VALID, span_of("{}") } };
	const struct appraise_policy p[] = { { "cpu", "a", "a.rego", span_of(GOOD), NULL },
		{ "gpu", "b", "b.rego", span_of(HEAD "trust_claims := {\"hardware\": 32}"), NULL } };
	struct appraise_in in = { .device = dev, .n_devices = 3, .policy = p, .n_policies = 2, .build = "test" };
	CLEANUP(got_clear) struct got g = run(&in);

	CHECK(g.rc == COFFER_OK && g.out.status == EAR_WARNING && submod(&g, "cpu0") && submod(&g, "gpu0") && submod(&g, "gpu1"));
	in.n_policies = 1;
	{
		CLEANUP(got_clear) struct got missing = run(&in);

		CHECK(missing.rc == COFFER_E_DENIED && strstr(missing.e.msg, "gpu"));
	}
	in.n_devices = 0;
	{
		CLEANUP(got_clear) struct got nothing = run(&in);

		CHECK(nothing.rc == COFFER_E_LIMIT);
	}
}

static void class_without_default_is_refused(void)
{
	const struct appraise_device dev = { &odd, VERDICT_VALID, span_of("{}") };
	const struct appraise_in in = { .device = &dev, .n_devices = 1, .defaults = true, .build = "test" };
	CLEANUP(got_clear) struct got g = run(&in);

	CHECK(g.rc == COFFER_E_DENIED && strcmp(g.e.check, "policy") == 0);
}

static const char toml[] = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"aa.toml\" = \"[a]\\nb = 1\\n\"\n\"x\" = \"text\"\n"
			   "\"policy.rego\" = '''package agent_policy\npolicy_data := {\"a\": \"}\", \"b\": {}}\nmore := 1'''\n";

static void bound_data_is_shown_beside_its_digest_alone(void)
{
	const struct appraise_device dev[] = { { &cpu, VERDICT_VALID, span_of(CLAIMS) }, { &gpu, VERDICT_VALID, span_of("{}") } };
	const struct appraise_policy p[] = { { "cpu", "a", "a.rego", span_of(GOOD), NULL }, { "gpu", "b", "b.rego", span_of(GOOD), NULL } };
	struct appraise_in in = { .device = dev, .n_devices = 2, .policy = p, .n_policies = 2, .build = "test", .init_data = span_of(toml),
		.runtime_data = span_of("{\"nonce\":\"n\"}") };
	CLEANUP(got_clear) struct got g = run(&in);
	const struct json *a = json_get(submod(&g, "cpu0"), "ear.veraison.annotated-evidence"), *init = json_get(a, "init_data_claims");

	CHECK(g.rc == COFFER_OK && span_eq_str(json_str(json_get(json_get(a, "runtime_data_claims"), "nonce")), "n"));
	CHECK(json_get(json_get(json_get(init, "aa.toml"), "a"), "b") && span_eq_str(json_str(json_get(init, "x")), "text"));
	CHECK(!json_get(init, "policy.rego") && span_eq_str(json_str(json_get(json_get(init, "agent_policy_claims"), "a")), "}"));
	a = json_get(submod(&g, "gpu0"), "ear.veraison.annotated-evidence");
	CHECK(json_len(a) == 2 && !json_get(a, "init_data_claims") && !json_get(a, "runtime_data_claims"));
}

static void malformed_documents_are_refused(void)
{
	struct appraise_device dev = { &cpu, VERDICT_VALID, span_of(CLAIMS) };
	const struct appraise_policy p = { "cpu", "a", "a.rego", span_of(GOOD), NULL };
	static const char *const bad_toml[] = { "x", "[data]\nx = 1\n", "version = \"1\"\n", "[data]\n\"aa.toml\" = \"[\"\n",
		"[data]\nagent_policy_claims = \"x\"\n" };
	static const char *const bad_json[] = { "{", "[]", "{}x", "1" };
	struct appraise_in in = { .device = &dev, .n_devices = 1, .policy = &p, .n_policies = 1, .build = "test" };

	for (size_t i = 0; i < sizeof(bad_toml) / sizeof(bad_toml[0]); i++) {
		in.init_data = span_of(bad_toml[i]);
		CLEANUP(got_clear) struct got g = run(&in);

		CHECK(g.rc == COFFER_E_INPUT);
	}
	in.init_data = (struct span){ 0 };
	for (size_t i = 0; i < sizeof(bad_json) / sizeof(bad_json[0]); i++) {
		in.runtime_data = span_of(bad_json[i]);
		CLEANUP(got_clear) struct got g = run(&in);

		in.runtime_data = (struct span){ 0 };
		dev.claims = span_of(bad_json[i]);
		CLEANUP(got_clear) struct got h = run(&in);

		dev.claims = span_of(CLAIMS);
		CHECK(g.rc == COFFER_E_INPUT && h.rc == COFFER_E_INPUT);
	}
}

static void init_data_is_digested_by_the_algorithm_it_names(void)
{
	uint8_t got[HASH_MAX], want[HASH_MAX];
	struct err e = { 0 };
	size_t n = 0;

	hash_once(HASH_SHA384, span_of(toml), want);
	CHECK(initdata_digest(span_of(toml), got, &n, &e) == COFFER_OK && n == 48 && memcmp(got, want, 48) == 0 /* public: a digest */);
	CHECK(initdata_digest(span_of("algorithm = \"md5\"\n"), got, &n, &e) == COFFER_E_INPUT);
	CHECK(initdata_digest(span_of("version = \"1\"\n"), got, &n, &e) == COFFER_E_INPUT);
}

/* Cut anywhere, it is refused or says less; never read past its end. */
static void every_truncation_of_init_data_is_survived(void)
{
	for (size_t n = 0; n < sizeof(toml) - 1; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		CLEANUP(wr_close) struct wr w = wr_open(1 << 16);
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct err e = { 0 };

		memcpy(exact, toml, n);
		if (initdata_claims((struct span){ exact, n }, &w, &e) != COFFER_OK)
			CHECK(e.rc == COFFER_E_INPUT);
		else
			CHECK(json_parse(wr_span(&w), 1 << 16, &d, &e) == COFFER_OK && !json_get(json_root(d), "agent_policy_claims") ==
			      (n < sizeof(toml) - 2));
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(ear_has_upstreams_members), T(tiers_are_those_of_ar4si), T(status_is_the_worst_member),
		T(claims_out_of_range_or_unknown_refuse), T(policy_that_fails_refuses_with_its_place), T(policy_longer_than_the_bound_is_refused),
		T(extensions_become_members_and_odd_ones_refuse), T(reason_names_member_line_value_and_reference_value),
		T(reason_says_that_a_reference_value_is_absent_or_expired), T(text_of_a_claim_is_shown_as_printable_ascii),
		T(evidence_that_is_not_valid_meets_no_policy), T(devices_are_counted_by_class_and_the_worst_decides),
		T(class_without_default_is_refused), T(bound_data_is_shown_beside_its_digest_alone), T(malformed_documents_are_refused),
		T(init_data_is_digested_by_the_algorithm_it_names),
		T(every_truncation_of_init_data_is_survived) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
