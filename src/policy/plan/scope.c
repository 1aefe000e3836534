#include "policy/plan/plan.h"

uint32_t plan_var(struct plan *p, struct span name)
{
	if (!plan_grow(p, &p->var, p->n_vars, &p->cap_vars, sizeof(*p->var)))
		return 0;
	p->var[p->n_vars] = (struct var){ .name = name };
	return (uint32_t)p->n_vars++;
}

static struct name *names_find(struct plan *p, const struct names *n, struct span text)
{
	(void)heap_steps(p->h, 1 + n->n / 8);
	for (size_t i = 0; i < n->n; i++)
		if (span_eq(n->p[i].text, text))
			return &n->p[i];
	return NULL;
}

static void names_add(struct plan *p, struct names *n, struct name name)
{
	if (plan_grow(p, &n->p, n->n, &n->cap, sizeof(*n->p)))
		n->p[n->n++] = name;
}

static void pending_vars(struct plan *p, struct scope *s, const struct term *t)
{
	if (t->kind == TERM_VAR && !t->wildcard)
		names_add(p, &s->pending, (struct name){ t->name, 0, SEEN_DECLARED });
	if (t->kind == TERM_ARRAY)
		for (size_t i = 0; i < t->n_items; i++)
			pending_vars(p, s, t->item[i]);
	if (t->kind == TERM_OBJECT)
		for (size_t i = 1; i < t->n_items; i += 2)
			pending_vars(p, s, t->item[i]);
}

static void pending_expr(struct plan *p, struct scope *s, const struct expr *e)
{
	size_t n = e->kind == EXPR_SOME_IN ? e->n_items - 1 : e->n_items;

	if (e->kind == EXPR_SOME || e->kind == EXPR_SOME_IN)
		for (size_t i = 0; i < n; i++)
			pending_vars(p, s, e->item[i]);
	if (e->kind == EXPR_TERM && !e->negated && e->term->kind == TERM_CALL && e->term->n_items == 3 &&
	    span_eq_str(e->term->name, "assign"))
		pending_vars(p, s, e->term->item[1]);
}

void scope_push(struct plan *p, struct scope *s, const struct body *body)
{
	*s = (struct scope){ .up = p->scope };
	p->scope = s;
	for (size_t i = 0; body && i < body->n; i++)
		pending_expr(p, s, &body->expr[i]);
}

void scope_pop(struct plan *p)
{
	p->scope = p->scope->up;
}

static const char *how_text(enum seen how)
{
	switch (how) {
	case SEEN_USED:
		return "referenced above";
	case SEEN_ASSIGNED:
		return "assigned above";
	case SEEN_ARG:
	case SEEN_DECLARED:
		break;
	}
	return "declared above";
}

uint32_t scope_declare(struct plan *p, struct span name, enum seen how, struct loc at)
{
	const struct name *n = names_find(p, &p->scope->names, name);
	uint32_t var;

	if (n && n->how == SEEN_ARG) {
		(void)plan_fail(p, REGO_COMPILE, at, "arg %.*s redeclared", (int)name.n, (const char *)name.p);
		return 0;
	}
	if (n) {
		(void)plan_fail(p, REGO_COMPILE, at, "var %.*s %s", (int)name.n, (const char *)name.p, how_text(n->how));
		return 0;
	}
	var = plan_var(p, name);
	names_add(p, &p->scope->names, (struct name){ name, var, how });
	return var;
}

/* A local by declaration; *hidden: not declared yet, but somewhere in an enclosing body, so it is no global. */
static const struct name *find_declared(struct plan *p, struct span name, bool *hidden)
{
	*hidden = false;
	for (const struct scope *s = p->scope; s; s = s->up) {
		const struct name *n = names_find(p, &s->names, name);

		if (n && n->how != SEEN_USED)
			return n;
		*hidden |= names_find(p, &s->pending, name) != NULL;
	}
	return NULL;
}

struct node *scope_global(struct plan *p, struct span name)
{
	const struct unit *u = p->unit;
	struct rego_rule *r;
	struct node *n;

	if (u && !heap_steps(p->h, u->n_imports / 8))
		return NULL;
	for (size_t i = 0; u && i < u->n_imports; i++)
		if (span_eq(u->import[i].alias, name))
			return u->import[i].node;
	if (u) {
		struct val key = val_str_borrow(p->h, name);

		r = val_defined(key) ? tree_child(u->pkg, key) : NULL;
		if (r && r->rule_name) {
			n = node_new(p, N_DOC, 0, (struct loc){ 0 });
			if (n)
				n->doc = r;
			return n;
		}
	}
	return NULL;
}

static struct node *root(struct plan *p, const struct term *t)
{
	struct node *n = NULL;

	if (span_eq_str(t->name, "input"))
		return node_new(p, N_INPUT, 0, t->at);
	if (span_eq_str(t->name, "data")) {
		n = node_new(p, N_DOC, 0, t->at);
		if (n)
			n->doc = p->policy->root;
	}
	return n;
}

static struct node *implicit(struct plan *p, const struct term *t)
{
	const struct name *n = names_find(p, &p->implicit, t->name);
	uint32_t var = n ? n->var : plan_var(p, t->name);

	if (!n)
		names_add(p, &p->implicit, (struct name){ t->name, var, SEEN_USED });
	if (p->scope && !names_find(p, &p->scope->names, t->name))
		names_add(p, &p->scope->names, (struct name){ t->name, var, SEEN_USED });
	return node_var(p, var, t->at);
}

struct node *scope_resolve(struct plan *p, const struct term *t)
{
	const struct name *n;
	struct node *global;
	bool hidden;

	if (t->wildcard) {
		uint32_t var = plan_var(p, t->name);

		if (plan_ok(p))
			p->var[var].wildcard = true;
		return node_var(p, var, t->at);
	}
	n = find_declared(p, t->name, &hidden);
	if (n)
		return node_var(p, n->var, t->at);
	if (hidden)
		return implicit(p, t);
	global = root(p, t);
	if (!global)
		global = scope_global(p, t->name);
	return global ? global : implicit(p, t);
}
