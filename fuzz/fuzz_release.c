#include <stdlib.h>

#include "client/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct release_content c = { 0 };
	struct release_entry entry;
	const struct span in = { p, n };
	uint8_t session[RELEASE_SESSION_LEN];
	struct err e = { 0 };

	if (release_content_parse(in, &c, &e) == COFFER_OK) {
		if (c.salted.n != c.content.n + 32 || c.envelope.n + c.salted.n + 8 != n)
			abort(); /* not a byte is left over */
	} else if (c.content.p) {
		abort(); /* output untouched on failure */
	}
	if (release_entry_parse(in, &entry, &e) == COFFER_OK && n < 68)
		abort();
	if (release_session(in, session) && n < 47)
		abort();
	return 0;
}
