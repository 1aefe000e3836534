#include <stdlib.h>

#include "base/str.h"
#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t nonce[32] = { 1 };
	struct ev_in in = { .evidence = { p, n }, .now = -1, .report_data = SPAN(nonce) };
	struct ev_out out = { 0 };
	struct err e = { 0 };

	if (tee_driver_find(span_of("nvidia"))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
		abort(); /* no key of NVIDIA's signed for this nonce */
	ev_out_clear(&out);
	return 0;
}
