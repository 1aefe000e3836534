/* Calls: which function a name means, and whether it is called with as many arguments as it has. */
#include "policy/plan/plan.h"

#include <string.h>

static const struct { const char *name; enum compare cmp; } comparisons[] = {
	{ "equal", CMP_EQ }, { "eq", CMP_EQ }, { "neq", CMP_NE }, { "lt", CMP_LT }, { "lte", CMP_LE }, { "gt", CMP_GT },
	{ "gte", CMP_GE },
};

static const struct rego_host_fn *find_host(const struct plan *p, struct span name)
{
	const struct rego_options *o = &p->policy->opt;

	for (size_t i = 0; i < o->n_host_fns; i++)
		if (span_eq_str(name, o->host_fn[i].name))
			return &o->host_fn[i];
	return NULL;
}

/* The node of the tree that a callee's path names; *known: its head is a rule, an import or data, so it can be nothing else. */
static const struct rego_rule *find_rule(struct plan *p, const struct term *callee, bool *known)
{
	const struct term *head = callee->kind == TERM_REF ? callee->item[0] : callee;
	size_t n = callee->kind == TERM_REF ? callee->n_items : 1;
	const struct rego_rule *r;
	struct node *base;

	*known = false;
	if (head->kind != TERM_VAR)
		return NULL;
	base = span_eq_str(head->name, "data") ? scope_resolve(p, head) : scope_global(p, head->name);
	if (!base || base->kind != N_DOC)
		return NULL;
	*known = true;
	r = base->n ? NULL : base->doc;
	for (size_t i = 1; r && i < n; i++)
		r = callee->item[i]->kind == TERM_CONST ? tree_child(r, callee->item[i]->value) : NULL;
	return r;
}

/* "time.now_ns" of a var or a ref of constant strings; empty otherwise. */
static struct span callee_name(struct plan *p, const struct term *callee)
{
	size_t len = 0, n = callee->kind == TERM_REF ? callee->n_items : 0;
	uint8_t *text;

	if (callee->kind == TERM_VAR)
		return callee->name;
	for (size_t i = 0; i < n; i++)
		len += 1 + (i ? val_span(callee->item[i]->value).n : callee->item[0]->name.n);
	text = len ? heap_alloc(p->h, len) : NULL;
	if (!text)
		return (struct span){ NULL, 0 };
	len = 0;
	for (size_t i = 0; i < n; i++) {
		struct span s = i ? val_span(callee->item[i]->value) : callee->item[0]->name;

		if (i)
			text[len++] = '.';
		if (s.n)
			memcpy(text + len, s.p, s.n);
		len += s.n;
	}
	return (struct span){ text, len };
}

bool plan_function(struct plan *p, const struct term *callee, struct with_mod *as)
{
	struct span name = callee_name(p, callee);
	bool known;

	*as = (struct with_mod){ .kind = WITH_FUNC };
	as->fn = find_rule(p, callee, &known);
	if (as->fn)
		return as->fn->kind == RULE_FUNCTION;
	if (known || !name.n)
		return false;
	as->host = find_host(p, name);
	as->bi = as->host ? NULL : builtin_find(name);
	return as->host || as->bi;
}

size_t function_arity(const struct with_mod *f)
{
	return f->fn ? f->fn->n_args : f->host ? f->host->args : f->bi->args;
}

static struct node *call_node(struct plan *p, const struct term *t, const struct with_mod *f, size_t n_args)
{
	struct node *n = node_new(p, f->fn ? N_FUNC : f->host ? N_HOST : N_CALL, n_args, t->at);

	for (size_t i = 0; n && i < n_args; i++) {
		n->item[i] = plan_operand(p, t->item[i + 1]);
		if (!n->item[i])
			return NULL;
	}
	if (!n)
		return NULL;
	n->doc = f->fn;
	n->host = f->host;
	n->bi = f->bi;
	if (n->kind == N_FUNC)
		plan_note_dep(p, n);
	return n;
}

/* A relation answers all its solutions at once: a statement goes through them. */
static struct node *each(struct plan *p, struct node *call)
{
	struct node *var = node_var(p, plan_var(p, (struct span){ NULL, 0 }), call->at);

	if (var)
		stmt_add(p, (struct stmt){ .kind = ST_EACH, .a = call, .b = var, .at = call->at });
	return var;
}

static struct node *operator_call(struct plan *p, const struct term *t, bool *is)
{
	struct with_mod none = { .kind = WITH_FUNC };
	bool member = span_eq_str(t->name, "internal.member_2") || span_eq_str(t->name, "internal.member_3");
	struct node *n;

	*is = member;
	if (member) {
		n = call_node(p, t, &none, t->n_items - 1);
		if (n)
			n->kind = N_MEMBER;
		return n;
	}
	for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
		if (t->n_items == 3 && span_eq_str(t->name, comparisons[i].name)) {
			*is = true;
			n = call_node(p, t, &none, 2);
			if (n) {
				n->kind = N_COMPARE;
				n->cmp = comparisons[i].cmp;
			}
			return n;
		}
	return NULL;
}

static void undefined_function(struct plan *p, const struct term *t)
{
	(void)plan_fail(p, REGO_TYPE, t->at, "undefined function %.*s", (int)t->name.n, (const char *)t->name.p);
}

struct node *plan_call(struct plan *p, const struct term *t, const struct term **out)
{
	size_t n_args = t->n_items - 1;
	struct with_mod f = { .kind = WITH_FUNC };
	struct node *n;
	bool operator = false;

	if (t->infix || !plan_function(p, t->item[0], &f) || f.bi) { /* a rule may have the name of an operator */
		n = operator_call(p, t, &operator);
		if (operator)
			return n;
	}
	if (t->infix)
		f = (struct with_mod){ .kind = WITH_FUNC, .bi = builtin_find(t->name) };
	if (!f.fn && !f.bi && !f.host) {
		undefined_function(p, t);
		return NULL;
	}
	if (f.fn && f.fn->kind == RULE_COMPLETE && !n_args)
		return plan_term(p, t->item[0]); /* f(): a rule */
	if (f.fn && f.fn->kind != RULE_FUNCTION) {
		undefined_function(p, t);
		return NULL;
	}
	if (out && n_args == function_arity(&f) + 1)
		*out = t->item[n_args--];
	if (n_args != function_arity(&f)) {
		(void)plan_fail(p, REGO_TYPE, t->at, "function %.*s has arity %zu, got %zu argument%s", (int)t->name.n, (const char *)t->name.p,
		    function_arity(&f), n_args, n_args == 1 ? "" : "s");
		return NULL;
	}
	n = call_node(p, t, &f, n_args);
	return n && n->bi && n->bi->relation ? each(p, n) : n;
}
