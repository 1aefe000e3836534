/* First byte: platform. Each item has a key that is read back to itself. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "evidence/evidence.h"
#include "evidence/needs.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const platforms[] = { "snp", "tdx", "sgx", "az-snp-vtpm", "az-tdx-vtpm" };
	struct needs out = { .n = 77 };
	struct err e;

	if (n == 0)
		return 0;
	if (evidence_needs(span_of(platforms[p[0] % 5]), (struct span){ p + 1, n - 1 }, &out, &e) != COFFER_OK) {
		if (out.n != 77)
			abort(); /* output untouched on failure */
		return 0;
	}
	if (out.n > NEEDS_MAX)
		abort();
	for (size_t i = 0; i < out.n; i++) {
		char key[VENDOR_KEY_MAX], again[VENDOR_KEY_MAX];
		struct vendor_item item;

		vendor_item_key(&out.item[i], key);
		if (vendor_item_parse(span_of(key), &item, &e) != COFFER_OK)
			abort();
		vendor_item_key(&item, again);
		if (strcmp(key, again) != 0)
			abort();
	}
	return 0;
}
