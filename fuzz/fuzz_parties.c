/* What a trust service says of parties, as a client takes it. */
#include <stdlib.h>

#include "base/err.h"
#include "trust/parties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct genesis g;
	struct parties p = { 0 };
	struct parties_page at = { 0 };
	struct err e = { 0 };

	g.n_parties = 1;
	g.party[0] = (struct party){ .id = "acme", .n_keys = 1, .keys[0] = { .kind = KEY_ED25519 } };
	if (parties_open(&g, &p, &e) != COFFER_OK)
		abort();
	if (parties_read(&p, g.id, (struct span){ data, n }, &at, &e) == COFFER_OK && p.n > PARTIES_MAX)
		abort();
	parties_clear(&p);
	return 0;
}
