/* A manifest that is taken renders, and its rendering is taken back with the same digest. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct manifest m = { 0 }, back = { 0 };
	struct wr w = wr_open(MAN_INITDATA_MAX), text = wr_open(4u << 20);
	struct err e;

	if (manifest_parse((struct span){ p, n }, &m, &e) == COFFER_OK) {
		manifest_describe(&m, &text);
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] >= 0x7F || (text.p[i] < 0x20 && text.p[i] != '\n'))
				abort();
		if (manifest_render(&m, &w, &e) != COFFER_OK || manifest_from_initdata(wr_span(&w), &back, &e) != COFFER_OK ||
		    !span_eq(SPAN(m.digest), SPAN(back.digest)))
			abort();
	} else if (m.container || m.doc || m.canon.p) {
		abort();
	}
	manifest_clear(&m);
	manifest_clear(&back);
	wr_close(&w);
	wr_close(&text);
	return 0;
}
