/* Kata's generated policies: a session in which each allowed request may change the state that the next is judged by. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/policy_judge.h"

/* rules.rego, and the data of the policy as one more rule. */
static bool open_policy(struct case_file *f, struct judged *j)
{
	CLEANUP(wr_close) struct wr rules = { 0 }, data = { 0 }, text = wr_open(POLICY_FILE_MAX);
	struct rego_options o = policy_options(case_flag(f->doc, "x_v0"), false);
	struct val names = val_gets(f->doc, "policy");
	struct source s = { "policy.rego", { 0 } };
	struct rego_error e;

	if (!case_read(f, case_cstr(f, val_span(val_at(names, 0))), NULL, &rules, j))
		return false;
	if (!case_read(f, case_cstr(f, val_span(val_at(names, 1))), NULL, &data, j))
		return false;
	wr_put(&text, wr_span(&rules));
	wr_str(&text, "\npolicy_data := ");
	wr_put(&text, wr_span(&data));
	s.text = wr_span(&text);
	if (wr_ok(&text) && rego_compile(&s, 1, (struct span){ 0 }, &o, &f->policy, &e))
		return true;
	return judge_error(j, &e);
}

static struct val empty_state(struct heap *h)
{
	struct pair m = { val_text(h, "pstate"), val_object(h, NULL, 0, NULL) };

	return val_object(h, &m, 1, NULL);
}

/* JSON Patch by the engine's own json.patch. */
static bool patch(struct case_file *f, struct val ops, struct judged *j)
{
	struct rego_options o = policy_options(false, true);
	struct pair m[2] = { { val_text(f->h, "doc"), f->base }, { val_text(f->h, "ops"), val_copy(f->h, ops) } };
	CLEANUP(trial_end) struct trial t = { 0 };
	struct val next;

	if (!rego_compile(NULL, 0, (struct span){ 0 }, &o, &t.own, &t.e) ||
	    !trial_begin(&t, t.own, VAL_UNDEF, val_object(f->h, m, 2, NULL)))
		return judge_error(j, &t.e);
	t.out = rego_eval_query(t.v, span_of("x := json.patch(input.doc, input.ops)"), &t.result, &t.e);
	if (t.out == REGO_OUT_ERROR)
		return judge_error(j, &t.e);
	next = val_gets(val_gets(val_at(t.result, 0), "bindings"), "x");
	if (!val_defined(next))
		return judge_fail(j, "the operations on the state cannot be applied");
	f->base = val_copy(f->h, next);
	return true;
}

/* A boolean, or {"allowed": boolean, "ops": [...]}; anything else is a denial. */
static bool allowed(struct val result)
{
	return val_true(result) || val_true(val_gets(result, "allowed"));
}

static bool compare(struct case_file *f, struct val c, struct val result, struct judged *j)
{
	struct val want = val_gets(c, "x_result"), state = val_gets(c, "x_state_after"), got = as_json(f->h, result);

	if (allowed(result) != case_flag(c, "allowed"))
		return judge_fail(
		    j, "%s, wanted %s", allowed(result) ? "allowed" : "denied", case_flag(c, "allowed") ? "allowed" : "denied");
	if (val_defined(want) && (!val_defined(got) || !val_eq(got, want)))
		return judge_differs(j, "result", got, want);
	got = val_gets(f->base, "pstate");
	if (val_defined(state) && (!val_defined(got) || !val_eq(got, state)))
		return judge_differs(j, "state", got, state);
	return true;
}

bool judge_genpolicy(struct case_file *f, struct val c, struct judged *j)
{
	CLEANUP(trial_end) struct trial t = { 0 };
	struct val ops;

	j->uncounted = case_flag(c, "x_setup");
	if (!f->policy && !open_policy(f, j))
		return false;
	if (!val_defined(f->base))
		f->base = empty_state(f->h);
	if (!trial_begin(&t, f->policy, f->base, val_gets(c, "input")))
		return judge_fail(j, "out of memory");
	t.out = rego_eval_rule(t.v, case_cstr(f, case_str(c, "query")), &t.result, &t.e);
	if (t.out == REGO_OUT_ERROR)
		return judge_error(j, &t.e);
	if (t.out != REGO_OUT_VALUE)
		t.result = VAL_UNDEF;
	ops = val_gets(t.result, "ops");
	if (allowed(t.result) && val_len(ops) > 0 && !patch(f, ops, j))
		return false;
	return compare(f, c, t.result, j);
}
