#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/evidence.h"
#include "evidence/snp_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct ev_in in = { .evidence = { p, n }, .now = -1 };
	struct ev_out out = { 0 };
	uint8_t raw[SNP_REPORT_LEN];
	struct err e = { 0 };

	if (json_parse((struct span){ p, n }, 256u << 10, &doc, &e) == COFFER_OK) {
		enum coffer_rc rc = snp_report_from_json(json_get(json_root(doc), "attestation_report"), raw, &e);

		if (rc != COFFER_OK && rc != COFFER_E_INPUT)
			abort();
	}
	if (tee_driver_find(span_of("snp"))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
		abort(); /* no key of AMD's signs what a fuzzer writes */
	ev_out_clear(&out);
	return 0;
}
