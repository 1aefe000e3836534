#include "evidence/eventlog.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint16_t algs[] = { TPM_ALG_SHA1, TPM_ALG_SHA256, TPM_ALG_SHA384, TPM_ALG_SHA512 };
	static struct eventlog_replay a, b; /* 1.6 KiB each */
	struct eventlog l;
	struct event v = { 0 };
	struct err e;
	bool more = true, whole = eventlog_open((struct span){ p, n }, &l, &e) == COFFER_OK;

	while (whole && more)
		whole = eventlog_next(&l, &v, &more, &e) == COFFER_OK;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		if (eventlog_replay((struct span){ p, n }, algs[i], &a, &e) != COFFER_OK) {
			if (a.events != 0)
				abort(); /* output untouched on failure */
			continue;
		}
		if (!whole || a.events != l.seen)
			abort();
		if (eventlog_replay((struct span){ p, n }, algs[i], &b, &e) != COFFER_OK ||
		    memcmp(a.reg, b.reg, sizeof(a.reg)) != 0)
			abort();
	}
	return 0;
}
