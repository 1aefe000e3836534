/* Sets of sets made one. The operators | & - are in arith.c and bits.c. */
#include "policy/builtin/operand.h"

/* Operand 0 is a set of sets; *n is how many items they have together. */
static bool sets(struct call *c, size_t *n)
{
	*n = 0;
	if (!bi_is(c, 0, VT_SET) || !heap_steps(c->h, val_len(c->arg[0])))
		return false;
	for (size_t i = 0; i < val_len(c->arg[0]); i++) {
		struct val v = val_at(c->arg[0], i);

		if (val_type(v) != VT_SET) {
			(void)bi_operand(c, 0, "must be set but got %s", val_type_name(v));
			return false;
		}
		*n += val_len(v);
	}
	return true;
}

static struct val set_union(struct call *c)
{
	struct vlist l = { .h = c->h };
	size_t n;

	if (!sets(c, &n) || !bi_order(c, n))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]); i++) {
		for (size_t k = 0; k < val_len(val_at(c->arg[0], i)); k++)
			vlist_add(&l, val_at(val_at(c->arg[0], i), k));
	}
	return val_set(c->h, l.p, l.n);
}

static bool in_all(struct val all, struct val x)
{
	size_t i = 0;

	while (i < val_len(all) && val_has(val_at(all, i), x))
		i++;
	return i == val_len(all);
}

/* The first set's items, each looked up in all the others. */
static struct val set_intersection(struct call *c)
{
	struct val first = val_at(c->arg[0], 0);
	struct vlist l = { .h = c->h };
	size_t n;

	if (!sets(c, &n))
		return VAL_UNDEF;
	for (size_t k = 0; k < val_len(first) && heap_steps(c->h, val_len(c->arg[0])); k++) {
		if (in_all(c->arg[0], val_at(first, k)))
			vlist_add(&l, val_at(first, k));
	}
	return val_set(c->h, l.p, l.n);
}

static struct val set_diff(struct call *c)
{
	struct vlist l = { .h = c->h };

	if (!bi_is(c, 0, VT_SET) || !bi_is(c, 1, VT_SET) || !heap_steps(c->h, val_len(c->arg[0])))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]); i++) {
		if (!val_has(c->arg[1], val_at(c->arg[0], i)))
			vlist_add(&l, val_at(c->arg[0], i));
	}
	return val_set(c->h, l.p, l.n);
}

const struct builtin bi_set[] = {
	{ .name = "union", .args = 1, .fn = set_union },
	{ .name = "intersection", .args = 1, .fn = set_intersection },
	{ .name = "set_diff", .args = 2, .fn = set_diff },
	{ 0 },
};
