#include "policy/builtin/numeric.h"
#include "policy/builtin/operand.h"

/* Items lo up to hi of v, added to l. */
static void take(struct vlist *l, struct val v, size_t lo, size_t hi)
{
	if (!heap_steps(l->h, hi - lo))
		return;
	for (size_t i = lo; i < hi; i++)
		vlist_add(l, val_at(v, i));
}

static struct val array_concat(struct call *c)
{
	struct vlist l = { .h = c->h };

	if (!bi_is(c, 0, VT_ARRAY) || !bi_is(c, 1, VT_ARRAY))
		return VAL_UNDEF;
	if (val_len(c->arg[0]) == 0 || val_len(c->arg[1]) == 0)
		return c->arg[val_len(c->arg[0]) == 0];
	take(&l, c->arg[0], 0, val_len(c->arg[0]));
	take(&l, c->arg[1], 0, val_len(c->arg[1]));
	return val_array(c->h, l.p, l.n);
}

static struct val array_reverse(struct call *c)
{
	struct vlist l = { .h = c->h };

	if (!bi_is(c, 0, VT_ARRAY) || !heap_steps(c->h, val_len(c->arg[0])))
		return VAL_UNDEF;
	for (size_t i = val_len(c->arg[0]); i-- > 0;)
		vlist_add(&l, val_at(c->arg[0], i));
	return val_array(c->h, l.p, l.n);
}

/* An index that is an integer of any size, brought into 0..max. */
static size_t clamped(struct val v, size_t max)
{
	int64_t i;

	if (num_sign(v) < 0)
		return 0;
	return val_int64(v, &i) && (uint64_t)i < max ? (size_t)i : max;
}

static struct val array_slice(struct call *c)
{
	struct vlist l = { .h = c->h };
	size_t lo, hi;

	if (!bi_is(c, 0, VT_ARRAY) || !bi_integer_arg(c, 1) || !bi_integer_arg(c, 2))
		return VAL_UNDEF;
	hi = clamped(c->arg[2], val_len(c->arg[0]));
	lo = clamped(c->arg[1], hi);
	take(&l, c->arg[0], lo, hi);
	return val_array(c->h, l.p, l.n);
}

/* One level: items that are arrays give way to theirs. */
static struct val array_flatten(struct call *c)
{
	struct vlist l = { .h = c->h };

	if (!bi_is(c, 0, VT_ARRAY))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]) && heap_steps(c->h, 1); i++) {
		struct val v = val_at(c->arg[0], i);

		if (val_type(v) == VT_ARRAY)
			take(&l, v, 0, val_len(v));
		else
			vlist_add(&l, v);
	}
	return val_array(c->h, l.p, l.n);
}

const struct builtin bi_array[] = {
	{ .name = "array.concat", .args = 2, .fn = array_concat },
	{ .name = "array.reverse", .args = 1, .fn = array_reverse },
	{ .name = "array.slice", .args = 3, .fn = array_slice },
	{ .name = "array.flatten", .args = 1, .fn = array_flatten },
	{ 0 },
};
