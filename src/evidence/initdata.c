/* Init-data as claims and as a digest. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/appraise.h"
#include "fmt/toml.h"

#define MARK "policy_data := {"
/* Claims are members of claims of a token: what our reader takes at the top it does not take that far down. */
#define FILE_DEPTH_MAX (JSON_DEPTH_MAX - 8)

enum coffer_rc initdata_digest(struct span toml, uint8_t out[static HASH_MAX], size_t *n, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span name;
	enum hash_alg alg;

	TRY(toml_parse(toml, APPRAISE_CLAIMS_MAX, &doc, e));
	TRY(json_need_str(json_root(doc), "algorithm", "init-data", &name, e));
	if (!hash_by_name(name, &alg))
		return err_set(e, COFFER_E_INPUT, "init-data: the algorithm is none of sha256, sha384, sha512");
	hash_once(alg, toml, out);
	*n = hash_len(alg);
	return COFFER_OK;
}

/* Bytes of the JSON object at the beginning of s, by its braces; 0: it does not end. */
static size_t object_end(struct span s)
{
	bool text = false;
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (text && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			text = !text;
		else if (!text && s.p[i] == '{')
			depth++;
		else if (!text && s.p[i] == '}' && --depth == 0)
			return i + 1;
	}
	return 0;
}

static bool deeper(const struct json *v, unsigned max) /* NOLINT(misc-no-recursion): FILE_DEPTH_MAX */
{
	bool deep = false;

	if (json_type(v) != JSON_OBJECT && json_type(v) != JSON_ARRAY)
		return false;
	if (max == 0)
		return true;
	for (size_t i = 0; !deep && i < json_len(v); i++)
		deep = deeper(json_at(v, i), max - 1);
	return deep;
}

static void put_policy(struct span rego, struct json_wr *j)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err ignore = { 0 };
	size_t at = 0;

	while (at < rego.n && !span_starts(span_skip(rego, at), MARK))
		at++;
	if (at == rego.n)
		return;
	rego = span_skip(rego, at + sizeof(MARK) - 2);
	rego.n = object_end(rego);
	if (rego.n == 0 || json_parse(rego, APPRAISE_CLAIMS_MAX, &doc, &ignore) != COFFER_OK ||
	    deeper(json_root(doc), FILE_DEPTH_MAX))
		return;
	jw_name(j, "agent_policy_claims");
	jw_value(j, json_root(doc));
}

static enum coffer_rc put_file(struct span name, const struct json *v, struct json_wr *j, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	if (json_type(v) != JSON_STRING)
		return err_set(e, COFFER_E_INPUT, "init-data: a file below [data] is no text");
	if (span_eq_str(name, "agent_policy_claims"))
		return err_set(e, COFFER_E_INPUT, "init-data: a file has the name of a claim");
	if (span_eq_str(name, "policy.rego")) {
		put_policy(json_str(v), j);
		return COFFER_OK;
	}
	jw_namen(j, name);
	if (!span_eq_str(name, "aa.toml") && !span_eq_str(name, "cdh.toml")) {
		jw_str(j, json_str(v));
		return COFFER_OK;
	}
	if (toml_parse(json_str(v), APPRAISE_CLAIMS_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "init-data: %.*s", (int)name.n, (const char *)name.p);
	if (deeper(json_root(doc), FILE_DEPTH_MAX))
		return err_set(e, COFFER_E_LIMIT, "init-data: %.*s: deeper than %d", (int)name.n, (const char *)name.p, FILE_DEPTH_MAX);
	jw_value(j, json_root(doc));
	return COFFER_OK;
}

enum coffer_rc initdata_claims(struct span toml, struct wr *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *data = NULL;
	struct json_wr j = jw_open(out, false);

	if (toml_parse(toml, APPRAISE_CLAIMS_MAX, &doc, e) != COFFER_OK)
		return err_wrap(e, "init-data");
	TRY(json_need_obj(json_root(doc), "data", "init-data", &data, e));
	jw_obj(&j);
	for (size_t i = 0; i < json_len(data); i++)
		TRY(put_file(json_name(data, i), json_at(data, i), &j, e));
	jw_obj_end(&j);
	return wr_done(out, "init-data's claims", e);
}
