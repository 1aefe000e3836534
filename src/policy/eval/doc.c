/* Documents: what rules define and base data, seen as one. A place is where a reference stands while it goes down step by
 * step; rules on the way are evaluated, packages are put together only when they are read as a whole. */
#include "policy/eval/eval.h"
#include "policy/value/num.h"

bool is_masked(const struct ctx *c, const struct rego_rule *t)
{
	for (const struct mask *m = c->masks; m; m = m->next)
		if (m->at == t && !m->n_rest)
			return true;
	return false;
}

/* At or below something that `with` replaced. */
static bool hidden(const struct ctx *c, const struct rego_rule *t)
{
	for (; c->masks && t; t = t->parent)
		if (is_masked(c, t))
			return true;
	return false;
}

/* Steps from i on go to where `with` replaced a part of rule t's value: then only the base document counts. */
static bool goes_to_replaced(struct rego_eval *v, const struct rego_rule *t, const struct node *n, size_t i, struct val *f)
{
	for (const struct mask *m = v->ctx->masks; m; m = m->next) {
		size_t k = 0;

		if (m->at != t || !m->n_rest || n->n - i < m->n_rest)
			continue;
		while (k < m->n_rest && val_eq(value_of(v, n->item[i + k], f), m->rest[k]))
			k++;
		if (k == m->n_rest)
			return true;
	}
	return false;
}

struct val base_at(struct rego_eval *v, const struct rego_rule *t)
{
	const struct rego_rule *up[TREE_DEPTH_MAX + 1];
	struct val x = v->ctx->base;
	size_t n = 0;

	for (; t && t->parent; t = t->parent)
		up[n++] = t;
	while (n && val_defined(x))
		x = val_ref(x, up[--n]->name);
	return x;
}

/* A step in stored data: OPA's storage has paths of text, so that data.x[2] is the member "2" of an object. */
static struct val stored_ref(struct rego_eval *v, struct val x, struct val key)
{
	struct val r = val_ref(x, key);
	struct wr w;

	if (val_defined(r) || val_type(x) != VT_OBJECT || val_type(key) != VT_NUMBER)
		return r;
	w = wr_open(NUM_TEXT_MAX);
	val_put_json(&w, key, NULL, NULL);
	key = wr_ok(&w) ? val_str(&v->h, wr_span(&w)) : VAL_UNDEF;
	wr_close(&w);
	return val_defined(key) ? val_ref(x, key) : VAL_UNDEF;
}

/* Stands on node t: a rule gives its value, anything else stays a place in the tree. */
static bool settle(struct rego_eval *v, struct place *p)
{
	if (p->t->kind == RULE_NONE)
		return true;
	p->base = p->t->kind == RULE_FUNCTION ? VAL_UNDEF : rule_value(v, p->t);
	p->t = NULL;
	p->stored = false;
	return val_defined(p->base);
}

bool place_step(struct rego_eval *v, struct place *p, struct val key)
{
	const struct rego_rule *c = p->t ? tree_child(p->t, key) : NULL;

	if (!key_toll(v, key))
		return false;
	if (val_defined(p->base))
		p->base = p->stored ? stored_ref(v, p->base, key) : val_ref(p->base, key);
	p->t = c && v->ctx->masks && is_masked(v->ctx, c) ? NULL : c;
	return p->t ? settle(v, p) : val_defined(p->base);
}

static bool start(struct rego_eval *v, const struct node *n, struct val *f, struct place *out)
{
	if (n->slot != NO_SLOT) {
		out->t = (const struct rego_rule *)(uintptr_t)f[n->slot + 1].w; /* NOLINT: put there by OP_DOC */
		out->base = f[n->slot];
		out->stored = false;
		return true;
	}
	if (v->ctx->masks && (hidden(v->ctx, n->doc) || goes_to_replaced(v, n->doc, n, 0, f))) {
		*out = (struct place){ NULL, base_at(v, n->doc), true };
		return val_defined(out->base);
	}
	if (!n->doc)
		return false;
	*out = (struct place){ n->doc, VAL_UNDEF, true };
	if (n->doc->kind != RULE_NONE)
		return settle(v, out);
	out->base = base_at(v, n->doc);
	return true;
}

bool place_of(struct rego_eval *v, const struct node *n, struct val *f, struct place *out)
{
	if (!start(v, n, f, out))
		return false;
	for (size_t i = 0; i < n->n; i++) {
		struct val key = value_of(v, n->item[i], f);
		const struct rego_rule *c = v->ctx->masks && out->t ? tree_child(out->t, key) : NULL;

		if (c && goes_to_replaced(v, c, n, i + 1, f))
			*out = (struct place){ NULL, base_at(v, c), true };
		else if (!val_defined(key) || !place_step(v, out, key))
			return false;
	}
	return true;
}

static void add_children(struct rego_eval *v, struct place p, struct plist *l)
{
	for (size_t i = 0; i < p.t->n_child && heap_steps(&v->h, 1); i++) {
		const struct rego_rule *c = p.t->child[i];
		struct place at = p;
		struct val x = c->kind != RULE_FUNCTION && place_step(v, &at, c->name) ? place_read(v, at) : VAL_UNDEF;
		struct val stored = c->kind != RULE_NONE ? val_get(p.base, c->name) : VAL_UNDEF;

		if (val_defined(stored)) /* seen as a whole, what is stored stands before what a rule says: as in OPA */
			x = merge(v, x, stored);
		if (val_defined(x))
			plist_add(l, c->name, x);
	}
}

/* A package as a whole: its rules and what it holds, then base data under other names. Paths in the tree are bounded:
 * TREE_DEPTH_MAX. */
struct val place_read(struct rego_eval *v, struct place p)
{
	struct plist l = { .h = &v->h };
	size_t n = val_len(p.base);
	struct val r = VAL_UNDEF;

	if (!p.t)
		return p.base;
	if (eval_enter(v, 2)) {
		add_children(v, p, &l);
		if (val_type(p.base) != VT_OBJECT || !heap_steps(&v->h, n))
			n = 0;
		for (size_t i = 0; i < n; i++)
			if (!tree_child(p.t, val_key(p.base, i)))
				plist_add(&l, val_key(p.base, i), val_at(p.base, i));
		r = val_object(&v->h, l.p, l.n, NULL);
	}
	v->depth -= 2;
	return r;
}

struct val place_keys(struct rego_eval *v, struct place p)
{
	struct vlist l = { .h = &v->h };
	struct val set;

	if (!p.t && val_type(p.base) == VT_OBJECT) {
		for (size_t i = 0, n = val_len(p.base); i < n && heap_steps(&v->h, 1); i++)
			vlist_add(&l, val_key(p.base, i));
	} else if (!p.t && val_type(p.base) == VT_ARRAY) {
		for (size_t i = 0, n = val_len(p.base); i < n && heap_steps(&v->h, 1); i++)
			vlist_add(&l, val_int(&v->h, (int64_t)i));
	} else if (!p.t) {
		return p.base; /* members of a set name themselves; anything else has none */
	} else {
		for (size_t i = 0; i < p.t->n_child && heap_steps(&v->h, 1); i++)
			vlist_add(&l, p.t->child[i]->name);
		for (size_t i = 0, n = val_type(p.base) == VT_OBJECT ? val_len(p.base) : 0; i < n && heap_steps(&v->h, 1); i++)
			vlist_add(&l, val_key(p.base, i));
		set = val_set(&v->h, l.p, l.n);
		return set;
	}
	return val_array(&v->h, l.p, l.n);
}

struct val document(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct place p;

	if (n->doc && n->doc->kind != RULE_NONE && !n->n && !v->ctx->masks)
		return n->doc->kind == RULE_FUNCTION ? VAL_UNDEF : rule_value(v, n->doc);
	return place_of(v, n, f, &p) ? place_read(v, p) : VAL_UNDEF;
}
