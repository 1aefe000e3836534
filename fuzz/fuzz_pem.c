#include "crypto/pem.h"

#include <stdlib.h>

#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct pubkey k = { .x = { 0xaa } }, back;
	struct err e;

	if (pem_read_public((struct span){ p, n }, &k, &e) != COFFER_OK) {
		if (k.kind != 0 || k.x[0] != 0xaa)
			abort();
		return 0;
	}
	if (pem_write_public(&k, &w, &e) != COFFER_OK || pem_read_public(wr_span(&w), &back, &e) != COFFER_OK || !pubkey_eq(&k, &back))
		abort();
	return 0;
}
