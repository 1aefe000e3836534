#include <stdlib.h>

#include "base/own.h"
#include "evidence/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	struct sample_evidence s = { 0 };
	struct err e = { 0 };

	if (json_parse((struct span){ p, n }, 1u << 20, &doc, &e) != COFFER_OK)
		return 0;
	if (sample_parse(json_root(doc), &s, &e) != COFFER_OK) {
		if (s.report_data_n != 0 || s.has_register)
			abort(); /* output untouched on failure */
		return 0;
	}
	if (s.report_data_n == 0 || s.report_data_n > SAMPLE_REPORT_DATA_MAX || s.svn.n == 0)
		abort();
	if (sample_write((struct span){s.report_data, s.report_data_n}, s.has_register ? s.init_register : NULL, &w, &e) !=
	    COFFER_OK)
		abort();
	return 0;
}
