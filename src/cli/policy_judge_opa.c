/* The suites of OPA and rego-cpp, as OPA's own runner judges them. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/policy_judge.h"
#include "policy/lang/ast.h"

/* input_term is input as a Rego term, which may hold sets and other keys than strings. */
static bool input_of(struct case_file *f, struct val c, struct val *out, struct judged *j)
{
	struct span text = case_str(c, "input_term");
	struct source s = { "input_term", text };
	struct rego_error e;
	struct term *t;

	*out = val_gets(c, "input");
	if (!text.p)
		return true;
	if (!rego_parse_term(f->h, &s, SOURCE_LIMITS_KATA, &t, &e))
		return judge_error(j, &e);
	*out = term_value(f->h, t);
	return val_defined(*out) || judge_fail(j, "input_term has no value");
}

static int by_value(const void *a, const void *b)
{
	return val_cmp(*(const struct val *)a, *(const struct val *)b);
}

static struct val sorted(struct heap *h, struct val v)
{
	size_t n = val_len(v);
	CLEANUP(freep) struct val *item = calloc(n + 1, sizeof(*item));

	if (val_type(v) != VT_ARRAY || !item)
		return v;
	for (size_t i = 0; i < n; i++)
		item[i] = val_at(v, i);
	qsort(item, n, sizeof(*item), by_value);
	return val_array(h, item, n);
}

/* One result's bindings as JSON, their arrays sorted where the case says so. */
static struct val bindings(struct heap *h, struct val b, bool sort)
{
	size_t n = val_len(b);
	CLEANUP(freep) struct pair *m = calloc(n + 1, sizeof(*m));

	for (size_t i = 0; m && i < n; i++) {
		m[i] = (struct pair){ val_key(b, i), as_json(h, val_at(b, i)) };
		if (sort)
			m[i].v = sorted(h, m[i].v);
	}
	return m ? val_object(h, m, n, NULL) : VAL_UNDEF;
}

/* OPA evaluates the query as a body, so that false is no result. */
static bool is_false(struct val row)
{
	struct val x = val_gets(row, "expressions");

	for (size_t i = 0; i < val_len(x); i++)
		if (!val_truthy(val_at(x, i)))
			return true;
	return false;
}

static struct val results(struct heap *h, struct val rows, bool sort)
{
	struct vlist l = { .h = h };
	struct val set;

	for (size_t i = 0; i < val_len(rows); i++)
		if (!is_false(val_at(rows, i)))
			vlist_add(&l, bindings(h, val_gets(val_at(rows, i), "bindings"), sort));
	set = val_set(h, l.p, l.n);
	return set;
}

static struct val wanted(struct heap *h, struct val list, bool sort)
{
	struct vlist l = { .h = h };

	for (size_t i = 0; i < val_len(list); i++)
		vlist_add(&l, bindings(h, case_decode(h, val_at(list, i)), sort));
	return val_set(h, l.p, l.n);
}

static bool holds(const char *text, struct span part)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + part.n <= n; i++)
		if (span_eq((struct span){ (const uint8_t *)text + i, part.n }, part))
			return true;
	return part.n == 0;
}

static bool judge_refusal(const struct trial *t, struct val c, bool failed, struct judged *j)
{
	struct span code = case_str(c, "want_error_code"), text = case_str(c, "want_error");

	if (!failed)
		judge_fail(j, "no error, wanted %.*s", (int)code.n, (const char *)code.p);
	else if (code.p && !span_eq_str(code, rego_code_name(t->e.code)))
		judge_fail(j, "%s: %s, wanted %.*s", rego_code_name(t->e.code), t->e.text, (int)code.n, (const char *)code.p);
	if (text.p && failed)
		j->text = holds(t->e.text, text) ? 1 : -1;
	return j->verdict == CASE_PASSED;
}

static bool judge_result(struct case_file *f, const struct trial *t, struct val c, struct judged *j)
{
	bool sort = case_flag(c, "sort_bindings");
	struct val got, want;

	if (t->out == REGO_OUT_ERROR)
		return judge_error(j, &t->e);
	got = results(f->h, t->out == REGO_OUT_VALUE ? t->result : VAL_UNDEF, sort);
	want = wanted(f->h, val_gets(c, "want_result"), sort);
	return val_eq(got, want) || judge_differs(j, "result", got, want);
}

bool judge_opa(struct case_file *f, struct val c, struct judged *j)
{
	struct rego_options o = policy_options(case_flag(c, "x_v0"), case_flag(c, "strict_error"));
	bool refusal = case_str(c, "want_error_code").p || case_str(c, "want_error").p;
	CLEANUP(trial_end) struct trial t = { 0 };
	struct val input;

	if (!input_of(f, c, &input, j))
		return false;
	if (!trial_compile(&t, f, val_gets(c, "modules"), &o))
		return refusal ? judge_refusal(&t, c, true, j) : judge_error(j, &t.e);
	if (!trial_begin(&t, t.own, val_gets(c, "data"), input))
		return judge_fail(j, "out of memory");
	t.out = rego_eval_query(t.v, case_str(c, "query"), &t.result, &t.e);
	return refusal ? judge_refusal(&t, c, t.out == REGO_OUT_ERROR, j) : judge_result(f, &t, c, j);
}
