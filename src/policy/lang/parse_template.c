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
	p_list_push(p, &t, sizeof(t));
	return true;
}

/* Form only allows one value here; a `with` belongs to the statement around the template. */
static struct term *expression(struct parser *p)
{
	struct expr x = { 0 };

	if (!parse_literal(p, &x))
		return NULL;
	if (x.kind != EXPR_TERM || x.negated || x.n_with > 0 ||
	    (x.term->infix && (span_eq_str(x.term->name, "eq") || span_eq_str(x.term->name, "assign")))) {
		p_fault(p, x.at, "unexpected statement in template-string expression");
		return NULL;
	}
	return x.term;
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
		p_list_push(p, &t, sizeof(t));
		if (!p_is(p, '}'))
			return p_unexpected(p, "expected } to end template string expression"), NULL;
		p->tok = lex_template(&p->lex, raw);
	}
	p_leave(p);
	p_next(p);
	return p_term_list(p, TERM_TEMPLATE, at, from);
}
