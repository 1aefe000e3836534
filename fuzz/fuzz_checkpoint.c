/* A checkpoint that is taken is written again byte for byte; no note opens under keys nobody has signed with. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/ledger/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct note_key log = { .name = "example.com/behind-the-sofa", .alg = NOTE_ED25519, .id = 0x033de0ae, .pub = { 1 } };
	struct note_key w = { .name = "witness.example.com/w1", .alg = NOTE_COSIGNATURE, .id = 0x8d66cf3f, .pub = { 2 } };
	struct ledger_policy policy = { &log, &w, 1, 1 };
	struct wr again = wr_open(n + 1);
	struct ledger_seen seen;
	struct checkpoint c = { .head.size = UINT64_MAX };
	struct err e;

	if (checkpoint_parse((struct span){ p, n }, &c, &e) == COFFER_OK) {
		if (checkpoint_write(&c, &again, &e) != COFFER_OK || !span_eq(wr_span(&again), (struct span){ p, n }))
			abort();
	} else if (c.head.size != UINT64_MAX) {
		abort();
	}
	if (checkpoint_open((struct span){ p, n }, &policy, &seen, &e) == COFFER_OK)
		abort();
	wr_close(&again);
	return 0;
}
