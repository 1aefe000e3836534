#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "evidence/evidence.h"
#include "evidence/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct snp_report r = { .version = 77 };
	struct ev_in in = { .evidence = { p, n }, .now = -1 };
	struct ev_out out = { 0 };
	struct err e = { 0 };
	bool ok = snp_report_parse((struct span){ p, n }, &r, &e) == COFFER_OK;

	if (ok ? r.version < 2 || r.version > 5 || r.vmpl > 3 || r.signed_part.n != SNP_SIGNED_LEN : r.version != 77)
		abort(); /* output untouched on failure */
	if (tee_driver_find(span_of("snp"))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
		abort(); /* nobody's certificate is there */
	if (ok && out.verdict != VERDICT_COLLATERAL)
		abort();
	ev_out_clear(&out);
	return 0;
}
