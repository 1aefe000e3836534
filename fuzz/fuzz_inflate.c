#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/inflate.h"

#define MAX_OUT 100000

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum coffer_rc take(void *arg, struct span piece, struct err *e)
{
	wr_put(arg, piece);
	return wr_done(arg, "output", e);
}

static enum coffer_rc run(enum inflate_kind k, struct span in, size_t step, struct wr *out)
{
	CLEANUP(inflate_freep) struct inflate *z = NULL;
	struct err e = { 0 };

	TRY(inflate_open(k, MAX_OUT, take, out, &z, &e));
	for (size_t at = 0; at < in.n; at += step)
		TRY(inflate_add(z, (struct span){ in.p + at, in.n - at < step ? in.n - at : step }, &e));
	return inflate_end(z, &e);
}

/* First byte: format and size of the pieces. The result does not depend on the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct wr a = wr_open(MAX_OUT), b = wr_open(MAX_OUT);
	enum inflate_kind k = n && p[0] & 1 ? INFLATE_GZIP : INFLATE_ZSTD;
	struct span in = { p + 1, n ? n - 1 : 0 };
	enum coffer_rc whole = n ? run(k, in, in.n + 1, &a) : COFFER_E_INPUT;
	enum coffer_rc parts = n ? run(k, in, 1 + (p[0] >> 1), &b) : COFFER_E_INPUT;

	if ((whole == COFFER_OK) != (parts == COFFER_OK) || (whole == COFFER_OK && !span_eq(wr_span(&a), wr_span(&b))))
		abort();
	wr_close(&a);
	wr_close(&b);
	return 0;
}
