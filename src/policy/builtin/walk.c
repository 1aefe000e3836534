/* Every value within a value, with its path: [[], x], then what is in x, depth first. */
#include "policy/builtin/builtin.h"

struct walk {
	struct heap *h;
	struct vlist found, path;
};

/* Values nest at most VAL_DEPTH_MAX deep. */
static void visit(struct walk *k, struct val v)
{
	enum val_type t = val_type(v);
	struct val both[2];

	if (!heap_steps(k->h, 1 + k->path.n))
		return;
	both[0] = val_array(k->h, k->path.p, k->path.n);
	both[1] = v;
	vlist_add(&k->found, val_array(k->h, both, 2));
	if (t != VT_ARRAY && t != VT_OBJECT && t != VT_SET)
		return;
	for (size_t i = 0; i < val_len(v) && heap_ok(k->h); i++) {
		vlist_add(&k->path, t == VT_ARRAY ? val_int(k->h, (int64_t)i) : t == VT_SET ? val_at(v, i) : val_key(v, i));
		visit(k, val_at(v, i));
		if (heap_ok(k->h))
			k->path.n--;
	}
}

static struct val walk(struct call *c)
{
	struct walk k = { .h = c->h, .found = { .h = c->h }, .path = { .h = c->h } };

	visit(&k, c->arg[0]);
	return val_array(c->h, k.found.p, k.found.n);
}

const struct builtin bi_walk[] = {
	{ .name = "walk", .args = 1, .fn = walk, .relation = true },
	{ 0 },
};
