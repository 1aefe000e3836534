#include "net/http_parse.h"

#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void chunks(struct span in)
{
	struct http_chunks c = { 0 };
	struct span piece;
	struct err e;

	for (size_t before = in.n + 1; in.n > 0 && c.at != CHUNK_DONE;) {
		if (in.n == before)
			abort(); /* every call eats something */
		before = in.n;
		if (http_chunks_next(&c, &in, &piece, &e) != COFFER_OK)
			return;
		if (piece.n > before - in.n)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct http_head h = { .status = 77 };
	struct span in = { p, n };
	size_t end = http_head_end(in);
	struct err e;

	if (http_head_parse((struct span){ p, end }, &h, &e) != COFFER_OK && h.status != 77)
		abort(); /* untouched on failure */
	if (h.status < 77 || h.status > 599 || (h.chunked && h.has_length))
		abort();
	(void)http_head_find((struct span){ p, end }, "location");
	chunks(span_skip(in, end));
	return 0;
}
