/* Writing ops: generators know the one before them, so that failing is a jump. */
#include "policy/plan/plan.h"

bool is_generator(enum op_kind k)
{
	return k == OP_SCAN || k == OP_DOC || k == OP_EACH;
}

void op_add(struct plan *p, struct op op)
{
	struct ops *o = p->ops;

	if (p->dry || !plan_grow(p, &o->p, o->n, &o->cap, sizeof(*o->p)))
		return;
	op.back = o->gen;
	op.with_slot = o->with_slot;
	op.src = p->expr;
	op.at = p->expr ? p->expr->at : p->at;
	if (is_generator(op.kind))
		o->gen = (int32_t)o->n;
	o->p[o->n++] = op;
}

struct code *ops_code(struct plan *p, const struct ops *o)
{
	struct code *c = heap_alloc(p->h, sizeof(*c));

	if (c) {
		c->op = o->p;
		c->n = o->n;
	}
	return c;
}

static uint32_t own_slots(struct plan *p, unsigned n)
{
	uint32_t first = p->dry ? 0 : plan_var(p, (struct span){ NULL, 0 });

	for (unsigned i = 1; !p->dry && i < n; i++)
		(void)plan_var(p, (struct span){ NULL, 0 });
	return first;
}

struct pat *plan_pattern(struct plan *p, struct node *n)
{
	bool object = n->kind == N_OBJECT;
	struct pat *pat;

	if (p->dry) {
		bind_all(p, n);
		return NULL;
	}
	pat = heap_alloc(p->h, sizeof(*pat));
	if (!pat)
		return NULL;
	if (n->kind == N_VAR && !ground(p, n)) {
		*pat = (struct pat){ .kind = PAT_BIND, .slot = n->slot };
		plan_bind(p, n->slot);
		return pat;
	}
	if (ground(p, n)) {
		*pat = (struct pat){ .kind = PAT_SAME, .node = n };
		return plan_closures(p, n) ? pat : NULL;
	}
	pat->kind = object ? PAT_OBJECT : PAT_ARRAY;
	pat->n = object ? n->n / 2 : n->n;
	pat->item = heap_array(p->h, pat->n, sizeof(struct pat *));
	pat->key = object ? heap_array(p->h, pat->n, sizeof(struct node *)) : NULL;
	for (size_t i = 0; pat->item && i < pat->n; i++) {
		if (object && pat->key)
			pat->key[i] = n->item[2 * i];
		if (object && !plan_closures(p, n->item[2 * i]))
			return NULL;
		pat->item[i] = plan_pattern(p, n->item[object ? 2 * i + 1 : i]);
	}
	return pat;
}

static struct op end_of(enum comp_kind kind, const struct node *n)
{
	if (kind == COMP_OBJECT)
		return (struct op){ .kind = OP_PUT, .a = n->item[0], .b = n->item[1] };
	return (struct op){ .kind = OP_ADD, .a = n->item[0] };
}

static bool plan_comp(struct plan *p, struct node *n)
{
	size_t mark = p->n_trail;
	struct ops *outer = p->ops, o;

	if (!plan_block(p, n->block, &o))
		return false;
	p->ops = &o;
	for (size_t i = 0; i < n->n; i++)
		if (!need_ground(p, n->item[i], n->at) || !plan_closures(p, n->item[i]))
			return false;
	op_add(p, end_of(n->comp, n));
	p->ops = outer;
	n->code = ops_code(p, &o);
	unbind_to(p, mark);
	return n->code && plan_ok(p);
}

bool plan_closures(struct plan *p, struct node *n)
{
	if (p->dry)
		return true;
	if (n->kind == N_COMP) {
		const struct expr *expr = p->expr;
		bool ok = n->code || plan_comp(p, n);

		p->expr = expr;
		return ok;
	}
	for (size_t i = 0; i < n->n; i++)
		if (!plan_closures(p, n->item[i]))
			return false;
	return true;
}

static bool is_document(const struct node *n)
{
	return n->kind == N_DOC && (n->slot != NO_SLOT || (n->doc->kind == RULE_NONE && n->doc->n_child));
}

/* The first `n` steps of a ref as a node of its own. */
static struct node *prefix(struct plan *p, const struct node *ref, size_t n)
{
	struct node *r;

	if (ref->kind == N_REF && n == 1)
		return ref->item[0];
	r = node_new(p, ref->kind, n, ref->at);
	if (!r)
		return NULL;
	r->doc = ref->doc;
	r->slot = ref->slot;
	for (size_t i = 0; i < n; i++)
		r->item[i] = ref->item[i];
	return r;
}

/* `base` then the steps of `ref` behind step i. */
static struct node *rest(struct plan *p, struct node *base, const struct node *ref, size_t i)
{
	size_t left = ref->n - i - 1, own = base->kind == N_DOC ? 0 : 1;
	struct node *r;

	if (!left)
		return base;
	r = node_new(p, base->kind == N_DOC ? N_DOC : N_REF, own + left, ref->at);
	if (!r)
		return NULL;
	r->slot = base->kind == N_DOC ? base->slot : NO_SLOT;
	if (own)
		r->item[0] = base;
	for (size_t k = 0; k < left; k++)
		r->item[own + k] = ref->item[i + 1 + k];
	return r;
}

/* A generator for step i, the steps before it being ground. */
static struct node *write_step(struct plan *p, const struct node *ref, size_t i)
{
	struct node *from = prefix(p, ref, i), *value;
	struct op op = { .kind = OP_SCAN, .a = from };

	if (!from || !plan_closures(p, from))
		return NULL;
	if (is_document(from)) {
		op.kind = OP_DOC;
		op.slot = own_slots(p, 4);
		value = node_new(p, N_DOC, 0, ref->at);
		if (value)
			value->slot = op.slot + 2;
	} else {
		op.slot = own_slots(p, 3);
		value = node_var(p, op.slot + 2, ref->at);
	}
	op.key = plan_pattern(p, ref->item[i]);
	if (op.kind == OP_SCAN && value) {
		op.val = plan_pattern(p, value);
	}
	op_add(p, op);
	return value ? rest(p, value, ref, i) : NULL;
}

struct node *write_ref(struct plan *p, struct node *ref)
{
	for (size_t i = ref->kind == N_REF ? 1 : 0; i < ref->n;) {
		if (ground(p, ref->item[i])) {
			i++;
			continue;
		}
		if (p->dry) {
			bind_all(p, ref->item[i]);
			if (!ground(p, ref->item[i]))
				return NULL; /* no memory to note what is bound */
			continue;
		}
		ref = write_step(p, ref, i);
		if (!ref)
			return NULL;
		i = ref->kind == N_REF ? 1 : 0;
	}
	return ref;
}

static bool write_test(struct plan *p, const struct stmt *s)
{
	struct node *n = s->a;

	if (!ground(p, n)) {
		if (!is_ref(n) || !ref_ready(p, n))
			return false;
		n = write_ref(p, n);
	}
	if (!n || !plan_closures(p, n))
		return false;
	op_add(p, (struct op){ .kind = OP_TEST, .a = n });
	return true;
}

static bool write_in(struct plan *p, const struct stmt *s)
{
	struct op op = { .kind = OP_SCAN, .a = s->a };

	if (!ground(p, s->a) || (s->b && !patternable(p, s->b)) || !patternable(p, s->c) || !plan_closures(p, s->a))
		return false;
	op.slot = own_slots(p, 2);
	op.key = s->b ? plan_pattern(p, s->b) : NULL;
	op.val = plan_pattern(p, s->c);
	op_add(p, op);
	return plan_ok(p);
}

static bool write_each(struct plan *p, const struct stmt *s)
{
	struct op op = { .kind = OP_EACH, .a = s->a };

	if (!ground(p, s->a) || !plan_closures(p, s->a))
		return false;
	op.slot = own_slots(p, 2);
	op.val = plan_pattern(p, s->b);
	op_add(p, op);
	return plan_ok(p);
}

/* The body of `not` or `every`: one solution is enough. */
static const struct code *write_inner(struct plan *p, struct block *b)
{
	size_t mark = p->n_trail;
	const struct expr *expr = p->expr;
	struct ops *outer = p->ops, o;

	if (!plan_block(p, b, &o))
		return NULL;
	p->ops = &o;
	op_add(p, (struct op){ .kind = OP_STOP });
	p->ops = outer;
	p->expr = expr;
	unbind_to(p, mark);
	return ops_code(p, &o);
}

static bool write_not(struct plan *p, const struct stmt *s)
{
	struct op op = { .kind = OP_NOT };

	if (p->dry)
		return block_ready(p, s->block, true);
	op.code = write_inner(p, s->block);
	op_add(p, op);
	return op.code != NULL;
}

static bool write_every(struct plan *p, const struct stmt *s)
{
	struct op op = { .kind = OP_EVERY, .a = s->a };
	size_t mark = p->n_trail;

	if (p->dry)
		return ground(p, s->a) && block_ready(p, s->block, false);
	if (!plan_closures(p, s->a))
		return false;
	op.key = s->b ? plan_pattern(p, s->b) : NULL;
	op.val = plan_pattern(p, s->c);
	op.code = write_inner(p, s->block);
	unbind_to(p, mark);
	op_add(p, op);
	return op.code != NULL;
}

bool stmt_write(struct plan *p, const struct stmt *s)
{
	switch (s->kind) {
	case ST_TEST:
		return write_test(p, s);
	case ST_EQ:
		return write_unify(p, s->a, s->b);
	case ST_IN:
		return write_in(p, s);
	case ST_EACH:
		return write_each(p, s);
	case ST_NOT:
		return write_not(p, s);
	case ST_EVERY:
		return write_every(p, s);
	case ST_PRINT:
		if (!ground(p, s->a) || !plan_closures(p, s->a))
			return false;
		op_add(p, (struct op){ .kind = OP_PRINT, .a = s->a });
		return plan_ok(p);
	}
	return false;
}
