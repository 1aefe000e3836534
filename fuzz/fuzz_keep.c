/* What a broken `net` can send: any message, to a store that holds a deployment and an attested session. The first byte is
 * the type; "SESSIONSESSIONID" stands for that session. Promises: a failure comes with a whole refusal, and the journal
 * only ever grows. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "tests/keepkit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct kit kit; /* NOLINT: warmed once */

static void warm(void)
{
	kit_open(&kit);
	kit_deploy(&kit);
	if (kit_begin(&kit) != COFFER_OK || kit_attest(&kit, (struct kit_evidence){ 0 }) != COFFER_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr reply = { 0 };
	CLEANUP(freep) uint8_t *in = malloc(n + 1);
	struct keep_refusal r;
	struct err e = { 0 };
	uint64_t seq;
	uint8_t *at;

	if (!kit.keep.store)
		warm();
	if (n == 0 || !in)
		return 0;
	memcpy(in, p, n);
	at = memmem(in, n, "SESSIONSESSIONID", 16);
	if (at)
		memcpy(at, kit.session, 16);
	kit.keep.now = kit.now;
	seq = kit.keep.journal.seq;
	if (keep_dispatch(&kit.keep, in[0], (struct span){ in + 1, n - 1 }, &reply) != COFFER_OK &&
	    keep_refusal_read(wr_span(&reply), &r, &e) != COFFER_OK)
		abort();
	if (kit.keep.journal.seq < seq || !wr_ok(&reply))
		abort();
	return 0;
}
