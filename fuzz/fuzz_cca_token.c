#include <stdlib.h>

#include "base/str.h"
#include "evidence/cca_token.h"
#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cca_token t = { .platform = { .lifecycle = 77 } };
	struct ev_in in = { .evidence = { p, n }, .now = -1 };
	struct ev_out out = { 0 };
	struct err e = { 0 };
	enum hash_alg h;
	bool ok = cca_token_parse((struct span){ p, n }, &t, &e) == COFFER_OK;

	if (ok ? t.realm.challenge.n != 64 || t.realm.rpv.n != 64 || t.platform.n_sw == 0 || t.platform.n_sw > CCA_SW_MAX ||
		     t.platform.instance_id.n != 33 || !cca_hash(t.realm.rak_hash_alg, &h)
	       : t.platform.lifecycle != 77 || t.realm.challenge.p != NULL)
		abort(); /* output untouched on failure */
	if (tee_driver_find(span_of("cca"))->appraise(&in, &out, &e) != COFFER_OK || out.verdict == VERDICT_VALID)
		abort(); /* nobody vouches for the platform */
	if (ok && out.verdict != VERDICT_COLLATERAL)
		abort();
	ev_out_clear(&out);
	return 0;
}
