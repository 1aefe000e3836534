/* A proof that is taken is written again byte for byte, and holds under no root but the one it computes. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/ledger/smt.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct smt_proof proof = { .depth = 999 };
	struct wr again = wr_open(SMT_PROOF_MAX);
	struct mhash root = { { 1 } }, key = { { 0 } };
	struct smt_answer a;

	if (smt_proof_read((struct span){ p, n }, &proof)) {
		smt_proof_write(&proof, &again);
		if (!span_eq(wr_span(&again), (struct span){ p, n }) || proof.depth > SMT_DEPTH || smt_verify(&root, &key, &proof, &a))
			abort();
	} else if (proof.depth != 999) {
		abort();
	}
	wr_close(&again);
	return 0;
}
