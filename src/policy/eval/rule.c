/* The value of a rule: once per context. */
#include "policy/eval/eval.h"

/* Rules and functions nest in C: both count against the limit of calls. */
static bool enter(struct rego_eval *v)
{
	v->calls++;
	if (v->calls > v->lim.calls)
		heap_over(&v->h, REGO_LIMIT_CALLS);
	return eval_enter(v, 3);
}

static void leave(struct rego_eval *v)
{
	v->calls--;
	v->depth -= 3;
}

static bool bind_args(struct rego_eval *v, const struct def *d, struct val *f)
{
	for (size_t i = 0; i < d->n_args; i++)
		if (!match(v, d->arg[i], f[i], f))
			return false;
	return true;
}

bool run_def(struct rego_eval *v, const struct def *d, const struct val *arg, struct sink *out)
{
	struct val *f = frame_push(v, d->slots);
	bool found = false;

	if (!f)
		return false;
	if (v->explain)
		explain_begin(v, d);
	for (size_t i = 0; arg && i < d->n_args; i++)
		f[i] = arg[i];
	if (bind_args(v, d, f))
		found = run(v, d->code, f, out);
	if (v->explain)
		explain_end(v, d, val_defined(out->value));
	frame_pop(v, f);
	return found;
}

/* A definition and its else branches: the first branch with a value gives it. */
static void run_chain(struct rego_eval *v, const struct def *d, const struct val *arg, struct sink *out)
{
	for (; d && heap_ok(&v->h); d = d->els) {
		struct sink mine = { .rule = out->rule };

		(void)run_def(v, d, arg, &mine);
		if (!val_defined(mine.value))
			continue;
		if (val_defined(out->value) && !equal(v, out->value, mine.value))
			(void)eval_fail(v, REGO_CONFLICT, out->rule->kind == RULE_FUNCTION ?
			    "functions must not produce multiple outputs for same inputs" : "complete rules must not produce multiple outputs");
		out->value = mine.value;
		return;
	}
}

static struct val single_value(struct rego_eval *v, const struct rego_rule *t, const struct val *arg)
{
	struct sink s = { .rule = t };

	for (size_t i = 0; i < t->n_def && heap_ok(&v->h); i++) {
		run_chain(v, t->def[i], arg, &s);
		if (t->one_value && val_defined(s.value))
			break;
	}
	if (!val_defined(s.value) && t->deflt && heap_ok(&v->h))
		run_chain(v, t->deflt, arg, &s);
	return heap_ok(&v->h) ? s.value : VAL_UNDEF;
}

static struct val set_value(struct rego_eval *v, const struct rego_rule *t)
{
	struct sink s = { .list = { .h = &v->h }, .rule = t };

	for (size_t i = 0; i < t->n_def && heap_ok(&v->h); i++)
		(void)run_def(v, t->def[i], NULL, &s);
	return heap_steps(&v->h, s.list.n) ? val_set(&v->h, s.list.p, s.list.n) : VAL_UNDEF;
}

struct val function_value(struct rego_eval *v, const struct rego_rule *t, const struct val *arg)
{
	struct val r = VAL_UNDEF;

	if (enter(v))
		r = single_value(v, t, arg);
	leave(v);
	return r;
}

struct val rule_value(struct rego_eval *v, const struct rego_rule *t)
{
	struct ctx *c = v->ctx;
	struct val r = VAL_UNDEF;

	if (val_defined(t->constant))
		return t->constant;
	if (cache_get(v, c, t->id, &r))
		return r;
	if (enter(v)) {
		const struct op *op = v->op;

		if (t->kind == RULE_COMPLETE)
			r = single_value(v, t, NULL);
		else if (t->kind == RULE_SET)
			r = set_value(v, t);
		else if (t->kind == RULE_OBJECT)
			r = object_value(v, t);
		if (heap_ok(&v->h)) {
			cache_put(v, c, t->id, r);
			v->op = op;
		}
	}
	leave(v);
	return r;
}
