/* Terms: literals, names, references, calls, collections and comprehensions. */
#include "base/str.h"
#include "policy/lang/parse_int.h"
#include "policy/value/num.h"

struct term *parse_name(struct parser *p)
{
	struct term *t = p_term_new(p, TERM_VAR, p->tok.at);

	if (!t)
		return NULL;
	t->name = p->tok.text;
	t->wildcard = span_eq_str(t->name, "_");
	p_next(p);
	return t;
}

static struct term *constant(struct parser *p, struct loc at, struct val v)
{
	struct term *t = p_term_new(p, TERM_CONST, at);

	if (t)
		t->value = v;
	p_next(p);
	return t;
}

static struct term *string(struct parser *p)
{
	struct val v;

	if (lex_string(p->h, p->tok, &v))
		return constant(p, p->tok.at, v);
	p_fault(p, p->tok.at, "illegal escape sequence");
	return NULL;
}

static struct term *number(struct parser *p, struct loc at, struct span text)
{
	struct val v = num_parse(p->h, text);

	if (val_defined(v))
		return constant(p, at, v);
	p_fault(p, at, "number too big");
	return NULL;
}

/* A sign before a number, which may even stand apart. There is no other unary operator, in OPA and in regorus. */
static struct term *negative(struct parser *p)
{
	struct token minus = p->tok;
	uint8_t *text;
	size_t n;

	p_next(p);
	n = p->tok.text.n;
	if (p->tok.kind != TOK_NUMBER)
		return p_unexpected(p, "expected number"), NULL;
	if (!p->tok.space) /* the usual case: sign and digits are one span of the source */
		return number(p, minus.at, (struct span){ minus.text.p, n + 1 });
	text = heap_alloc(p->h, n + 1);
	if (!text)
		return p_fault(p, minus.at, "out of memory"), NULL;
	text[0] = '-';
	memcpy(text + 1, p->tok.text.p, n);
	return number(p, minus.at, (struct span){ text, n + 1 });
}

static const char *wanted(int end)
{
	return end == ']' ? "expected , or ]" : end == ')' ? "expected , or )" : "expected , or }";
}

/* Items up to the closing symbol, which is taken. One trailing comma is allowed. */
static bool items(struct parser *p, int end)
{
	while (!p_take(p, end)) {
		struct term *t = parse_infix_item(p, NULL);

		if (!t)
			return false;
		p_add(p, t);
		if (p_take(p, ','))
			continue;
		if (!p_is(p, end))
			return p_unexpected(p, wanted(end)), false;
	}
	return true;
}

/* What follows a first item and perhaps its comma. */
static struct term *collection(struct parser *p, enum term_kind k, struct token open, struct term *first, size_t from)
{
	int end = k == TERM_ARRAY ? ']' : '}';

	p_add(p, first);
	if (!p_take(p, ',') && !p_is(p, end))
		return p_unexpected(p, wanted(end)), NULL;
	return items(p, end) ? p_term_list(p, k, open.at, from) : NULL;
}

/* `head |` has been read up to the bar: { head | body }. */
static struct term *comprehension(struct parser *p, enum term_kind k, struct token open, struct term *a, struct term *b)
{
	size_t from = p->list.n;
	struct term *t;
	struct body *body;

	p_next(p);
	body = parse_body(p, k == TERM_ARRAY_COMP ? ']' : '}');
	if (!body)
		return NULL;
	p_add(p, a);
	if (b)
		p_add(p, b);
	t = p_term_list(p, k, open.at, from);
	if (!t)
		return NULL;
	t->body = body;
	return p_term_done(p, t);
}

/* After the first term of an array or set: a comprehension where a bar follows, unless a comma then shows that it was "or". */
static struct term *after_first(struct parser *p, enum term_kind k, struct token open, struct term *first)
{
	size_t from = p->list.n;

	if (p_is(p, '|')) {
		enum term_kind comp = k == TERM_ARRAY ? TERM_ARRAY_COMP : TERM_SET_COMP;
		struct mark bar = p_mark(p);
		struct term *t = comprehension(p, comp, open, first, NULL);

		if (t || !p_is(p, ',') || !p_back(p, bar))
			return t;
	}
	first = parse_infix_item(p, first);
	return first ? collection(p, k, open, first, from) : NULL;
}

static struct term *array(struct parser *p)
{
	struct token open = p->tok;
	size_t from = p->list.n;
	struct term *first;

	p_next(p);
	if (p_take(p, ']'))
		return p_term_list(p, TERM_ARRAY, open.at, from);
	first = parse_term(p);
	return first ? after_first(p, TERM_ARRAY, open, first) : NULL;
}

/* Pairs from the key of one on; the closing brace is taken. */
static bool pairs(struct parser *p)
{
	while (!p_take(p, '}')) {
		struct term *k = parse_infix_item(p, NULL), *v;

		if (!k)
			return false;
		if (!p_take(p, ':'))
			return p_unexpected(p, "expected :"), false;
		v = parse_infix_item(p, NULL);
		if (!v)
			return false;
		p_add(p, k);
		p_add(p, v);
		if (!p_take(p, ',') && !p_is(p, '}'))
			return p_unexpected(p, "expected , or }"), false;
	}
	return true;
}

/* Behind the colon of the first pair. */
static struct term *object(struct parser *p, struct token open, struct term *key)
{
	size_t from = p->list.n;
	struct term *value = parse_term(p);

	if (value && p_is(p, '|')) {
		struct mark bar = p_mark(p);
		struct term *t = comprehension(p, TERM_OBJECT_COMP, open, key, value);

		if (t || !p_back(p, bar))
			return t;
	}
	value = value ? parse_infix_item(p, value) : NULL;
	if (!value)
		return NULL;
	p_add(p, key);
	p_add(p, value);
	if (!p_take(p, ',') && !p_is(p, '}'))
		return p_unexpected(p, "non-terminated object"), NULL;
	return pairs(p) ? p_term_list(p, TERM_OBJECT, open.at, from) : NULL;
}

static struct term *set_or_object(struct parser *p)
{
	struct token open = p->tok;
	size_t from = p->list.n;
	struct term *first;

	p_next(p);
	if (p_take(p, '}'))
		return p_term_list(p, TERM_OBJECT, open.at, from);
	first = parse_term(p);
	if (first && (p_is(p, '|') || p_is(p, ',') || p_is(p, '}')))
		return after_first(p, TERM_SET, open, first);
	first = first ? parse_infix_item(p, first) : NULL;
	if (!first)
		return NULL;
	if (p_take(p, ':'))
		return object(p, open, first);
	if (!p_is(p, ',') && !p_is(p, '}'))
		return p_unexpected(p, "non-terminated set"), NULL;
	return collection(p, TERM_SET, open, first, from);
}

static struct term *parenthesised(struct parser *p)
{
	struct term *t;

	p_next(p);
	t = parse_infix(p);
	if (t && !p_take(p, ')')) {
		p_unexpected(p, "non-terminated expression");
		return NULL;
	}
	if (t)
		t->paren = true;
	return t;
}

static struct term *bracketed(struct parser *p)
{
	struct term *t;

	if (!p_enter(p))
		return NULL;
	t = p_is(p, '[') ? array(p) : p_is(p, '{') ? set_or_object(p) : parenthesised(p);
	p_leave(p);
	return t;
}

static struct term *word(struct parser *p)
{
	if (p->kw == KW_NONE || p->kw == KW_CONTAINS) /* `contains` is a word of its own in rule heads only */
		return parse_name(p);
	if (p->kw == KW_NULL)
		return constant(p, p->tok.at, val_null());
	if (p->kw == KW_TRUE || p->kw == KW_FALSE)
		return constant(p, p->tok.at, val_bool(p->kw == KW_TRUE));
	p_unexpected(p, NULL);
	return NULL;
}

static struct term *primary(struct parser *p)
{
	switch (p->tok.kind) {
	case TOK_IDENT:
		return word(p);
	case TOK_NUMBER:
		return number(p, p->tok.at, p->tok.text);
	case TOK_STRING:
	case TOK_RAW:
		return string(p);
	case TOK_TEMPLATE:
		return parse_template(p);
	case TOK_SYMBOL:
		if (p_is(p, '-'))
			return negative(p);
		if (p_is(p, '[') || p_is(p, '{') || p_is(p, '('))
			return bracketed(p);
		break;
	case TOK_END:
	case TOK_BAD:
		break;
	}
	p_unexpected(p, NULL);
	return NULL;
}

struct term *parse_term(struct parser *p)
{
	struct term *t = primary(p);

	return t ? parse_suffixes(p, t) : NULL;
}

/* "a.b.c" for a reference whose steps were not all written with dots. */
static bool join_steps(struct parser *p, const struct term *f, struct span *out)
{
	size_t n = f->item[0]->name.n, at = n;
	uint8_t *text;

	for (size_t i = 1; i < f->n_items; i++) {
		if (f->item[i]->kind != TERM_CONST || val_type(f->item[i]->value) != VT_STRING)
			return false;
		n += 1 + val_span(f->item[i]->value).n;
	}
	text = heap_alloc(p->h, n);
	if (!text)
		return false;
	memcpy(text, f->item[0]->name.p, at);
	for (size_t i = 1; i < f->n_items; i++) {
		struct span step = val_span(f->item[i]->value);

		text[at++] = '.';
		memcpy(text + at, step.p, step.n);
		at += step.n;
	}
	*out = (struct span){ text, n };
	return true;
}

struct chain { /* head and steps read so far; the steps are on the list */
	struct term *head;
	size_t from;
	bool dotted; /* every step was written .name, so that the source has the name in one piece */
};

static struct term *chain_term(struct parser *p, struct chain *c)
{
	struct loc at = c->head->at;

	return p->list.n == c->from ? c->head : p_term_list(p, TERM_REF, at, c->from);
}

static bool add_step(struct parser *p, struct chain *c, struct term *step)
{
	if (!step)
		return false;
	if (p->list.n == c->from)
		p_add(p, c->head);
	p_add(p, step);
	return !p->failed;
}

/* What is called must be a name that is known when the policy is loaded. */
static bool call_name(struct parser *p, const struct chain *c, const struct term *f, struct span *out)
{
	if (c->head->kind == TERM_VAR && !c->head->wildcard) {
		const uint8_t *start = c->head->name.p;

		if (f->kind == TERM_VAR || c->dotted)
			return *out = (struct span){ start, (size_t)(p->src->text.p + p->last_end - start) }, true;
		if (join_steps(p, f, out))
			return true;
	}
	p_fault(p, p->tok.at, "only a name can be called");
	return false;
}

static bool call(struct parser *p, struct chain *c)
{
	struct term *f = chain_term(p, c), *t;
	struct loc at = c->head->at;
	struct span name;
	bool ok;

	if (!f || !call_name(p, c, f, &name) || !p_enter(p))
		return false;
	p_next(p);
	p_add(p, f);
	ok = items(p, ')');
	p_leave(p);
	t = ok ? p_term_list(p, TERM_CALL, at, c->from) : NULL;
	if (!t)
		return false;
	t->name = name;
	if (t->n_items == 1 && span_eq_str(name, "set")) { /* the empty set has no other way to be written */
		t->kind = TERM_SET;
		t->n_items = 0;
	}
	c->head = t;
	c->dotted = false;
	return true;
}

static bool dot(struct parser *p, struct chain *c)
{
	struct term *step;

	p_next(p);
	if (p->tok.kind != TOK_IDENT || p->tok.space)
		return p_unexpected(p, "expected identifier"), false;
	step = p_const_str(p, p->tok.at, p->tok.text);
	if (!add_step(p, c, step))
		return false;
	p_next(p);
	return true;
}

static bool index_step(struct parser *p, struct chain *c)
{
	struct term *step;

	if (!p_enter(p))
		return false;
	c->dotted = false;
	p_next(p);
	step = parse_infix(p);
	p_leave(p);
	if (step && !p_take(p, ']'))
		return p_unexpected(p, "expected ]"), false;
	return add_step(p, c, step);
}

struct term *parse_suffixes(struct parser *p, struct term *head)
{
	struct chain c = { head, p->list.n, true };

	while (p->tok.kind == TOK_SYMBOL && !p->tok.space) {
		bool ok;

		if (!p_is(p, '.') && !p_is(p, '[') && !p_is(p, '('))
			break;
		if (c.head->kind == TERM_CONST || c.head->kind == TERM_TEMPLATE)
			return p_fault(p, c.head->at, "illegal ref (head cannot be a constant)"), NULL;
		ok = p_is(p, '.') ? dot(p, &c) : p_is(p, '[') ? index_step(p, &c) : call(p, &c);
		if (!ok)
			return NULL;
	}
	return p->failed ? NULL : chain_term(p, &c);
}
