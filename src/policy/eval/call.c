/* Calls of builtins, functions of the policy and of the host, and of what stands in for them under `with`. */
#include "policy/eval/eval.h"

static struct val call_builtin(struct rego_eval *v, const struct builtin *b, const struct val *arg, size_t n)
{
	struct call c = { .h = &v->h, .host = &v->host, .arg = arg, .n = n, .self = b };
	struct val r = builtin_call(b, &c);

	if (c.code == REGO_OK || !heap_ok(&v->h))
		return r;
	return v->policy->opt.strict ? eval_fail(v, c.code, "%s", c.text) : VAL_UNDEF;
}

static struct val call_host(struct rego_eval *v, const struct rego_host_fn *fn, const struct val *arg, size_t n)
{
	enum rego_code code = REGO_OK;
	const char *why = NULL;
	struct val r = fn->fn(v->host_state, &v->h, arg, n, &code, &why);

	if (code == REGO_OK)
		return r;
	return eval_fail(v, code, "%s: %s", fn->name, why ? why : "failed");
}

static const struct mock *find_mock(const struct ctx *c, const struct node *n)
{
	for (const struct mock *m = c->mocks; m; m = m->next)
		if ((n->kind == N_FUNC && m->mod->fn == n->doc) || (n->kind == N_CALL && m->mod->bi == n->bi) ||
		    (n->kind == N_HOST && m->mod->host == n->host))
			return m;
	return NULL;
}

/* Inside of a function that stands in for another, the originals are called. */
static struct val call_mock(struct rego_eval *v, const struct mock *m, const struct val *arg, size_t n)
{
	struct ctx *outer = v->ctx;
	struct val r;

	if (!m->mod->to_fn && !m->mod->to_bi)
		return m->value;
	if ((m->mod->to_fn ? m->mod->to_fn->n_args : m->mod->to_bi->args) != n)
		return VAL_UNDEF;
	v->ctx = ctx_unmocked(v, outer);
	r = VAL_UNDEF;
	if (v->ctx)
		r = m->mod->to_fn ? function_value(v, m->mod->to_fn, arg) : call_builtin(v, m->mod->to_bi, arg, n);
	v->ctx = outer;
	return r;
}

static struct val apply(struct rego_eval *v, const struct node *n, const struct val *arg)
{
	const struct mock *m = v->ctx->mocks ? find_mock(v->ctx, n) : NULL;

	if (m)
		return call_mock(v, m, arg, n->n);
	if (n->kind == N_FUNC)
		return function_value(v, n->doc, arg);
	if (n->kind == N_HOST)
		return call_host(v, n->host, arg, n->n);
	return call_builtin(v, n->bi, arg, n->n);
}

struct val call(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct val *arg = heap_steps(&v->h, 1) ? frame_push(v, n->n) : NULL, r = VAL_UNDEF;
	size_t i = 0;

	if (!arg)
		return VAL_UNDEF;
	for (; i < n->n; i++) {
		arg[i] = value_of(v, n->item[i], f);
		if (!val_defined(arg[i]))
			break;
	}
	if (i == n->n && heap_ok(&v->h))
		r = apply(v, n, arg);
	frame_pop(v, arg);
	return r;
}
