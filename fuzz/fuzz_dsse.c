/* An envelope that is taken can be written and is taken again, with the same id and signatures. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trust/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct dsse d = { 0 }, again = { 0 };
	struct wr w = wr_open(2 * DSSE_ENVELOPE_MAX);
	struct json_wr j = jw_open(&w, false);
	uint8_t a[32], b[32];
	struct err e;

	if (dsse_parse((struct span){ p, n }, &d, &e) == COFFER_OK) {
		if (d.payload.n == 0 || d.payload.n > DSSE_PAYLOAD_MAX || d.n_sigs > DSSE_SIGS_MAX)
			abort();
		dsse_write(&d, &j);
		if (!wr_ok(&w) || dsse_parse(wr_span(&w), &again, &e) != COFFER_OK || again.n_sigs != d.n_sigs)
			abort();
		dsse_id(&d, a);
		dsse_id(&again, b);
		if (!span_eq(SPAN(a), SPAN(b)))
			abort();
	} else if (d.payload.p || d.n_sigs) {
		abort();
	}
	dsse_clear(&d);
	dsse_clear(&again);
	wr_close(&w);
	return 0;
}
