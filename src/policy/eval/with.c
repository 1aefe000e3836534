/* Contexts: what rules are evaluated under. `with` makes a new one, in which nothing is known yet. */
#include "policy/eval/eval.h"

#include <string.h>

struct ctx *ctx_new(struct rego_eval *v, const struct ctx *like)
{
	struct ctx *c = heap_alloc(&v->h, sizeof(*c));

	if (c && like) {
		c->input = like->input;
		c->base = like->base;
		c->masks = like->masks;
		c->mocks = like->mocks;
	}
	return c;
}

struct ctx *ctx_unmocked(struct rego_eval *v, struct ctx *c)
{
	if (!c->unmocked) {
		c->unmocked = ctx_new(v, c);
		if (c->unmocked)
			c->unmocked->mocks = NULL;
	}
	return c->unmocked;
}

/* The first context has an array by id, which evaluation without `with` looks up at once; others a hash of the few rules they
 * see. */
bool cache_get(const struct rego_eval *v, const struct ctx *c, uint32_t id, struct val *out)
{
	size_t i;

	if (!c->cache)
		return false;
	if (!c->cap) {
		*out = c->cache[id].v;
		return c->cache[id].known;
	}
	(void)v;
	for (i = id & (c->cap - 1); c->cache[i].known; i = (i + 1) & (c->cap - 1))
		if (c->cache[i].id == id) {
			*out = c->cache[i].v;
			return true;
		}
	return false;
}

static void hash_put(struct ctx *c, struct cached x)
{
	size_t i = x.id & (c->cap - 1);

	while (c->cache && c->cache[i].known)
		i = (i + 1) & (c->cap - 1);
	if (c->cache)
		c->cache[i] = x;
	c->n_cached++;
}

static void hash_grow(struct rego_eval *v, struct ctx *c)
{
	struct cached *old = c->cache;
	size_t n = c->cap;
	struct cached *new = heap_array(&v->h, n ? n * 2 : 8, sizeof(*new));

	if (!new)
		return;
	c->cache = new;
	c->cap = n ? n * 2 : 8;
	c->n_cached = 0;
	for (size_t i = 0; old && i < n; i++)
		if (old[i].known)
			hash_put(c, old[i]);
}

void cache_put(struct rego_eval *v, struct ctx *c, uint32_t id, struct val x)
{
	if (c->cache && !c->cap) {
		c->cache[id] = (struct cached){ x, id, true };
		return;
	}
	if (c->n_cached * 2 >= c->cap)
		hash_grow(v, c);
	if (heap_ok(&v->h))
		hash_put(c, (struct cached){ x, id, true });
}

static struct val put_member(struct rego_eval *v, struct val object, struct val key, struct val x)
{
	struct plist l = { .h = &v->h };
	size_t n = val_type(object) == VT_OBJECT ? val_len(object) : 0;

	if (!heap_steps(&v->h, n + 1))
		return VAL_UNDEF;
	for (size_t i = 0; i < n; i++)
		if (!val_same(&v->h, val_key(object, i), key))
			plist_add(&l, val_key(object, i), val_at(object, i));
	plist_add(&l, key, x);
	return val_object(&v->h, l.p, l.n, NULL);
}

/* A copy of doc with x at the path; what is no object on the way becomes one. */
struct val put_at(struct rego_eval *v, struct val doc, const struct val *path, size_t n, struct val x)
{
	struct val level[TREE_DEPTH_MAX];

	if (n > TREE_DEPTH_MAX) {
		heap_over(&v->h, REGO_LIMIT_NESTING);
		return VAL_UNDEF;
	}
	for (size_t i = 0; i < n; i++) {
		level[i] = doc;
		doc = val_get(doc, path[i]);
	}
	while (n) {
		n--;
		x = put_member(v, level[n], path[n], x);
	}
	return x;
}

struct val merge(struct rego_eval *v, struct val under, struct val over)
{
	struct plist l = { .h = &v->h };
	struct val r = over;

	if (val_type(under) != VT_OBJECT || val_type(over) != VT_OBJECT)
		return over;
	if (eval_enter(v, 1) && heap_steps(&v->h, val_len(under) + val_len(over))) {
		for (size_t i = 0, n = val_len(under); i < n; i++) {
			struct val k = val_key(under, i), o = val_get(over, k);

			plist_add(&l, k, val_defined(o) ? merge(v, val_at(under, i), o) : val_at(under, i));
		}
		for (size_t i = 0, n = val_len(over); i < n; i++)
			if (!val_defined(val_get(under, val_key(over, i))))
				plist_add(&l, val_key(over, i), val_at(over, i));
		r = val_object(&v->h, l.p, l.n, NULL);
	}
	v->depth--;
	return r;
}

static void put_mask(struct rego_eval *v, struct ctx *c, const struct with_mod *mod)
{
	struct mask *m = heap_alloc(&v->h, sizeof(*m));

	if (!m)
		return;
	*m = (struct mask){ c->masks, mod->mask, mod->path + mod->n_path - mod->n_rest, mod->n_rest };
	c->masks = m;
}

static void put_mock(struct rego_eval *v, struct ctx *c, const struct with_mod *mod, struct val x)
{
	struct mock *m = heap_alloc(&v->h, sizeof(*m));

	if (!m)
		return;
	*m = (struct mock){ c->mocks, mod, x };
	c->mocks = m;
}

static bool apply(struct rego_eval *v, struct ctx *c, const struct with_mod *m, struct val *f)
{
	struct val x = m->value ? value_of(v, m->value, f) : VAL_UNDEF;

	if (m->value && !val_defined(x))
		return false;
	switch (m->kind) {
	case WITH_INPUT:
		c->input = put_at(v, c->input, m->path, m->n_path, x);
		break;
	case WITH_DATA:
		c->base = put_at(v, c->base, m->path, m->n_path, x);
		if (m->mask)
			put_mask(v, c, m);
		break;
	case WITH_FUNC:
		put_mock(v, c, m, x);
		break;
	}
	return heap_ok(&v->h);
}

struct ctx *ctx_with(struct rego_eval *v, const struct withs *w, struct val *f)
{
	struct ctx *c = ctx_new(v, v->ctx);

	for (size_t i = 0; c && i < w->n; i++)
		if (!apply(v, c, &w->mod[i], f))
			return NULL;
	return c;
}
