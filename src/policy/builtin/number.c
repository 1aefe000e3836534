/* Rounding, ranges, and numbers from and to text. */
#include "policy/builtin/numeric.h"

static struct val rounded(struct call *c, int how)
{
	struct val out = VAL_UNDEF;

	return bi_number_arg(c, 0) && num_round(c->h, how, c->arg[0], &out) == NUM_OK ? out : VAL_UNDEF;
}

static struct val bi_ceil(struct call *c)
{
	return rounded(c, 1);
}

static struct val bi_floor(struct call *c)
{
	return rounded(c, -1);
}

static struct val bi_round(struct call *c)
{
	return rounded(c, 0);
}

static struct val bi_abs(struct call *c)
{
	return bi_number_arg(c, 0) ? num_abs(c->h, c->arg[0]) : VAL_UNDEF;
}

/* From the first operand to the second, both included, up or down by `step`. A step an item. */
static struct val range(struct call *c, struct val step)
{
	struct vlist l = { .h = c->h };
	struct val x = c->arg[0], to = c->arg[1];
	int way = num_cmp(x, to) <= 0 ? 1 : -1;

	while (heap_steps(c->h, 1) && num_cmp(x, to) * way <= 0) {
		vlist_add(&l, x);
		if (num_arith(c->h, way > 0 ? NUM_ADD : NUM_SUB, x, step, &x) != NUM_OK)
			return VAL_UNDEF;
	}
	return val_array(c->h, l.p, l.n);
}

static struct val numbers_range(struct call *c)
{
	return bi_integer_arg(c, 0) && bi_integer_arg(c, 1) ? range(c, val_int(c->h, 1)) : VAL_UNDEF;
}

static struct val numbers_range_step(struct call *c)
{
	if (!bi_integer_arg(c, 0) || !bi_integer_arg(c, 1) || !bi_integer_arg(c, 2))
		return VAL_UNDEF;
	if (num_sign(c->arg[2]) <= 0)
		return bi_fail(c, "step must be a positive integer");
	return range(c, c->arg[2]);
}

static bool span_is_word(struct span s, const char *word)
{
	size_t i = 0;

	while (i < s.n && word[i] && (s.p[i] | 0x20) == word[i])
		i++;
	return i == s.n && !word[i];
}

/* Text must be a JSON number. */
static struct val text_to_number(struct call *c, struct span s)
{
	struct val v = num_parse(c->h, s);

	if (val_defined(v))
		return v;
	while (s.n && (s.p[0] == '+' || s.p[0] == '-'))
		s = span_skip(s, 1);
	if (span_is_word(s, "nan") || span_is_word(s, "inf") || span_is_word(s, "infinity"))
		return bi_operand_is(c, 0, "valid number string but got string");
	return bi_fail(c, "not a number, or one that is too large");
}

static struct val to_number(struct call *c)
{
	switch (val_type(c->arg[0])) {
	case VT_NULL:
		return val_int(c->h, 0);
	case VT_BOOL:
		return val_int(c->h, val_true(c->arg[0]));
	case VT_NUMBER:
		return c->arg[0];
	case VT_STRING:
		return text_to_number(c, val_span(c->arg[0]));
	case VT_UNDEF:
	case VT_ARRAY:
	case VT_OBJECT:
	case VT_SET:
		break;
	}
	return bi_type(c, 0, "one of {null, boolean, number, string}");
}

/* What is behind the point is cut off. */
static struct val format_int(struct call *c)
{
	struct wr w = wr_open(c->h->string_max);
	struct val x, v = VAL_UNDEF;
	int64_t base;

	if (!bi_number_arg(c, 0) || !bi_number_arg(c, 1))
		return VAL_UNDEF;
	if (!val_int64(c->arg[1], &base) || (base != 2 && base != 8 && base != 10 && base != 16))
		return bi_operand_is(c, 1, "one of {2, 8, 10, 16}");
	if (num_round(c->h, num_sign(c->arg[0]) < 0 ? 1 : -1, c->arg[0], &x) != NUM_OK || !bi_base_steps(c->h, x))
		return VAL_UNDEF;
	if (num_put_base(&w, x, (unsigned)base) && wr_ok(&w))
		v = val_str(c->h, wr_span(&w));
	else
		heap_over(c->h, REGO_LIMIT_OUTPUT);
	wr_close(&w);
	return v;
}

/* The same text and bound give the same number throughout an evaluation. */
static struct val rand_intn(struct call *c)
{
	uint64_t x = c->host ? c->host->seed : 0;
	int64_t n;

	if (val_type(c->arg[0]) != VT_STRING)
		return bi_type(c, 0, "string");
	if (!bi_integer_arg(c, 1))
		return VAL_UNDEF;
	if (!val_int64(c->arg[1], &n) || n == INT64_MIN)
		return bi_fail(c, "bound out of range");
	if (n == 0)
		return val_int(c->h, 0);
	x += val_hash(c->arg[0]) + (uint64_t)n * UINT64_C(0x9e3779b97f4a7c15); /* another bound draws again, as in OPA */
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return val_int(c->h, (int64_t)((x ^ x >> 31) % (uint64_t)(n < 0 ? -n : n)));
}

const struct builtin bi_number[] = {
	{ .name = "abs", .args = 1, .fn = bi_abs },
	{ .name = "ceil", .args = 1, .fn = bi_ceil },
	{ .name = "floor", .args = 1, .fn = bi_floor },
	{ .name = "round", .args = 1, .fn = bi_round },
	{ .name = "numbers.range", .args = 2, .fn = numbers_range },
	{ .name = "numbers.range_step", .args = 3, .fn = numbers_range_step },
	{ .name = "to_number", .args = 1, .fn = to_number },
	{ .name = "format_int", .args = 2, .fn = format_int },
	{ .name = "rand.intn", .args = 2, .fn = rand_intn, .volatile_ = true },
	{ 0 },
};
