/* `with`: what is replaced by what. Values are worked out before the replacement, outside of it. */
#include "policy/plan/plan.h"

static bool fail_target(struct plan *p, struct loc at)
{
	return plan_fail(p, REGO_TYPE, at, "with keyword target must reference existing input, data, or a function");
}

static bool const_path(struct plan *p, struct node *const *step, size_t n, struct with_mod *m, struct loc at)
{
	m->path = heap_array(p->h, n + 1, sizeof(*m->path));
	m->n_path = n;
	for (size_t i = 0; m->path && i < n; i++) {
		if (step[i]->kind != N_CONST)
			return fail_target(p, at);
		m->path[i] = step[i]->value;
	}
	return m->path != NULL;
}

/* The path of a document: that of the node it starts at, then the remaining steps. */
static bool data_path(struct plan *p, const struct node *n, struct with_mod *m, struct loc at)
{
	const struct rego_rule *t = n->doc;
	size_t depth = t->depth;

	m->path = heap_array(p->h, depth + n->n + 1, sizeof(*m->path));
	if (!m->path)
		return false;
	m->n_path = depth + n->n;
	for (; t->parent; t = t->parent)
		m->path[--depth] = t->name;
	for (size_t i = 0; i < n->n; i++) {
		if (n->item[i]->kind != N_CONST)
			return fail_target(p, at);
		m->path[n->doc->depth + i] = n->item[i]->value;
	}
	m->mask = n->doc;
	m->n_rest = n->n;
	while (m->n_rest) {
		const struct rego_rule *c = tree_child(m->mask, n->item[n->n - m->n_rest]->value);

		if (!c)
			break;
		m->mask = c;
		m->n_rest--;
	}
	if (m->n_rest && m->mask->kind == RULE_NONE)
		m->mask = NULL;
	return true;
}

static bool document_target(struct plan *p, const struct term *t, struct with_mod *m)
{
	const struct term *head = t->kind == TERM_REF ? t->item[0] : t;
	struct node *n = head->kind == TERM_VAR ? scope_resolve(p, head) : NULL;

	if (n && t->kind == TERM_REF)
		n = plan_ref_extend(p, n, t->item + 1, t->n_items - 1, t->at);
	if (!n)
		return fail_target(p, t->at);
	m->kind = n->kind == N_DOC ? WITH_DATA : WITH_INPUT;
	if (n->kind == N_DOC)
		return data_path(p, n, m, t->at);
	if (n->kind == N_INPUT)
		return true;
	if (n->kind == N_REF && n->item[0]->kind == N_INPUT)
		return const_path(p, n->item + 1, n->n - 1, m, t->at);
	return fail_target(p, t->at);
}

static bool replacement(struct plan *p, const struct with *w, struct with_mod *m)
{
	struct with_mod f;
	bool local = w->value->kind == TERM_VAR;

	if (m->kind == WITH_FUNC && (local || w->value->kind == TERM_REF) && plan_function(p, w->value, &f)) {
		if (function_arity(&f) != function_arity(m))
			return plan_fail(p, REGO_TYPE, w->at, "with: the functions have different numbers of arguments");
		m->to_fn = f.fn;
		m->to_bi = f.bi;
		if (f.fn) {
			struct node *n = node_new(p, N_FUNC, 0, w->at);

			if (n) {
				n->doc = f.fn;
				plan_note_dep(p, n);
			}
		}
		return f.fn || f.bi || plan_fail(p, REGO_COMPILE, w->at, "with: a host function cannot stand in for another");
	}
	m->value = plan_operand(p, w->value);
	return m->value != NULL;
}

static bool modifier(struct plan *p, const struct with *w, struct with_mod *m)
{
	struct with_mod f;

	*m = (struct with_mod){ .kind = WITH_DATA };
	if (plan_function(p, w->target, &f))
		*m = f;
	else if (!document_target(p, w->target, m))
		return false;
	return replacement(p, w, m);
}

const struct withs *plan_withs(struct plan *p, const struct expr *e)
{
	struct withs *w = heap_alloc(p->h, sizeof(*w));

	if (!w)
		return NULL;
	w->mod = heap_array(p->h, e->n_with, sizeof(*w->mod));
	p->with = NULL;
	for (size_t i = 0; w->mod && i < e->n_with; i++) {
		if (!modifier(p, &e->with[i], &w->mod[i]))
			return NULL;
		w->n++;
	}
	return w->mod ? w : NULL;
}
