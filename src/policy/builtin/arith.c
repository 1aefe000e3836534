/* + - * / % and what they do with sets. */
#include <stdio.h>

#include "policy/builtin/numeric.h"

bool bi_number_arg(struct call *c, size_t i)
{
	if (val_type(c->arg[i]) != VT_NUMBER)
		(void)bi_type(c, i, "number");
	return val_type(c->arg[i]) == VT_NUMBER;
}

struct val bi_operand_is(struct call *c, size_t i, const char *what)
{
	if (c->code == REGO_OK) {
		c->code = REGO_EVAL_TYPE;
		(void)snprintf(c->text, sizeof(c->text), "%s: operand %zu must be %s", c->self->name, i + 1, what);
	}
	return VAL_UNDEF;
}

bool bi_integer_arg(struct call *c, size_t i)
{
	if (!bi_number_arg(c, i))
		return false;
	if (!num_is_int(c->arg[i]))
		(void)bi_operand_is(c, i, "integer number but got floating-point number");
	return num_is_int(c->arg[i]);
}

bool bi_base_steps(struct heap *h, struct val v)
{
	uint64_t n = num_digits(v);

	return heap_steps(h, n * n / 512);
}

static struct val arith(struct call *c, enum num_op op)
{
	struct val out = VAL_UNDEF;

	if (!bi_number_arg(c, 0) || !bi_number_arg(c, 1))
		return VAL_UNDEF;
	switch (num_arith(c->h, op, c->arg[0], c->arg[1], &out)) {
	case NUM_OK:
		return out;
	case NUM_DIV_ZERO:
		return bi_fail(c, op == NUM_REM ? "modulo by zero" : "divide by zero");
	case NUM_NOT_INT:
		return bi_fail(c, "modulo on floating-point number");
	case NUM_RANGE: /* the heap is over */
		break;
	}
	return VAL_UNDEF;
}

static struct val plus(struct call *c)
{
	return arith(c, NUM_ADD);
}

static struct val mul(struct call *c)
{
	return arith(c, NUM_MUL);
}

static struct val division(struct call *c)
{
	return arith(c, NUM_DIV);
}

static struct val rem(struct call *c)
{
	return arith(c, NUM_REM);
}

/* Those items of the first set whose being in the second is `in`, and all of the second if `both`. */
static struct val select_items(struct call *c, bool in, bool both)
{
	struct vlist l = { .h = c->h };

	for (size_t i = 0; i < 2; i++)
		if (val_type(c->arg[i]) != VT_SET)
			return bi_type(c, i, "set");
	if (!heap_steps(c->h, val_len(c->arg[0]) + (both ? val_len(c->arg[1]) : 0)))
		return VAL_UNDEF;
	for (size_t i = 0; i < val_len(c->arg[0]); i++)
		if (val_has(c->arg[1], val_at(c->arg[0], i)) == in)
			vlist_add(&l, val_at(c->arg[0], i));
	for (size_t i = 0; both && i < val_len(c->arg[1]); i++)
		vlist_add(&l, val_at(c->arg[1], i));
	return val_set(c->h, l.p, l.n);
}

static struct val minus(struct call *c)
{
	enum val_type t = val_type(c->arg[0]);

	if (t == VT_SET)
		return select_items(c, false, false);
	return t == VT_NUMBER ? arith(c, NUM_SUB) : bi_type(c, 0, "one of {number, set}");
}

static struct val set_and(struct call *c)
{
	return select_items(c, true, false);
}

static struct val set_or(struct call *c)
{
	return select_items(c, false, true);
}

const struct builtin bi_arith[] = {
	{ .name = "plus", .args = 2, .fn = plus },
	{ .name = "minus", .args = 2, .fn = minus },
	{ .name = "mul", .args = 2, .fn = mul },
	{ .name = "div", .args = 2, .fn = division },
	{ .name = "rem", .args = 2, .fn = rem },
	{ .name = "and", .args = 2, .fn = set_and },
	{ .name = "or", .args = 2, .fn = set_or },
	{ 0 },
};
