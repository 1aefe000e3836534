/* First byte: which decoder. What is taken is encoded to the same bytes again. */
#include <stdlib.h>

#include "base/str.h"
#include "tests/unit/eval_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span body = { p + 1, n - 1 };
	struct wr again;
	struct err e;

	if (n == 0)
		return 0;
	again = wr_open(EVAL_FRAME_MAX);
	if (eval_decoders[p[0] % EVAL_DECODERS](body, &again, &e) == COFFER_OK && (!wr_ok(&again) || !span_eq(wr_span(&again), body)))
		abort();
	wr_close(&again);
	return 0;
}
