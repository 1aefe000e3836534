/* Rules whose heads have variables: p[k].q := v, p[k] contains x. Every solution is an entry, a path of keys with a value at
 * its end; rules at fixed paths below add theirs; sorted by path, they become one object. */
#include "policy/eval/eval.h"

#include <stdlib.h>
#include <string.h>

void entry_add(struct rego_eval *v, struct sink *out, struct entry e)
{
	size_t cap = out->cap_entry ? out->cap_entry * 2 : 8;
	struct entry *p;

	if (out->n_entry == out->cap_entry) {
		p = heap_array(&v->h, cap, sizeof(*p));
		if (!p)
			return;
		if (out->n_entry)
			memcpy(p, out->entry, out->n_entry * sizeof(*p));
		out->entry = p;
		out->cap_entry = cap;
	}
	out->entry[out->n_entry++] = e;
}

struct path { struct val key[TREE_DEPTH_MAX]; size_t n; };

static void add_at(struct rego_eval *v, struct sink *out, const struct path *at, struct val value, int kind)
{
	struct entry e = { .n = at->n, .value = value, .kind = (__typeof__(e.kind))kind };

	e.key = heap_array(&v->h, at->n + 1, sizeof(*e.key));
	if (!e.key)
		return;
	memcpy(e.key, at->key, at->n * sizeof(*e.key));
	entry_add(v, out, e);
}

static void add_members(struct rego_eval *v, struct sink *out, const struct path *at, struct val set)
{
	add_at(v, out, at, VAL_UNDEF, ENTRY_SET);
	for (size_t i = 0, n = val_len(set); i < n && heap_steps(&v->h, 1); i++)
		add_at(v, out, at, val_at(set, i), ENTRY_MEMBER);
}

/* Entries of definitions with variables at node t, which stands at a path below the node that is being worked out. */
static void add_defs(struct rego_eval *v, const struct rego_rule *t, struct sink *out, const struct path *at)
{
	struct sink s = { .rule = t };

	add_at(v, out, at, VAL_UNDEF, ENTRY_OBJECT);
	for (size_t i = 0; i < t->n_def && heap_ok(&v->h); i++)
		(void)run_def(v, t->def[i], NULL, &s);
	for (size_t i = 0; i < s.n_entry && heap_steps(&v->h, 1); i++) {
		struct entry e = s.entry[i];

		if (at->n) {
			e.key = heap_array(&v->h, at->n + e.n, sizeof(*e.key));
			if (!e.key)
				return;
			memcpy(e.key, at->key, at->n * sizeof(*e.key));
			memcpy(e.key + at->n, s.entry[i].key, e.n * sizeof(*e.key));
			e.n += at->n;
		}
		entry_add(v, out, e);
	}
}

static void add_children(struct rego_eval *v, const struct rego_rule *t, struct sink *out, struct path *at);

static void add_child(struct rego_eval *v, const struct rego_rule *c, struct sink *out, struct path *at)
{
	struct val x = VAL_UNDEF;

	if (v->ctx->masks && is_masked(v->ctx, c)) {
		x = base_at(v, c);
		if (val_defined(x))
			add_at(v, out, at, x, ENTRY_VALUE);
		return;
	}
	switch (c->kind) {
	case RULE_NONE:
		add_at(v, out, at, VAL_UNDEF, ENTRY_OBJECT);
		break;
	case RULE_OBJECT:
		add_defs(v, c, out, at);
		break;
	case RULE_SET:
		add_members(v, out, at, rule_value(v, c));
		break;
	case RULE_COMPLETE:
		x = rule_value(v, c);
		if (val_defined(x))
			add_at(v, out, at, x, ENTRY_VALUE);
		break;
	case RULE_FUNCTION:
		return;
	}
	add_children(v, c, out, at);
}

static void add_children(struct rego_eval *v, const struct rego_rule *t, struct sink *out, struct path *at)
{
	if (at->n == TREE_DEPTH_MAX)
		return;
	for (size_t i = 0; i < t->n_child && heap_steps(&v->h, 1); i++) {
		at->key[at->n++] = t->child[i]->name;
		add_child(v, t->child[i], out, at);
		at->n--;
	}
}

/* Comparing keys takes steps where they are large. */
static bool pay(struct rego_eval *v, const struct entry *e, size_t n)
{
	uint64_t cost = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < e[i].n; k++)
			cost += val_toll(e[i].key[k]);
	return heap_steps(&v->h, cost);
}

static int by_path(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;

	for (size_t i = 0; i < a->n && i < b->n; i++) {
		int c = val_cmp(a->key[i], b->key[i]);

		if (c)
			return c;
	}
	return (a->n > b->n) - (a->n < b->n);
}

static struct val conflict(struct rego_eval *v)
{
	return eval_fail(v, REGO_CONFLICT, "object keys must be unique");
}

/* What ends at one path: one value, or a set, or an object whose members follow. */
static struct val leaf(struct rego_eval *v, const struct entry *e, size_t n)
{
	struct vlist set = { .h = &v->h };
	struct val x = VAL_UNDEF;
	bool is_set = false;

	for (size_t i = 0; i < n; i++) {
		is_set |= e[i].kind == ENTRY_MEMBER || e[i].kind == ENTRY_SET;
		if (e[i].kind == ENTRY_MEMBER)
			vlist_add(&set, e[i].value);
		if (e[i].kind != ENTRY_VALUE)
			continue;
		if (val_defined(x) && !val_same(&v->h, x, e[i].value))
			return conflict(v);
		x = e[i].value;
	}
	if (is_set && val_defined(x))
		return conflict(v);
	return is_set ? val_set(&v->h, set.p, set.n) : x;
}

/* Entries that share their first `depth` keys. */
static struct val build(struct rego_eval *v, const struct entry *e, size_t n, size_t depth)
{
	struct plist l = { .h = &v->h };
	size_t ended = 0, i;
	struct val x;

	while (ended < n && e[ended].n == depth)
		ended++;
	x = leaf(v, e, ended);
	if (val_defined(x))
		return ended == n ? x : conflict(v);
	for (i = ended; i < n && heap_steps(&v->h, 1);) {
		size_t from = i;

		while (i < n && val_same(&v->h, e[i].key[depth], e[from].key[depth]))
			i++;
		plist_add(&l, e[from].key[depth], build(v, e + from, i - from, depth + 1));
	}
	return val_object(&v->h, l.p, l.n, NULL);
}

struct val object_value(struct rego_eval *v, const struct rego_rule *t)
{
	struct sink s = { .rule = t };
	struct path at = { .n = 0 };
	struct val x, base = base_at(v, t);
	uint64_t log = 1;

	add_defs(v, t, &s, &at);
	add_children(v, t, &s, &at);
	while (s.n_entry >> log)
		log++;
	if (!heap_steps(&v->h, s.n_entry * log) || !pay(v, s.entry, s.n_entry))
		return VAL_UNDEF;
	if (s.entry)
		qsort(s.entry, s.n_entry, sizeof(*s.entry), by_path);
	x = build(v, s.entry, s.n_entry, 0);
	return val_type(base) == VT_OBJECT && val_defined(x) ? merge(v, base, x) : x;
}
