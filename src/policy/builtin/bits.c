/* bits.*: integers of any size as two's complement. */
#include "policy/builtin/numeric.h"

static struct val bitop(struct call *c, enum num_bits op)
{
	struct val out = VAL_UNDEF;

	if (!bi_integer_arg(c, 0) || !bi_integer_arg(c, 1))
		return VAL_UNDEF;
	if ((op == NUM_SHL || op == NUM_SHR) && num_sign(c->arg[1]) < 0)
		return bi_operand_is(c, 1, "an unsigned integer number but got a negative integer");
	return num_bitop(c->h, op, c->arg[0], c->arg[1], &out) == NUM_OK ? out : VAL_UNDEF;
}

static struct val bits_and(struct call *c)
{
	return bitop(c, NUM_AND);
}

static struct val bits_or(struct call *c)
{
	return bitop(c, NUM_OR);
}

static struct val bits_xor(struct call *c)
{
	return bitop(c, NUM_XOR);
}

static struct val lsh(struct call *c)
{
	return bitop(c, NUM_SHL);
}

static struct val rsh(struct call *c)
{
	return bitop(c, NUM_SHR);
}

static struct val negate(struct call *c)
{
	struct val out = VAL_UNDEF;

	return bi_integer_arg(c, 0) && num_not(c->h, c->arg[0], &out) == NUM_OK ? out : VAL_UNDEF;
}

const struct builtin bi_bits[] = {
	{ .name = "bits.and", .args = 2, .fn = bits_and },
	{ .name = "bits.or", .args = 2, .fn = bits_or },
	{ .name = "bits.xor", .args = 2, .fn = bits_xor },
	{ .name = "bits.lsh", .args = 2, .fn = lsh },
	{ .name = "bits.rsh", .args = 2, .fn = rsh },
	{ .name = "bits.negate", .args = 1, .fn = negate },
	{ 0 },
};
