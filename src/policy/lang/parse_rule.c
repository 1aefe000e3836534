/* Rules: head, value, bodies, else. */
#include "base/str.h"
#include "policy/lang/parse_int.h"

static bool names_root(struct span name)
{
	return span_eq_str(name, "input") || span_eq_str(name, "data");
}

/* What v1 forbids. A v0 module may turn to v1 further down (import rego.v1), so the first such place is remembered. */
static bool v1_forbids(struct parser *p, struct loc at, const char *why)
{
	if (!p->v0) {
		p_fault(p, at, "%s", why);
		return false;
	}
	if (!p->v0_only) {
		p->v0_only = why;
		p->v0_only_at = at;
	}
	return true;
}

static bool head_ref(struct parser *p, struct term *t, struct rule *r)
{
	if (t->kind == TERM_VAR) {
		r->ref = heap_alloc(p->h, TERM_SIZE);
		if (!r->ref)
			return p_fault(p, t->at, "out of memory"), false;
		r->ref[0] = t;
		r->n_ref = 1;
	} else if (t->kind == TERM_REF && t->item[0]->kind == TERM_VAR) {
		r->ref = t->item;
		r->n_ref = t->n_items;
	}
	if (r->n_ref == 0 || r->ref[0]->wildcard)
		return p_fault(p, t->at, "expected rule head name"), false;
	return true;
}

static bool shadows_root(struct parser *p, const struct rule *r)
{
	if (names_root(r->ref[0]->name))
		return !v1_forbids(p, r->at, "rules must not shadow input or data (use a different rule name)");
	for (size_t i = 0; i < r->n_args; i++)
		if (r->arg[i]->kind == TERM_VAR && names_root(r->arg[i]->name))
			return !v1_forbids(p, r->at, "arguments must not shadow input or data (use a different argument name)");
	return false;
}

/* name[...](...) ; white space after the name is old style and says so in *spaced. */
static bool head_name(struct parser *p, struct rule *r, bool *spaced)
{
	struct term *t = parse_name(p);

	*spaced = p->tok.space && (p_is(p, '.') || p_is(p, '[') || p_is(p, '('));
	if (*spaced)
		p->tok.space = false;
	t = t ? parse_suffixes(p, t) : NULL;
	if (!t)
		return false;
	if (t->kind == TERM_CALL) {
		r->is_func = true;
		r->arg = t->item + 1;
		r->n_args = t->n_items - 1;
		t = t->item[0];
	}
	return head_ref(p, t, r) && !shadows_root(p, r);
}

static bool head_value(struct parser *p, struct rule *r)
{
	if (p_at_word(p, KW_CONTAINS)) {
		if (r->is_func)
			return p_unexpected(p, "a function is no set"), false;
		p_next(p);
		r->contains = parse_infix(p);
		return r->contains != NULL;
	}
	if (!p_is(p, '=') && !p_is(p, SYM_ASSIGN))
		return true;
	p_next(p);
	r->value = parse_infix(p);
	return r->value != NULL;
}

/* What a default's value must not hold; comprehensions may hold anything. */
static const char *not_constant(const struct term *t)
{
	const char *why = NULL;

	switch (t->kind) {
	case TERM_CONST:
	case TERM_ARRAY_COMP:
	case TERM_SET_COMP:
	case TERM_OBJECT_COMP:
		return NULL;
	case TERM_VAR:
		return "var";
	case TERM_REF:
		return "ref";
	case TERM_CALL:
		return "call";
	case TERM_TEMPLATE:
		return "template-string";
	case TERM_ARRAY:
	case TERM_SET:
	case TERM_OBJECT:
		break;
	}
	for (size_t i = 0; i < t->n_items && !why; i++)
		why = not_constant(t->item[i]);
	return why;
}

static bool default_args(struct parser *p, const struct rule *r)
{
	for (size_t i = 0; i < r->n_args; i++) {
		if (r->arg[i]->kind != TERM_VAR)
			return p_fault(p, r->at, "illegal default rule (arguments must be variables)"), false;
		for (size_t k = 0; k < i; k++)
			if (!r->arg[i]->wildcard && span_eq(r->arg[i]->name, r->arg[k]->name))
				return p_fault(p, r->at, "illegal default rule (arguments cannot be repeated)"), false;
	}
	return true;
}

static bool default_rule(struct parser *p, const struct rule *r)
{
	const char *why = r->value ? not_constant(r->value) : NULL;

	if (!r->value)
		return p_fault(p, r->at, "illegal default rule (must have a value)"), false;
	if (why)
		return p_fault(p, r->at, "illegal default rule (value cannot contain %s)", why), false;
	return default_args(p, r);
}

static struct body *braced(struct parser *p)
{
	p_next(p);
	return parse_body(p, '}');
}

/* Behind `if`: one statement or a body. `{ x }` is a body, though it could be a set, for a set would always be true. */
static struct body *after_if(struct parser *p)
{
	struct mark start = p_mark(p);
	bool brace = p_is(p, '{');
	struct expr x;

	if (parse_literal(p, &x)) {
		bool set = x.kind == EXPR_TERM && x.term->kind == TERM_SET;

		if (!brace || !set)
			return set ? (p_fault(p, x.at, "a set is no rule body"), NULL) : p_body_of(p, &x);
	}
	if (!brace || !p_back(p, start))
		return NULL;
	return braced(p);
}

static bool else_branch(struct parser *p, struct rule *r)
{
	bool has_if;

	p_next(p);
	if (p_take(p, '=') || p_take(p, SYM_ASSIGN)) {
		r->value = parse_infix(p);
		if (!r->value)
			return false;
	} else if (!p_is(p, '{') && !p_at_word(p, KW_IF)) {
		return p_unexpected(p, "expected else value term or rule body"), false;
	}
	has_if = p_at_word(p, KW_IF);
	if (has_if)
		p_next(p);
	if (p_is(p, '{')) {
		if (!has_if && !v1_forbids(p, r->at, "`if` keyword is required before else body"))
			return false;
		r->body = braced(p);
	} else if (has_if) {
		struct expr x;

		r->body = parse_literal(p, &x) ? p_body_of(p, &x) : NULL;
	} else {
		return true;
	}
	return r->body != NULL;
}

static bool ground_ref(const struct rule *r)
{
	for (size_t i = 1; i < r->n_ref; i++)
		if (!term_ground(r->ref[i]))
			return false;
	return true;
}

static bool else_chain(struct parser *p, struct rule *r, bool partial)
{
	if (!p_at_word(p, KW_ELSE))
		return true;
	if (!ground_ref(r))
		return p_fault(p, p->tok.at, "else keyword cannot be used on rules with variables in head"), false;
	if (partial)
		return p_fault(p, p->tok.at, "else keyword cannot be used on multi-value rules"), false;
	for (struct rule *last = r; p_at_word(p, KW_ELSE); last = last->els) {
		struct token first = p->tok;
		struct rule *e = p_node(p) ? heap_alloc(p->h, sizeof(*e)) : NULL;

		if (!e)
			return p_fault(p, first.at, "out of memory"), false;
		e->at = first.at;
		if (!else_branch(p, e))
			return false;
		e->text = p_written(p, first);
		last->els = e;
		if (!e->body)
			break;
	}
	return true;
}

/* Further bodies behind the first share its head. */
static bool chained(struct parser *p, const struct rule *r)
{
	p_list_push(p, r, sizeof(*r));
	while (p_is(p, '{')) {
		struct rule again = *r;

		if (r->els)
			return p_unexpected(p, "expected else keyword"), false;
		again.at = p->tok.at;
		if (!p_node(p))
			return false;
		again.body = braced(p);
		if (!again.body)
			return false;
		p_list_push(p, &again, sizeof(again));
	}
	return true;
}

static bool without_body(struct parser *p, const struct rule *r, bool spaced)
{
	if (spaced)
		return p_fault(p, r->at, "var cannot be used for rule name"), false;
	if (!r->value && !r->contains) {
		if (r->n_ref == 1 && !r->is_func)
			return p_fault(p, r->at,
				   p->v0 ? "var cannot be used for rule name"
					 : "rule must have value assignment and/or body declaration"),
			       false;
		if (!v1_forbids(p, r->at, "rule must have value assignment and/or body declaration"))
			return false;
	}
	p_list_push(p, r, sizeof(*r));
	return true;
}

/* p[x] { } is a set in v0; with `if` it is a map. */
static bool old_set(struct parser *p, struct rule *r)
{
	if (r->value || r->contains || r->is_func || r->n_ref != 2)
		return true;
	if (!v1_forbids(p, r->at,
		p_is(p, '{') ? "`if` keyword is required before rule body"
			     : "`contains` keyword is required for partial set rules"))
		return false;
	r->contains = r->ref[1];
	r->n_ref = 1;
	return true;
}

static bool with_bodies(struct parser *p, struct rule *r, bool spaced)
{
	bool has_if = p_at_word(p, KW_IF), keyed = r->n_ref == 2 && !r->is_func;

	if (!has_if && !old_set(p, r))
		return false;
	if (has_if) {
		p_next(p);
		r->body = after_if(p);
	} else if (p_is(p, '{')) {
		if (!v1_forbids(p, r->at, "`if` keyword is required before rule body"))
			return false;
		r->body = braced(p);
	} else {
		return without_body(p, r, spaced);
	}
	return r->body && else_chain(p, r, r->contains || (!has_if && keyed)) && chained(p, r);
}

bool parse_rules(struct parser *p)
{
	struct token first = p->tok;
	struct rule r = { .at = first.at };
	bool spaced;

	(void)p_keyword_ref(p);
	if (p->kw == KW_DEFAULT) {
		p_next(p);
		r.is_default = true;
		(void)p_keyword_ref(p);
	}
	if (!p_is_ident(p))
		return p_unexpected(p, NULL), false;
	if (!p_node(p) || !head_name(p, &r, &spaced) || !head_value(p, &r))
		return false;
	r.text = p_written(p, first);
	if (!r.is_default)
		return with_bodies(p, &r, spaced);
	if (!default_rule(p, &r))
		return false;
	p_list_push(p, &r, sizeof(r));
	return true;
}
