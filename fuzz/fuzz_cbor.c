#include <stdlib.h>

#include "base/str.h"
#include "fmt/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Every view of a text that was read can be read. */
static size_t walk(const struct cbor *v, unsigned depth) /* NOLINT(misc-no-recursion): CBOR_DEPTH_MAX */
{
	struct cbor_iter it = v->type == CBOR_MAP ? cbor_pairs(v) : cbor_items(v);
	uint64_t items = v->type == CBOR_MAP || v->type == CBOR_ARRAY ? v->u : 0;
	size_t n = 1;
	struct cbor k, x;

	if (depth > CBOR_DEPTH_MAX)
		abort();
	for (uint64_t i = 0; i < items; i++) {
		if (v->type == CBOR_MAP ? !cbor_next_pair(&it, &k, &x) : !cbor_next(&it, &x))
			abort();
		n += walk(&x, depth + 1);
	}
	if (v->type == CBOR_TAG) {
		if (!cbor_untag(v, v->u, &x))
			abort();
		n += walk(&x, depth + 1);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct cbor v = { .u = 77 };
	struct err e = { 0 };

	if (cbor_open((struct span){ p, n }, 1u << 16, &v, &e) == COFFER_OK) {
		if (v.raw.p != p || v.raw.n != n || walk(&v, 0) > CBOR_ITEMS_MAX)
			abort();
	} else if (v.u != 77 || v.raw.p) {
		abort(); /* output untouched on failure */
	}
	return 0;
}
