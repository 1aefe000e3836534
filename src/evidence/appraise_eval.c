/* One device's policy: compiled, asked for its claims and extensions, and asked why. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/appraise_int.h"
#include "policy/value/valtext.h"

#define CLAIMS_RULE    "data.policy.trust_claims"
#define EXTENSION_RULE "data.policy.extensions"
#define IDENTIFIERS    "ear.trustee.identifiers"
#define EXTENSIONS_MAX 16
#define WHY_MAX        4   /* statements shown for a member */
#define TEXT_MAX       300 /* bytes of a value shown */
#define POLICY_MEMORY  (16u << 20)

const char *const vector_name[VECTOR_N] = { "configuration", "executables", "file-system", "hardware", "instance-identity",
	"runtime-opaque", "sourced-data", "storage-opaque" };

/* A guest waits for the answer, and hostile policies get milliseconds. */
static const struct rego_limits limits = { .steps = 1000000, .memory = 32u << 20, .calls = 200, .string_max = 1u << 20,
	.output_max = 64u << 10 };

static void miss(struct lookups *l, struct span name, enum ref_state state)
{
	if (name.n == 0 || name.n > REFS_NAME_MAX || l->n == LOOKUPS_MAX)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (span_eq_str(name, l->miss[i].name))
			return;
	memcpy(l->miss[l->n].name, name.p, name.n);
	l->miss[l->n].name[name.n] = '\0';
	l->miss[l->n++].state = state;
}

static struct val json_val(struct heap *h, const struct json *v)
{
	CLEANUP(wr_close) struct wr w = wr_open(REFS_TEXT_MAX);
	struct json_wr j = jw_open(&w, false);
	const char *why;
	size_t at;

	jw_value(&j, v);
	if (!wr_ok(&w)) {
		heap_over(h, REGO_LIMIT_MEMORY);
		return VAL_UNDEF;
	}
	if (!heap_steps(h, w.n / 16 + 1))
		return VAL_UNDEF;
	return val_from_json(h, wr_span(&w), (struct json_limits){ REFS_TEXT_MAX, 4 }, &at, &why);
}

static struct val query_reference_value(
    void *state, struct heap *h, const struct val *arg, size_t n, enum rego_code *code, const char **why)
{
	struct lookups *l = state;
	const struct json *v;
	enum ref_state s;

	if (n != 1 || val_type(arg[0]) != VT_STRING) {
		*code = REGO_EVAL_TYPE;
		*why = "the name of a reference value is a string";
		return VAL_UNDEF;
	}
	s = refs_find(l->refs, val_span(arg[0]), l->now, &v);
	if (s == REF_HERE)
		return json_val(h, v);
	miss(l, val_span(arg[0]), s);
	return val_null();
}

static bool printable(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* Text that a policy or a claim chose, for people and terminals: printable ASCII. */
static void put_clean(struct json_wr *j, const char *name, struct span s)
{
	char text[TEXT_MAX + 1];
	size_t n = s.n < TEXT_MAX ? s.n : TEXT_MAX;

	for (size_t i = 0; i < n; i++)
		text[i] = printable((char)s.p[i]) ? (char)s.p[i] : '?';
	text[n] = '\0';
	jw_m_text(j, name, text);
}

static enum coffer_rc refused(const struct appraise_policy *p, const struct rego_error *re, struct err *e)
{
	if (re->code == REGO_SYSTEM)
		return err_set(e, COFFER_E_SYSTEM, "%s", re->text);
	if (re->line > 0)
		return err_deny(e, "policy", "%s: %s:%u:%u: %s", rego_code_name(re->code), re->file, re->line, re->col, re->text);
	return err_deny(e, "policy", "%s: %s: %s", rego_code_name(re->code), p->file, re->text);
}

void device_eval_clear(struct device_eval *d)
{
	rego_eval_free(d->ev);
	rego_policy_free(d->own);
	json_freep(&d->doc);
	d->ev = NULL;
	d->own = NULL;
	d->p = NULL;
}

enum coffer_rc appraise_compile(const struct appraise_policy *p, struct rego_policy **out, struct err *e)
{
	static const struct rego_host_fn fn = { "query_reference_value", 1, query_reference_value };
	struct source src = { p->file, p->text };
	struct rego_options o = rego_options_default();
	struct rego_error re = { 0 };

	if (p->text.n > APPRAISE_POLICY_MAX)
		return err_set(e, COFFER_E_LIMIT, "%s: a policy is at most %u bytes", p->file, APPRAISE_POLICY_MAX);
	o.host_fn = &fn;
	o.n_host_fns = 1;
	o.memory_max = POLICY_MEMORY;
	return rego_compile(&src, 1, (struct span){ 0 }, &o, out, &re) ? COFFER_OK : refused(p, &re, e);
}

static enum coffer_rc read_input(struct device_eval *d, struct err *e)
{
	const struct json_limits lim = { (size_t)APPRAISE_CLAIMS_MAX * 4, 64 };
	const char *why = "";
	struct val input;
	size_t at = 0;

	input = val_from_json(rego_eval_heap(d->ev), d->input, lim, &at, &why);
	if (!val_defined(input))
		return heap_ok(rego_eval_heap(d->ev)) ? err_set(e, COFFER_E_INPUT, "claims: malformed at byte %zu: %s", at, why)
						       : err_set(e, COFFER_E_LIMIT, "claims: too large for a policy");
	rego_eval_input(d->ev, input);
	rego_eval_keep(d->ev);
	return json_parse(d->input, d->input.n, &d->doc, e);
}

enum coffer_rc device_eval_open(struct device_eval *d, struct err *e)
{
	if (!d->policy->ready)
		TRY(appraise_compile(d->policy, &d->own, e));
	d->p = d->policy->ready ? d->policy->ready : d->own;
	d->ev = rego_eval_new(d->p, limits);
	return d->ev ? read_input(d, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

/* Each question has the whole budget and nothing of the one before. */
static void begin(struct device_eval *d, bool explain)
{
	rego_eval_again(d->ev);
	d->look.n = 0;
	rego_eval_host(d->ev, &d->look);
	if (d->now >= 0)
		rego_eval_time(d->ev, d->now * 1000000000);
	if (explain)
		rego_eval_explain(d->ev, NULL, 0);
}

static enum coffer_rc claim(struct val key, struct val value, struct vector *out, struct err *e)
{
	struct span name = val_span(key);
	int64_t n;

	for (size_t i = 0; i < VECTOR_N; i++) {
		if (!name.p || !span_eq_str(name, vector_name[i]))
			continue;
		if (!val_int64(value, &n) || n < INT8_MIN || n > INT8_MAX)
			return err_deny(e, "trust-claims", "%s: not an integer from -128 to 127", vector_name[i]);
		out->has[i] = true;
		out->value[i] = n;
		return COFFER_OK;
	}
	return err_deny(e, "trust-claims", "a member is no claim of AR4SI");
}

enum coffer_rc device_eval_vector(struct device_eval *d, struct vector *out, struct err *e)
{
	struct rego_error re = { 0 };
	struct val got = VAL_UNDEF;

	*out = (struct vector){ 0 };
	begin(d, false);
	switch (rego_eval_rule(d->ev, CLAIMS_RULE, &got, &re)) {
	case REGO_OUT_ERROR:
		return refused(d->policy, &re, e);
	case REGO_OUT_NO_SUCH_RULE:
	case REGO_OUT_UNDEFINED:
		return err_deny(e, "trust-claims", "%s: " CLAIMS_RULE " is not there or undefined", d->policy->file);
	case REGO_OUT_VALUE:
		break;
	}
	if (val_type(got) != VT_OBJECT)
		return err_deny(e, "trust-claims", "%s: " CLAIMS_RULE " is no object", d->policy->file);
	for (size_t i = 0; i < val_len(got); i++)
		if (claim(val_key(got, i), val_at(got, i), out, e) != COFFER_OK)
			return err_wrap(e, "%s", d->policy->file);
	return COFFER_OK;
}

/* ---- extensions ---- */

static bool taken(struct span name)
{
	static const char *const own[] = { "ear.status", "ear.trustworthiness-vector", "ear.appraisal-policy-id",
		"ear.veraison.annotated-evidence", "ear.raw-evidence", "ear.veraison.policy-claims", "ear.veraison.key-attestation" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (span_eq_str(name, own[i]))
			return true;
	return name.n == 0 || name.n > REFS_NAME_MAX;
}

static enum coffer_rc put_extension(struct val x, struct json_wr *j, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(APPRAISE_CLAIMS_MAX);
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span name = val_span(val_gets(x, "name"));
	struct val value = val_gets(x, "value");
	int64_t key;

	if (val_type(x) != VT_OBJECT || val_len(x) != 3 || !val_int64(val_gets(x, "key"), &key) || !val_defined(value) || taken(name))
		return err_deny(e, "extensions", "an extension is {name, key, value}: a free name, an integer, anything");
	val_put_json(&w, value, NULL, NULL);
	TRY(wr_done(&w, "extension", e));
	TRY(json_parse(wr_span(&w), APPRAISE_CLAIMS_MAX, &doc, e));
	jw_namen(j, name);
	jw_value(j, json_root(doc));
	return COFFER_OK;
}

static void put_identifiers(struct json_wr *j)
{
	static const char *const list[] = { "container_images", "container_uids" };

	jw_name(j, IDENTIFIERS);
	jw_obj(j);
	jw_name(j, "validated");
	jw_obj(j);
	for (size_t i = 0; i < 2; i++) {
		jw_name(j, list[i]);
		jw_arr(j);
		jw_arr_end(j);
	}
	jw_obj_end(j);
	jw_obj_end(j);
}

static enum coffer_rc put_extensions(struct val list, struct json_wr *j, bool *identifiers, struct err *e)
{
	if (val_type(list) != VT_ARRAY || val_len(list) > EXTENSIONS_MAX)
		return err_deny(e, "extensions", EXTENSION_RULE " is no list of at most %d", EXTENSIONS_MAX);
	for (size_t i = 0; i < val_len(list); i++) {
		struct val name = val_gets(val_at(list, i), "name");

		for (size_t k = 0; k < i; k++)
			if (val_eq(name, val_gets(val_at(list, k), "name")))
				return err_deny(e, "extensions", "an extension is given twice");
		*identifiers |= span_eq_str(val_span(name), IDENTIFIERS);
		TRY(put_extension(val_at(list, i), j, e));
	}
	return COFFER_OK;
}

enum coffer_rc device_eval_extensions(struct device_eval *d, struct json_wr *j, struct err *e)
{
	struct rego_error re = { 0 };
	struct val got = VAL_UNDEF;
	bool identifiers = false;
	enum rego_outcome o;

	begin(d, false);
	o = rego_eval_rule(d->ev, EXTENSION_RULE, &got, &re);
	if (o == REGO_OUT_ERROR)
		return refused(d->policy, &re, e);
	if (o == REGO_OUT_VALUE)
		TRY(put_extensions(got, j, &identifiers, e));
	if (!identifiers)
		put_identifiers(j);
	return COFFER_OK;
}

/* ---- why ---- */

/* The member of input that a path begins with: x of input.x.y and of input["x"].y; empty: none. */
static struct span first_member(struct span path)
{
	bool quoted = span_starts(path, "input[\"");
	size_t n = 0;

	if (!quoted && !span_starts(path, "input."))
		return (struct span){ 0 };
	path = span_skip(path, quoted ? 7 : 6);
	while (n < path.n && (quoted ? path.p[n] != '"' : path.p[n] != '.' && path.p[n] != '['))
		n++;
	return (struct span){ path.p, n };
}

enum said { SAID_VALUE, SAID_STATEMENT, SAID_NOTHING };

/* A value of the input says most. A line about a platform that the evidence is not of says nothing. */
static enum said says(const struct rego_explain_line *l, const struct json *input)
{
	struct span member = first_member(l->path);

	if (member.n == 0)
		return SAID_STATEMENT;
	return json_getn(input, member) ? SAID_VALUE : SAID_NOTHING;
}

static void put_line(struct json_wr *j, const struct rego_explain_line *l)
{
	jw_obj(j);
	jw_m_text(j, "file", l->file ? l->file : "");
	jw_m_u64(j, "line", l->at.line);
	put_clean(j, "statement", l->statement);
	if (l->path.n > 0) {
		put_clean(j, "path", l->path);
		put_clean(j, "found", l->found);
		put_clean(j, "wanted", l->wanted);
	}
	jw_obj_end(j);
}

static size_t put_those(struct json_wr *j, const struct rego_eval *ev, const struct json *input, enum said what)
{
	size_t shown = 0;

	for (size_t i = 0; i < rego_explain_len(ev) && shown < WHY_MAX; i++)
		if (says(rego_explain_at(ev, i), input) == what) {
			put_line(j, rego_explain_at(ev, i));
			shown++;
		}
	return shown;
}

static void put_lines(struct json_wr *j, const struct device_eval *d)
{
	const struct json *input = json_root(d->doc);

	jw_name(j, "because");
	jw_arr(j);
	if (put_those(j, d->ev, input, SAID_VALUE) == 0)
		(void)put_those(j, d->ev, input, SAID_STATEMENT);
	jw_arr_end(j);
}

static void put_misses(struct json_wr *j, const struct lookups *l)
{
	jw_name(j, "reference-values");
	jw_obj(j);
	for (size_t i = 0; i < l->n; i++) {
		char name[REFS_NAME_MAX + 1];

		for (size_t k = 0; k <= REFS_NAME_MAX; k++) /* a policy may ask for any bytes */
			name[k] = printable(l->miss[i].name[k]) ? l->miss[i].name[k] : l->miss[i].name[k] ? '?' : '\0';
		jw_m_text(j, name, ref_state_name(l->miss[i].state));
	}
	jw_obj_end(j);
}

static void member_rule(size_t member, char out[static 64])
{
	(void)snprintf(out, 64, "data.policy.%s", vector_name[member]);
	for (char *c = out; *c; c++)
		if (*c == '-')
			*c = '_';
}

enum coffer_rc device_eval_why(
    struct device_eval *d, const char *submod, size_t member, int64_t value, struct json_wr *j, struct err *e)
{
	struct rego_error re = { 0 };
	struct val ignored;
	char rule[64];

	member_rule(member, rule);
	begin(d, true);
	if (rego_eval_rule(d->ev, rego_rule_find(d->p, rule) ? rule : CLAIMS_RULE, &ignored, &re) == REGO_OUT_ERROR)
		return refused(d->policy, &re, e);
	jw_obj(j);
	jw_m_text(j, "submod", submod);
	jw_m_text(j, "member", vector_name[member]);
	jw_name(j, "value");
	jw_i64(j, value);
	jw_m_text(j, "tier", ear_tier_name(ear_tier_of(value)));
	put_lines(j, d);
	put_misses(j, &d->look);
	jw_obj_end(j);
	return COFFER_OK;
}
