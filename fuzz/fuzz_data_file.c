/* The seeds are sealed under the zero key for kbs:///o/data-key/f, version 1; nothing else may open. */
#include <stdlib.h>

#include "base/str.h"
#include "trust/data_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t key[DATA_KEY_LEN] = { 0 };
	struct span in = { p, n };
	struct wr out = wr_open(16u << 20);
	struct data_want want = { .version = 1 };
	struct data_header h = { 0 }, head = { 0 };
	uint64_t size = 0;
	size_t used = 0;
	struct err e;

	if (asset_path_parse(span_of("o/data-key/f"), &want.asset, &e) != COFFER_OK)
		abort();
	if (data_header_parse(in, &head, &used, &e) == COFFER_OK && (used > n || data_file_size(&head, &size, &e) != COFFER_OK))
		abort();
	if (data_file_open(&want, key, &(struct data_io){ data_read_span, &in, data_write_wr, &out }, &h, &e) == COFFER_OK) {
		if (size != n || out.n != h.size || h.version != 1)
			abort();
	} else if (h.version) {
		abort();
	}
	wr_close(&out);
	return 0;
}
