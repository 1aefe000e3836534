/* Orders a body: again and again from the top, each statement whose inputs are bound. Those that are ready keep their order. */
#include "policy/plan/plan.h"

static bool withs_ready(struct plan *p, const struct withs *w)
{
	for (size_t i = 0; w && i < w->n; i++)
		if (w->mod[i].value && !ground(p, w->mod[i].value))
			return false;
	return true;
}

static bool ready(struct plan *p, const struct stmt *s)
{
	size_t mark = p->n_trail;
	bool was = p->dry, ok;

	if (!heap_steps(p->h, 4) || !withs_ready(p, s->with))
		return false;
	p->dry = true;
	ok = stmt_write(p, s);
	p->dry = was;
	unbind_to(p, mark);
	return ok && plan_ok(p);
}

/* Opens and closes regions of `with`: statements under the same one share a region. */
static void region(struct plan *p, const struct withs *w)
{
	struct ops *o = p->ops;

	if (o->open == w)
		return;
	if (o->open)
		op_add(p, (struct op){ .kind = OP_WITHOUT });
	o->open = w;
	o->with_slot = NO_SLOT;
	for (size_t i = 0; w && i < w->n; i++)
		if (w->mod[i].value && !plan_closures(p, w->mod[i].value))
			return;
	if (w) {
		uint32_t slot = plan_var(p, (struct span){ NULL, 0 });

		op_add(p, (struct op){ .kind = OP_WITH, .with = w, .slot = slot });
		o->with_slot = slot;
	}
}

static bool write_ready(struct plan *p, struct block *b, size_t *left)
{
	size_t before = *left;

	for (size_t i = 0; i < b->n; i++) {
		struct stmt *s = &b->p[i];

		if (s->done || !ready(p, s))
			continue;
		p->expr = s->src;
		region(p, s->with);
		if (!stmt_write(p, s))
			return plan_ok(p) && plan_fail(p, REGO_INTERNAL, s->at, "statement cannot be written after all");
		s->done = true;
		*left -= 1;
	}
	return *left < before && plan_ok(p);
}

bool plan_block(struct plan *p, struct block *b, struct ops *out)
{
	struct ops *outer = p->ops;
	size_t left = b->n;

	*out = (struct ops){ .gen = -1, .with_slot = NO_SLOT };
	p->ops = out;
	count_vars(p, b, 1);
	while (left && write_ready(p, b, &left))
		;
	for (size_t i = 0; left && plan_ok(p) && i < b->n; i++)
		if (!b->p[i].done)
			(void)unsafe(p, &b->p[i]);
	region(p, NULL);
	count_vars(p, b, -1);
	p->ops = outer;
	return plan_ok(p);
}
