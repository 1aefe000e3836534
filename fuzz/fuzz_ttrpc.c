#include <stdlib.h>

#include "base/str.h"
#include "proto/ttrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = { p, n };
	struct ttrpc_head h = { .type = 0xaa };
	struct ttrpc_request q = { .timeout_ns = 0xaa }, again;
	struct ttrpc_response r = { .code = 0xaa };
	struct wr w = wr_open(TTRPC_BODY_MAX + TTRPC_HEADER);
	struct err e = { 0 };

	if (ttrpc_head_read((struct span){ p, n < TTRPC_HEADER ? n : TTRPC_HEADER }, &h, &e) != COFFER_OK ? h.type != 0xaa : h.length > TTRPC_BODY_MAX)
		abort();
	if (ttrpc_request_read(in, &q, &e) == COFFER_OK) {
		ttrpc_request_write(&w, 1, &q); /* metadata apart, what was read is written and reads the same */
		if (!wr_ok(&w) || ttrpc_request_read(span_skip(wr_span(&w), TTRPC_HEADER), &again, &e) != COFFER_OK ||
		    !span_eq(q.method, again.method) || !span_eq(q.payload, again.payload) || q.timeout_ns != again.timeout_ns)
			abort();
	} else if (q.timeout_ns != 0xaa) {
		abort();
	}
	if (ttrpc_response_read(in, &r, &e) != COFFER_OK ? r.code != 0xaa : r.code > 16)
		abort();
	wr_close(&w);
	return 0;
}
