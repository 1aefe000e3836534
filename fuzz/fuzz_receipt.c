/* A receipt that is taken has one form; what it says is judged without a genesis that it could know. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct receipt r = { 0 };
	struct receipt_view v;
	uint8_t genesis[32];
	struct err e = { 0 };

	if (receipt_read((struct span){ p, n }, &r, &e) != COFFER_OK) {
		if (r.doc || r.statement)
			abort();
		return 0;
	}
	dsse_id(&r.genesis, genesis); /* its own: then the rest of it is looked at too */
	if (receipt_verify(&r, genesis, &v, &e) == COFFER_OK && (v.index >= v.size || v.rests == 0))
		abort();
	receipt_clear(&r);
	return 0;
}
