#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "evidence/corim.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);
	struct corim c = { .n = 77 };
	struct json_wr j = jw_open(&w, false);
	struct err e = { 0 };
	enum coffer_rc rc = corim_read((struct span){ p, n }, NULL, &c, &e);

	if (rc != COFFER_OK) {
		if (c.n != 77 || c.v || rc == COFFER_E_DENIED)
			abort(); /* output untouched on failure */
		return 0;
	}
	if (c.proof == CORIM_VERIFIED || c.n > CORIM_VALUES_MAX)
		abort();
	for (size_t i = 0; i < c.n; i++)
		if (c.v[i].n == 0 || c.v[i].n > CORIM_DIGESTS_MAX || strlen(c.v[i].name) == 0)
			abort();
	corim_clear(&c);
	if (corim_reference_values((struct span){ p, n }, &j, &e) == COFFER_E_INPUT)
		abort(); /* what is read can be written */
	return 0;
}
