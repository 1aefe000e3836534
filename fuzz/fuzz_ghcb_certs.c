/* A table of certificates; or, from an SNP report's length on, a report and the table behind it as evidence. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/ghcb_certs.h"
#include "evidence/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(wr_close) struct wr json = wr_open(SNP_EVIDENCE_MAX);
	struct ghcb_certs c = { .n = 99 };
	struct err e = { 0 };

	if (ghcb_certs_parse((struct span){ p, n }, &c, &e) != COFFER_OK) {
		if (c.n != 99)
			abort(); /* output untouched on failure */
	} else {
		for (size_t i = 0; i < c.n; i++)
			if (c.of[i].data.n == 0 || c.of[i].data.p < p || c.of[i].data.p + c.of[i].data.n > p + n)
				abort();
	}
	if (n >= SNP_REPORT_LEN && snp_evidence_write((struct span){ p, SNP_REPORT_LEN }, span_skip((struct span){ p, n }, SNP_REPORT_LEN), &json, &e) == COFFER_OK &&
	    json.n == 0)
		abort();
	return 0;
}
