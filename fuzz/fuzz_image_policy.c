#include <stdlib.h>

#include "base/str.h"
#include "image/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const names[] = { "busybox", "r.io/a/b:1", "a.b.c:5000/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" };
	const uint8_t digest[32] = { 1 };
	const struct sign_set none = { 0 };
	struct policy *pol = NULL;
	struct ref r;
	struct err e;

	if (policy_parse((struct span){ p, n }, &pol, &e) != COFFER_OK) {
		if (pol)
			abort();
		return 0;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (ref_parse(span_of(names[i]), &r, &e) != COFFER_OK || !policy_scope(pol, &r))
			abort();
		if (policy_wants_signatures(pol, &r) && policy_judge(pol, &r, digest, &none, &e) == COFFER_OK)
			abort(); /* signatures wanted, and none there */
	}
	policy_free(pol);
	return 0;
}
