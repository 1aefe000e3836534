/* First byte: request, reply or cached file; from 0x80 on a question to a witness, or its answer, or (0xff) the addresses of all.
 * What is taken is written to the same bytes again. */
#include <stdlib.h>

#include "base/str.h"
#include "proto/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span in = { p + 1, n - 1 };
	struct fetch_req q;
	struct fetch_reply r;
	struct fetch_file f;
	struct fetch_post post;
	struct fetch_posted got;
	struct fetch_witnesses all;
	struct err e;
	struct wr w;
	bool took = true;

	if (n == 0)
		return 0;
	w = wr_open(FETCH_FILE_MAX);
	if (p[0] == 0xff && fetch_witnesses_read(in, &all, &e) == COFFER_OK) {
		for (size_t i = 0; i < all.n; i++) {
			wr_put(&w, all.url[i]);
			wr_u8(&w, '\n');
		}
	} else if (p[0] >= 0x80 && p[0] % 2 == 0 && fetch_post_read(in, &post, &e) == COFFER_OK) {
		fetch_post_write(&w, &post);
	} else if (p[0] >= 0x80 && p[0] < 0xff && p[0] % 2 == 1 && fetch_posted_read(in, &got, &e) == COFFER_OK) {
		wr_u8(&w, (uint8_t)(got.status >> 8));
		wr_u8(&w, (uint8_t)got.status);
		wr_put(&w, got.body);
	} else if (p[0] < 0x80 && p[0] % 3 == 0 && fetch_req_read(in, &q, &e) == COFFER_OK) {
		fetch_req_write(&w, &q);
	} else if (p[0] < 0x80 && p[0] % 3 == 1 && fetch_reply_read(in, &r, &e) == COFFER_OK) {
		fetch_reply_write(&w, &r);
	} else if (p[0] < 0x80 && p[0] % 3 == 2 && fetch_file_read(in, &f, &e) == COFFER_OK) {
		fetch_file_write(&w, &f);
	} else {
		took = false;
	}
	if (took && (!wr_ok(&w) || !span_eq(wr_span(&w), in)))
		abort();
	wr_close(&w);
	return 0;
}
