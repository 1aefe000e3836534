#include "crypto/jws.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(jws_parts_clear) struct jws_parts parts = { 0 };
	CLEANUP(wr_close) struct wr again = wr_open(n);
	struct err e;

	if (jws_split((struct span){ p, n }, 1 << 16, &parts, &e) != COFFER_OK) {
		if (parts.own.p)
			abort();
		return 0;
	}
	/* one token, one spelling: encoding the parts gives the same bytes */
	b64url_write(&again, parts.header);
	wr_u8(&again, '.');
	b64url_write(&again, parts.payload);
	if (!span_eq(wr_span(&again), parts.signing_input))
		abort();
	wr_u8(&again, '.');
	b64url_write(&again, SPAN(parts.sig));
	if (!span_eq(wr_span(&again), (struct span){ p, n }))
		abort();
	return 0;
}
