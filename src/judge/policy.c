#include "judge/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "judge/default_policy.h"
#include "policy/policy.h"
#include "policy/value/valtext.h"

#define RULE "data.policy.allow"

/* A release is decided between a guest's request and its reply: hostile policies get milliseconds, not seconds. */
static const struct rego_limits limits = { .steps = 500000, .memory = 16u << 20, .calls = 200, .string_max = 1u << 20,
	.output_max = 64u << 10 };

static void say(struct judged *v, enum eval_answer answer, const char *fmt, ...) PRINTF(3, 4);

/* Text that a policy or a claim chose goes into a trace that people read on terminals: printable ASCII, nothing else. */
static void say(struct judged *v, enum eval_answer answer, const char *fmt, ...)
{
	va_list ap;

	v->answer = answer;
	va_start(ap, fmt);
	(void)vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
	va_end(ap);
	for (char *c = v->reason; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
}

static bool is_limit(enum rego_code c)
{
	return c >= REGO_LIMIT_SOURCE && c <= REGO_SYSTEM;
}

static void say_error(struct judged *v, const struct rego_error *e)
{
	enum eval_answer a = is_limit(e->code) ? EVAL_BUDGET : EVAL_ERROR;

	if (e->line > 0)
		say(v, a, "%s: %s:%u:%u: %s", rego_code_name(e->code), e->file, e->line, e->col, e->text);
	else
		say(v, a, "%s: %s", rego_code_name(e->code), e->text);
}

/* The statement that failed, what it found and what it wanted. */
static void say_why(struct judged *v, const struct rego_eval *ev, enum eval_answer answer, const char *what)
{
	const struct rego_explain_line *l = rego_explain_len(ev) > 0 ? rego_explain_at(ev, 0) : NULL;

	if (!l)
		say(v, answer, RULE " is %s", what);
	else if (l->path.n > 0)
		say(v, answer, RULE " is %s: %s:%u: %.*s is %.*s, wanted %.*s", what, l->file, l->at.line, (int)l->path.n,
		    (const char *)l->path.p, (int)l->found.n, (const char *)l->found.p, (int)l->wanted.n, (const char *)l->wanted.p);
	else
		say(v, answer, RULE " is %s: %s:%u: %.*s", what, l->file, l->at.line, (int)l->statement.n, (const char *)l->statement.p);
}

static bool document(struct rego_eval *ev, const char *name, struct span text, struct val *out, struct judged *v)
{
	const struct json_limits lim = { EVAL_DOC_MAX, 64 };
	const char *why = "";
	size_t at = 0;

	*out = val_from_json(rego_eval_heap(ev), text, lim, &at, &why);
	if (val_defined(*out))
		return true;
	say(v, heap_ok(rego_eval_heap(ev)) ? EVAL_ERROR : EVAL_BUDGET, "%s: malformed at byte %zu: %s", name, at, why ? why : "too large");
	return false;
}

static void evaluate(struct rego_eval *ev, const struct eval_release_req *q, struct zones *zones, struct judged *out)
{
	struct rego_error e = { 0 };
	struct val data, input, got = VAL_UNDEF;

	rego_eval_begin(ev);
	if (!document(ev, "data", q->data, &data, out) || !document(ev, "input", q->input, &input, out))
		return;
	rego_eval_data(ev, data);
	rego_eval_input(ev, input);
	rego_eval_time(ev, q->now * 1000000000);
	rego_eval_zones(ev, zones_find, zones);
	rego_eval_explain(ev, NULL, 0);
	switch (rego_eval_rule(ev, RULE, &got, &e)) {
	case REGO_OUT_VALUE:
		if (val_true(got))
			say(out, EVAL_ALLOWS, RULE " is true");
		else
			say_why(out, ev, EVAL_DENIES, val_type(got) == VT_BOOL ? "false" : "no boolean");
		return;
	case REGO_OUT_UNDEFINED:
		say_why(out, ev, EVAL_UNDEFINED, "undefined");
		return;
	case REGO_OUT_NO_SUCH_RULE:
		say(out, EVAL_UNDEFINED, "the policy has no rule " RULE);
		return;
	case REGO_OUT_ERROR:
		say_error(out, &e);
		return;
	}
}

static struct rego_policy *strict; /* NOLINT: the policy that ships, compiled once by judge_warm */

void judge_warm(void)
{
	const struct source src = { "default.rego", { default_policy, default_policy_n } };
	struct rego_options o = rego_options_default();
	struct rego_error ignore = { 0 };

	o.memory_max = EVAL_POLICY_MEMORY;
	if (!strict)
		(void)!rego_compile(&src, 1, (struct span){ 0 }, &o, &strict, &ignore);
}

void judge_release(const struct eval_release_req *q, struct zones *zones, struct judged *out)
{
	struct source src = { q->policy.n > 0 ? "policy.rego" : "default.rego",
		q->policy.n > 0 ? q->policy : (struct span){ default_policy, default_policy_n } };
	struct rego_options o = rego_options_default();
	CLEANUP(rego_policy_freep) struct rego_policy *p = NULL;
	CLEANUP(rego_eval_freep) struct rego_eval *ev = NULL;
	struct rego_error e = { 0 };

	*out = (struct judged){ .answer = EVAL_ERROR };
	o.memory_max = EVAL_POLICY_MEMORY;
	if ((q->policy.n > 0 || !strict) && !rego_compile(&src, 1, (struct span){ 0 }, &o, &p, &e)) {
		say_error(out, &e);
		return;
	}
	ev = rego_eval_new(p ? p : strict, limits);
	if (!ev)
		say(out, EVAL_BUDGET, "system: out of memory");
	else
		evaluate(ev, q, zones, out);
}
