/* a = b, written down: which side is known decides. Two literals of the same shape are taken apart here, so that nothing is left
 * to unify at run time but values with patterns. */
#include "policy/plan/plan.h"

struct sides { struct node *a, *b; bool done; };
struct pairs { struct sides *p; size_t n, cap; };

static bool write_match(struct plan *p, struct node *pattern, struct node *value)
{
	if (!patternable(p, pattern) || !plan_closures(p, value) || !plan_closures(p, pattern))
		return false;
	if (p->dry) {
		bind_all(p, pattern);
		return true;
	}
	if (pattern->kind == N_VAR) {
		op_add(p, (struct op){ .kind = OP_BIND, .slot = pattern->slot, .a = value });
		plan_bind(p, pattern->slot);
		return plan_ok(p);
	}
	op_add(p, (struct op){ .kind = OP_MATCH, .a = value, .val = plan_pattern(p, pattern) });
	return plan_ok(p);
}

static bool write_equal(struct plan *p, struct node *a, struct node *b)
{
	if (!plan_closures(p, a) || !plan_closures(p, b))
		return false;
	op_add(p, (struct op){ .kind = OP_EQ, .a = a, .b = b });
	return true;
}

/* One pair of sides: refs first, for what they bind may make the other side known. */
static bool write_sides(struct plan *p, struct node *a, struct node *b)
{
	bool known_a, known_b;

	if (!ground(p, a) && is_ref(a) && ref_ready(p, a))
		a = write_ref(p, a);
	if (a && !ground(p, b) && is_ref(b) && ref_ready(p, b))
		b = write_ref(p, b);
	if (!a || !b)
		return false;
	known_a = ground(p, a);
	known_b = ground(p, b);
	if (known_a && known_b)
		return write_equal(p, a, b);
	if (known_a)
		return write_match(p, b, a);
	return known_b && write_match(p, a, b);
}

/* If the pair can be decided now, it is written; else nothing is bound. */
static bool write_pair(struct plan *p, struct node *a, struct node *b)
{
	bool was = p->dry, ok;
	size_t mark = p->n_trail;

	p->dry = true;
	ok = write_sides(p, a, b);
	p->dry = was;
	if (!ok || !was)
		unbind_to(p, mark);
	return ok && (was || write_sides(p, a, b));
}

static void add(struct plan *p, struct pairs *l, struct node *a, struct node *b)
{
	if (plan_grow(p, &l->p, l->n, &l->cap, sizeof(*l->p)))
		l->p[l->n++] = (struct sides){ a, b, false };
}

static bool const_keys(const struct node *n)
{
	for (size_t i = 0; i < n->n; i += 2)
		if (n->item[i]->kind != N_CONST)
			return false;
	return true;
}

static struct node *member(const struct node *object, struct val key)
{
	for (size_t i = 0; i + 1 < object->n; i += 2)
		if (val_eq(object->item[i]->value, key))
			return object->item[i + 1];
	return NULL;
}

static bool known(struct plan *p, const struct node *n)
{
	return ground(p, n) || (is_ref(n) && ref_ready(p, n));
}

/* Two literals that no values of their variables make equal. */
static bool clash(const struct node *a, const struct node *b)
{
	enum val_type type = b->kind == N_CONST ? val_type(b->value) : b->kind == N_ARRAY ? VT_ARRAY :
			     b->kind == N_OBJECT ? VT_OBJECT : VT_UNDEF;
	size_t n = b->kind == N_CONST ? val_len(b->value) : b->kind == N_OBJECT ? b->n / 2 : b->n;

	if (type == VT_UNDEF || (a->kind != N_ARRAY && a->kind != N_OBJECT))
		return false;
	return type != (a->kind == N_ARRAY ? VT_ARRAY : VT_OBJECT) || n != (a->kind == N_ARRAY ? a->n : a->n / 2);
}

/* Pairs of what must be equal; false: the shapes differ. */
static bool take_apart(struct plan *p, struct pairs *l, struct node *a, struct node *b)
{
	bool arrays = a->kind == N_ARRAY && b->kind == N_ARRAY, objects = a->kind == N_OBJECT && b->kind == N_OBJECT;

	if (clash(a, b) || clash(b, a))
		return false;
	if (known(p, a) || known(p, b) || (!arrays && !objects) || (objects && (!const_keys(a) || !const_keys(b)))) {
		add(p, l, a, b);
		return true;
	}
	for (size_t i = 0; i < a->n; i++) {
		struct node *other = arrays ? b->item[i] : i % 2 ? member(b, a->item[i - 1]->value) : a->item[i];

		if (!other || (!(objects && i % 2 == 0) && !take_apart(p, l, a->item[i], other)))
			return false;
	}
	return true;
}

bool write_unify(struct plan *p, struct node *a, struct node *b)
{
	struct pairs l = { NULL, 0, 0 };
	size_t left, before;

	if (!take_apart(p, &l, a, b))
		return plan_ok(p) && plan_fail(p, REGO_TYPE, a->at, "match error: the two sides can never be equal");
	left = l.n;
	do {
		before = left;
		for (size_t i = 0; i < l.n; i++) {
			if (l.p[i].done || !write_pair(p, l.p[i].a, l.p[i].b))
				continue;
			l.p[i].done = true;
			left--;
		}
	} while (left && left < before && plan_ok(p));
	return !left && plan_ok(p);
}
