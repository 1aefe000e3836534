/* regorus' suites: of its interpreter and of its virtual machine. Sets and objects are compared as such. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/policy_judge.h"

/* "#undefined" is that only at the top. */
static struct val want_of(struct heap *h, struct val v)
{
	return span_eq_str(val_span(v), "#undefined") ? VAL_UNDEF : case_decode(h, v);
}

/* One result: its bindings, or the value of its expression, or the list of them. */
static struct val one_result(struct val row)
{
	struct val b = val_gets(row, "bindings"), x = val_gets(row, "expressions");

	if (val_len(b) > 0)
		return b;
	return val_len(x) == 1 ? val_at(x, 0) : x;
}

static bool same(struct heap *h, struct val got, struct val want, bool sort)
{
	if (val_defined(got) != val_defined(want))
		return false;
	if (!val_defined(got) || val_eq(got, want))
		return true;
	if (sort) { /* what came from a set has any order there */
		struct vlist a = { .h = h }, b = { .h = h };

		for (size_t i = 0; i < val_len(got); i++)
			vlist_add(&a, val_at(got, i));
		for (size_t i = 0; i < val_len(want); i++)
			vlist_add(&b, val_at(want, i));
		return val_type(got) == VT_ARRAY && val_type(want) == VT_ARRAY && a.n == b.n &&
		       val_eq(val_set(h, a.p, a.n), val_set(h, b.p, b.n));
	}
	return false;
}

struct expected {
	struct val list;
	size_t at;
	bool many, sort;
};

static void compare(struct case_file *f, struct val got, struct expected *x, struct judged *j)
{
	struct val want = want_of(f->h, x->many ? val_at(x->list, x->at) : x->list);

	if (x->at > 0 && !x->many)
		judge_differs(j, "one result too many", got, want);
	else if (!same(f->h, got, want, x->sort))
		judge_differs(j, "result", got, want);
	x->at++;
}

/* One input: its results against the next expected ones; false when the evaluation failed. */
static bool run_input(struct case_file *f, struct trial *t, struct val c, struct val input, struct expected *x, struct judged *j)
{
	if (!trial_begin(t, t->own, val_gets(c, "data"), input))
		return (void)judge_fail(j, "out of memory"), true;
	t->out = rego_eval_query(t->v, case_str(c, "query"), &t->result, &t->e);
	if (t->out == REGO_OUT_ERROR)
		return false;
	if (t->out == REGO_OUT_UNDEFINED && !case_flag(c, "no_result"))
		compare(f, VAL_UNDEF, x, j);
	for (size_t i = 0; t->out == REGO_OUT_VALUE && i < val_len(t->result); i++) {
		if (case_flag(c, "no_result"))
			judge_differs(j, "result", one_result(val_at(t->result, i)), VAL_UNDEF);
		else
			compare(f, one_result(val_at(t->result, i)), x, j);
	}
	return true;
}

static bool run_inputs(struct case_file *f, struct trial *t, struct val c, struct expected *x, struct judged *j)
{
	struct val input = val_gets(c, "input"), many = val_gets(input, "many!");
	size_t n = val_defined(many) ? val_len(many) : 1;

	for (size_t i = 0; i < n; i++)
		if (!run_input(f, t, c, case_decode(f->h, val_defined(many) ? val_at(many, i) : input), x, j))
			return false;
	return true;
}

bool judge_regorus(struct case_file *f, struct val c, struct judged *j)
{
	struct rego_options o = policy_options(case_flag(c, "x_v0"), case_flag(c, "x_strict"));
	struct val want = val_gets(c, "want_result"), many = val_gets(want, "many!");
	struct expected x = { val_defined(many) ? many : want, 0, val_defined(many), case_flag(c, "sort_bindings") };
	bool refusal = case_str(c, "error").p || case_str(c, "want_error").p, ok;
	CLEANUP(trial_end) struct trial t = { 0 };
	struct judged ignored = { 0 };

	ok = trial_compile(&t, f, val_gets(c, "modules"), &o) && run_inputs(f, &t, c, &x, refusal ? &ignored : j);
	if (refusal && ok)
		judge_fail(j, "no error, wanted one");
	if (!refusal && !ok)
		judge_error(j, &t.e);
	if (!refusal && ok && many.w && x.at != val_len(many))
		judge_fail(j, "%zu results, wanted %zu", x.at, val_len(many));
	return j->verdict == CASE_PASSED;
}

/* Here the query is the path of a rule. */
static bool run_rule(struct case_file *f, struct trial *t, struct val c, struct span path, struct val *out)
{
	struct val got = VAL_UNDEF;

	if (!trial_begin(t, t->own, val_gets(c, "data"), val_gets(c, "input")))
		return false;
	t->out = rego_eval_rule(t->v, case_cstr(f, path), &got, &t->e);
	*out = t->out == REGO_OUT_VALUE ? got : VAL_UNDEF;
	return t->out != REGO_OUT_ERROR;
}

static bool run_entries(struct case_file *f, struct trial *t, struct val c, struct judged *j)
{
	struct val paths = val_gets(c, "entry_points"), wants = val_gets(c, "want_results"), got, want;

	for (size_t i = 0; i < val_len(wants); i++) {
		if (!run_rule(f, t, c, val_span(val_at(paths, i)), &got))
			return false;
		want = want_of(f->h, val_at(wants, i));
		if (!same(f->h, got, want, false))
			judge_differs(j, "result", got, want);
	}
	return true;
}

bool judge_regorus_rvm(struct case_file *f, struct val c, struct judged *j)
{
	struct rego_options o = policy_options(case_flag(c, "x_v0"), case_flag(c, "x_strict"));
	bool refusal = case_str(c, "error").p || case_str(c, "want_error").p, ok;
	CLEANUP(trial_end) struct trial t = { 0 };
	struct val got = VAL_UNDEF, want;

	ok = trial_compile(&t, f, val_gets(c, "modules"), &o);
	if (ok && val_defined(val_gets(c, "want_results")))
		ok = run_entries(f, &t, c, j);
	else if (ok)
		ok = run_rule(f, &t, c, case_str(c, "query"), &got);
	if (refusal && ok)
		return judge_fail(j, "no error, wanted one");
	if (!refusal && !ok)
		return judge_error(j, &t.e);
	want = want_of(f->h, val_gets(c, "want_result"));
	if (!refusal && !val_defined(val_gets(c, "want_results")) && !same(f->h, got, want, false))
		judge_differs(j, "result", got, want);
	return j->verdict == CASE_PASSED;
}
