#include <stdlib.h>

#include "base/own.h"
#include "cofferd/net/forms.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(sealed_asset_clear) struct sealed_asset s = { 0 };
	CLEANUP(party_token_clear) struct party_token t = { 0 };
	const struct span in = { p, n };
	struct err e = { 0 };

	if (sealed_asset_parse(in, &s, &e) == COFFER_OK) {
		if (!s.sealed.has_epk || s.sealed.protected_b64.n == 0 || s.statement.n_sigs > DSSE_SIGS_MAX)
			abort();
	} else if (s.doc) {
		abort(); /* output untouched on failure */
	}
	if (party_token_split(in, &t, &e) == COFFER_OK && (t.auth.signing_input.n >= n || t.auth.payload.n == 0))
		abort();
	return 0;
}
