#include "policy/plan/tree.h"
#include "policy/value/valtext.h"

#define HASH_FROM 8 /* children before a hash is worth it */

struct rego_rule *tree_child(const struct rego_rule *t, struct val name)
{
	int64_t at;

	if (val_defined(t->names))
		return val_int64(val_get(t->names, name), &at) ? t->child[at] : NULL;
	for (size_t i = 0; i < t->n_child; i++)
		if (val_eq(t->child[i]->name, name))
			return t->child[i];
	return NULL;
}

bool tree_seal(struct heap *h, struct rego_rule *t)
{
	struct plist l = { .h = h };

	for (size_t i = 0; i < t->n_child; i++) {
		if (t->n_child >= HASH_FROM)
			plist_add(&l, t->child[i]->name, val_int(h, (int64_t)i));
		if (!tree_seal(h, t->child[i]))
			return false;
	}
	t->hash = NULL;
	if (l.n)
		t->names = val_object(h, l.p, l.n, NULL);
	return heap_ok(h);
}

/* While building: hostile names that collide cost steps. */
static struct rego_rule *by_hash(struct heap *h, const struct rego_rule *t, struct val name)
{
	size_t i = val_hash(name) & (t->n_hash - 1);

	for (; t->hash[i] && heap_steps(h, 1); i = (i + 1) & (t->n_hash - 1)) {
		struct rego_rule *c = t->child[t->hash[i] - 1];

		if (val_eq(c->name, name))
			return c;
	}
	return NULL;
}

static void hash_put(struct heap *h, struct rego_rule *t, size_t child)
{
	size_t i = val_hash(t->child[child]->name) & (t->n_hash - 1);

	while (t->hash[i] && heap_steps(h, 1))
		i = (i + 1) & (t->n_hash - 1);
	t->hash[i] = (uint32_t)child + 1;
}

static bool rehash(struct heap *h, struct rego_rule *t)
{
	if (t->n_child < HASH_FROM || t->n_child * 2 <= t->n_hash)
		return true;
	t->n_hash = t->n_hash ? t->n_hash * 4 : 4ul * HASH_FROM;
	t->hash = heap_array(h, t->n_hash, sizeof(*t->hash));
	if (!t->hash)
		return false;
	for (size_t i = 0; i < t->n_child; i++)
		hash_put(h, t, i);
	return true;
}

static bool grow(struct heap *h, struct rego_rule *t)
{
	size_t cap = t->cap_child ? t->cap_child * 2 : 4;
	struct rego_rule **p;

	if (t->n_child < t->cap_child)
		return true;
	p = heap_array(h, cap, sizeof(struct rego_rule *));
	if (!p)
		return false;
	for (size_t i = 0; i < t->n_child; i++)
		p[i] = t->child[i];
	t->child = p;
	t->cap_child = cap;
	return true;
}

struct rego_rule *tree_make(struct heap *h, struct rego_rule *t, struct val name)
{
	struct rego_rule *c = t->hash ? by_hash(h, t, name) : tree_child(t, name);

	if (c || !heap_ok(h))
		return c;
	c = heap_alloc(h, sizeof(*c));
	if (!c || !grow(h, t))
		return NULL;
	c->name = name;
	c->parent = t;
	c->depth = t->depth + 1;
	t->child[t->n_child++] = c;
	if (t->hash && t->n_child * 2 <= t->n_hash)
		hash_put(h, t, t->n_child - 1);
	else if (!rehash(h, t))
		return NULL;
	return c;
}

static bool is_name(struct span s)
{
	if (!s.n || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
			return false;
	}
	return true;
}

static void put_step(struct wr *w, struct val step)
{
	if (val_type(step) == VT_STRING && is_name(val_span(step))) {
		wr_u8(w, '.');
		wr_put(w, val_span(step));
		return;
	}
	wr_u8(w, '[');
	val_put_rego(w, step, true);
	wr_u8(w, ']');
}

void tree_put_path(struct wr *w, const struct rego_rule *t)
{
	const struct rego_rule *up[TREE_DEPTH_MAX + 1];
	size_t n = 0;

	for (; t->parent && n <= TREE_DEPTH_MAX; t = t->parent)
		up[n++] = t;
	wr_str(w, "data");
	while (n)
		put_step(w, up[--n]->name);
}

/* One step from the front of *s: `name`, or `["string"]` once a step has been read. */
static bool path_step(struct heap *h, struct span *s, bool first, struct val *out)
{
	size_t n = 0;

	if (!first && s->n && s->p[0] == '[') {
		struct span rest = span_skip(*s, 1);
		const char *why;
		size_t bad_at;

		n = 1;
		while (n < rest.n && rest.p[n] != '"')
			n += rest.p[n] == '\\' ? 2 : 1;
		if (n + 1 >= rest.n || rest.p[0] != '"' || rest.p[n + 1] != ']')
			return false;
		*out = val_from_json(h, (struct span){ rest.p, n + 1 }, (struct json_limits){ 4096, 1 }, &bad_at, &why);
		*s = span_skip(rest, n + 2);
		return val_type(*out) == VT_STRING;
	}
	if (!first && (!s->n || s->p[0] != '.'))
		return false;
	if (!first)
		*s = span_skip(*s, 1);
	while (n < s->n && s->p[n] != '.' && s->p[n] != '[')
		n++;
	if (!n)
		return false;
	*out = val_str(h, (struct span){ s->p, n });
	*s = span_skip(*s, n);
	return val_defined(*out);
}

bool tree_parse_path(struct heap *h, const char *path, struct val *step, size_t cap, size_t *n)
{
	struct span s = span_of(path);
	struct val head = VAL_UNDEF;

	*n = 0;
	if (!path_step(h, &s, true, &head) || !span_eq_str(val_span(head), "data"))
		return false;
	while (s.n) {
		if (*n == cap || !path_step(h, &s, false, &step[*n]))
			return false;
		*n += 1;
	}
	return true;
}
