/* Graphs as objects: node to its neighbours, an array or a set. */
#include "policy/builtin/operand.h"

/* The i-th neighbour; VAL_UNDEF past the last. What is neither array nor set has none. */
static struct val neighbour(struct val edges, size_t i)
{
	return val_type(edges) == VT_ARRAY || val_type(edges) == VT_SET ? val_at(edges, i) : VAL_UNDEF;
}

/* A set that grows: open addressing, at most half full. */
struct seen {
	struct heap *h;
	struct val *slot;
	size_t cap, n;
};

static struct val *seen_slot(struct seen *s, struct val v)
{
	size_t i = val_hash(v) & (s->cap - 1);

	while (heap_steps(s->h, 1) && val_defined(s->slot[i]) && !val_same(s->h, s->slot[i], v))
		i = (i + 1) & (s->cap - 1);
	return &s->slot[i];
}

static bool seen_grow(struct seen *s)
{
	struct seen more = { s->h, NULL, s->cap ? s->cap * 2 : 64, s->n };

	more.slot = heap_array(s->h, more.cap, sizeof(*more.slot));
	for (size_t i = 0; more.slot && i < s->cap; i++) {
		if (val_defined(s->slot[i]))
			*seen_slot(&more, s->slot[i]) = s->slot[i];
	}
	*s = more;
	return heap_ok(s->h);
}

/* True when v is new. */
static bool seen_add(struct seen *s, struct val v)
{
	struct val *p;

	if (s->n * 2 >= s->cap && !seen_grow(s))
		return false;
	p = seen_slot(s, v);
	if (!heap_ok(s->h) || val_defined(*p))
		return false;
	*p = v;
	s->n++;
	return true;
}

static bool graph_args(struct call *c)
{
	return bi_is(c, 0, VT_OBJECT) && bi_items(c, 1);
}

/* The list of nodes reached is the queue as well. */
static struct val reachable(struct call *c)
{
	struct seen s = { .h = c->h };
	struct vlist l = { .h = c->h };

	if (!graph_args(c))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[1]) && heap_ok(c->h); i++) {
		struct val v = val_at(c->arg[1], i);

		if (val_defined(val_get(c->arg[0], v)) && seen_add(&s, v))
			vlist_add(&l, v);
	}
	for (size_t i = 0; i < l.n && heap_ok(c->h); i++) {
		struct val edges = val_get(c->arg[0], l.p[i]), v;

		for (size_t k = 0; val_defined(v = neighbour(edges, k)) && heap_ok(c->h); k++) {
			if (val_defined(val_get(c->arg[0], v)) && seen_add(&s, v))
				vlist_add(&l, v);
		}
	}
	return bi_order(c, l.n) ? val_set(c->h, l.p, l.n) : VAL_UNDEF;
}

/* The path being followed and how far its nodes' edges have been looked at: a stack of our own, since a path may be as long
 * as the graph. */
struct trail {
	struct val node, edges;
	size_t next;
};
struct trails {
	struct call *c;
	struct trail *t;
	size_t n, cap;
	struct vlist found;
};

static void trail_found(struct trails *s)
{
	struct val *p = heap_steps(s->c->h, s->n) ? heap_array(s->c->h, s->n, sizeof(*p)) : NULL;

	for (size_t i = 0; p && i < s->n; i++)
		p[i] = s->t[i].node;
	vlist_add(&s->found, p ? val_array(s->c->h, p, s->n) : VAL_UNDEF);
}

static void trail_push(struct trails *s, struct val node, struct val edges)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct trail *t = heap_array(s->c->h, cap, sizeof(*t));

		if (!t)
			return;
		if (s->n)
			memcpy(t, s->t, s->n * sizeof(*t));
		s->t = t;
		s->cap = cap;
	}
	s->t[s->n++] = (struct trail){ node, edges, 0 };
}

static bool on_trail(struct trails *s, struct val v)
{
	size_t i = 0;

	while (i < s->n && heap_steps(s->c->h, 1) && !val_same(s->c->h, s->t[i].node, v))
		i++;
	return i < s->n;
}

/* One more edge of the last node. As in OPA a first edge back to the start is followed once. */
static void trail_step(struct trails *s)
{
	struct trail *last = &s->t[s->n - 1];
	struct val v = neighbour(last->edges, last->next++), edges;

	if (!val_defined(v)) {
		s->n--;
		return;
	}
	edges = val_get(s->c->arg[0], v);
	if ((s->n > 1 && on_trail(s, v)) || !val_defined(edges)) {
		trail_found(s);
		return;
	}
	trail_push(s, v, edges);
	if (heap_ok(s->c->h) && !val_defined(neighbour(edges, 0))) {
		trail_found(s);
		s->n--;
	}
}

static struct val reachable_paths(struct call *c)
{
	struct trails s = { .c = c, .found = { .h = c->h } };

	if (!graph_args(c))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[1]) && heap_steps(c->h, 1); i++) {
		struct val v = val_at(c->arg[1], i), edges = val_get(c->arg[0], v);

		if (!val_defined(edges))
			continue;
		trail_push(&s, v, edges);
		if (heap_ok(c->h) && !val_defined(neighbour(edges, 0)))
			trail_found(&s);
		while (s.n && heap_steps(c->h, 1))
			trail_step(&s);
	}
	return bi_order(c, s.found.n) ? val_set(c->h, s.found.p, s.found.n) : VAL_UNDEF;
}

const struct builtin bi_graph[] = {
	{ .name = "graph.reachable", .args = 2, .fn = reachable },
	{ .name = "graph.reachable_paths", .args = 2, .fn = reachable_paths },
	{ 0 },
};
