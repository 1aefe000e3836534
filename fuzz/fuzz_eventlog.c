#include "evidence/eventlog_claims.h"

#include <stdlib.h>
#include <string.h>

#include "fmt/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The claims are JSON that the strict reader takes, and as many events at most. */
static void claims(struct span log, uint16_t alg, size_t events)
{
	struct wr w = wr_open(1u << 20);
	struct json_doc *doc = NULL;
	struct err e;
	enum coffer_rc rc = eventlog_claims(log, alg, 0x1e, &w, &e);

	if (rc == COFFER_OK && (json_parse(wr_span(&w), 1u << 20, &doc, &e) != COFFER_OK || json_len(json_root(doc)) >= events))
		abort();
	if (rc != COFFER_OK && rc != COFFER_E_LIMIT)
		abort();
	json_free(doc);
	wr_close(&w);
}

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
		claims((struct span){ p, n }, algs[i], a.events);
	}
	return 0;
}
