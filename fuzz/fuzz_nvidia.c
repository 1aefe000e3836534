#include <stdlib.h>

#include "base/str.h"
#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Stands for a manifest that was signed: two entries, of the version that the seeds have. */
static enum coffer_rc manifest(struct span text, const struct collateral *col, int64_t now, struct ev_manifest *out, struct err *e)
{
	static const uint8_t zero[48];

	(void)text, (void)col, (void)now;
	*out = (struct ev_manifest){ .version = "96.00.9f.00.01", .active = wr_open(256) };
	for (uint8_t i = 0; i < 2; i++) {
		wr_u8(&out->active, i);
		wr_u8(&out->active, 1);
		wr_put(&out->active, SPAN(zero));
	}
	return wr_done(&out->active, "manifest", e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t nonce[32] = { 1 };
	const struct collateral col = { .other = { { (const uint8_t *)"<", 1 } }, .n_other = 1, .manifests = manifest };
	struct ev_in in = { .evidence = { p, n }, .col = &col, .now = -1, .report_data = SPAN(nonce) };
	struct ev_out out = { 0 };
	struct err e = { 0 };

	if (tee_driver_find(span_of("nvidia"))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
		abort(); /* no key of NVIDIA's signed for this nonce */
	ev_out_clear(&out);
	return 0;
}
