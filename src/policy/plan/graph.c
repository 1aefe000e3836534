/* Recursion: no rule may need itself. A depth-first walk over rules with a stack of its own, so that long chains cost no C
 * stack. */
#include "policy/plan/plan.h"

enum { WHITE, GREY, BLACK };

struct rules { struct rego_rule **p; size_t n, cap; };
struct visit { struct rego_rule *t; struct rules next; size_t i; };

static void add(struct plan *p, struct rules *l, const struct rego_rule *t)
{
	if (plan_grow(p, &l->p, l->n, &l->cap, sizeof(struct rego_rule *)))
		l->p[l->n++] = (struct rego_rule *)t;
}

static void add_below(struct plan *p, struct rules *l, const struct rego_rule *t)
{
	if (!heap_steps(p->h, 1))
		return;
	if (t->kind != RULE_NONE)
		add(p, l, t);
	for (size_t i = 0; i < t->n_child; i++)
		add_below(p, l, t->child[i]);
}

/* All rules that a document reference may need: constant steps choose a child, others mean any. */
static void follow(struct plan *p, struct rules *l, const struct rego_rule *t, const struct node *doc, size_t i)
{
	const struct rego_rule *c;

	if (!heap_steps(p->h, 1))
		return;
	if (t->kind == RULE_OBJECT || i == doc->n) {
		add_below(p, l, t);
		return;
	}
	if (t->kind != RULE_NONE) {
		add(p, l, t);
		return;
	}
	if (doc->item[i]->kind == N_CONST) {
		c = tree_child(t, doc->item[i]->value);
		if (c)
			follow(p, l, c, doc, i + 1);
		return;
	}
	for (size_t k = 0; k < t->n_child; k++)
		follow(p, l, t->child[k], doc, i + 1);
}

static void neighbours(struct plan *p, struct visit *v)
{
	const struct dep *d = v->t->deps;

	for (; d; d = d->next) {
		const struct rego_rule *above = d->node->doc->parent;

		if (d->node->kind == N_FUNC) {
			add(p, &v->next, d->node->doc);
			continue;
		}
		for (; d->node->doc->dynamic_above && above; above = above->parent) /* what it lies in is found with it */
			if (above->kind == RULE_OBJECT)
				add_below(p, &v->next, above);
		follow(p, &v->next, d->node->doc, d->node, 0);
	}
}

struct stack { struct visit *p; size_t n, cap; };

static bool push(struct plan *p, struct stack *s, struct rego_rule *t)
{
	if (!plan_grow(p, &s->p, s->n, &s->cap, sizeof(*s->p)))
		return false;
	t->mark = GREY;
	s->p[s->n] = (struct visit){ .t = t };
	neighbours(p, &s->p[s->n++]);
	return plan_ok(p);
}

static bool report(struct plan *p, const struct stack *s, const struct rego_rule *t)
{
	struct wr w = wr_open(280);
	struct span text;
	size_t i = 0;

	while (i < s->n && s->p[i].t != t)
		i++;
	wr_str(&w, "rule ");
	tree_put_path(&w, t);
	wr_str(&w, " is recursive: ");
	for (; i < s->n; i++) {
		tree_put_path(&w, s->p[i].t);
		wr_str(&w, " -> ");
	}
	tree_put_path(&w, t);
	text = wr_span(&w);
	(void)plan_fail(p, REGO_RECURSION, t->n_def ? t->def[0]->src->at : (struct loc){ 0 }, "%.*s", (int)text.n, (const char *)text.p);
	wr_close(&w);
	return false;
}

static bool visit_from(struct plan *p, struct stack *s, struct rego_rule *start)
{
	if (!push(p, s, start))
		return false;
	while (s->n) {
		struct visit *v = &s->p[s->n - 1];

		if (v->i == v->next.n) {
			v->t->mark = BLACK;
			s->n--;
			continue;
		}
		struct rego_rule *t = v->next.p[v->i++];

		if (t->mark == GREY)
			return report(p, s, t);
		if (t->mark == WHITE && !push(p, s, t))
			return false;
	}
	return true;
}

static bool visit_tree(struct plan *p, struct stack *s, struct rego_rule *t)
{
	if (t->kind != RULE_NONE && t->mark == WHITE && !visit_from(p, s, t))
		return false;
	for (size_t i = 0; i < t->n_child; i++)
		if (!visit_tree(p, s, t->child[i]))
			return false;
	return true;
}

bool graph_check(struct plan *p)
{
	struct stack s = { NULL, 0, 0 };

	return visit_tree(p, &s, p->policy->root) && plan_ok(p);
}
