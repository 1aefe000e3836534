/* A query: a body whose solutions are rows of bindings and of the values of its expressions. */
#include "policy/plan/compile.h"

static bool captures(const struct expr *e)
{
	const struct term *t = e->term;

	if (e->kind != EXPR_TERM || e->negated)
		return false;
	if (t->kind != TERM_CALL)
		return true;
	return !span_eq_str(t->name, "eq") && !span_eq_str(t->name, "assign") && !span_eq_str(t->name, "print");
}

/* The value of an expression is kept; it must be true only when there are others to choose among (as OPA's API has it). */
static struct node *capture(struct plan *p, const struct expr *e, bool test)
{
	const struct term *t = e->term, *out = NULL;
	struct node *n, *var;

	p->expr = e;
	p->with = e->n_with ? plan_withs(p, e) : NULL;
	n = t->kind == TERM_CALL ? plan_call(p, t, &out) : plan_term(p, t);
	if (!n)
		return NULL;
	if (out) {
		var = plan_term(p, out);
		if (var)
			stmt_add(p, (struct stmt){ .kind = ST_EQ, .a = var, .b = n, .at = e->at });
		p->with = NULL;
		return node_const(p, val_bool(true), e->at);
	}
	var = plan_hoist(p, n);
	p->with = NULL;
	if (test && var)
		stmt_add(p, (struct stmt){ .kind = ST_TEST, .a = var, .at = e->at });
	return var;
}

static struct node *expressions(struct plan *p, const struct body *q)
{
	struct node *row = node_new(p, N_ARRAY, q->n, (struct loc){ 0 });

	for (size_t i = 0; row && i < q->n; i++) {
		if (captures(&q->expr[i])) {
			row->item[i] = capture(p, &q->expr[i], q->n > 1);
		} else {
			plan_expr(p, &q->expr[i]);
			row->item[i] = node_const(p, val_bool(true), q->expr[i].at);
		}
		if (!row->item[i] || !plan_ok(p))
			return NULL;
	}
	return row;
}

static bool is_binding(const struct plan *p, size_t var)
{
	return p->var[var].name.n && !p->var[var].wildcard && p->var[var].bound;
}

static struct node *bindings(struct plan *p)
{
	struct node *n;
	size_t count = 0;

	for (size_t i = 0; i < p->n_vars; i++)
		count += is_binding(p, i);
	n = node_new(p, N_OBJECT, 2 * count, (struct loc){ 0 });
	count = 0;
	for (size_t i = 0; n && i < p->n_vars; i++) {
		if (!is_binding(p, i))
			continue;
		n->item[count++] = node_const(p, val_str(p->h, p->var[i].name), n->at);
		n->item[count++] = node_var(p, (uint32_t)i, n->at);
		if (!n->item[count - 1] || !n->item[count - 2])
			return NULL;
	}
	return n;
}

static struct node *row(struct plan *p, struct node *exprs)
{
	struct node *n = node_new(p, N_OBJECT, 4, (struct loc){ 0 });

	if (!n)
		return NULL;
	n->item[0] = node_const(p, val_text(p->h, "expressions"), n->at);
	n->item[1] = exprs;
	n->item[2] = node_const(p, val_text(p->h, "bindings"), n->at);
	n->item[3] = bindings(p);
	return n->item[0] && n->item[2] && n->item[3] ? n : NULL;
}

static bool plan_query(struct plan *p, const struct body *q, struct code **out)
{
	struct block *b = heap_alloc(p->h, sizeof(*b));
	struct node *exprs;
	struct scope s;
	struct op end;
	struct ops o;

	if (!b)
		return false;
	scope_push(p, &s, q);
	p->block = b;
	exprs = expressions(p, q);
	if (!exprs || !plan_block(p, b, &o))
		return false;
	p->ops = &o;
	end = (struct op){ .kind = OP_ADD, .a = row(p, exprs) };
	if (!end.a)
		return false;
	op_add(p, end);
	*out = ops_code(p, &o);
	return plan_ok(p);
}

bool rego_plan_query(struct heap *h, const struct rego_policy *pol, struct span text, struct code **out, uint32_t *slots,
    struct rego_error *e)
{
	struct source src = { "query", text };
	struct plan p = { .h = h, .policy = (struct rego_policy *)pol, .src = &src, .n_src = 1, .e = e,
		.first_src = (uint32_t)pol->n_src };
	struct body *q = NULL;

	*e = (struct rego_error){ .code = REGO_OK };
	if (!rego_parse_query(h, &src, p.first_src, pol->opt.v0, pol->opt.source, &q, e))
		return false;
	if (plan_query(&p, q, out)) {
		*slots = (uint32_t)p.n_vars;
		return true;
	}
	if (!p.failed)
		(void)rego_fail(e, h, h->over, NULL, (struct loc){ 0 }, "query");
	return false;
}
