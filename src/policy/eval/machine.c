/* The machine: one op after another; on failure back to the generator before, until it has no more solutions. */
#include "policy/eval/eval.h"
#include "policy/eval/explain.h"

#include <stdarg.h>
#include <stdio.h>

enum step { FAIL, NEXT, DONE };

struct val eval_fail(struct rego_eval *v, enum rego_code code, const char *fmt, ...)
{
	va_list ap;

	if (!heap_ok(&v->h))
		return VAL_UNDEF;
	heap_over(&v->h, code);
	va_start(ap, fmt);
	(void)vsnprintf(v->fault, sizeof(v->fault), fmt, ap);
	va_end(ap);
	return VAL_UNDEF;
}

bool eval_enter(struct rego_eval *v, uint32_t depth)
{
	v->depth += depth;
	if (v->depth > EVAL_DEPTH_MAX)
		heap_over(&v->h, REGO_LIMIT_CALLS);
	return heap_ok(&v->h);
}

static bool match_array(struct rego_eval *v, const struct pat *p, struct val x, struct val *f)
{
	if (val_type(x) != VT_ARRAY || val_len(x) != p->n)
		return false;
	for (size_t i = 0; i < p->n; i++)
		if (!match(v, p->item[i], val_at(x, i), f))
			return false;
	return true;
}

static bool match_object(struct rego_eval *v, const struct pat *p, struct val x, struct val *f)
{
	if (val_type(x) != VT_OBJECT || val_len(x) != p->n)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		struct val key = value_of(v, p->key[i], f), member = key_toll(v, key) ? val_get(x, key) : VAL_UNDEF;

		if (!val_defined(member) || !match(v, p->item[i], member, f))
			return false;
	}
	return true;
}

/* Patterns nest as the source does. */
bool match(struct rego_eval *v, const struct pat *p, struct val x, struct val *f)
{
	struct val y;

	switch (p->kind) {
	case PAT_BIND:
		f[p->slot] = x;
		return val_defined(x);
	case PAT_SAME:
		y = value_of(v, p->node, f);
		return val_defined(y) && equal(v, x, y);
	case PAT_ARRAY:
		return match_array(v, p, x, f);
	case PAT_OBJECT:
		return match_object(v, p, x, f);
	}
	return false;
}

/* Own slots of a generator: the collection, and how far it is. */
static inline size_t *position(struct val *slot)
{
	_Static_assert(sizeof(size_t) == sizeof(slot->w), "a position fits into a slot");
	return (size_t *)&slot->w;
}

static enum step scan(struct rego_eval *v, const struct op *op, struct val *f, bool again)
{
	struct val xs;
	size_t *i = position(&f[op->slot + 1]), n;
	enum val_type t;

	if (!again) {
		f[op->slot] = value_of(v, op->a, f);
		*i = 0;
	}
	xs = f[op->slot];
	t = val_type(xs);
	for (n = val_len(xs); *i < n && heap_steps(&v->h, 1);) {
		struct val x = val_at(xs, *i), key = VAL_UNDEF;

		if (op->key)
			key = t == VT_ARRAY ? val_int(&v->h, (int64_t)*i) : t == VT_OBJECT ? val_key(xs, *i) : x;
		*i += 1;
		if ((!op->key || match(v, op->key, key, f)) && match(v, op->val, x, f))
			return NEXT;
	}
	return FAIL;
}

static enum step scan_document(struct rego_eval *v, const struct op *op, struct val *f, bool again)
{
	size_t *i = position(&f[op->slot + 1]), n;
	struct val *key = &f[op->slot];
	struct place at;

	if (!again) {
		*i = 0;
		*key = VAL_UNDEF;
		if (place_of(v, op->a, f, &at))
			*key = place_keys(v, at);
	}
	for (n = val_len(*key); *i < n && heap_steps(&v->h, 1);) {
		struct val k = val_at(*key, *i);

		*i += 1;
		if (!match(v, op->key, k, f) || !place_of(v, op->a, f, &at) || !place_step(v, &at, k))
			continue;
		f[op->slot + 2] = at.base;
		f[op->slot + 3].w = (uintptr_t)at.t;
		return NEXT;
	}
	return FAIL;
}

static enum step each(struct rego_eval *v, const struct op *op, struct val *f, bool again)
{
	size_t *i = position(&f[op->slot + 1]), n;

	if (!again) {
		f[op->slot] = value_of(v, op->a, f);
		*i = 0;
	}
	for (n = val_len(f[op->slot]); *i < n && heap_steps(&v->h, 1);) {
		struct val x = val_at(f[op->slot], *i);

		*i += 1;
		if (match(v, op->val, x, f))
			return NEXT;
	}
	return FAIL;
}

static enum step every(struct rego_eval *v, const struct op *op, struct val *f)
{
	struct val xs = value_of(v, op->a, f);
	enum val_type t = val_type(xs);
	size_t n = val_len(xs);

	if (t != VT_ARRAY && t != VT_OBJECT && t != VT_SET)
		return FAIL;
	for (size_t i = 0; i < n; i++) {
		struct val x = val_at(xs, i);

		if (op->key && !match(v, op->key, t == VT_ARRAY ? val_int(&v->h, (int64_t)i) : t == VT_OBJECT ? val_key(xs, i) : x, f))
			return FAIL;
		if (!match(v, op->val, x, f) || !run(v, op->code, f, NULL))
			return FAIL;
	}
	return NEXT;
}

static enum step negation(struct rego_eval *v, const struct op *op, struct val *f)
{
	bool found;

	explain_mute(v, 1);
	found = run(v, op->code, f, NULL);
	explain_mute(v, -1);
	return found ? FAIL : NEXT;
}

static enum step same(struct rego_eval *v, const struct op *op, struct val *f)
{
	struct val a = value_of(v, op->a, f), b = val_defined(a) ? value_of(v, op->b, f) : VAL_UNDEF;

	return val_defined(b) && equal(v, a, b) ? NEXT : FAIL;
}

static enum step give(struct rego_eval *v, const struct op *op, struct val *f, struct sink *out)
{
	struct val x = value_of(v, op->a, f);

	if (!val_defined(x) || !out)
		return FAIL;
	if (val_defined(out->value) && !equal(v, out->value, x)) {
		(void)eval_fail(v, REGO_CONFLICT, out->rule && out->rule->kind == RULE_FUNCTION ?
		    "functions must not produce multiple outputs for same inputs" : "complete rules must not produce multiple outputs");
		return FAIL;
	}
	out->value = x;
	return op->last ? DONE : FAIL;
}

static void put(struct rego_eval *v, const struct op *op, struct val *f, struct sink *out)
{
	struct val a = value_of(v, op->a, f), b = VAL_UNDEF;

	if (!val_defined(a) || !out)
		return;
	if (op->kind == OP_ADD) {
		vlist_add(&out->list, a);
		return;
	}
	b = value_of(v, op->b, f);
	if (!val_defined(b))
		return;
	if (op->kind == OP_PUT) {
		plist_add(&out->pairs, a, b);
		return;
	}
	struct entry e = { .n = val_len(a), .value = b, .kind = op->member ? ENTRY_MEMBER : ENTRY_VALUE };

	e.key = heap_array(&v->h, e.n, sizeof(*e.key));
	for (size_t i = 0; e.key && i < e.n; i++)
		e.key[i] = val_at(a, i);
	if (e.key)
		entry_add(v, out, e);
}

static enum step step(struct rego_eval *v, const struct op *op, struct val *f, struct sink *out, bool again)
{
	struct ctx *ctx;

	switch (op->kind) {
	case OP_TEST:
		return val_truthy(value_of(v, op->a, f)) ? NEXT : FAIL;
	case OP_BIND:
		f[op->slot] = value_of(v, op->a, f);
		return val_defined(f[op->slot]) ? NEXT : FAIL;
	case OP_EQ:
		return same(v, op, f);
	case OP_MATCH:
		return match(v, op->val, value_of(v, op->a, f), f) ? NEXT : FAIL;
	case OP_SCAN:
		return scan(v, op, f, again);
	case OP_DOC:
		return scan_document(v, op, f, again);
	case OP_EACH:
		return each(v, op, f, again);
	case OP_NOT:
		return negation(v, op, f);
	case OP_EVERY:
		return every(v, op, f);
	case OP_WITH:
		ctx = ctx_with(v, op->with, f);
		f[op->slot].w = (uintptr_t)ctx;
		if (!ctx)
			return FAIL;
		v->ctx = ctx;
		return NEXT;
	case OP_PRINT:
		if (v->prints)
			print(v, op->a, f);
		return NEXT;
	case OP_STOP:
		return DONE;
	case OP_RETURN:
		return give(v, op, f, out);
	case OP_ADD:
	case OP_PUT:
	case OP_PATH:
		put(v, op, f, out);
		return FAIL;
	case OP_WITHOUT: /* run() */
		break;
	}
	return FAIL;
}

bool run(struct rego_eval *v, const struct code *c, struct val *f, struct sink *out)
{
	struct ctx *entry = v->ctx;
	enum step s = FAIL;
	bool again = false;
	int32_t pc = 0;

	if (!eval_enter(v, 3))
		pc = -1;
	while (pc >= 0) {
		const struct op *op = &c->op[pc];

		if (!heap_steps(&v->h, 1))
			break;
		v->op = op;
		if (again)
			v->ctx = op->with_slot == NO_SLOT ? entry : (struct ctx *)(uintptr_t)f[op->with_slot].w; /* NOLINT: put there by OP_WITH */
		if (op->kind == OP_WITHOUT) {
			v->ctx = entry;
			s = NEXT;
		} else {
			s = step(v, op, f, out, again);
		}
		if (s == DONE)
			break;
		again = s == FAIL;
		if (again && v->explain)
			explain_failed(v, op, f);
		pc = s == NEXT ? pc + 1 : op->back;
	}
	v->ctx = entry;
	v->depth -= 3;
	return s == DONE && heap_ok(&v->h);
}
