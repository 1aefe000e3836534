#include "crypto/jwe.h"

#include <stdlib.h>

#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(jwe_parts_clear) struct jwe_parts parts = { 0 };
	struct err e;

	if (json_parse((struct span){ p, n }, 1 << 20, &doc, &e) != COFFER_OK)
		return 0;
	if (jwe_parse(json_root(doc), &parts, &e) == COFFER_OK) {
		if (parts.has_epk && parts.epk.kind != KEY_P256)
			abort();
		if (parts.protected_b64.n == 0 || parts.encrypted_key.n + parts.ciphertext.n != parts.own.n)
			abort();
	} else if (parts.own.p || parts.has_epk) {
		abort(); /* untouched on failure */
	}
	return 0;
}
