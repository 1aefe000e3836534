/* A request that is taken is written again byte for byte; nothing is signed under a key that nobody has, and every verdict is one of the
 * specification's. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/ledger/witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct witness_log log = { .key = { .name = "example.com/behind-the-sofa", .alg = NOTE_ED25519, .id = 0x033de0ae, .pub = { 1 } } };
	struct add_checkpoint q = { .old = UINT64_MAX };
	struct wr again = wr_open(n + 64);
	struct witness_said said;
	struct err e = { 0 };
	enum coffer_rc rc = witness_judge(&log, 1, (struct span){ p, n }, &said, &e);

	if (rc == COFFER_OK || (said.status != 400 && said.status != 403 && said.status != 404))
		abort();
	if (add_checkpoint_read((struct span){ p, n }, &q, &e) == COFFER_OK) {
		add_checkpoint_write(&q, &again);
		if (!wr_ok(&again) || !span_eq(wr_span(&again), (struct span){ p, n }))
			abort();
	} else if (q.old != UINT64_MAX || (rc != COFFER_E_INPUT && rc != COFFER_E_LIMIT)) {
		abort();
	}
	wr_close(&again);
	return 0;
}
