#include "image/policy.h"

#include "crypto/pem.h"
#include "fmt/enc.h"
#include "image/identity.h"
#include "os/file.h"
#include "tests/unit/image_help.h"

#define REPO "r.io/org/app"
#define DEFAULT_REJECT "\"default\":[{\"type\":\"reject\"}]"

static const uint8_t digest[32] = { 1, 2, 3 };
static const uint8_t other_digest[32] = { 9 };

static bool reads(struct span s)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	struct err e;
	enum coffer_rc rc = policy_parse(s, &p, &e);

	if ((rc == COFFER_OK) != (p != NULL))
		t_failed = 1;
	return rc == COFFER_OK;
}

static void parse_refuses_what_it_would_not_obey(void)
{
	static const char *const bad[] = {
		"{}", "[]", "{\"transports\":{}}", "{\"default\":[]}", "{\"default\":{}}", "{" DEFAULT_REJECT ",\"x\":1}",
		"{\"default\":[{\"type\":\"nosuch\"}]}", "{\"default\":[{\"type\":\"reject\",\"x\":1}]}", "{\"default\":[{}]}", "{\"default\":[1]}",
		"{\"default\":[{\"type\":\"insecureAcceptAnything\",\"keyPath\":\"/k\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"keyData\":\"AAAA\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"k\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"kbs:///a/b/c\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":1}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyData\":\"*\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyData\":\"\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPaths\":[\"/k\"]}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"rekorPublicKeyPath\":\"/r\"}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"fulcio\":{}}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"x\"}}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"matchExact\",\"x\":1}}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"exactRepository\"}}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"exactRepository\",\"dockerRepository\":\"a:1\"}}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"exactReference\",\"dockerReference\":\"a\"}}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":{\"type\":\"remapIdentity\",\"prefix\":\"a/\",\"signedPrefix\":\"b\"}}]}",
		"{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/k\",\"signedIdentity\":null}]}",
		"{\"default\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\"}]}",
		"{\"default\":[{\"type\":\"signedBy\",\"keyType\":\"x\",\"keyPath\":\"/k\"}]}",
		"{" DEFAULT_REJECT ",\"transports\":[]}", "{" DEFAULT_REJECT ",\"transports\":{\"docker\":[]}}",
		"{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"a\":[]}}}", "{" DEFAULT_REJECT ",\"transports\":{\"dir\":{\"a\":[]}}}",
		"{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"a//b\":[{\"type\":\"reject\"}]}}}",
		"{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"a/\":[{\"type\":\"reject\"}]}}}",
		"{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"a b\":[{\"type\":\"reject\"}]}}}",
		"{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"a.*\":[{\"type\":\"reject\"}]}}}",
		"{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"*\":[{\"type\":\"reject\"}]}}}",
		"{\"default\":[{\"type\":\"reject\"}],\"default\":[{\"type\":\"insecureAcceptAnything\"}]}",
	};
	static const char good[] = "{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"*.io\":[{\"type\":\"insecureAcceptAnything\"}]},"
	    "\"dir\":{\"\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPaths\":[\"/k\"]}]}}}";

	CHECK(reads(span_of(good)) && all_prefixes_refused(good, reads));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (reads(span_of(bad[i])))
			printf("# accepted %s\n", bad[i]), t_failed = 1;
}

struct world {
	struct privkey *key, *stranger;
	struct wr       pem;
	struct sign_set sigs;
};

static void world_clear(struct world *w)
{
	privkey_free(w->key);
	privkey_free(w->stranger);
	wr_close(&w->pem);
	sign_set_clear(&w->sigs);
}

static void sign_with(struct world *w, const struct privkey *k, const char *name, const uint8_t d[static 32])
{
	CLEANUP(wr_close) struct wr payload = wr_open(SIGN_PAYLOAD_MAX);
	CLEANUP(wr_close) struct wr note = wr_open(4096);
	struct err e;

	CHECK(sign_make(k, name, d, &payload, &note, &e) == COFFER_OK);
	CHECK(sign_set_add(&w->sigs, wr_span(&payload), wr_span(&note), &e) == COFFER_OK);
}

static struct world world_new(void)
{
	struct world w = { .pem = wr_open(4096) };
	struct err e;

	CHECK(privkey_new(KEY_P256, &w.key, &e) == COFFER_OK && privkey_new(KEY_ED25519, &w.stranger, &e) == COFFER_OK);
	CHECK(pem_write_public(privkey_public(w.key), &w.pem, &e) == COFFER_OK);
	return w;
}

/* Policy for REPO with this key (base64 of PEM, or the PEM itself) and identity text. */
static enum coffer_rc judge(const struct world *w, bool plain_pem, const char *identity, const char *ref, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(1 << 16);
	CLEANUP(wr_close) struct wr b64 = wr_open(8192);
	CLEANUP(policy_freep) struct policy *p = NULL;
	struct json_wr j = jw_open(&text, false);
	struct ref r;

	b64_write(&b64, wr_span(&w->pem));
	wr_str(&text, "{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"" REPO "\":[{\"type\":\"sigstoreSigned\",\"keyData\":");
	jw_str(&j, plain_pem ? wr_span(&w->pem) : wr_span(&b64));
	wr_fmt(&text, "%s%s}]}}}", identity ? ",\"signedIdentity\":" : "", identity ? identity : "");
	if (policy_parse(wr_span(&text), &p, e) != COFFER_OK || ref_parse(span_of(ref), &r, e) != COFFER_OK)
		return COFFER_E_BUG;
	CHECK(policy_wants_signatures(p, &r) == (strcmp(r.repo, "org/app") == 0));
	return policy_judge(p, &r, digest, &w->sigs, e);
}

static bool denied(enum coffer_rc rc, const struct err *e, const char *check, const char *word)
{
	return rc == COFFER_E_DENIED && strcmp(e->check, check) == 0 && strstr(e->msg, word);
}

static void judge_wants_key_digest_and_identity_of_one_signature(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	struct err e;

	CHECK(denied(judge(&w, false, NULL, REPO ":1", &e), &e, "signature", "no signature"));
	sign_with(&w, w.stranger, REPO ":1", digest);
	CHECK(denied(judge(&w, false, NULL, REPO ":1", &e), &e, "signature", "none is by the policy's key"));
	sign_with(&w, w.key, REPO ":1", other_digest);
	CHECK(denied(judge(&w, false, NULL, REPO ":1", &e), &e, "signature", "another digest"));
	sign_with(&w, w.key, "r.io/org/other:1", digest);
	CHECK(denied(judge(&w, false, NULL, REPO ":1", &e), &e, "signature", "another image name"));
	sign_with(&w, w.key, REPO ":1", digest);
	CHECK(judge(&w, false, NULL, REPO ":1", &e) == COFFER_OK); /* strangers' ones beside it do no harm */
	CHECK(judge(&w, true, NULL, REPO ":1", &e) == COFFER_OK);
	CHECK(denied(judge(&w, false, NULL, REPO ":2", &e), &e, "signature", "another image name"));
	CHECK(judge(&w, false, "{\"type\":\"matchRepository\"}", REPO ":2", &e) == COFFER_OK);
	CHECK(judge(&w, false, NULL, REPO "@sha256:0102030000000000000000000000000000000000000000000000000000000000", &e) == COFFER_OK);
	CHECK(denied(judge(&w, false, NULL, "r.io/org/apple:1", &e), &e, "policy", "rejects"));
}

static void judge_refuses_a_payload_changed_after_signing(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	struct err e;

	sign_with(&w, w.key, REPO ":1", digest);
	for (size_t i = 0; i < w.sigs.at[0].payload_n; i++) {
		w.sigs.at[0].payload[i] ^= 1;
		CHECK(judge(&w, false, NULL, REPO ":1", &e) == COFFER_E_DENIED);
		w.sigs.at[0].payload[i] ^= 1;
	}
	CHECK(judge(&w, false, NULL, REPO ":1", &e) == COFFER_OK);
}

static void judge_refuses_unset_unbuilt_and_unreadable(void)
{
	CLEANUP(policy_freep) struct policy *gpg = NULL;
	CLEANUP(policy_freep) struct policy *file = NULL;
	CLEANUP(policy_freep) struct policy *both = NULL;
	CLEANUP(world_clear) struct world w = world_new();
	struct ref r;
	struct err e;

	sign_with(&w, w.key, REPO, digest);
	CHECK(ref_parse(span_of(REPO), &r, &e) == COFFER_OK);
	CHECK(denied(policy_judge(NULL, &r, digest, &w.sigs, &e), &e, "policy", "no image policy"));
	CHECK(!policy_wants_signatures(NULL, &r));
	CHECK(policy_parse(span_of("{\"default\":[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"}]}"), &gpg, &e) == COFFER_OK);
	CHECK(denied(policy_judge(gpg, &r, digest, &w.sigs, &e), &e, "policy", "not built"));
	CHECK(policy_parse(span_of("{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/nonexistent/k\"}]}"), &file, &e) == COFFER_OK);
	CHECK(denied(policy_judge(file, &r, digest, &w.sigs, &e), &e, "policy", "cannot be read"));
	CHECK(policy_parse(span_of("{\"default\":[{\"type\":\"insecureAcceptAnything\"},{\"type\":\"reject\"}]}"), &both, &e) == COFFER_OK);
	CHECK(denied(policy_judge(both, &r, digest, &w.sigs, &e), &e, "policy", "rejects")); /* all must hold */
}

static void judge_reads_a_key_file(void)
{
	CLEANUP(world_clear) struct world w = world_new();
	CLEANUP(policy_freep) struct policy *p = NULL;
	CLEANUP(freep) char *path = NULL, *text = NULL;
	char dir[64];
	struct ref r;
	struct err e;

	CHECK(temp_make(dir));
	path = str_fmt("%s/k.pub", dir);
	text = str_fmt("{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s\"}]}", path);
	CHECK(file_write(path, wr_span(&w.pem), 0600, &e) == COFFER_OK && policy_parse(span_of(text), &p, &e) == COFFER_OK);
	sign_with(&w, w.key, REPO ":1", digest);
	CHECK(ref_parse(span_of(REPO ":1"), &r, &e) == COFFER_OK && policy_judge(p, &r, digest, &w.sigs, &e) == COFFER_OK);
	CHECK(file_write(path, span_of("no key"), 0600, &e) == COFFER_OK);
	CHECK(denied(policy_judge(p, &r, digest, &w.sigs, &e), &e, "policy", "cannot be used"));
	temp_remove(dir);
}

static void scope_of_a_digest_reference_ignores_its_tag(void)
{
	static const char text[] = "{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"" REPO ":v1\":[{\"type\":\"insecureAcceptAnything\"}]}}}";
	static const char by_digest[] = "{" DEFAULT_REJECT ",\"transports\":{\"docker\":{\"" REPO
	    "@sha256:0102030000000000000000000000000000000000000000000000000000000000\":[{\"type\":\"insecureAcceptAnything\"}]}}}";
	CLEANUP(policy_freep) struct policy *p = NULL, *q = NULL;
	struct ref tag, pinned;
	struct err e;

	CHECK(policy_parse(span_of(text), &p, &e) == COFFER_OK);
	CHECK(ref_parse(span_of(REPO ":v1"), &tag, &e) == COFFER_OK && policy_judge(p, &tag, digest, NULL, &e) == COFFER_OK);
	CHECK(ref_parse(span_of(REPO ":v1@sha256:0102030000000000000000000000000000000000000000000000000000000000"), &pinned, &e) == COFFER_OK);
	CHECK(policy_judge(p, &pinned, digest, NULL, &e) == COFFER_E_DENIED && strcmp(policy_scope(p, &pinned), "default") == 0);
	CHECK(policy_parse(span_of(by_digest), &q, &e) == COFFER_OK && policy_judge(q, &pinned, digest, NULL, &e) == COFFER_OK);
	CHECK(policy_judge(q, &tag, digest, NULL, &e) == COFFER_E_DENIED);
}

static bool fits(const char *identity, const char *image, const char *claim)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct identity id;
	struct ref r;
	struct err e;

	CHECK(json_parse(span_of(identity), 4096, &doc, &e) == COFFER_OK && identity_parse(json_root(doc), &id, &e) == COFFER_OK);
	CHECK(ref_parse(span_of(image), &r, &e) == COFFER_OK);
	return identity_fits(&id, &r, span_of(claim));
}

static void identity_remap_ends_at_a_component(void)
{
	static const char map[] = "{\"type\":\"remapIdentity\",\"prefix\":\"mirror.io/a\",\"signedPrefix\":\"vendor.io\"}";

	CHECK(fits(map, "mirror.io/a/x:1", "vendor.io/x:1"));
	CHECK(!fits(map, "mirror.io/ab/x:1", "vendor.iob/x:1"));
	CHECK(!fits(map, "mirror.io/ab/x:1", "vendor.io/x:1"));
	CHECK(fits(map, "else.io/x:1", "else.io/x:1"));
	CHECK(!fits(map, "mirror.io/a/x:1", "mirror.io/a/x:1"));
}

static void identity_exact_needs_tags_and_repository_matches_digest(void)
{
#define DG "@sha256:0102030000000000000000000000000000000000000000000000000000000000"
	CHECK(!fits("{\"type\":\"matchExact\"}", "r.io/a", "r.io/a"));
	CHECK(fits("{\"type\":\"matchExact\"}", "r.io/a:1", "r.io/a:1"));
	CHECK(!fits("{\"type\":\"matchExact\"}", "r.io/a:1", "r.io/a:1" DG));
	CHECK(fits("{\"type\":\"matchExact\"}", "r.io/a:1" DG, "r.io/a:1" DG));
	CHECK(!fits("{\"type\":\"matchRepoDigestOrExact\"}", "r.io/a:1", "r.io/a"));
	CHECK(fits("{\"type\":\"matchRepoDigestOrExact\"}", "r.io/a" DG, "r.io/a"));
	CHECK(!fits("{\"type\":\"matchRepository\"}", "r.io/a:1", "R.io/a:1:"));
	CHECK(fits("{\"type\":\"exactReference\",\"dockerReference\":\"r.io/b" DG "\"}", "r.io/a:1", "r.io/b" DG));
	CHECK(!fits("{\"type\":\"exactReference\",\"dockerReference\":\"r.io/b:1\"}", "r.io/b:2", "r.io/b:2"));
	CHECK(fits("{\"type\":\"matchRepository\"}", "busybox:1", "docker.io/library/busybox"));
}

int main(void)
{
	static const struct t_case cases[] = { T(parse_refuses_what_it_would_not_obey), T(judge_wants_key_digest_and_identity_of_one_signature),
		T(judge_refuses_a_payload_changed_after_signing), T(judge_refuses_unset_unbuilt_and_unreadable), T(judge_reads_a_key_file),
		T(scope_of_a_digest_reference_ignores_its_tag), T(identity_remap_ends_at_a_component),
		T(identity_exact_needs_tags_and_repository_matches_digest) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
