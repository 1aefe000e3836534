/* Init-data as claims: what is written is one JSON object, and what is refused says why. */
#include <stdlib.h>

#include "base/own.h"
#include "evidence/appraise.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)2 * APPRAISE_CLAIMS_MAX);
	CLEANUP(json_freep) struct json_doc *d = NULL;
	uint8_t digest[HASH_MAX];
	struct err e = { 0 };
	size_t len = 0;

	if (initdata_digest((struct span){ p, n }, digest, &len, &e) == COFFER_OK && (len < 32 || len > HASH_MAX))
		abort();
	if (initdata_claims((struct span){ p, n }, &w, &e) != COFFER_OK) {
		if (e.rc == COFFER_OK || !e.msg[0])
			abort();
		return 0;
	}
	if (json_parse(wr_span(&w), w.n, &d, &e) != COFFER_OK || json_type(json_root(d)) != JSON_OBJECT)
		abort();
	return 0;
}
