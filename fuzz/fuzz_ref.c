#include <stdlib.h>
#include <string.h>

#include "image/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char text[REF_TEXT_MAX], again[REF_TEXT_MAX];
	struct ref r, r2;
	struct err e;

	if (ref_parse((struct span){ p, n }, &r, &e) != COFFER_OK)
		return 0;
	ref_text(&r, text);
	/* what was read is written in a form that reads the same */
	if (ref_parse((struct span){ (const uint8_t *)text, strlen(text) }, &r2, &e) != COFFER_OK)
		abort();
	ref_text(&r2, again);
	if (strcmp(text, again) != 0 || strlen(r.host) + 1 + strlen(r.repo) > REF_NAME_MAX)
		abort();
	return 0;
}
