/* The paravisor's report, or with '{' first the evidence around it. */
#include <stdlib.h>

#include "base/str.h"
#include "evidence/evidence.h"
#include "evidence/hcl.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void evidence(struct span s)
{
	static const char *const platforms[] = { "az-snp-vtpm", "az-tdx-vtpm" };

	for (size_t i = 0; i < 2; i++) {
		struct ev_in in = { .evidence = s, .now = -1 };
		struct ev_out out = { 0 };
		struct err e = { 0 };

		if (tee_driver_find(span_of(platforms[i]))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
			abort(); /* no hardware signed what a fuzzer writes */
		ev_out_clear(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct hcl h = { 0 };
	struct err e = { 0 };

	if (n > 0 && p[0] == '{') {
		evidence((struct span){ p, n });
		return 0;
	}
	if (hcl_parse((struct span){ p, n }, &h, &e) == COFFER_OK ? !h.ak || h.text.n == 0 || h.text.n > n
								  : h.ak != NULL || h.text.n != 0)
		abort(); /* output untouched on failure */
	hcl_clear(&h);
	return 0;
}
