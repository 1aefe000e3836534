#include <stdlib.h>
#include <string.h>

#include "judge/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A whole request, as keep sends it: the answer is one of the five, the reason printable and ended, and the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct eval_release_req q;
	struct judged a, b;
	struct zones none = { 0 };
	struct err e = { 0 };

	if (eval_release_req_read((struct span){ p, n }, &q, &e) != COFFER_OK)
		return 0;
	judge_release(&q, &none, &a);
	judge_release(&q, &none, &b);
	if (a.answer > EVAL_BUDGET || !memchr(a.reason, 0, sizeof(a.reason)) || a.answer != b.answer || strcmp(a.reason, b.reason) != 0)
		abort();
	for (const char *c = a.reason; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			abort();
	return 0;
}
