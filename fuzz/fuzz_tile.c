/* A path that is taken is the one that is written for what it names; a bundle that is taken is written again byte for byte. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/ledger/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct wr w = wr_open(n + 1);
	struct span entries[TILE_WIDTH];
	char path[TILE_PATH_MAX];
	struct tile t;
	struct err e;

	if (tile_path_read((struct span){ p, n }, &t)) {
		tile_path(&t, path);
		if (!span_eq_str((struct span){ p, n }, path) || t.width == 0 || t.width > TILE_WIDTH)
			abort();
	}
	if (n > 0 && tile_entries_read((struct span){ p + 1, n - 1 }, p[0], entries)) {
		for (unsigned i = 0; i < p[0]; i++)
			if (tile_entry_add(&w, entries[i], &e) != COFFER_OK)
				abort();
		if (!span_eq(wr_span(&w), (struct span){ p + 1, n - 1 }))
			abort();
	}
	wr_close(&w);
	return 0;
}
