/* Upstream's policies with inputs: Trustee's, ACI's, regorus' benchmark, Kata's recorded sessions. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/policy_judge.h"

static bool is_v0(const struct case_file *f, struct val c)
{
	return case_flag(c, "x_v0") || case_flag(f->doc, "x_v0");
}

/* {"value": v}, {"undefined": true}, {"no_rule": true}, {"error": "conflict"} */
static bool judge_outcome(struct case_file *f, const struct trial *t, const char *path, struct val want, struct judged *j)
{
	struct val value = val_gets(want, "value"), got;

	if (val_defined(val_gets(want, "error"))) {
		if (t->out != REGO_OUT_ERROR || t->e.code != REGO_CONFLICT)
			judge_fail(j, "%s: %s %s, wanted a conflict", path, rego_outcome_name(t->out),
			    t->out == REGO_OUT_ERROR ? t->e.text : "");
	} else if (t->out == REGO_OUT_ERROR) {
		judge_error(j, &t->e);
	} else if (case_flag(want, "no_rule") || case_flag(want, "undefined")) {
		enum rego_outcome o = case_flag(want, "no_rule") ? REGO_OUT_NO_SUCH_RULE : REGO_OUT_UNDEFINED;

		if (t->out != o)
			judge_fail(j, "%s: %s, wanted %s", path, rego_outcome_name(t->out), rego_outcome_name(o));
	} else {
		got = t->out == REGO_OUT_VALUE ? as_json(f->h, t->result) : VAL_UNDEF;
		if (!val_defined(got) || !val_eq(got, value))
			judge_differs(j, path, got, value);
	}
	return j->verdict == CASE_PASSED;
}

/* Compiles the named policy files into t->own. */
static bool compile_files(struct trial *t, struct case_file *f, struct val names, const char *sub, bool v0, struct judged *j)
{
	struct rego_options o = policy_options(v0, false);
	size_t n = val_type(names) == VT_STRING ? 1 : val_len(names);
	struct source s[8];
	struct wr text[8] = { 0 };
	bool ok = n <= 8;

	for (size_t i = 0; ok && i < n; i++) {
		const char *name = case_cstr(f, val_span(val_type(names) == VT_STRING ? names : val_at(names, i)));

		ok = case_read(f, name, sub, &text[i], j);
		s[i] = (struct source){ name, wr_span(&text[i]) };
	}
	if (ok && !rego_compile(s, n, (struct span){ 0 }, &o, &t->own, &t->e)) {
		judge_error(j, &t->e);
		ok = false;
	}
	for (size_t i = 0; i < 8; i++)
		wr_close(&text[i]);
	return ok;
}

bool judge_trustee(struct case_file *f, struct val c, struct judged *j)
{
	struct val want = val_gets(c, "want");
	CLEANUP(trial_end) struct trial t = { 0 };

	if (!compile_files(&t, f, val_gets(c, "policy"), NULL, is_v0(f, c), j))
		return false;
	t.reference = val_gets(val_gets(val_gets(c, "extensions"), "query_reference_value"), "returns_by_arg");
	for (size_t i = 0; i < val_len(want) && j->verdict == CASE_PASSED; i++) {
		const char *path = case_cstr(f, val_span(val_key(want, i)));

		if (!trial_begin(&t, t.own, val_gets(c, "data"), val_gets(c, "input")))
			return judge_fail(j, "out of memory");
		t.out = rego_eval_rule(t.v, path, &t.result, &t.e);
		(void)judge_outcome(f, &t, path, val_at(want, i), j);
	}
	return j->verdict == CASE_PASSED;
}

bool judge_bench(struct case_file *f, struct val c, struct judged *j)
{
	const char *path = case_cstr(f, case_str(c, "rule"));
	CLEANUP(trial_end) struct trial t = { 0 };
	struct val input = val_gets(c, "input");

	if (val_type(input) == VT_STRING && !case_read_json(f, case_cstr(f, val_span(input)), &input, j))
		return false;
	if (!compile_files(&t, f, val_gets(c, "policy"), NULL, is_v0(f, c), j))
		return false;
	if (!trial_begin(&t, t.own, val_gets(c, "data"), input))
		return judge_fail(j, "out of memory");
	t.out = rego_eval_rule(t.v, path, &t.result, &t.e);
	return judge_outcome(f, &t, path, val_gets(c, "want"), j);
}

bool judge_aci(struct case_file *f, struct val c, struct judged *j)
{
	struct val want = val_gets(val_at(val_gets(c, "want_result"), 0), "x"), got;
	const char *path = case_cstr(f, case_str(c, "query"));
	CLEANUP(trial_end) struct trial t = { 0 };

	if (!compile_files(&t, f, val_gets(c, "modules"), "aci", is_v0(f, c), j))
		return false;
	if (!trial_begin(&t, t.own, val_gets(c, "data"), val_gets(c, "input")))
		return judge_fail(j, "out of memory");
	t.out = rego_eval_rule(t.v, path, &t.result, &t.e);
	if (t.out == REGO_OUT_ERROR)
		return judge_error(j, &t.e);
	got = t.out == REGO_OUT_VALUE ? as_json(f->h, t.result) : VAL_UNDEF;
	if (val_defined(got) != val_defined(want) || (val_defined(got) && !val_eq(got, want)))
		return judge_differs(j, path, got, want);
	return true;
}

/* policy.rego beside the requests, or in the folder of the same name below <policies>/kata-replay. */
static bool open_replay(struct case_file *f, struct judged *j)
{
	CLEANUP(freep) char *dir = strdup(f->path);
	CLEANUP(freep) char *sub = NULL;
	struct trial t = { 0 };
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (slash)
		*slash = '\0';
	slash = dir ? strrchr(dir, '/') : NULL;
	sub = str_fmt("kata-replay/%s", slash ? slash + 1 : dir ? dir : "");
	if (!sub || !compile_files(&t, f, val_text(f->h, "policy.rego"), sub, is_v0(f, f->doc), j))
		return false;
	f->policy = t.own;
	return true;
}

bool judge_kata_replay(struct case_file *f, struct val c, struct judged *j)
{
	struct val want = val_gets(c, "want"), got;
	const char *path = case_cstr(f, case_str(c, "rule"));
	CLEANUP(trial_end) struct trial t = { 0 };

	if (!f->policy && !open_replay(f, j))
		return false;
	if (!trial_begin(&t, f->policy, VAL_UNDEF, val_gets(c, "input")))
		return judge_fail(j, "out of memory");
	t.out = rego_eval_rule(t.v, path, &t.result, &t.e);
	if (t.out == REGO_OUT_ERROR)
		return judge_error(j, &t.e);
	got = t.out == REGO_OUT_VALUE ? as_json(f->h, t.result) : val_text(f->h, "<undefined>");
	if (!val_eq(got, want))
		return judge_differs(j, path, got, want);
	return true;
}
