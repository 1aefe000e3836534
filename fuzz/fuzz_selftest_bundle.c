/* A stranger's bundle, and a probe's answer (first byte 'p'): what is read is written again to the same; what is refused leaves nothing behind. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/selftest/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void again(const struct bundle *b)
{
	static const char *const none[] = { NULL };
	CLEANUP(bundle_freep) struct bundle *r = calloc(1, sizeof(*r));
	CLEANUP(wr_close) struct wr w = wr_open(BUNDLE_MAX);
	struct err e = { 0 };

	if (!r || bundle_write(b, none, &w, &e) != COFFER_OK || bundle_read(wr_span(&w), r, &e) != COFFER_OK || r->n_items != b->n_items || r->n_files != b->n_files)
		abort();
	for (size_t i = 0; i < b->n_items; i++)
		if (!span_eq(wr_span(&r->item[i].evidence), wr_span(&b->item[i].evidence)) || !span_eq(wr_span(&r->item[i].verdict), wr_span(&b->item[i].verdict)))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(bundle_freep) struct bundle *b = calloc(1, sizeof(*b));
	bool probe = n > 0 && p[0] == 'p';
	struct span s = { p, n };
	struct err e = { 0 };

	if (!b)
		return 0;
	if ((probe ? bundle_read_probe(span_skip(s, 1), b, &e) : bundle_read(s, b, &e)) == COFFER_OK)
		again(b);
	else if (b->n_items || b->n_files || b->n_facts || b->n_absent)
		abort();
	return 0;
}
