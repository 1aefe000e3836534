/* A pod's record: what is read is written again to the same, and what is refused leaves the output alone. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "cli/pods/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(2 * POD_RECORD_MAX);
	struct pod_record r = { .code = 999 }, again;
	uint64_t start;
	bool ended;
	struct err e = { 0 };

	if (process_stat((struct span){ p, n }, &start, &ended, &e) != COFFER_OK && !e.msg[0])
		abort();
	if (pod_record_read((struct span){ p, n }, &r, &e) != COFFER_OK) {
		if (r.code != 999)
			abort();
		return 0;
	}
	if (pod_record_write(&r, &w, &e) != COFFER_OK)
		return 0; /* text that is no UTF-8 of ours */
	if (wr_span(&w).n <= POD_RECORD_MAX && (pod_record_read(wr_span(&w), &again, &e) != COFFER_OK || again.n_parts != r.n_parts || again.state != r.state))
		abort();
	return 0;
}
