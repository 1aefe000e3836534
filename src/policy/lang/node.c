/* Making nodes of the tree: counted, bounded in height, lists in one piece. */
#include <stdlib.h>

#include "base/str.h"
#include "policy/lang/parse_int.h"

/* Text that is read once makes less than 4 nodes a byte; what is nested in brackets that can be read in two ways makes more. */
#define NODES_PER_BYTE 64
#define NODES_SPARE    4096

bool p_node(struct parser *p)
{
	if (p->nodes < p->lex.lim.nodes && p->nodes / NODES_PER_BYTE < p->src->text.n + NODES_SPARE / NODES_PER_BYTE) {
		p->nodes++;
		return true;
	}
	p_limit(p, REGO_LIMIT_SOURCE, p->tok.at, "file has too many terms, or too many that can be read in two ways");
	return false;
}

struct term *p_term_new(struct parser *p, enum term_kind k, struct loc at)
{
	struct term *t = p_node(p) ? heap_alloc(p->h, sizeof(*t)) : NULL;

	if (!t) {
		p_fault(p, at, "out of memory");
		return NULL;
	}
	t->kind = k;
	t->at = at;
	t->height = 1;
	return t;
}

static unsigned taller(unsigned h, const struct term *t)
{
	return t && t->height > h ? t->height : h;
}

static unsigned body_height(const struct body *b)
{
	unsigned h = 0;

	for (size_t i = 0; b && i < b->n; i++) {
		const struct expr *x = &b->expr[i];

		h = taller(h, x->term);
		for (size_t k = 0; k < x->n_items; k++)
			h = taller(h, x->item[k]);
		for (size_t k = 0; k < x->n_with; k++)
			h = taller(h, x->with[k].value);
		if (x->body && x->body->height > h)
			h = x->body->height;
	}
	return h + 1;
}

bool p_body_done(struct parser *p, struct body *b)
{
	unsigned h = body_height(b);

	if (h > TERM_HEIGHT_MAX)
		p_limit(p, REGO_LIMIT_NESTING, p->tok.at, "body is nested too deeply");
	b->height = (uint16_t)h;
	return h <= TERM_HEIGHT_MAX;
}

struct term *p_term_done(struct parser *p, struct term *t)
{
	unsigned h = 0;

	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_items; i++)
		h = taller(h, t->item[i]);
	if (t->body && t->body->height > h)
		h = t->body->height;
	if (h + 1 > TERM_HEIGHT_MAX) {
		p_limit(p, REGO_LIMIT_NESTING, t->at, "expression is too long or nested too deeply");
		return NULL;
	}
	t->height = (uint16_t)(h + 1);
	return t;
}

void p_list_push(struct parser *p, const void *item, size_t n)
{
	struct scratch *s = &p->list;

	if (s->cap - s->n < n) {
		size_t cap = s->cap ? s->cap * 2 : 4096;
		uint8_t *q = realloc(s->p, cap); /* no item is larger than the first block */

		if (!q) {
			p_limit(p, REGO_SYSTEM, p->tok.at, "out of memory");
			return;
		}
		s->p = q;
		s->cap = cap;
	}
	memcpy(s->p + s->n, item, n);
	s->n += n;
}

void p_add(struct parser *p, struct term *item)
{
	p_list_push(p, &item, TERM_SIZE);
}

void *p_list_take(struct parser *p, size_t from, size_t each, size_t *n)
{
	void *out;

	if (p->failed)
		return NULL;
	*n = (p->list.n - from) / each;
	out = heap_array(p->h, *n, each);
	if (!out)
		p_fault(p, p->tok.at, "out of memory");
	else if (*n > 0)
		memcpy(out, p->list.p + from, *n * each);
	p->list.n = from;
	return out;
}

struct term *p_term_list(struct parser *p, enum term_kind k, struct loc at, size_t from)
{
	struct term *t = p->failed ? NULL : p_term_new(p, k, at);

	if (!t)
		return NULL;
	t->item = p_list_take(p, from, TERM_SIZE, &t->n_items);
	return t->item ? p_term_done(p, t) : NULL;
}

struct term *p_const_str(struct parser *p, struct loc at, struct span s)
{
	struct term *t = p_term_new(p, TERM_CONST, at);

	if (t)
		t->value = val_str_borrow(p->h, s);
	return t;
}

struct term *p_call2(struct parser *p, const char *op, struct loc at, struct term *a, struct term *b)
{
	struct term *f = p_term_new(p, TERM_VAR, at), *t;
	size_t from = p->list.n;

	if (!f)
		return NULL;
	f->name = span_of(op);
	p_add(p, f);
	p_add(p, a);
	p_add(p, b);
	t = p_term_list(p, TERM_CALL, a->at, from);
	if (t) {
		t->name = f->name;
		t->infix = true;
	}
	return t;
}

struct body *p_body_of(struct parser *p, const struct expr *x)
{
	struct body *b = heap_alloc(p->h, sizeof(*b));

	if (b)
		b->expr = heap_alloc(p->h, sizeof(*x));
	if (!b || !b->expr)
		return p_fault(p, x->at, "out of memory"), NULL;
	b->expr[0] = *x;
	b->n = 1;
	return p_body_done(p, b) ? b : NULL;
}
