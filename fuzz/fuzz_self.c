/* Messages of the service's own evidence: what a reader takes keeps its bounds, and is written again to what reads the same. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "proto/self.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void question(struct span in)
{
	CLEANUP(self_question_clear) struct self_question q = { 0 }, again = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e = { 0 };

	if (self_question_read(in, &q, &e) != COFFER_OK)
		return;
	if ((q.credential.credential.n == 0) != (q.credential.secret.n == 0) || q.credential.secret.n > RCAR_CREDENTIAL_MAX)
		abort();
	self_frame_write(&w, &q);
	if (!wr_ok(&w) || w.n > SELF_FRAME_MAX || self_frame_read(wr_span(&w), &again, &e) != COFFER_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(self_description_clear) struct self_description d = { 0 };
	CLEANUP(self_question_clear) struct self_question frame = { 0 };
	CLEANUP(self_answer_clear) struct self_answer a = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	const struct span in = { p, n };
	struct err e = { 0 };

	question(in);
	if (self_description_read(in, &d, &e) == COFFER_OK && (d.tee < TEE_SAMPLE || d.tee > TEE_LAST || d.tpm.ek_cert.n > KEEP_EK_MAX))
		abort();
	if (self_answer_read(in, &a, &e) == COFFER_OK ? a.evidence.n < 2 || a.evidence.p[0] != '{' : a.evidence.p != NULL)
		abort();
	if (self_frame_read(in, &frame, &e) == COFFER_OK) {
		self_frame_write(&w, &frame);
		if (!span_eq(wr_span(&w), in))
			abort();
	}
	return 0;
}
