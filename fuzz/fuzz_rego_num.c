/* Two literals with a blank between them: every operation on them keeps the laws that hold for it. */
#include <stdlib.h>

#include "policy/value/num.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void laws(struct heap *h, struct val a, struct val b)
{
	struct val x = VAL_UNDEF, y = VAL_UNDEF, z = VAL_UNDEF;

	check(num_cmp(a, b) == -num_cmp(b, a) && (num_cmp(a, b) != 0 || num_hash(a) == num_hash(b)));
	if (num_arith(h, NUM_ADD, a, b, &x) == NUM_OK && num_arith(h, NUM_ADD, b, a, &y) == NUM_OK)
		check(num_cmp(x, y) == 0);
	if (num_arith(h, NUM_SUB, a, a, &x) == NUM_OK)
		check(num_sign(x) == 0);
	if (num_arith(h, NUM_DIV, a, b, &x) == NUM_OK && num_arith(h, NUM_REM, a, b, &y) == NUM_OK)
		check(num_is_int(y) && num_cmp(num_abs(h, y), num_abs(h, b)) < 0);
	if (num_bitop(h, NUM_AND, a, b, &x) == NUM_OK && num_bitop(h, NUM_OR, a, b, &y) == NUM_OK &&
	    num_bitop(h, NUM_XOR, a, b, &z) == NUM_OK)
		check(num_arith(h, NUM_SUB, y, x, &x) != NUM_OK || num_cmp(x, z) == 0);
	if (num_round(h, -1, a, &x) == NUM_OK && num_round(h, 1, a, &y) == NUM_OK)
		check(num_cmp(x, a) <= 0 && num_cmp(a, y) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct heap h = { .arena = arena_new(1 << 22), .steps = 1 << 18 };
	struct span s = { p, n };
	size_t blank = span_find(s, ' ');
	struct val a = num_parse(&h, (struct span){ p, blank }), b = num_parse(&h, span_skip(s, blank + 1));
	struct wr w = wr_open(1 << 20);

	if (val_defined(a)) {
		num_put(&w, a);
		(void)num_to_double(a);
		check(wr_ok(&w));
		check(!heap_ok(&h) || num_cmp(a, num_parse(&h, wr_span(&w))) == 0);
	}
	if (val_defined(a) && val_defined(b))
		laws(&h, a, b);
	wr_close(&w);
	arena_free(h.arena);
	return 0;
}
