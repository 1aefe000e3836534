#include "fmt/pe_append.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct pe_new add[] = { { ".one", { (const uint8_t *)"1", 1 } }, { ".two", { (const uint8_t *)"22", 2 } } };
	static struct pe before, after;
	struct wr out = wr_open((1u << 20) + n);
	struct err e = { 0 };
	struct span s;

	/* What comes out is an image with those sections more, whose contents are the given ones. */
	if (pe_append((struct span){ p, n }, add, 2, &out, &e) == COFFER_OK &&
	    (pe_parse((struct span){ p, n }, &before, &e) != COFFER_OK || pe_parse(wr_span(&out), &after, &e) != COFFER_OK || after.n != before.n + 2 ||
		!pe_content(&after.section[after.n - 1], &s) || s.n != 2))
		abort();
	wr_close(&out);
	return 0;
}
