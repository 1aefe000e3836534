/* Reference values: whatever parses is found by each of its names' rules, and never by one that is not there. */
#include <stdlib.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/refs.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(refs_freep) struct refs *r = NULL;
	const struct json *v = NULL;
	struct err e = { 0 };

	if (refs_parse((struct span){ p, n }, &r, &e) != COFFER_OK)
		return 0;
	if (refs_len(r) > REFS_MAX || refs_find(r, span_of("a b"), 0, &v) != REF_ABSENT || v)
		abort();
	if (refs_find(r, span_of("a"), 0, &v) == REF_HERE && !v)
		abort();
	return 0;
}
