/* A file to sign, or a signature, that is taken can be written and is taken again as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "trust/tosign.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void request(struct span in)
{
	struct to_sign t = { 0 }, again = { 0 };
	struct wr w = wr_open(2 * TO_SIGN_MAX);
	struct err e;

	if (to_sign_parse(in, &t, &e) == COFFER_OK) {
		if (t.env.payload.n == 0 || t.env.payload.n > DSSE_PAYLOAD_MAX || (t.what != TO_SIGN_STATEMENT && t.env.n_sigs))
			abort();
		if (to_sign_write(&t, "", &w, &e) != COFFER_OK || to_sign_parse(wr_span(&w), &again, &e) != COFFER_OK ||
		    again.what != t.what || !span_eq(wr_span(&again.env.payload), wr_span(&t.env.payload)))
			abort();
	} else if (t.env.payload.p || t.env.n_sigs) {
		abort();
	}
	to_sign_clear(&t);
	to_sign_clear(&again);
	wr_close(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct wr w = wr_open(8192);
	struct detached d, again;
	struct err e;

	request((struct span){ p, n });
	if (detached_parse((struct span){ p, n }, &d, &e) == COFFER_OK) {
		if (detached_write(&d, &w, &e) != COFFER_OK || detached_parse(wr_span(&w), &again, &e) != COFFER_OK ||
		    !span_eq(SPAN(d.sig), SPAN(again.sig)) || !span_eq(SPAN(d.input), SPAN(again.input)))
			abort();
	}
	wr_close(&w);
	return 0;
}
