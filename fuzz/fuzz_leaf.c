/* A leaf or an opening that is taken is written again byte for byte. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/ledger/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct wr w = wr_open(n + 1);
	uint8_t again[LEAF_MAX];
	struct leaf_opening o;
	struct leaf l;

	if (leaf_read((struct span){ p, n }, &l)) {
		size_t len = leaf_write(&l, again);

		if (!span_eq((struct span){ again, len }, (struct span){ p, n }))
			abort();
	}
	if (leaf_opening_read((struct span){ p, n }, &o)) {
		leaf_opening_write(&o, &w);
		if (!span_eq(wr_span(&w), (struct span){ p, n }))
			abort();
	}
	wr_close(&w);
	return 0;
}
