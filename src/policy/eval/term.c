/* Expressions, once their variables are bound: each has one value or is undefined. */
#include "policy/eval/eval.h"

static struct val ref(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct val x = value_of(v, n->item[0], f);

	for (size_t i = 1; i < n->n && val_defined(x); i++) {
		struct val key = value_of(v, n->item[i], f);

		x = val_defined(key) && key_toll(v, key) ? val_ref(x, key) : VAL_UNDEF;
	}
	return x;
}

/* Items onto the stack of values; NULL when one is undefined. */
static struct val *items(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct val *x = frame_push(v, n->n);

	for (size_t i = 0; x && i < n->n; i++) {
		x[i] = value_of(v, n->item[i], f);
		if (!val_defined(x[i])) {
			frame_pop(v, x);
			return NULL;
		}
	}
	return x;
}

static struct val object(struct rego_eval *v, const struct val *x, size_t n)
{
	struct plist l = { .h = &v->h };
	bool conflict = false;
	struct val r;

	for (size_t i = 0; i + 1 < n; i += 2)
		plist_add(&l, x[i], x[i + 1]);
	r = val_object(&v->h, l.p, l.n, &conflict);
	return conflict ? eval_fail(v, REGO_CONFLICT, "object keys must be unique") : r;
}

static struct val literal(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct val *x = heap_steps(&v->h, n->n) ? items(v, n, f) : NULL, r;

	if (!x)
		return VAL_UNDEF;
	r = n->kind == N_ARRAY ? val_array(&v->h, x, n->n) : n->kind == N_SET ? val_set(&v->h, x, n->n) : object(v, x, n->n);
	frame_pop(v, x);
	return r;
}

static struct val comprehension(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct sink s = { .list = { .h = &v->h }, .pairs = { .h = &v->h } };
	bool conflict = false;
	struct val r;

	(void)run(v, n->code, f, &s);
	if (!heap_steps(&v->h, s.list.n + s.pairs.n))
		return VAL_UNDEF;
	if (n->comp == COMP_ARRAY)
		return val_array(&v->h, s.list.p, s.list.n);
	if (n->comp == COMP_SET)
		return val_set(&v->h, s.list.p, s.list.n);
	r = val_object(&v->h, s.pairs.p, s.pairs.n, &conflict);
	return conflict ? eval_fail(v, REGO_CONFLICT, "object keys must be unique") : r;
}

static struct val comparison(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct val a = value_of(v, n->item[0], f), b = val_defined(a) ? value_of(v, n->item[1], f) : VAL_UNDEF;
	int c;

	if (!val_defined(b))
		return VAL_UNDEF;
	if (n->cmp == CMP_EQ || n->cmp == CMP_NE)
		return val_bool(equal(v, a, b) == (n->cmp == CMP_EQ));
	c = compare(v, a, b);
	if (n->cmp == CMP_LT || n->cmp == CMP_LE)
		return val_bool(c < 0 || (c == 0 && n->cmp == CMP_LE));
	return val_bool(c > 0 || (c == 0 && n->cmp == CMP_GE));
}

static bool has_item(struct rego_eval *v, struct val x, struct val xs)
{
	if (val_type(xs) == VT_SET)
		return key_toll(v, x) && val_has(xs, x);
	if (!heap_steps(&v->h, val_len(xs) / 4))
		return false;
	for (size_t i = 0, n = val_len(xs); i < n; i++)
		if (equal(v, val_at(xs, i), x))
			return true;
	return false;
}

static struct val member(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct val *x = items(v, n, f), found;
	bool yes;

	if (!x)
		return VAL_UNDEF;
	if (n->n == 2) {
		yes = has_item(v, x[0], x[1]);
	} else {
		found = key_toll(v, x[0]) ? val_ref(x[2], x[0]) : VAL_UNDEF;
		yes = val_defined(found) && equal(v, found, x[1]);
	}
	frame_pop(v, x);
	return val_bool(yes);
}

static struct val template(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct wr w = wr_open(v->h.string_max);
	struct val r = VAL_UNDEF;

	for (size_t i = 0; i < n->n; i++) {
		struct val x = value_of(v, n->item[i], f);

		if (val_defined(x))
			val_put_rego(&w, x, false);
		else
			wr_str(&w, "<undefined>");
	}
	if (!wr_ok(&w))
		heap_over(&v->h, REGO_LIMIT_OUTPUT);
	else if (heap_steps(&v->h, w.n / 16))
		r = val_str(&v->h, wr_span(&w));
	wr_close(&w);
	return r;
}

static struct val composite(struct rego_eval *v, const struct node *n, struct val *f)
{
	switch (n->kind) {
	case N_REF:
		return ref(v, n, f);
	case N_DOC:
		return document(v, n, f);
	case N_ARRAY:
	case N_SET:
	case N_OBJECT:
		return literal(v, n, f);
	case N_COMP:
		return comprehension(v, n, f);
	case N_CALL:
	case N_FUNC:
	case N_HOST:
		return call(v, n, f);
	case N_COMPARE:
		return comparison(v, n, f);
	case N_MEMBER:
		return member(v, n, f);
	case N_TEMPLATE:
		return template(v, n, f);
	case N_CONST:
	case N_VAR:
	case N_INPUT:
		break;
	}
	return VAL_UNDEF;
}

struct val term(struct rego_eval *v, const struct node *n, struct val *f)
{
	struct val r = VAL_UNDEF;

	if (n->kind == N_CONST)
		return n->value;
	if (n->kind == N_VAR)
		return f[n->slot];
	if (n->kind == N_INPUT)
		return v->ctx->input;
	if (eval_enter(v, 1))
		r = composite(v, n, f);
	v->depth--;
	return r;
}
