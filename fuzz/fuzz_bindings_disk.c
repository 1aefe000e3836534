/* A disk of bindings that is taken is what is written for its envelopes. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "proto/bindings_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(BINDINGS_DISK_MAX);
	struct bindings_disk b = { .n = 77 };
	struct err e = { 0 };

	if (bindings_disk_read((struct span){ p, n }, &b, &e) != COFFER_OK) {
		if (b.n != 77 || !e.msg[0])
			abort();
		return 0;
	}
	if (b.n > BINDINGS_MAX || bindings_disk_write(&b, &w, &e) != COFFER_OK || !span_eq(wr_span(&w), (struct span){ p, n }))
		abort();
	return 0;
}
