#include "policy/builtin/patch.h"

#include "base/own.h"
#include "policy/builtin/operand.h"
#include "policy/value/num.h"

enum edit { EDIT_ADD, EDIT_REMOVE };

/* One change at the end of a path. A document that was removed as a whole is VAL_UNDEF. */
struct change {
	struct heap *h;
	enum edit edit;
	struct val path, value;
	bool failed;
};

static struct val give_up(struct change *g)
{
	g->failed = true;
	return VAL_UNDEF;
}

/* An index into an array of n items: digits without leading zeros, as text or as a number written that way (1.0 is none). */
static bool index_of(struct val key, size_t n, size_t *out)
{
	CLEANUP(wr_close) struct wr w = wr_open(32);
	struct span s = val_span(key);
	uint64_t i;

	if (val_type(key) == VT_NUMBER) {
		num_put(&w, key);
		s = wr_ok(&w) ? wr_span(&w) : (struct span){ NULL, 0 };
	}
	if (val_type(key) == VT_STRING && span_eq_str(s, "-")) {
		*out = n;
		return true;
	}
	if (!span_u64(s, &i) || i > n)
		return false;
	*out = (size_t)i;
	return true;
}

/* Arrays: what stands at i is replaced by v, or goes; or v comes in before it. */
static struct val array_with(struct change *g, struct val a, size_t i, struct val v, bool insert)
{
	struct vlist l = { .h = g->h };

	if (!heap_steps(g->h, val_len(a)))
		return VAL_UNDEF;
	for (size_t k = 0; k <= val_len(a); k++) {
		if (k == i && val_defined(v))
			vlist_add(&l, v);
		if (k < val_len(a) && (k != i || insert))
			vlist_add(&l, val_at(a, k));
	}
	return val_array(g->h, l.p, l.n);
}

/* Objects: key holds v, or goes when v is undefined. */
static struct val object_with(struct change *g, struct val o, struct val key, struct val v)
{
	struct plist l = { .h = g->h };

	if (!heap_steps(g->h, val_len(o)))
		return VAL_UNDEF;
	for (size_t k = 0; k < val_len(o); k++) {
		if (!val_same(g->h, val_key(o, k), key))
			plist_add(&l, val_key(o, k), val_at(o, k));
	}
	if (val_defined(v))
		plist_add(&l, key, v);
	return val_object(g->h, l.p, l.n, NULL);
}

/* Sets: member x becomes v, or goes when v is undefined. */
static struct val set_with(struct change *g, struct val s, struct val x, struct val v)
{
	struct vlist l = { .h = g->h };

	if (!heap_steps(g->h, val_len(s)))
		return VAL_UNDEF;
	for (size_t k = 0; k < val_len(s); k++) {
		if (!val_same(g->h, val_at(s, k), x))
			vlist_add(&l, val_at(s, k));
	}
	if (val_defined(v))
		vlist_add(&l, v);
	return val_set(g->h, l.p, l.n);
}

/* The container of the last step, with the change made. */
static struct val at_end(struct change *g, struct val v, struct val key)
{
	bool add = g->edit == EDIT_ADD;
	size_t i;

	switch (val_type(v)) {
	case VT_ARRAY:
		if (!index_of(key, val_len(v), &i) || (!add && i == val_len(v)))
			return give_up(g);
		return array_with(g, v, i, add ? g->value : VAL_UNDEF, add);
	case VT_OBJECT:
		if (!add && !val_defined(val_get(v, key)))
			return give_up(g);
		return object_with(g, v, key, add ? g->value : VAL_UNDEF);
	case VT_SET:
		if (add ? !val_same(g->h, key, g->value) : !val_has(v, key))
			return give_up(g);
		return set_with(g, v, key, add ? g->value : VAL_UNDEF);
	case VT_UNDEF:
	case VT_NULL:
	case VT_BOOL:
	case VT_NUMBER:
	case VT_STRING:
		break;
	}
	return give_up(g);
}

/* The container v with its child `from` (under key) replaced by `to`. */
static struct val with_child(struct change *g, struct val v, struct val key, struct val to)
{
	size_t i;

	if (val_type(v) == VT_OBJECT)
		return object_with(g, v, key, to);
	if (val_type(v) == VT_SET)
		return set_with(g, v, key, to);
	return index_of(key, val_len(v), &i) ? array_with(g, v, i, to, false) : give_up(g);
}

/* One step down; VAL_UNDEF where there is nothing. */
static struct val child(struct val v, struct val key)
{
	size_t i;

	if (val_type(v) == VT_ARRAY)
		return index_of(key, val_len(v), &i) ? val_at(v, i) : VAL_UNDEF;
	return val_ref(v, key);
}

/* What the path leads to. */
static struct val look(struct heap *h, struct val v, struct val path)
{
	if (!heap_steps(h, val_len(path)))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(path) && val_defined(v); i++)
		v = child(v, val_at(path, i));
	return v;
}

/* Down to the last container, and up again with new ones. A path is no longer than values nest: longer ones lead nowhere. */
static struct val changed(struct change *g, struct val doc)
{
	size_t n = val_len(g->path);
	struct val *way, v;

	if (n == 0)
		return g->edit == EDIT_ADD ? g->value : val_defined(doc) ? VAL_UNDEF : give_up(g);
	way = n <= VAL_DEPTH_MAX && heap_steps(g->h, n) ? heap_array(g->h, n, sizeof(*way)) : NULL;
	if (!way)
		return give_up(g);
	way[0] = doc;
	for (size_t i = 1; i < n; i++)
		way[i] = child(way[i - 1], val_at(g->path, i - 1));
	v = at_end(g, way[n - 1], val_at(g->path, n - 1));
	for (size_t i = n - 1; i > 0 && !g->failed && heap_ok(g->h); i--)
		v = with_child(g, way[i - 1], val_at(g->path, i - 1), v);
	return v;
}

static bool edit(struct heap *h, struct val *doc, enum edit what, struct val path, struct val value)
{
	struct change g = { .h = h, .edit = what, .path = path, .value = value };

	*doc = changed(&g, *doc);
	return !g.failed && heap_ok(h);
}

static bool remove_and_add(struct heap *h, struct val *doc, struct val from, struct val path, struct val value)
{
	return val_defined(value) && edit(h, doc, EDIT_REMOVE, from, VAL_UNDEF) && edit(h, doc, EDIT_ADD, path, value);
}

static bool one(struct heap *h, struct val *doc, struct val op)
{
	struct span name = val_span(val_gets(op, "op"));
	struct val path = bi_path(h, val_gets(op, "path")), from = bi_path(h, val_gets(op, "from")),
		   value = val_gets(op, "value");

	if (!val_defined(path))
		return false;
	if (span_eq_str(name, "add"))
		return val_defined(value) && edit(h, doc, EDIT_ADD, path, value);
	if (span_eq_str(name, "remove"))
		return edit(h, doc, EDIT_REMOVE, path, VAL_UNDEF);
	if (span_eq_str(name, "replace"))
		return remove_and_add(h, doc, path, path, value);
	if (span_eq_str(name, "test"))
		return val_defined(value) && val_same(h, look(h, *doc, path), value);
	if (!val_defined(from))
		return false;
	value = look(h, *doc, from);
	if (span_eq_str(name, "move"))
		return remove_and_add(h, doc, from, path, value);
	return span_eq_str(name, "copy") && val_defined(value) && edit(h, doc, EDIT_ADD, path, value);
}

bool rego_patch(struct heap *h, struct val doc, struct val ops, struct val *out)
{
	if (val_type(ops) != VT_ARRAY)
		return false;
	for (size_t i = 0; i < val_len(ops); i++) {
		if (!heap_steps(h, 1) || !one(h, &doc, val_at(ops, i)))
			return false;
	}
	if (!val_defined(doc) || !heap_ok(h))
		return false;
	*out = doc;
	return true;
}

/* As in OPA a patch that fails is undefined, not an error. */
static struct val json_patch(struct call *c)
{
	struct val v = VAL_UNDEF;

	if (!bi_is(c, 1, VT_ARRAY) || !rego_patch(c->h, c->arg[0], c->arg[1], &v))
		return VAL_UNDEF;
	return v;
}

const struct builtin bi_patch[] = {
	{ .name = "json.patch", .args = 2, .fn = json_patch },
	{ 0 },
};
