/* Statements of bodies, from syntax: declarations, assignments, tests, loops; each a struct stmt in the current block. */
#include "policy/plan/plan.h"

void stmt_add(struct plan *p, struct stmt s)
{
	struct block *b = p->block;

	if (!plan_ok(p) || !plan_grow(p, &b->p, b->n, &b->cap, sizeof(*b->p)))
		return;
	if (s.kind != ST_NOT)
		s.with = p->with;
	s.src = p->expr;
	b->p[b->n++] = s;
}

struct node *plan_hoist(struct plan *p, struct node *n)
{
	struct node *var = node_var(p, plan_var(p, (struct span){ NULL, 0 }), n->at);

	if (var)
		stmt_add(p, (struct stmt){ .kind = ST_EQ, .a = var, .b = n, .at = n->at });
	return var;
}

static struct block *block_new(struct plan *p)
{
	return heap_alloc(p->h, sizeof(struct block));
}

struct block *plan_body(struct plan *p, const struct body *body)
{
	struct block *outer = p->block, *b = block_new(p);
	const struct expr *expr = p->expr;

	p->block = b;
	for (size_t i = 0; b && body && i < body->n && plan_ok(p); i++)
		plan_expr(p, &body->expr[i]);
	p->block = outer;
	p->expr = expr;
	return plan_ok(p) ? b : NULL;
}

void plan_declare(struct plan *p, const struct term *t, enum seen how)
{
	if (t->kind == TERM_VAR && !t->wildcard)
		(void)scope_declare(p, t->name, how, t->at);
	else if (t->kind == TERM_ARRAY)
		for (size_t i = 0; i < t->n_items; i++)
			plan_declare(p, t->item[i], how);
	else if (t->kind == TERM_OBJECT)
		for (size_t i = 1; i < t->n_items; i += 2)
			plan_declare(p, t->item[i], how);
}

static void unify(struct plan *p, struct node *a, struct node *b, struct loc at)
{
	if (a && b)
		stmt_add(p, (struct stmt){ .kind = ST_EQ, .a = a, .b = b, .at = at });
}

static bool is_call(const struct node *n)
{
	return n->kind == N_CALL || n->kind == N_FUNC || n->kind == N_HOST || n->kind == N_COMPARE || n->kind == N_MEMBER;
}

/* Calls out of a pattern, so that their arguments may be bound by it: [i, f(i)] = x. */
static struct node *without_calls(struct plan *p, struct node *n)
{
	if (!n || (n->kind != N_ARRAY && n->kind != N_OBJECT))
		return n;
	for (size_t i = 0; i < n->n; i++) {
		n->item[i] = is_call(n->item[i]) ? plan_hoist(p, n->item[i]) : without_calls(p, n->item[i]);
		if (!n->item[i])
			return NULL;
	}
	return n;
}

static void assign(struct plan *p, const struct term *t)
{
	const struct term *to = t->item[1];
	struct node *b = plan_term(p, t->item[2]);

	if (to->kind != TERM_VAR && to->kind != TERM_ARRAY && to->kind != TERM_OBJECT) {
		(void)plan_fail(p, REGO_COMPILE, t->at, "cannot assign to %s", to->kind == TERM_REF ? "ref" : "this term");
		return;
	}
	plan_declare(p, to, SEEN_ASSIGNED);
	unify(p, plan_term(p, to), b, t->at);
}

/* An argument of print: what has several solutions is collected in a set, so that printing takes no part in finding solutions. */
static struct node *print_arg(struct plan *p, const struct term *t)
{
	struct block *outer = p->block, *b = block_new(p);
	const struct withs *with = p->with;
	struct node *n, *set;

	if (!b)
		return NULL;
	p->block = b;
	p->with = NULL;
	n = plan_operand(p, t);
	p->block = outer;
	p->with = with;
	if (!n || !b->n)
		return n;
	set = node_new(p, N_COMP, 1, t->at);
	if (!set)
		return NULL;
	set->comp = COMP_SET;
	set->many = true;
	set->block = b;
	set->item[0] = n;
	return set;
}

static void print(struct plan *p, const struct term *t)
{
	struct node *args = node_new(p, N_ARRAY, t->n_items - 1, t->at);

	for (size_t i = 0; args && i < args->n; i++) {
		args->item[i] = print_arg(p, t->item[i + 1]);
		if (!args->item[i])
			return;
	}
	if (args)
		stmt_add(p, (struct stmt){ .kind = ST_PRINT, .a = args, .at = t->at });
}

static void call(struct plan *p, const struct term *t)
{
	const struct term *out = NULL;
	struct node *n;

	if (t->n_items == 3 && span_eq_str(t->name, "assign")) {
		assign(p, t);
		return;
	}
	if (t->n_items == 3 && span_eq_str(t->name, "eq")) {
		n = without_calls(p, plan_term(p, t->item[1]));
		unify(p, n, without_calls(p, plan_term(p, t->item[2])), t->at);
		return;
	}
	if (span_eq_str(t->name, "print")) {
		print(p, t);
		return;
	}
	n = plan_call(p, t, &out);
	if (n && out)
		unify(p, plan_term(p, out), n, t->at);
	else if (n)
		stmt_add(p, (struct stmt){ .kind = ST_TEST, .a = n, .at = t->at });
}

/* An array as pattern, and a value of another shape. */
static bool misfits(const struct node *pattern, struct val v)
{
	bool constant = pattern->kind == N_CONST && val_type(pattern->value) == VT_ARRAY;
	size_t n = constant ? val_len(pattern->value) : pattern->n;

	return (constant || pattern->kind == N_ARRAY) && (val_type(v) != VT_ARRAY || val_len(v) != n);
}

/* What is no collection, or one of constants that the pattern fits none of: OPA's static types find these when loading, too. */
static bool never_in(const struct node *pattern, const struct node *domain)
{
	enum val_type type = val_type(domain->value);
	size_t n = val_len(domain->value);

	if (domain->kind != N_CONST)
		return false;
	if (type != VT_ARRAY && type != VT_OBJECT && type != VT_SET)
		return true;
	for (size_t i = 0; i < n; i++)
		if (!misfits(pattern, val_at(domain->value, i)))
			return false;
	return n > 0;
}

static void some_in(struct plan *p, const struct expr *e)
{
	size_t last = e->n_items - 1;
	struct stmt s = { .kind = ST_IN, .at = e->at };

	s.a = plan_operand(p, e->item[last]);
	for (size_t i = 0; i < last; i++)
		plan_declare(p, e->item[i], SEEN_DECLARED);
	s.b = last == 2 ? plan_term(p, e->item[0]) : NULL;
	s.c = plan_term(p, e->item[last - 1]);
	if (plan_ok(p) && never_in(s.c, s.a))
		(void)plan_fail(p, REGO_TYPE, e->at, "match error: there can be no such member");
	stmt_add(p, s);
}

static void every(struct plan *p, const struct expr *e)
{
	size_t last = e->n_items - 1;
	struct stmt s = { .kind = ST_EVERY, .at = e->at };
	const struct withs *with = p->with;
	struct scope scope;

	s.a = plan_operand(p, e->item[last]);
	scope_push(p, &scope, e->body);
	for (size_t i = 0; i < last; i++)
		plan_declare(p, e->item[i], SEEN_DECLARED);
	s.b = last == 2 ? plan_term(p, e->item[0]) : NULL;
	s.c = plan_term(p, e->item[last - 1]);
	p->with = NULL;
	s.block = plan_body(p, e->body);
	p->with = with;
	scope_pop(p);
	stmt_add(p, s);
}

static void plain(struct plan *p, const struct expr *e)
{
	struct node *n;

	switch (e->kind) {
	case EXPR_SOME:
		for (size_t i = 0; i < e->n_items; i++)
			plan_declare(p, e->item[i], SEEN_DECLARED);
		return;
	case EXPR_SOME_IN:
		some_in(p, e);
		return;
	case EXPR_EVERY:
		every(p, e);
		return;
	case EXPR_TERM:
		if (e->term->kind == TERM_CALL) {
			call(p, e->term);
			return;
		}
		n = plan_term(p, e->term);
		if (n)
			stmt_add(p, (struct stmt){ .kind = ST_TEST, .a = n, .at = e->at });
		return;
	}
}

/* Everything that stands under `not` goes into a block of its own: an undefined part makes the whole fail. */
static void negated(struct plan *p, const struct expr *e)
{
	struct block *outer = p->block, *b = block_new(p);

	if (!b)
		return;
	p->block = b;
	plain(p, e);
	p->block = outer;
	stmt_add(p, (struct stmt){ .kind = ST_NOT, .block = b, .at = e->at });
}

void plan_expr(struct plan *p, const struct expr *e)
{
	if (!heap_steps(p->h, 1))
		return;
	p->expr = e;
	if (++p->depth > PLAN_DEPTH_MAX) {
		(void)plan_fail(p, REGO_LIMIT_NESTING, e->at, "body nested too deeply");
		return;
	}
	p->with = e->n_with ? plan_withs(p, e) : NULL;
	if (plan_ok(p) && e->negated)
		negated(p, e);
	else if (plan_ok(p))
		plain(p, e);
	p->with = NULL;
	p->depth--;
	p->expr = e;
}
