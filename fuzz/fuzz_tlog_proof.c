/* A proof that is taken is written again byte for byte, and proves nothing under keys nobody has signed with. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/ledger/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct note_key log = { .name = "log.example", .alg = NOTE_ED25519, .pub = { 1 } };
	struct ledger_policy policy = { .log = &log };
	struct wr again = wr_open(TLOG_PROOF_MAX);
	struct tlog_proof proof = { 0 };
	struct mhash leaf = { { 0 } };
	struct ledger_seen seen;
	struct err e;

	if (tlog_proof_parse((struct span){ p, n }, &proof, &e) == COFFER_OK) {
		if (tlog_proof_write(&proof, &again, &e) != COFFER_OK || !span_eq(wr_span(&again), (struct span){ p, n }))
			abort();
		if (tlog_proof_verify(&proof, &leaf, &policy, &seen, &e) == COFFER_OK)
			abort();
	} else if (proof.extra.p || proof.note.p) {
		abort();
	}
	tlog_proof_clear(&proof);
	wr_close(&again);
	return 0;
}
