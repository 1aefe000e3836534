/* Making arrays, objects and sets: order, no duplicates, hashes, the index. */
#include "policy/value/node.h"

#define INDEX_FROM 9 /* members; fewer are found faster one by one */

/* ---- hashes, depth, index ---- */

static void count_part(struct tree *t, struct val v)
{
	uint32_t weight = weight_of(v), depth = is_tree(v) ? tree_node(v)->depth : 0;

	if (depth >= t->depth)
		t->depth = depth + 1;
	t->weight = t->weight > UINT32_MAX - weight ? UINT32_MAX : t->weight + weight;
	t->hash = mix64((uint64_t)t->hash << 32 | val_hash(v));
}

static bool count_parts(struct heap *h, struct tree *t, const struct val *part, size_t n)
{
	for (size_t i = 0; i < n; i++)
		count_part(t, part[i]);
	if (t->depth > VAL_DEPTH_MAX)
		heap_over(h, REGO_LIMIT_NESTING);
	return heap_ok(h);
}

/* At most half full. Members `step` values apart. */
static bool index_make(struct heap *h, struct index *ix, const struct val *first, size_t step, size_t n)
{
	uint32_t size = 16, *slot;

	if (n < INDEX_FROM)
		return true;
	while (size < 2 * n)
		size *= 2;
	slot = heap_array(h, size, sizeof(*slot));
	if (!slot)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t at = val_hash(first[i * step]);
		int probe = 0;

		while (slot[at & (size - 1)] && probe < INDEX_PROBES) {
			at++;
			probe++;
		}
		if (probe < INDEX_PROBES)
			slot[at & (size - 1)] = (uint32_t)i + 1;
	}
	*ix = (struct index){ slot, size - 1 };
	return true;
}

/* ---- constructors ---- */

static const struct empty {
	struct tree  t;
	struct index ix;
} empty_tree[3] __attribute__((aligned(16))) = {
	{ .t = { 0, 0x51ed270b, 1, 1 } }, { .t = { 0, 0x2c1b3c6d, 1, 1 } }, { .t = { 0, 0x297a2d39, 1, 1 } },
};

static struct val empty(enum tag tag)
{
	return val_node(&empty_tree[tag - TAG_ARRAY], tag);
}

/* The node of a container with n parts and its parts, to be filled; NULL when it cannot be. */
static void *tree_new(struct heap *h, enum tag tag, size_t n, size_t head, size_t each)
{
	struct tree *t;

	if (n > UINT32_MAX / 4)
		heap_over(h, REGO_LIMIT_MEMORY);
	if (!heap_ok(h))
		return NULL;
	t = heap_alloc(h, head + n * each);
	if (t)
		*t = (struct tree){ .n = (uint32_t)n, .hash = mix64(tag), .depth = 1, .weight = 1 };
	return t;
}

/* Copies the parts, of which none may be undefined. */
static bool take(struct val *to, const struct val *from, size_t n)
{
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
		all &= val_defined(from[i]);
	}
	return all;
}

struct val val_array(struct heap *h, const struct val *item, size_t n)
{
	struct array_node *o;

	if (n == 0 && heap_ok(h))
		return empty(TAG_ARRAY);
	o = tree_new(h, TAG_ARRAY, n, sizeof(*o), sizeof(*item));
	if (!o || !take(o->item, item, n))
		return VAL_UNDEF;
	return count_parts(h, &o->t, o->item, n) ? val_node(o, TAG_ARRAY) : VAL_UNDEF;
}

/* Of equal items one stays; answers how many there are. */
static size_t unique_items(struct val *item, size_t n)
{
	size_t out = 1;

	for (size_t i = 1; i < n; i++)
		if (!val_eq(item[out - 1], item[i]))
			item[out++] = item[i];
	return out;
}

struct val val_set(struct heap *h, const struct val *item, size_t n)
{
	struct set_node *o;

	if (n == 0 && heap_ok(h))
		return empty(TAG_SET);
	o = tree_new(h, TAG_SET, n, sizeof(*o), sizeof(*item));
	if (!o || !take(o->item, item, n) || !val_sort(h, o->item, n, 1))
		return VAL_UNDEF;
	n = unique_items(o->item, n);
	o->t.n = (uint32_t)n;
	if (!count_parts(h, &o->t, o->item, n) || !index_make(h, &o->ix, o->item, 1, n))
		return VAL_UNDEF;
	return val_node(o, TAG_SET);
}

/* Of equal keys one stays, with the value of the last. */
static size_t unique_pairs(struct heap *h, struct pair *m, size_t n, bool *conflict)
{
	size_t out = 1;

	for (size_t i = 1; i < n; i++) {
		if (!val_eq(m[out - 1].k, m[i].k)) {
			m[out++] = m[i];
			continue;
		}
		if (conflict && !val_same(h, m[out - 1].v, m[i].v))
			*conflict = true;
		m[out - 1].v = m[i].v;
	}
	return out;
}

static struct val object_new(struct heap *h, const struct val *kv, size_t n, bool *conflict)
{
	struct object_node *o;

	if (n == 0 && heap_ok(h))
		return empty(TAG_OBJECT);
	o = tree_new(h, TAG_OBJECT, n, sizeof(*o), sizeof(o->m[0]));
	if (!o || !take(&o->m[0].k, kv, 2 * n) || !val_sort(h, &o->m[0].k, n, 2))
		return VAL_UNDEF;
	n = unique_pairs(h, o->m, n, conflict);
	o->t.n = (uint32_t)n;
	if (!count_parts(h, &o->t, &o->m[0].k, 2 * n) || !index_make(h, &o->ix, &o->m[0].k, 2, n))
		return VAL_UNDEF;
	return val_node(o, TAG_OBJECT);
}

struct val val_object(struct heap *h, const struct pair *m, size_t n, bool *conflict)
{
	if (conflict)
		*conflict = false;
	return object_new(h, n ? &m[0].k : NULL, n, conflict);
}

struct val val_object_flat(struct heap *h, const struct val *kv, size_t n)
{
	return object_new(h, kv, n, NULL);
}

/* ---- growing lists ---- */

/* Room for one more element; what was outgrown stays in the arena, less than the list itself in sum. */
static bool grow(struct heap *h, void **p, size_t n, size_t *cap, size_t each)
{
	size_t more = *cap ? *cap * 2 : 8;
	void *to;

	if (n < *cap)
		return heap_ok(h);
	to = heap_array(h, more, each);
	if (!to)
		return false;
	if (n)
		memcpy(to, *p, n * each);
	*p = to;
	*cap = more;
	return true;
}

void vlist_add(struct vlist *l, struct val v)
{
	void *p = l->p;

	if (!grow(l->h, &p, l->n, &l->cap, sizeof(v)))
		return;
	l->p = p;
	l->p[l->n++] = v;
}

void plist_add(struct plist *l, struct val k, struct val v)
{
	void *p = l->p;

	if (!grow(l->h, &p, l->n, &l->cap, sizeof(*l->p)))
		return;
	l->p = p;
	l->p[l->n++] = (struct pair){ k, v };
}

/* ---- copies ---- */

static struct index index_copy(struct heap *h, struct index ix)
{
	uint32_t *slot;

	if (!ix.slot)
		return ix;
	slot = heap_array(h, (size_t)ix.mask + 1, sizeof(*slot));
	if (slot)
		memcpy(slot, ix.slot, ((size_t)ix.mask + 1) * sizeof(*slot));
	return (struct index){ slot, ix.mask };
}

static void copy_parts(struct heap *h, struct val *to, const struct val *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = val_copy(h, from[i]);
}

static struct val copy_array(struct heap *h, struct val v)
{
	const struct array_node *from = array_node(v);
	struct array_node *o = heap_alloc(h, sizeof(*o) + from->t.n * sizeof(v));

	if (!o)
		return VAL_UNDEF;
	o->t = from->t;
	copy_parts(h, o->item, from->item, from->t.n);
	return val_node(o, TAG_ARRAY);
}

static struct val copy_set(struct heap *h, struct val v)
{
	const struct set_node *from = set_node(v);
	struct set_node *o = heap_alloc(h, sizeof(*o) + from->t.n * sizeof(v));

	if (!o)
		return VAL_UNDEF;
	o->t = from->t;
	o->ix = index_copy(h, from->ix);
	copy_parts(h, o->item, from->item, from->t.n);
	return val_node(o, TAG_SET);
}

static struct val copy_object(struct heap *h, struct val v)
{
	const struct object_node *from = object_node(v);
	struct object_node *o = heap_alloc(h, sizeof(*o) + from->t.n * sizeof(from->m[0]));

	if (!o)
		return VAL_UNDEF;
	o->t = from->t;
	o->ix = index_copy(h, from->ix);
	copy_parts(h, &o->m[0].k, &from->m[0].k, 2 * (size_t)from->t.n);
	return val_node(o, TAG_OBJECT);
}

/* As deep as values are: VAL_DEPTH_MAX. Empty containers and the empty string are shared by all arenas. */
struct val val_copy(struct heap *to, struct val v)
{
	struct val o = v;

	if (tag_of(v) == TAG_STR)
		o = val_str(to, val_span(v));
	else if (tag_of(v) == TAG_NUM)
		o = num_copy(to, v);
	else if (is_tree(v) && val_len(v))
		o = tag_of(v) == TAG_ARRAY ? copy_array(to, v) : tag_of(v) == TAG_SET ? copy_set(to, v) : copy_object(to, v);
	return heap_ok(to) ? o : VAL_UNDEF;
}
