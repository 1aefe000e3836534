/* Which variables are bound, and what may therefore be written next. The law is OPA's: a variable is safe when some statement
 * before binds it; closures see the variables bound before their statement; what the body around a closure mentions must be
 * bound by then. */
#include "policy/plan/plan.h"

bool is_ref(const struct node *n)
{
	return n->kind == N_REF || n->kind == N_DOC;
}

static bool is_bound(const struct plan *p, uint32_t var)
{
	return p->var[var].bound || p->var[var].arg;
}

static bool items_closure_ready(struct plan *p, const struct node *n, bool strict);

/* Inside a closure: a variable that the bodies around mention must be bound; its own need not be yet. */
static bool closure_ready(struct plan *p, const struct node *n, bool strict)
{
	if (!n)
		return true;
	if (n->kind == N_VAR)
		return is_bound(p, n->slot) || (strict ? !p->var[n->slot].name.n : !p->var[n->slot].inbody);
	if (n->kind == N_COMP)
		return items_closure_ready(p, n, false) && block_ready(p, n->block, false);
	return items_closure_ready(p, n, strict);
}

static bool items_closure_ready(struct plan *p, const struct node *n, bool strict)
{
	if (n->n && !heap_steps(p->h, n->n))
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (!closure_ready(p, n->item[i], strict))
			return false;
	return true;
}

static bool stmt_closure_ready(struct plan *p, const struct stmt *s, bool strict)
{
	if (!closure_ready(p, s->a, strict))
		return false;
	if (s->kind == ST_EVERY) /* key and value are its own */
		return block_ready(p, s->block, false);
	if (s->kind == ST_NOT)
		return block_ready(p, s->block, strict);
	for (size_t i = 0; s->with && i < s->with->n; i++) {
		const struct node *v = s->with->mod[i].value; /* may be hoisted out of the `not` */

		if (v && (strict ? !ground(p, v) : !closure_ready(p, v, false)))
			return false;
	}
	return closure_ready(p, s->b, strict) && closure_ready(p, s->c, strict);
}

bool block_ready(struct plan *p, const struct block *b, bool strict)
{
	if (!heap_steps(p->h, b->n))
		return false;
	for (size_t i = 0; i < b->n; i++)
		if (!stmt_closure_ready(p, &b->p[i], strict))
			return false;
	return true;
}

bool ground(struct plan *p, const struct node *n)
{
	if (n->kind == N_VAR)
		return is_bound(p, n->slot);
	if (n->kind == N_COMP)
		return closure_ready(p, n, false);
	if (n->n && !heap_steps(p->h, n->n))
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (!ground(p, n->item[i]))
			return false;
	return true;
}

bool patternable(struct plan *p, const struct node *n)
{
	if (n->kind == N_VAR)
		return true;
	if (n->kind != N_ARRAY && n->kind != N_OBJECT)
		return ground(p, n);
	if (!heap_steps(p->h, n->n))
		return false;
	for (size_t i = 0; i < n->n; i++)
		if (n->kind == N_OBJECT && i % 2 == 0 ? !ground(p, n->item[i]) : !patternable(p, n->item[i]))
			return false;
	return true;
}

bool ref_ready(struct plan *p, const struct node *n)
{
	size_t first = n->kind == N_REF ? 1 : 0;

	if (first && !ground(p, n->item[0]))
		return false;
	for (size_t i = first; i < n->n; i++)
		if (!patternable(p, n->item[i]))
			return false;
	return true;
}

void plan_bind(struct plan *p, uint32_t var)
{
	if (is_bound(p, var) || !plan_grow(p, &p->trail, p->n_trail, &p->cap_trail, sizeof(*p->trail)))
		return;
	p->var[var].bound = true;
	p->trail[p->n_trail++] = var;
}

void bind_all(struct plan *p, const struct node *n)
{
	if (n->kind == N_VAR)
		plan_bind(p, n->slot);
	if (n->kind == N_COMP)
		return;
	for (size_t i = 0; i < n->n; i++)
		bind_all(p, n->item[i]);
}

void unbind_to(struct plan *p, size_t n_trail)
{
	while (p->n_trail > n_trail)
		p->var[p->trail[--p->n_trail]].bound = false;
}

static void count_node(struct plan *p, const struct node *n, int by)
{
	if (!n || n->kind == N_COMP)
		return;
	if (n->kind == N_VAR)
		p->var[n->slot].inbody += (uint32_t)by;
	for (size_t i = 0; i < n->n; i++)
		count_node(p, n->item[i], by);
}

void count_vars(struct plan *p, const struct block *b, int by)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct stmt *s = &b->p[i];

		count_node(p, s->a, by);
		if (s->kind == ST_NOT)
			count_vars(p, s->block, by);
		if (s->kind == ST_NOT || s->kind == ST_EVERY)
			continue;
		count_node(p, s->b, by);
		count_node(p, s->c, by);
		for (size_t k = 0; s->with && k < s->with->n; k++)
			count_node(p, s->with->mod[k].value, by);
	}
}

static const struct node *find_in_block(struct plan *p, const struct block *b);

/* The first unbound variable that the source names. */
static const struct node *find_unbound(struct plan *p, const struct node *n)
{
	const struct node *found = NULL;

	if (!n)
		return NULL;
	if (n->kind == N_VAR)
		return is_bound(p, n->slot) || !p->var[n->slot].name.n ? NULL : n;
	if (n->kind == N_COMP)
		found = find_in_block(p, n->block);
	for (size_t i = 0; !found && i < n->n; i++)
		found = find_unbound(p, n->item[i]);
	return found;
}

static const struct node *find_in_stmt(struct plan *p, const struct stmt *s)
{
	const struct node *n = find_unbound(p, s->a);

	for (size_t i = 0; !n && s->with && i < s->with->n; i++)
		n = find_unbound(p, s->with->mod[i].value);
	if (!n && s->block)
		n = find_in_block(p, s->block);
	if (!n && s->kind != ST_EVERY)
		n = find_unbound(p, s->b);
	return n || s->kind == ST_EVERY ? n : find_unbound(p, s->c);
}

static const struct node *find_in_block(struct plan *p, const struct block *b)
{
	const struct node *n = NULL;

	for (size_t i = 0; !n && i < b->n; i++)
		n = find_in_stmt(p, &b->p[i]);
	return n;
}

static bool report(struct plan *p, const struct node *n, struct loc at)
{
	struct span name;

	if (!n)
		return plan_fail(p, REGO_UNSAFE, at, "expression is unsafe");
	name = p->var[n->slot].name;
	return plan_fail(p, REGO_UNSAFE, n->at, "var %.*s is unsafe", (int)name.n, (const char *)name.p);
}

bool unsafe(struct plan *p, const struct stmt *s)
{
	return report(p, find_in_stmt(p, s), s->at);
}

bool need_ground(struct plan *p, const struct node *n, struct loc at)
{
	return !n || ground(p, n) || report(p, find_unbound(p, n), at);
}
