#include <stdlib.h>

#include "policy/lang/ast.h"
#include "policy/lang/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const uint8_t *from, *to;

static void check_body(const struct body *b);

static void check_term(const struct term *t)
{
	unsigned h = 0;

	if (t->height == 0 || t->height > TERM_HEIGHT_MAX || (t->kind == TERM_CONST && !val_defined(t->value)))
		abort();
	for (size_t i = 0; i < t->n_items; i++) {
		check_term(t->item[i]);
		h = t->item[i]->height > h ? t->item[i]->height : h;
	}
	if (t->body)
		check_body(t->body);
	if (t->height <= h || (t->body && t->height <= t->body->height))
		abort(); /* what bounds the recursion of everyone else */
}

static void check_text(struct span s)
{
	if (s.p < from || s.p > to || s.n > (size_t)(to - s.p))
		abort(); /* as written: a part of the source */
}

static void check_body(const struct body *b)
{
	if (b->n == 0 || b->height == 0)
		abort();
	for (size_t i = 0; i < b->n; i++) {
		const struct expr *x = &b->expr[i];

		check_text(x->text);
		if ((x->kind == EXPR_TERM) != (x->term != NULL) || (x->kind == EXPR_EVERY) != (x->body != NULL))
			abort();
		if (x->term)
			check_term(x->term);
		for (size_t k = 0; k < x->n_items; k++)
			check_term(x->item[k]);
		if (x->body)
			check_body(x->body);
	}
}

static void check_module(const struct module *m)
{
	check_term(m->package);
	for (size_t i = 0; i < m->n_rules; i++) {
		if (m->rule[i].n_ref == 0 || m->rule[i].ref[0]->kind != TERM_VAR)
			abort();
		check_text(m->rule[i].text);
		for (const struct rule *r = &m->rule[i]; r; r = r->els) {
			if (r->value)
				check_term(r->value);
			if (r->body)
				check_body(r->body);
		}
	}
}

static struct heap heap_over_arena(struct arena *a)
{
	arena_reset(a);
	return (struct heap){ .arena = a, .steps = 1u << 20, .string_max = 1u << 20 };
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct source s = { "f.rego", { p, n } };
	struct arena *a = arena_new(64u << 20);
	struct module *m = NULL;
	struct body *b = NULL;
	struct term *t = NULL;
	struct rego_error e;
	struct heap h;

	from = p;
	to = p + n;
	for (int v0 = 0; a && v0 < 2; v0++) {
		h = heap_over_arena(a);
		m = NULL;
		if (!rego_parse_module(&h, &s, 0, v0, SOURCE_LIMITS_DEFAULT, &m, &e)) {
			if (m || e.code == REGO_OK || !e.text[0])
				abort(); /* output untouched on failure */
		} else {
			check_module(m);
		}
	}
	h = heap_over_arena(a);
	if (rego_parse_query(&h, &s, 0, false, SOURCE_LIMITS_DEFAULT, &b, &e))
		check_body(b);
	h = heap_over_arena(a);
	if (rego_parse_term(&h, &s, SOURCE_LIMITS_DEFAULT, &t, &e))
		(void)term_value(&h, t);
	arena_free(a);
	return 0;
}
