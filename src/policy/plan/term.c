/* Terms: names resolved, refs into the tree of rules, constants folded, and what has several solutions hoisted. */
#include "policy/plan/plan.h"

#include <string.h>

struct node *node_new(struct plan *p, enum node_kind kind, size_t n_items, struct loc at)
{
	struct node *n = heap_alloc(p->h, sizeof(*n));

	if (!n)
		return NULL;
	n->kind = kind;
	n->slot = NO_SLOT;
	n->at = at;
	n->n = n_items;
	n->item = n_items ? heap_array(p->h, n_items, sizeof(struct node *)) : NULL;
	return n_items && !n->item ? NULL : n;
}

struct node *node_const(struct plan *p, struct val v, struct loc at)
{
	struct node *n = val_defined(v) ? node_new(p, N_CONST, 0, at) : NULL;

	if (n)
		n->value = v;
	return n;
}

struct node *node_var(struct plan *p, uint32_t var, struct loc at)
{
	struct node *n = node_new(p, N_VAR, 0, at);

	if (n)
		n->slot = var;
	return n;
}

/* A composite of constants, whole. Members of an object that contradict each other are left for the evaluation to find. */
static bool folded(struct plan *p, const struct term *t, struct val *out)
{
	if (t->kind == TERM_TEMPLATE || !term_ground(t))
		return false;
	*out = term_value(p->h, t);
	return val_defined(*out);
}

static enum node_kind literal_kind(enum term_kind k)
{
	return k == TERM_ARRAY ? N_ARRAY : k == TERM_SET ? N_SET : k == TERM_OBJECT ? N_OBJECT : N_TEMPLATE;
}

static struct node *literal(struct plan *p, const struct term *t)
{
	enum node_kind kind = literal_kind(t->kind);
	struct val constant = VAL_UNDEF;
	struct node *n;

	if (folded(p, t, &constant))
		return node_const(p, constant, t->at);
	n = node_new(p, kind, t->n_items, t->at);
	for (size_t i = 0; n && i < t->n_items; i++) {
		n->item[i] = plan_operand(p, t->item[i]);
		if (!n->item[i])
			return NULL;
	}
	return n;
}

static struct node *comprehension(struct plan *p, const struct term *t)
{
	struct node *n = node_new(p, N_COMP, t->n_items, t->at);
	const struct withs *with = p->with;
	struct block *outer = p->block;
	struct scope s;

	if (!n)
		return NULL;
	n->comp = t->kind == TERM_ARRAY_COMP ? COMP_ARRAY : t->kind == TERM_SET_COMP ? COMP_SET : COMP_OBJECT;
	p->with = NULL;
	scope_push(p, &s, t->body);
	n->block = plan_body(p, t->body);
	p->block = n->block;
	for (size_t i = 0; n->block && i < t->n_items; i++)
		n->item[i] = plan_operand(p, t->item[i]);
	scope_pop(p);
	p->block = outer;
	p->with = with;
	return n->block && plan_ok(p) ? n : NULL;
}

void plan_note_dep(struct plan *p, const struct node *n)
{
	struct dep *d = p->rule ? heap_alloc(p->h, sizeof(*d)) : NULL;

	if (!d)
		return;
	d->node = n;
	d->next = p->rule->deps;
	p->rule->deps = d;
}

/* Walks constant steps down the tree as far as there are nodes without rules. */
static size_t descend(const struct rego_rule **doc, struct node *const *step, size_t n)
{
	size_t i = 0;

	while (i < n && step[i]->kind == N_CONST && (*doc)->kind == RULE_NONE) {
		const struct rego_rule *c = tree_child(*doc, step[i]->value);

		if (!c)
			break;
		*doc = c;
		i++;
	}
	return i;
}

static struct node *extend(struct plan *p, const struct node *base, struct node *const *step, size_t n, struct loc at)
{
	bool doc = base->kind == N_DOC;
	size_t own = doc || base->kind == N_REF ? base->n : 1;
	const struct rego_rule *d = base->doc;
	size_t skip = doc && !own ? descend(&d, step, n) : 0;
	struct node *r = node_new(p, doc ? N_DOC : N_REF, own + n - skip, at);

	if (!r)
		return NULL;
	r->doc = d;
	for (size_t i = 0; r->item && i < own; i++)
		r->item[i] = doc || base->kind == N_REF ? base->item[i] : (struct node *)base;
	if (r->item && n > skip)
		memcpy(r->item + own, step + skip, (n - skip) * sizeof(struct node *));
	return r;
}

struct node *plan_ref_extend(struct plan *p, struct node *base, struct term *const *step, size_t n, struct loc at)
{
	struct node **s = heap_array(p->h, n + 1, sizeof(struct node *));

	for (size_t i = 0; s && i < n; i++) {
		s[i] = plan_operand(p, step[i]);
		if (!s[i])
			return NULL;
	}
	return s && base ? extend(p, base, s, n, at) : NULL;
}

static struct node *ref(struct plan *p, const struct term *t)
{
	struct node *base = t->item[0]->kind == TERM_VAR ? scope_resolve(p, t->item[0]) : plan_operand(p, t->item[0]);
	struct node *n = base ? plan_ref_extend(p, base, t->item + 1, t->n_items - 1, t->at) : NULL;

	if (n && n->kind == N_DOC)
		plan_note_dep(p, n);
	return n;
}

static struct node *term(struct plan *p, const struct term *t)
{
	struct node *n;

	switch (t->kind) {
	case TERM_CONST:
		return node_const(p, t->value, t->at);
	case TERM_VAR:
		n = scope_resolve(p, t);
		if (n && n->kind == N_DOC)
			plan_note_dep(p, n);
		return n;
	case TERM_REF:
		return ref(p, t);
	case TERM_ARRAY:
	case TERM_SET:
	case TERM_OBJECT:
	case TERM_TEMPLATE:
		return literal(p, t);
	case TERM_ARRAY_COMP:
	case TERM_SET_COMP:
	case TERM_OBJECT_COMP:
		return comprehension(p, t);
	case TERM_CALL:
		return plan_call(p, t, NULL);
	}
	return NULL;
}

struct node *plan_term(struct plan *p, const struct term *t)
{
	struct node *n;

	if (!plan_ok(p) || !heap_steps(p->h, 1))
		return NULL;
	if (++p->depth > PLAN_DEPTH_MAX) {
		(void)plan_fail(p, REGO_LIMIT_NESTING, t->at, "expression nested too deeply");
		return NULL;
	}
	n = term(p, t);
	p->depth--;
	return plan_ok(p) ? n : NULL;
}

static bool has_free_var(const struct plan *p, const struct node *n)
{
	if (n->kind == N_VAR)
		return !p->var[n->slot].arg;
	if (n->kind == N_COMP)
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (has_free_var(p, n->item[i]))
			return true;
	return false;
}

struct node *plan_operand(struct plan *p, const struct term *t)
{
	struct node *n = plan_term(p, t);

	if (!n || !is_ref(n))
		return n;
	for (size_t i = n->kind == N_REF ? 1 : 0; i < n->n; i++)
		if (has_free_var(p, n->item[i]))
			return plan_hoist(p, n);
	return n;
}
