/* A syntax tree as text, for comparing: calls (name a b), references with steps in brackets, sets #{a b}, templates <a b>. */
#pragma once
#include "base/str.h"
#include "policy/lang/ast.h"
#include "policy/value/valtext.h"

static void dump_body(struct wr *w, const struct body *b);

static void dump_term(struct wr *w, const struct term *t);

static void dump_items(struct wr *w, const struct term *t, size_t from, const char *sep)
{
	for (size_t i = from; i < t->n_items; i++) {
		wr_str(w, i > from ? sep : "");
		dump_term(w, t->item[i]);
	}
}

static void dump_list(struct wr *w, const struct term *t, const char *open, const char *close)
{
	wr_str(w, open);
	dump_items(w, t, 0, " ");
	if (t->body) {
		wr_str(w, " | ");
		dump_body(w, t->body);
	}
	wr_str(w, close);
}

static void dump_term(struct wr *w, const struct term *t)
{
	switch (t->kind) {
	case TERM_CONST:
		val_put_rego(w, t->value, true);
		break;
	case TERM_VAR:
		wr_put(w, t->name);
		break;
	case TERM_REF:
		dump_term(w, t->item[0]);
		wr_str(w, "[");
		dump_items(w, t, 1, "][");
		wr_str(w, "]");
		break;
	case TERM_ARRAY:
	case TERM_ARRAY_COMP:
		dump_list(w, t, "[", "]");
		break;
	case TERM_SET:
	case TERM_SET_COMP:
		dump_list(w, t, "#{", "}");
		break;
	case TERM_OBJECT:
	case TERM_OBJECT_COMP:
		dump_list(w, t, "{", "}");
		break;
	case TERM_CALL:
		wr_str(w, "(");
		wr_put(w, t->name);
		wr_str(w, t->n_items > 1 ? " " : "");
		dump_items(w, t, 1, " ");
		wr_str(w, ")");
		break;
	case TERM_TEMPLATE:
		dump_list(w, t, "<", ">");
		break;
	}
}

static void dump_expr(struct wr *w, const struct expr *x)
{
	static const char *const word[] = {
		[EXPR_TERM] = "", [EXPR_SOME] = "some ", [EXPR_SOME_IN] = "some-in ", [EXPR_EVERY] = "every "
	};

	wr_str(w, x->negated ? "not " : "");
	wr_str(w, word[x->kind]);
	if (x->kind == EXPR_TERM)
		dump_term(w, x->term);
	for (size_t i = 0; i < x->n_items; i++) {
		wr_str(w, i > 0 ? " " : "");
		dump_term(w, x->item[i]);
	}
	if (x->body) {
		wr_str(w, " | ");
		dump_body(w, x->body);
	}
	for (size_t i = 0; i < x->n_with; i++) {
		wr_str(w, " with ");
		dump_term(w, x->with[i].target);
		wr_str(w, " as ");
		dump_term(w, x->with[i].value);
	}
}

static void dump_body(struct wr *w, const struct body *b)
{
	for (size_t i = 0; i < b->n; i++) {
		wr_str(w, i > 0 ? "; " : "");
		dump_expr(w, &b->expr[i]);
	}
}

static void dump_rest(struct wr *w, const struct rule *r)
{
	if (r->value) {
		wr_str(w, " := ");
		dump_term(w, r->value);
	}
	if (r->body) {
		wr_str(w, " if ");
		dump_body(w, r->body);
	}
}

static inline void dump_rule(struct wr *w, const struct rule *r)
{
	wr_str(w, r->is_default ? "default " : "");
	for (size_t i = 0; i < r->n_ref; i++) {
		wr_str(w, i > 0 ? "." : "");
		dump_term(w, r->ref[i]);
	}
	if (r->is_func)
		wr_str(w, "(");
	for (size_t i = 0; i < r->n_args; i++) {
		wr_str(w, i > 0 ? " " : "");
		dump_term(w, r->arg[i]);
	}
	if (r->is_func)
		wr_str(w, ")");
	if (r->contains) {
		wr_str(w, " contains ");
		dump_term(w, r->contains);
	}
	dump_rest(w, r);
	for (const struct rule *e = r->els; e; e = e->els) {
		wr_str(w, " else");
		dump_rest(w, e);
	}
}
