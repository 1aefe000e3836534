/* Template strings: $"text {expression} text". */
#include "base/str.h"
#include "policy/lang/parse_int.h"

static bool text_part(struct parser *p)
{
	struct term *t;

	if (p->tok.inner.n == 0)
		return true;
	t = p_term_new(p, TERM_CONST, p->tok.at);
	if (!t)
		return false;
	if (!lex_string(p->h, p->tok, &t->value))
		return p_fault(p, p->tok.at, "illegal template-string part"), false;
	p_add(p, t);
	return true;
}

/* `x with input as y` has no form as a term: [$v | $v := x with input as y][0] has the same value. */
static struct term *first_result(struct parser *p, const struct expr *x)
{
	struct term *made = p_term_new(p, TERM_VAR, x->at), *head = p_term_new(p, TERM_VAR, x->at),
		    *zero = p_term_new(p, TERM_CONST, x->at);
	size_t from = p->list.n;
	struct expr statement = *x;
	struct term *comp;

	if (!made || !head || !zero)
		return NULL;
	made->name = head->name = span_of("$v"); /* no text can name it */
	zero->value = val_int(p->h, 0);
	statement.term = p_call2(p, "assign", x->at, made, x->term);
	if (!statement.term)
		return NULL;
	p_add(p, head);
	comp = p_term_list(p, TERM_ARRAY_COMP, x->at, from);
	if (!comp)
		return NULL;
	comp->body = p_body_of(p, &statement);
	if (!comp->body || !p_term_done(p, comp))
		return NULL;
	p_add(p, comp);
	p_add(p, zero);
	return p_term_list(p, TERM_REF, x->at, from);
}

/* One value, perhaps under other documents. */
static struct term *expression(struct parser *p)
{
	struct expr x = { 0 };

	if (!parse_literal(p, &x))
		return NULL;
	if (x.kind != EXPR_TERM || x.negated ||
	    (x.term->infix && (span_eq_str(x.term->name, "eq") || span_eq_str(x.term->name, "assign")))) {
		p_fault(p, x.at, "unexpected statement in template-string expression");
		return NULL;
	}
	return x.n_with > 0 ? first_result(p, &x) : x.term;
}

struct term *parse_template(struct parser *p)
{
	struct loc at = p->tok.at;
	size_t from = p->list.n;
	bool raw = p->tok.raw;
	struct term *t;

	if (!p_enter(p))
		return NULL;
	for (;;) {
		if (p->tok.kind == TOK_BAD)
			p_unexpected(p, NULL);
		if (p->failed || !text_part(p))
			return NULL;
		if (!p->tok.open)
			break;
		p_next(p);
		t = expression(p);
		if (!t)
			return NULL;
		p_add(p, t);
		if (!p_is(p, '}'))
			return p_unexpected(p, "expected } to end template string expression"), NULL;
		p->tok = lex_template(&p->lex, raw);
	}
	p_leave(p);
	p_next(p);
	return p_term_list(p, TERM_TEMPLATE, at, from);
}
