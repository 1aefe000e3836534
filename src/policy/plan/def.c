/* One definition: parameters, body, head, as ops. */
#include "policy/plan/plan.h"

static void declare_arg(struct plan *p, const struct term *t)
{
	if (t->kind == TERM_VAR && !t->wildcard) {
		for (size_t i = 0; i < p->scope->names.n; i++)
			if (span_eq(p->scope->names.p[i].text, t->name))
				return;
		(void)scope_declare(p, t->name, SEEN_ARG, t->at);
	}
	if (t->kind == TERM_ARRAY || t->kind == TERM_OBJECT)
		for (size_t i = t->kind == TERM_OBJECT; i < t->n_items; i += t->kind == TERM_OBJECT ? 2 : 1)
			declare_arg(p, t->item[i]);
}

/* One argument: a pattern, or, where it is any other term, a statement of the body. */
static struct pat *plan_arg(struct plan *p, const struct term *t, size_t i)
{
	size_t before = p->block->n;
	struct node *n = plan_operand(p, t), *var;

	if (!n || (p->block->n == before && patternable(p, n)))
		return n ? plan_pattern(p, n) : NULL;
	var = node_var(p, (uint32_t)i, t->at);
	if (!var)
		return NULL;
	stmt_add(p, (struct stmt){ .kind = ST_EQ, .a = var, .b = n, .at = t->at });
	return plan_pattern(p, var);
}

/* Arguments are in the first slots of the frame. */
static bool plan_args(struct plan *p, struct def *d, const struct rule *r)
{
	for (size_t i = 0; i < r->n_args; i++)
		(void)plan_var(p, (struct span){ NULL, 0 });
	for (size_t i = 0; i < r->n_args; i++)
		declare_arg(p, r->arg[i]);
	d->n_args = r->n_args;
	d->arg = heap_array(p->h, r->n_args + 1, sizeof(struct pat *));
	p->block = heap_alloc(p->h, sizeof(struct block));
	for (size_t i = 0; d->arg && p->block && i < r->n_args; i++) {
		d->arg[i] = plan_arg(p, r->arg[i], i);
		if (!d->arg[i])
			return false;
	}
	for (size_t i = 0; i < p->n_trail; i++)
		p->var[p->trail[i]].arg = true;
	return d->arg && plan_ok(p);
}

static struct node *result(struct plan *p, const struct rule *r)
{
	const struct term *t = r->contains ? r->contains : r->value;

	return t ? plan_operand(p, t) : node_const(p, val_bool(true), r->at);
}

static struct node *key_path(struct plan *p, const struct rule *r)
{
	size_t fixed = rule_ground_prefix(r);
	struct node *keys = node_new(p, N_ARRAY, r->n_ref - fixed, r->at);

	for (size_t i = 0; keys && i < keys->n; i++) {
		keys->item[i] = plan_operand(p, r->ref[fixed + i]);
		if (!keys->item[i])
			return NULL;
	}
	return keys;
}

static bool head(struct plan *p, struct def *d, const struct rego_rule *t, const struct rule *r, struct op *end)
{
	*end = (struct op){ .kind = t->kind == RULE_SET ? OP_ADD : t->kind == RULE_OBJECT ? OP_PATH : OP_RETURN };
	if (t->kind == RULE_OBJECT) {
		end->a = key_path(p, r);
		end->member = r->contains != NULL;
		end->b = result(p, r);
		return end->a && end->b;
	}
	end->a = result(p, r);
	if (!end->a)
		return false;
	if (end->kind == OP_RETURN && end->a->kind == N_CONST) {
		d->value = end->a->value;
		end->last = true;
	}
	return true;
}

static bool write_head(struct plan *p, struct def *d, const struct op *end, struct ops *o, struct loc at)
{
	p->ops = o;
	p->expr = NULL;
	p->at = at;
	if (!need_ground(p, end->a, at) || !need_ground(p, end->b, at))
		return false;
	if (!plan_closures(p, end->a) || (end->b && !plan_closures(p, end->b)))
		return false;
	op_add(p, *end);
	p->ops = NULL;
	d->code = ops_code(p, o);
	d->slots = (uint32_t)p->n_vars;
	return plan_ok(p);
}

static bool plan_branch(struct plan *p, struct def *d, const struct rego_rule *t, const struct rule *head_of,
    const struct rule *r)
{
	struct block *b, *args;
	struct scope s;
	struct op end;
	struct ops o;

	plan_reset(p);
	scope_push(p, &s, r->body);
	if (!plan_args(p, d, head_of))
		return false;
	args = p->block;
	b = plan_body(p, r->body);
	p->block = b;
	p->expr = NULL;
	for (size_t i = 0; b && i < args->n; i++)
		stmt_add(p, args->p[i]);
	if (!b || !head(p, d, t, r, &end) || !plan_block(p, b, &o))
		return false;
	return write_head(p, d, &end, &o, r->at);
}

/* A definition and its else branches, each with a frame of its own. */
static bool plan_chain(struct plan *p, const struct rego_rule *t, struct def *d)
{
	const struct rule *head_of = d->src;

	for (const struct rule *r = head_of; r; r = r->els) {
		if (!plan_branch(p, d, t, head_of, r))
			return false;
		if (!r->els)
			break;
		struct def *els = heap_alloc(p->h, sizeof(*els));

		if (!els)
			return false;
		*els = (struct def){ .src = r->els, .head = head_of, .module = d->module };
		d->els = els;
		d = els;
	}
	return true;
}

/* What needs no evaluation: one unconditional definition with a constant value. */
static void note_constants(struct rego_rule *t)
{
	const struct def *first = t->n_def ? t->def[0] : NULL;

	t->one_value = first && (t->kind == RULE_COMPLETE || t->kind == RULE_FUNCTION);
	for (size_t i = 0; i < t->n_def; i++)
		for (const struct def *d = t->def[i]; d && first; d = d->els)
			t->one_value &= val_defined(d->value) && val_eq(d->value, first->value);
	if (t->kind == RULE_COMPLETE && t->n_def == 1 && t->one_value && first && first->code->n == 1)
		t->constant = first->value;
}

static const struct unit *unit_of(const struct plan *p, const struct def *d)
{
	for (size_t i = 0; i < p->policy->n_src; i++)
		if (p->policy->unit[i].module == d->module)
			return &p->policy->unit[i];
	return NULL;
}

static bool plan_rule(struct plan *p, struct rego_rule *t)
{
	p->rule = t;
	for (size_t i = 0; i < t->n_def; i++) {
		p->unit = unit_of(p, t->def[i]);
		if (!heap_steps(p->h, p->policy->n_src / 8) || !plan_chain(p, t, t->def[i]))
			return false;
	}
	if (t->deflt) {
		p->unit = unit_of(p, t->deflt);
		if (!plan_branch(p, t->deflt, t, t->deflt->src, t->deflt->src))
			return false;
	}
	note_constants(t);
	return true;
}

static bool plan_tree(struct plan *p, struct rego_rule *t)
{
	if (t->kind != RULE_NONE && !plan_rule(p, t))
		return false;
	for (size_t i = 0; i < t->n_child; i++)
		if (!plan_tree(p, t->child[i]))
			return false;
	return true;
}

bool plan_defs(struct plan *p)
{
	bool ok = plan_tree(p, p->policy->root);

	p->rule = NULL;
	return ok && plan_ok(p);
}
