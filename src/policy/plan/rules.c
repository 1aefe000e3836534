/* Rules of all modules into the tree: where each is defined, and that no two contradict each other. */
#include "policy/plan/plan.h"

static bool fail_at_path(struct plan *p, struct loc at, const char *before, const struct rego_rule *t, const char *after)
{
	struct wr w = wr_open(200);
	struct span s;

	tree_put_path(&w, t);
	s = wr_span(&w);
	(void)plan_fail(p, REGO_TYPE, at, "%s%.*s%s", before, (int)s.n, (const char *)s.p, after);
	wr_close(&w);
	return false;
}

static struct rego_rule *package_node(struct plan *p, const struct module *m)
{
	struct rego_rule *t = p->policy->root;

	for (size_t i = 1; t && i < m->package->n_items; i++) {
		if (m->package->item[i]->kind != TERM_CONST || t->depth >= TREE_DEPTH_MAX) {
			(void)plan_fail(p, REGO_COMPILE, m->package->at, "package path too long or not constant");
			return NULL;
		}
		t = tree_make(p->h, t, m->package->item[i]->value);
	}
	if (t)
		t->is_package = true;
	return t;
}

/* Steps of the head that are fixed: its name, then scalars. */
size_t rule_ground_prefix(const struct rule *r)
{
	size_t n = 1;

	while (n < r->n_ref && r->ref[n]->kind == TERM_CONST)
		n++;
	return n;
}

static enum rule_kind kind_of(const struct rule *r)
{
	if (r->is_func && r->n_args)
		return RULE_FUNCTION;
	if (rule_ground_prefix(r) < r->n_ref)
		return RULE_OBJECT;
	return r->contains ? RULE_SET : RULE_COMPLETE;
}

static struct rego_rule *rule_node(struct plan *p, const struct unit *u, const struct rule *r)
{
	size_t n = rule_ground_prefix(r);
	struct rego_rule *t = r->n_ref > TREE_DEPTH_MAX ? NULL : tree_make(p->h, u->pkg, val_str_borrow(p->h, r->ref[0]->name));

	if (!t && heap_ok(p->h))
		(void)plan_fail(p, REGO_COMPILE, r->at, "rule path too long");
	if (t)
		t->rule_name = true;
	for (size_t i = 1; t && i < n; i++) {
		if (t->depth >= TREE_DEPTH_MAX) {
			(void)plan_fail(p, REGO_COMPILE, r->at, "rule path too long");
			return NULL;
		}
		t = tree_make(p->h, t, r->ref[i]->value);
	}
	return t;
}

static bool check_default(struct plan *p, const struct rego_rule *t, const struct rule *r)
{
	if (t->kind == RULE_OBJECT)
		return plan_fail(p, REGO_COMPILE, r->at, "default: only complete rules and functions have one");
	if (t->deflt)
		return fail_at_path(p, r->at, "multiple default rules ", t, " found");
	return true;
}

static bool add_rule(struct plan *p, const struct unit *u, const struct rule *r)
{
	struct rego_rule *t = rule_node(p, u, r);
	enum rule_kind kind = kind_of(r);
	struct def *d = t ? heap_alloc(p->h, sizeof(*d)) : NULL;

	if (!d)
		return false;
	if (t->kind != RULE_NONE && (t->kind != kind || (kind == RULE_FUNCTION && t->n_args != r->n_args)))
		return fail_at_path(p, r->at, "conflicting rules ", t, " found");
	t->kind = kind;
	t->n_args = r->n_args;
	d->src = d->head = r;
	d->module = u->module;
	if (r->is_default) {
		if (!check_default(p, t, r))
			return false;
		t->deflt = d;
		return true;
	}
	if (!plan_grow(p, &t->def, t->n_def, &t->cap_def, sizeof(struct def *)))
		return false;
	t->def[t->n_def++] = d;
	return true;
}

static bool is_future(const struct term *path)
{
	const struct term *head = path->kind == TERM_REF ? path->item[0] : path;

	return head->kind == TERM_VAR && (span_eq_str(head->name, "rego") || span_eq_str(head->name, "future"));
}

static struct span alias_of(const struct import *i)
{
	const struct term *path = i->path;

	if (i->alias.n)
		return i->alias;
	if (path->kind == TERM_VAR)
		return path->name;
	return val_span(path->item[path->n_items - 1]->value);
}

static bool resolve_import(struct plan *p, struct unit *u, const struct import *i, struct import_to *to)
{
	if (is_future(i->path))
		return true;
	to->node = plan_term(p, i->path);
	if (!to->node)
		return false;
	u->n_imports++;
	return true;
}

static bool add_imports(struct plan *p, struct unit *u)
{
	const struct module *m = u->module;

	plan_reset(p);
	p->unit = NULL;
	u->import = heap_array(p->h, m->n_imports + 1, sizeof(*u->import));
	for (size_t i = 0; u->import && i < m->n_imports; i++) {
		struct import_to *to = &u->import[u->n_imports];

		to->alias = alias_of(&m->import[i]);
		if (!heap_steps(p->h, 1) || !resolve_import(p, u, &m->import[i], to))
			return false;
	}
	return u->import != NULL;
}

bool rules_collect(struct plan *p)
{
	struct rego_policy *pol = p->policy;

	for (size_t i = 0; i < pol->n_src; i++) {
		struct unit *u = &pol->unit[i];

		u->pkg = package_node(p, u->module);
		for (size_t k = 0; u->pkg && k < u->module->n_rules; k++)
			if (!heap_steps(p->h, 1) || !add_rule(p, u, &u->module->rule[k]))
				return false;
		if (!u->pkg)
			return false;
	}
	if (!tree_seal(p->h, pol->root))
		return false;
	for (size_t i = 0; i < pol->n_src; i++) /* now that refs find every rule */
		if (!add_imports(p, &pol->unit[i]))
			return false;
	return true;
}

static struct loc rule_at(const struct rego_rule *t)
{
	return t->n_def ? t->def[0]->src->at : t->deflt ? t->deflt->src->at : (struct loc){ 0 };
}

/* A rule with one value has nothing below it; below a rule with keys that are found when evaluating there may be more rules. */
static bool check_node(struct plan *p, struct rego_rule *t, bool below_object)
{
	bool object = t->kind == RULE_OBJECT;

	t->dynamic_above = below_object;
	if (t->kind != RULE_NONE)
		t->id = p->policy->n_ids++;
	if (t->kind != RULE_NONE && !object && t->n_child)
		return fail_at_path(p, rule_at(t), "rule ", t, " conflicts with rules or packages below it");
	for (size_t i = 0; i < t->n_child; i++)
		if (!check_node(p, t->child[i], below_object || object))
			return false;
	return true;
}

bool rules_check(struct plan *p)
{
	return check_node(p, p->policy->root, false);
}
