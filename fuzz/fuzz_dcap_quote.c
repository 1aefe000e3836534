#include <stdlib.h>

#include "base/str.h"
#include "evidence/dcap_quote.h"
#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const platforms[] = { "sgx", "tdx" };
	struct dcap_quote q = { .version = 77 };
	struct err e = { 0 };

	if (dcap_quote_parse((struct span){ p, n }, &q, &e) == COFFER_OK) {
		if (q.version < 3 || q.version > 5 || q.signature.n != 64 || q.ak.n != 64 || q.signed_part.n + q.trailing.n > n ||
		    (q.is_td ? q.td.report_data.n : q.sgx.report_data.n) != 64)
			abort();
	} else if (q.version != 77) {
		abort(); /* output untouched on failure */
	}
	for (size_t i = 0; i < 2; i++) {
		struct ev_in in = { .evidence = { p, n }, .now = -1 };
		struct ev_out out = { 0 };

		if (tee_driver_find(span_of(platforms[i]))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
			abort(); /* no collateral is there */
		ev_out_clear(&out);
	}
	return 0;
}
