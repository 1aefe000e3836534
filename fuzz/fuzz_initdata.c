/* Init-data that is taken is the rendering of its manifest, byte for byte. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct manifest m = { 0 };
	struct wr w = wr_open(MAN_INITDATA_MAX);
	struct err e;

	if (manifest_from_initdata((struct span){ p, n }, &m, &e) == COFFER_OK) {
		if (manifest_render(&m, &w, &e) != COFFER_OK || !span_eq(wr_span(&w), (struct span){ p, n }))
			abort();
	} else if (m.container || m.doc) {
		abort();
	}
	manifest_clear(&m);
	wr_close(&w);
	return 0;
}
