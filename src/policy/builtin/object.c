#include "policy/builtin/operand.h"

/* A key, or a path of keys as an array. */
static struct val object_get(struct call *c)
{
	struct val v = c->arg[0], key = c->arg[1];

	if (!bi_is(c, 0, VT_OBJECT))
		return VAL_UNDEF;
	if (val_type(key) != VT_ARRAY)
		v = val_get(v, key);
	else if (!heap_steps(c->h, val_len(key)))
		return VAL_UNDEF;
	else
		for (size_t i = 0; i < val_len(key) && val_defined(v); i++)
			v = val_ref(v, val_at(key, i));
	return val_defined(v) ? v : c->arg[2];
}

static struct val object_keys(struct call *c)
{
	struct vlist l = { .h = c->h };

	if (!bi_is(c, 0, VT_OBJECT) || !bi_order(c, val_len(c->arg[0])))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]); i++)
		vlist_add(&l, val_key(c->arg[0], i));
	return val_set(c->h, l.p, l.n);
}

/* Operand 1 as something that val_has or val_get answers for. */
static bool keys_of(struct call *c, struct val *out)
{
	struct val v = c->arg[1];
	struct vlist l = { .h = c->h };

	if (val_type(v) != VT_ARRAY && val_type(v) != VT_SET && val_type(v) != VT_OBJECT) {
		(void)bi_type(c, 1, "one of {object, set, array}");
		return false;
	}
	*out = v;
	if (val_type(v) != VT_ARRAY)
		return true;
	if (!bi_order(c, val_len(v)))
		return false;
	for (size_t i = 0; i < val_len(v); i++)
		vlist_add(&l, val_at(v, i));
	*out = val_set(c->h, l.p, l.n);
	return true;
}

/* The members whose key is (or is not) among operand 1. */
static struct val chosen(struct call *c, bool wanted)
{
	struct plist l = { .h = c->h };
	struct val keys, o = c->arg[0];

	if (!bi_is(c, 0, VT_OBJECT) || !keys_of(c, &keys) || !bi_order(c, val_len(o)))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(o); i++) {
		struct val k = val_key(o, i);

		if ((val_has(keys, k) || val_defined(val_get(keys, k))) == wanted)
			plist_add(&l, k, val_at(o, i));
	}
	return l.n == val_len(o) ? o : val_object(c->h, l.p, l.n, NULL);
}

static struct val object_filter(struct call *c)
{
	return chosen(c, true);
}

static struct val object_remove(struct call *c)
{
	return chosen(c, false);
}

/* b over a; objects that meet under a key are merged in turn. Values nest at most VAL_DEPTH_MAX deep. */
static struct val merge(struct call *c, struct val a, struct val b)
{
	struct plist l = { .h = c->h };

	if (val_type(a) != VT_OBJECT || val_type(b) != VT_OBJECT || val_len(a) == 0 || a.w == b.w)
		return b;
	if (val_len(b) == 0 || !bi_order(c, val_len(a) + val_len(b)))
		return a;
	for (size_t i = 0; i < val_len(a); i++) {
		struct val over = val_get(b, val_key(a, i));

		plist_add(&l, val_key(a, i), val_defined(over) ? merge(c, val_at(a, i), over) : val_at(a, i));
	}
	for (size_t i = 0; i < val_len(b); i++) {
		if (!val_defined(val_get(a, val_key(b, i))))
			plist_add(&l, val_key(b, i), val_at(b, i));
	}
	return val_object(c->h, l.p, l.n, NULL);
}

static struct val object_union(struct call *c)
{
	return bi_is(c, 0, VT_OBJECT) && bi_is(c, 1, VT_OBJECT) ? merge(c, c->arg[0], c->arg[1]) : VAL_UNDEF;
}

static struct val object_union_n(struct call *c)
{
	struct val v = val_object(c->h, NULL, 0, NULL);

	if (!bi_is(c, 0, VT_ARRAY))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]); i++) {
		if (val_type(val_at(c->arg[0], i)) != VT_OBJECT)
			return bi_item(c, 0, val_at(c->arg[0], i), "object");
	}
	for (size_t i = 0; i < val_len(c->arg[0]) && heap_steps(c->h, 1); i++)
		v = merge(c, v, val_at(c->arg[0], i));
	return v;
}

/* Does `part` stand in `all`, its items one after another. */
static bool array_within(struct call *c, struct val all, struct val part)
{
	size_t n = val_len(part), k = 0;

	for (size_t i = 0; n <= val_len(all) && i <= val_len(all) - n; i++) {
		for (k = 0; k < n && heap_steps(c->h, 1) && val_same(c->h, val_at(all, i + k), val_at(part, k)); k++)
			continue;
		if (k == n)
			return true;
		if (!heap_ok(c->h))
			break;
	}
	return false;
}

static bool set_within(struct call *c, struct val all, struct val part)
{
	size_t i = 0;

	while (i < val_len(part) && heap_steps(c->h, 1 + val_toll(val_at(part, i))) && val_has(all, val_at(part, i)))
		i++;
	return i == val_len(part);
}

static bool object_within(struct call *c, struct val all, struct val part);

/* Two members under the same key: equal, or of one type and within. */
static bool within(struct call *c, struct val all, struct val part)
{
	if (val_same(c->h, all, part))
		return true;
	if (val_type(all) != val_type(part))
		return false;
	switch (val_type(all)) {
	case VT_OBJECT:
		return object_within(c, all, part);
	case VT_SET:
		return set_within(c, all, part);
	case VT_ARRAY:
		return array_within(c, all, part);
	case VT_UNDEF:
	case VT_NULL:
	case VT_BOOL:
	case VT_NUMBER:
	case VT_STRING:
		break;
	}
	return false;
}

static bool object_within(struct call *c, struct val all, struct val part)
{
	for (size_t i = 0; i < val_len(part); i++) {
		struct val v = val_get(all, val_key(part, i));

		if (!heap_steps(c->h, 1) || !val_defined(v) || !within(c, v, val_at(part, i)))
			return false;
	}
	return true;
}

/* A set is within an array when every item of it is there, in whatever order. */
static struct val set_in_array(struct call *c)
{
	struct val all = c->arg[0];
	struct vlist l = { .h = c->h };

	if (!bi_order(c, val_len(all)))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(all); i++)
		vlist_add(&l, val_at(all, i));
	return val_bool(set_within(c, val_set(c->h, l.p, l.n), c->arg[1]));
}

static struct val object_subset(struct call *c)
{
	enum val_type a = val_type(c->arg[0]), b = val_type(c->arg[1]);

	if (a == b && (a == VT_OBJECT || a == VT_SET || a == VT_ARRAY))
		return val_bool(within(c, c->arg[0], c->arg[1]));
	if (a == VT_ARRAY && b == VT_SET)
		return set_in_array(c);
	(void)bi_fail(c, "both arguments object.subset must be of the same type or array and set");
	c->code = REGO_EVAL_TYPE;
	return VAL_UNDEF;
}

const struct builtin bi_object[] = {
	{ .name = "object.get", .args = 3, .fn = object_get },
	{ .name = "object.keys", .args = 1, .fn = object_keys },
	{ .name = "object.filter", .args = 2, .fn = object_filter },
	{ .name = "object.remove", .args = 2, .fn = object_remove },
	{ .name = "object.union", .args = 2, .fn = object_union },
	{ .name = "object.union_n", .args = 1, .fn = object_union_n },
	{ .name = "object.subset", .args = 2, .fn = object_subset },
	{ 0 },
};
