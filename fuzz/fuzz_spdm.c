#include <stdlib.h>

#include "evidence/spdm.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct spdm_report r = { .n_blocks = 777 };
	struct err e = { 0 };

	if (spdm_report_parse((struct span){ p, n }, &r, &e) != COFFER_OK) {
		if (r.n_blocks != 777)
			abort(); /* output untouched on failure */
		return 0;
	}
	if (r.nonce.n != 32 || r.signature.n != SPDM_SIG_LEN || r.signed_part.n + SPDM_SIG_LEN + r.stray != n)
		abort(); /* every byte is accounted for */
	for (size_t i = 0; i < r.n_blocks; i++)
		if (r.block[i].value.n == 0 || (i > 0 && r.block[i].index <= r.block[i - 1].index))
			abort();
	for (size_t i = 0; i < r.n_opaque; i++)
		if (spdm_opaque_find(&r, r.opaque[i].type).p != r.opaque[i].value.p)
			abort();
	return 0;
}
