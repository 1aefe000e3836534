/* What a trust service says of who lets whom designate it, as a client takes it. */
#include <stdlib.h>

#include "base/err.h"
#include "trust/chain.h"
#include "trust/parties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct genesis g;
	static struct designation_links l;
	struct parties p = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc;

	g.n_parties = 1;
	g.party[0] = (struct party){ .id = "acme", .personas = PERSONA_WORKLOAD, .n_keys = 1, .keys[0] = { .kind = KEY_ED25519 } };
	if (parties_open(&g, &p, &e) != COFFER_OK)
		abort();
	l.n = DESIGNATION_MAX + 1;
	rc = designation_read((struct span){ data, n }, &g, &p, &l, &e);
	if (rc == COFFER_OK ? l.n > DESIGNATION_MAX : l.n != DESIGNATION_MAX + 1)
		abort();
	parties_clear(&p);
	return 0;
}
