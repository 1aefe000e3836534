/* Expressions: operators, and what a body is made of. */
#include "base/str.h"
#include "policy/lang/parse_int.h"

/* Loosest first. `in` stands below all of them and has its own rules; = and := belong to statements. */
static const struct op {
	int sym;
	int level;
	const char *name;
} ops[] = {
	{ SYM_EQ, 1, "equal" },
	{ SYM_NEQ, 1, "neq" },
	{ '<', 1, "lt" },
	{ SYM_LTE, 1, "lte" },
	{ '>', 1, "gt" },
	{ SYM_GTE, 1, "gte" },
	{ '|', 2, "or" },
	{ '&', 3, "and" },
	{ '+', 4, "plus" },
	{ '-', 4, "minus" },
	{ '*', 5, "mul" },
	{ '/', 5, "div" },
	{ '%', 5, "rem" },
};

static const struct op *operator_at(const struct parser *p)
{
	if (p->tok.kind == TOK_SYMBOL)
		for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
			if (ops[i].sym == p->tok.sym)
				return &ops[i];
	return NULL;
}

/* All operators associate to the left. Recursion is over levels, not over the text. */
static struct term *binary(struct parser *p, struct term *lhs, int level)
{
	const struct op *op;

	if (!lhs)
		lhs = parse_term(p);
	while (lhs && (op = operator_at(p)) != NULL && op->level >= level) {
		struct loc at = p->tok.at;
		struct term *rhs;

		p_next(p);
		rhs = binary(p, NULL, op->level + 1);
		lhs = rhs ? p_call2(p, op->name, at, lhs, rhs) : NULL;
	}
	return lhs;
}

/* `, v in xs` after the key: NULL, back before the comma, when it is none. */
static struct term *key_value_in(struct parser *p, struct term *key)
{
	struct mark comma = p_mark(p);
	struct term *value, *domain, *f, *t;
	size_t from = p->list.n;

	p_next(p);
	value = binary(p, NULL, 1);
	if (!value || !p_at_word(p, KW_IN))
		return (void)p_back(p, comma), NULL;
	f = p_term_new(p, TERM_VAR, p->tok.at);
	p_next(p);
	domain = binary(p, NULL, 1);
	if (!f || !domain)
		return (void)p_back(p, comma), NULL;
	f->name = span_of("internal.member_3");
	p_add(p, f);
	p_add(p, key);
	p_add(p, value);
	p_add(p, domain);
	t = p_term_list(p, TERM_CALL, key->at, from);
	if (!t)
		return NULL;
	t->name = f->name;
	t->infix = true;
	return t;
}

static struct term *membership(struct parser *p, struct term *lhs, bool key_value)
{
	lhs = binary(p, lhs, 1);
	if (lhs && key_value && p_is(p, ',')) {
		struct term *t = key_value_in(p, lhs);

		if (!t && p->failed)
			return NULL;
		lhs = t ? t : lhs;
	}
	while (lhs && p_at_word(p, KW_IN)) {
		struct loc at = p->tok.at;
		struct term *domain;

		p_next(p);
		domain = binary(p, NULL, 1);
		lhs = domain ? p_call2(p, "internal.member_2", at, lhs, domain) : NULL;
	}
	return lhs;
}

struct term *parse_infix(struct parser *p)
{
	return membership(p, NULL, true);
}

struct term *parse_infix_item(struct parser *p, struct term *lhs)
{
	return membership(p, lhs, false);
}

static bool parse_with(struct parser *p, struct expr *x)
{
	size_t from = p->list.n;

	while (p_at_word(p, KW_WITH)) {
		struct with w = { .at = p->tok.at };

		p_next(p);
		if (!p_is_ident(p))
			return p_unexpected(p, "expected identifier"), false;
		w.target = parse_term(p);
		if (!w.target)
			return false;
		if (w.target->kind != TERM_VAR && w.target->kind != TERM_REF)
			return p_fault(p, w.target->at, "expected with target path"), false;
		if (!p_at_word(p, KW_AS))
			return p_unexpected(p, "expected as keyword"), false;
		p_next(p);
		w.value = parse_infix(p);
		if (!w.value)
			return false;
		p_list_push(p, &w, sizeof(w));
	}
	x->with = p_list_take(p, from, sizeof(struct with), &x->n_with);
	return x->with != NULL;
}

/* {v, xs} or {k, v, xs} out of a membership. */
static bool split_in(struct expr *x, const struct term *t)
{
	if (t->kind != TERM_CALL || !t->infix)
		return false;
	if (!span_eq_str(t->name, "internal.member_2") && !span_eq_str(t->name, "internal.member_3"))
		return false;
	x->item = t->item + 1;
	x->n_items = t->n_items - 1;
	return true;
}

static bool some_vars(struct parser *p, struct expr *x)
{
	size_t from = p->list.n;

	do {
		struct term *v;

		p_next(p);
		if (!p_is_ident(p))
			return p_unexpected(p, "expected var"), false;
		v = parse_name(p);
		if (!v)
			return false;
		p_add(p, v);
	} while (p_is(p, ','));
	x->kind = EXPR_SOME;
	x->item = p_list_take(p, from, TERM_SIZE, &x->n_items);
	return x->item != NULL;
}

static bool parse_some(struct parser *p, struct expr *x)
{
	struct mark start = p_mark(p);
	struct term *t;

	p_next(p);
	t = parse_infix(p);
	if (t && t->kind == TERM_CALL) {
		if (!split_in(x, t))
			return p_fault(p, t->at, "expected `x in xs` or `x, y in xs` expression"), false;
		x->kind = EXPR_SOME_IN;
		return !p_at_word(p, KW_WITH) || parse_with(p, x);
	}
	return p_back(p, start) && some_vars(p, x);
}

static bool parse_every(struct parser *p, struct expr *x)
{
	struct term *t;

	p_next(p);
	t = parse_infix(p);
	if (!t)
		return false;
	if (!split_in(x, t))
		return p_unexpected(p, "expected `x[, y] in xs { ... }` expression"), false;
	for (size_t i = 0; i + 1 < x->n_items; i++)
		if (x->item[i]->kind != TERM_VAR)
			return p_fault(p, x->item[i]->at, "expected %s to be a variable", i + 2 < x->n_items ? "key" : "value"),
			       false;
	x->kind = EXPR_EVERY;
	if (!p_is(p, '{'))
		return p_unexpected(p, "missing body"), false;
	p_next(p);
	if (!p_enter(p))
		return false;
	x->body = parse_body(p, '}');
	p_leave(p);
	return x->body && (!p_at_word(p, KW_WITH) || parse_with(p, x));
}

/* a, a = b, a := b, with what follows. */
static bool parse_value(struct parser *p, struct expr *x)
{
	struct term *t = parse_infix(p), *rhs;

	if (t && (p_is(p, '=') || p_is(p, SYM_ASSIGN))) {
		const char *op = p_is(p, '=') ? "eq" : "assign";
		struct loc at = p->tok.at;

		if (!p->v0 && op[0] == 'a' && t->kind == TERM_VAR &&
		    (span_eq_str(t->name, "input") || span_eq_str(t->name, "data")))
			return p_fault(p, t->at, "variables must not shadow input or data (use a different variable name)"),
			       false;
		p_next(p);
		rhs = parse_infix(p);
		t = rhs ? p_call2(p, op, at, t, rhs) : NULL;
	}
	x->kind = EXPR_TERM;
	x->term = t;
	return t && (!p_at_word(p, KW_WITH) || parse_with(p, x));
}

static bool statement(struct parser *p, struct expr *x)
{
	if (p_keyword_ref(p))
		return parse_value(p, x);
	if (p->kw == KW_NOT) {
		p_next(p);
		x->negated = true;
		(void)p_keyword_ref(p);
	}
	if (x->negated && (p->kw == KW_SOME || p->kw == KW_EVERY))
		return p_unexpected(p, "it cannot be negated"), false;
	if (p->kw == KW_SOME)
		return parse_some(p, x);
	return p->kw == KW_EVERY ? parse_every(p, x) : parse_value(p, x);
}

bool parse_literal(struct parser *p, struct expr *out)
{
	struct token first = p->tok;
	struct expr x = { .at = first.at };

	if (!p_node(p) || !statement(p, &x))
		return false;
	x.text = p_written(p, first);
	*out = x;
	return true;
}

static bool at_end(const struct parser *p, int end)
{
	return end ? p_is(p, end) : p->tok.kind == TOK_END;
}

static const char *wanted(int end)
{
	return end == '}' ? "expected \\n or ; or }" : end == ']' ? "expected \\n or ; or ]" : "expected \\n or ;";
}

struct body *parse_body(struct parser *p, int end)
{
	size_t from = p->list.n;
	struct body *b;

	if (at_end(p, end))
		return p_fault(p, p->tok.at, "found empty body"), NULL;
	for (;;) {
		struct expr x;

		if (!parse_literal(p, &x))
			return NULL;
		p_list_push(p, &x, sizeof(x));
		if (p_take(p, ';'))
			continue;
		if (at_end(p, end))
			break;
		if (!p->tok.newline)
			return p_unexpected(p, wanted(end)), NULL;
	}
	if (end)
		p_next(p);
	b = p->failed ? NULL : heap_alloc(p->h, sizeof(*b));
	if (b)
		b->expr = p_list_take(p, from, sizeof(*b->expr), &b->n);
	if (!b || !b->expr)
		return p_fault(p, p->tok.at, "out of memory"), NULL;
	return p_body_done(p, b) ? b : NULL;
}
