/* Why a pull failed, in the words of the process that read what a registry sent: a refusal with a check, another failure without, all of it printable; written again it is
 * read the same. */
#include <stdlib.h>
#include <string.h>

#include "agent/puller_int.h"
#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void printable(const char *s)
{
	for (; *s; s++)
		if ((uint8_t)*s < 0x20 || (uint8_t)*s == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct err e = { 0 }, again = { 0 };
	enum coffer_rc rc = puller_read_failed((struct span){ p, n }, &e);

	if (rc == COFFER_OK || (rc == COFFER_E_DENIED) != (e.check[0] != 0))
		abort();
	printable(e.check);
	printable(e.msg);
	puller_put_failed(&w, rc, &e);
	if (puller_read_failed(wr_span(&w), &again) != rc || strcmp(e.msg, again.msg) != 0 || strcmp(e.check, again.check) != 0)
		abort();
	return 0;
}
