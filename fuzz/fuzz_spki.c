/* A key's text that is taken is one that the verifier of images reads too, as that very key. */
#include "crypto/spki.h"

#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr der = wr_open(4096);
	uint8_t id[32] = { 0xaa }, same[32];
	struct err e;

	if (!spki_pem_id((struct span){ p, n }, id)) {
		if (id[0] != 0xaa)
			abort();
		(void)!spki_plain((struct span){ p, n });
		return 0;
	}
	if (pem_public_der((struct span){ p, n }, &der, &e) != COFFER_OK)
		return 0; /* a point off its curve */
	sha256(wr_span(&der), same);
	if (!span_eq(SPAN(id), SPAN(same)))
		abort();
	return 0;
}
