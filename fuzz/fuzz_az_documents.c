/* What the metadata service of a cloud answers a guest, or evidence that has it. First byte: certificate, quote, evidence. */
#include <stdlib.h>

#include "evidence/az_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rd r = rd_open((struct span){ p, n });
	uint8_t what = rd_u8(&r);
	struct span body = { r.p, r.n };
	struct wr out = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc = what == 'q' ? az_quote_read(body, &out, &e) : what == 'e' ? az_hardware_read(body, &out, &e) : az_vcek_read(body, &out, &e);

	if (rc == COFFER_OK && (out.n == 0 || out.n > AZ_DOCUMENT_MAX))
		abort();
	wr_close(&out);
	return 0;
}
