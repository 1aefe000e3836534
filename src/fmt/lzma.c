#include "fmt/lzma.h"

#include <lzma.h>

#define HEADER	   13 /* properties, dictionary, length */
#define MEMORY_MAX (64u << 20)
#define UNSAID	   UINT64_MAX

static enum coffer_rc decode(lzma_stream *z, struct span in, uint8_t *out, size_t n, struct err *e)
{
	lzma_ret rc = lzma_alone_decoder(z, MEMORY_MAX);

	if (rc == LZMA_OK) {
		z->next_in = in.p;
		z->avail_in = in.n;
		z->next_out = out;
		z->avail_out = n;
		rc = lzma_code(z, LZMA_FINISH);
	}
	if (rc == LZMA_MEM_ERROR)
		return err_set(e, COFFER_E_SYSTEM, "LZMA: out of memory");
	/* It may stop before it sees whether an end mark follows: all that was promised is there. */
	if ((rc != LZMA_STREAM_END && rc != LZMA_OK && rc != LZMA_BUF_ERROR) || z->avail_out > 0)
		return err_set(e, COFFER_E_INPUT, "LZMA: no stream, or not all of it");
	return COFFER_OK;
}

enum coffer_rc lzma_alone(struct span in, size_t max_out, struct wr *out, struct err *e)
{
	struct rd r = rd_open(in);
	lzma_stream z = LZMA_STREAM_INIT;
	struct wr w = { 0 };
	enum coffer_rc rc;
	uint8_t *to;
	uint64_t n;

	(void)rd_span(&r, 5);
	n = rd_le64(&r);
	if (!rd_ok(&r) || n == 0 || n == UNSAID)
		return err_set(e, COFFER_E_INPUT, "LZMA: no header that says a length");
	if (n > max_out)
		return err_set(e, COFFER_E_LIMIT, "LZMA: more than %zu bytes", max_out);
	w = wr_open((size_t)n);
	to = wr_room(&w, (size_t)n);
	rc = to ? decode(&z, in, to, (size_t)n, e) : wr_done(&w, "LZMA", e);
	lzma_end(&z);
	if (rc != COFFER_OK) {
		wr_close(&w);
		return rc;
	}
	*out = w;
	return COFFER_OK;
}
