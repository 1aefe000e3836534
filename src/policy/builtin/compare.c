/* Comparisons, over values of all types, and membership. */
#include "policy/builtin/builtin.h"

static struct val eq(struct call *c)
{
	return val_bool(val_same(c->h, c->arg[0], c->arg[1]));
}

static struct val neq(struct call *c)
{
	return val_bool(!val_same(c->h, c->arg[0], c->arg[1]));
}

static struct val lt(struct call *c)
{
	return val_bool(val_order(c->h, c->arg[0], c->arg[1]) < 0);
}

static struct val lte(struct call *c)
{
	return val_bool(val_order(c->h, c->arg[0], c->arg[1]) <= 0);
}

static struct val gt(struct call *c)
{
	return val_bool(val_order(c->h, c->arg[0], c->arg[1]) > 0);
}

static struct val gte(struct call *c)
{
	return val_bool(val_order(c->h, c->arg[0], c->arg[1]) >= 0);
}

/* x in xs: items of an array, values of an object, members of a set; nothing is in anything else. */
static struct val member(struct call *c)
{
	struct val xs = c->arg[1];

	if (val_type(xs) == VT_SET)
		return val_bool(heap_steps(c->h, val_toll(c->arg[0])) && val_has(xs, c->arg[0]));
	if (!heap_steps(c->h, val_len(xs)))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(xs); i++)
		if (val_same(c->h, val_at(xs, i), c->arg[0]))
			return val_bool(true);
	return val_bool(false);
}

/* k, v in xs: the value at the key or index; sets have no keys. */
static struct val member_at(struct call *c)
{
	struct val xs = c->arg[2], v = val_type(xs) == VT_SET ? VAL_UNDEF : val_ref(xs, c->arg[0]);

	return val_bool(val_defined(v) && val_same(c->h, v, c->arg[1]));
}

const struct builtin bi_compare[] = {
	{ .name = "equal", .args = 2, .fn = eq },
	{ .name = "neq", .args = 2, .fn = neq },
	{ .name = "lt", .args = 2, .fn = lt },
	{ .name = "lte", .args = 2, .fn = lte },
	{ .name = "gt", .args = 2, .fn = gt },
	{ .name = "gte", .args = 2, .fn = gte },
	{ .name = "internal.member_2", .args = 2, .fn = member },
	{ .name = "internal.member_3", .args = 3, .fn = member_at },
	{ 0 },
};
