/* Upstream's attestation policies, unchanged, through our appraisal: the vector that the cases expect. The policies are looked for
 * in $COFFER_POLICIES, the cases in $COFFER_SHARED. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/appraise.h"
#include "os/file.h"
#include "tests/t.h"

#define CASES_MAX (16u << 20)
#define WANT      "data.policy.trust_claims"

struct one { struct wr policy, claims, refs; char *path; };

static void one_clear(struct one *o)
{
	wr_close(&o->policy);
	wr_close(&o->claims);
	wr_close(&o->refs);
	free(o->path);
}

/* The platform of a case is the member of its input that is none of the shared ones. */
static const struct json *claims_of(const struct json *input, struct span *key)
{
	static const char *const shared[] = { "report_data", "init_data", "init_data_claims", "runtime_data_claims" };
	const struct json *found = NULL;

	for (size_t i = 0; i < json_len(input); i++) {
		bool known = false;

		for (size_t k = 0; k < 4; k++)
			known |= span_eq_str(json_name(input, i), shared[k]);
		if (known)
			continue;
		if (found)
			return NULL;
		found = json_at(input, i);
		*key = json_name(input, i);
	}
	return found;
}

static bool prepare(const struct json *c, const char *folder, struct one *o, struct span *key, struct err *e)
{
	const struct json *claims = claims_of(json_get(c, "input"), key);
	const struct json *refs = json_get(json_get(json_get(c, "extensions"), "query_reference_value"), "returns_by_arg");
	struct span rel = json_str(json_get(c, "policy"));
	struct json_wr j;

	o->path = str_fmt("%s/%.*s", folder, (int)rel.n, (const char *)rel.p);
	if (!claims || json_type(claims) != JSON_OBJECT || !o->path || file_read(o->path, APPRAISE_POLICY_MAX, &o->policy, e) != COFFER_OK)
		return false;
	o->claims = wr_open(APPRAISE_CLAIMS_MAX);
	j = jw_open(&o->claims, false);
	jw_value(&j, claims);
	o->refs = wr_open(REFS_TEXT_MAX);
	j = jw_open(&o->refs, false);
	if (refs)
		jw_value(&j, refs);
	else
		wr_str(&o->refs, "{}");
	return wr_ok(&o->claims) && wr_ok(&o->refs);
}

static bool same(const struct json *want, const struct json *got)
{
	for (size_t i = 0; i < json_len(want); i++)
		if (!span_eq(json_num(json_at(want, i)), json_num(json_getn(got, json_name(want, i)))))
			return false;
	return json_len(want) == json_len(got);
}

static bool judged(const struct json *c, const struct one *o, struct span key, struct err *e)
{
	CLEANUP(freep) char *name = span_dup(key);
	const struct tee_driver tee = { name, name, "cpu", NULL, NULL, NULL };
	const struct appraise_device dev = { &tee, VERDICT_VALID, wr_span(&o->claims) };
	const struct appraise_policy p = { "cpu", "upstream", "upstream.rego", wr_span(&o->policy), NULL };
	struct appraise_in in = { .device = &dev, .n_devices = 1, .policy = &p, .n_policies = 1, .build = "test" };
	CLEANUP(appraise_clear) struct appraise_out out = { 0 };
	CLEANUP(refs_freep) struct refs *refs = NULL;
	CLEANUP(json_freep) struct json_doc *ear = NULL;
	const struct json *want = json_get(json_get(json_get(c, "want"), WANT), "value");
	enum coffer_rc rc;

	if (!name || refs_parse(wr_span(&o->refs), &refs, e) != COFFER_OK)
		return false;
	in.refs = refs;
	rc = appraise(&in, &out, e);
	if (!want) /* undefined, absent or an error: no EAR */
		return rc == COFFER_E_DENIED;
	return rc == COFFER_OK && json_parse(wr_span(&out.ear), APPRAISE_EAR_MAX, &ear, e) == COFFER_OK &&
	       same(want, json_get(json_at(json_get(json_root(ear), "submods"), 0), "ear.trustworthiness-vector"));
}

int main(void)
{
	const char *shared = getenv("COFFER_SHARED"), *folder = getenv("COFFER_POLICIES");
	CLEANUP(freep) char *path = str_fmt("%s/policies/trustee/cases.json", shared ? shared : "/nonexistent");
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *list;
	struct err e = { 0 };
	size_t n = 0;
	int bad = 0;

	if (!folder || !path || file_read(path, CASES_MAX, &text, &e) != COFFER_OK || json_parse(wr_span(&text), CASES_MAX, &doc, &e) != COFFER_OK) {
		printf("1..0 # SKIP trustee policies: COFFER_POLICIES names the folder of other projects' policies, COFFER_SHARED that of the cases\n");
		return 0;
	}
	list = json_get(json_root(doc), "cases");
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(one_clear) struct one o = { 0 };
		struct span note = json_str(json_get(json_at(list, i), "note")), key = { 0 };
		bool ok;

		if (!json_get(json_get(json_at(list, i), "want"), WANT))
			continue;
		if (json_get(json_at(list, i), "data")) {
			printf("ok %zu %.*s # SKIP wants a document data; an appraisal has none\n", ++n, (int)note.n, (const char *)note.p);
			continue;
		}
		if (!prepare(json_at(list, i), folder, &o, &key, &e)) {
			printf("ok %zu %.*s # SKIP no policy, or not of one device\n", ++n, (int)note.n, (const char *)note.p);
			continue;
		}
		ok = judged(json_at(list, i), &o, key, &e);
		printf("%sok %zu %.*s\n", ok ? "" : "not ", ++n, (int)note.n, (const char *)note.p);
		if (!ok)
			printf("# %s: %s\n", e.check, e.msg);
		bad |= !ok;
	}
	printf("1..%zu\n", n);
	return bad;
}
