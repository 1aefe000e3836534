#include <stdlib.h>

#include "policy/value/valtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct heap h = { .arena = arena_new(1 << 24), .steps = 1 << 24 };
	struct json_limits lim = { 1 << 16, 64 };
	size_t at;
	const char *why;
	struct val v = val_from_json(&h, (struct span){ p, n }, lim, &at, &why), again;
	struct wr w = wr_open(1 << 24);

	if (!val_defined(v)) {
		if (at > n || !*why)
			abort();
	} else { /* what was read can be written, and reads the same */
		val_put_json(&w, v, NULL, NULL);
		again = val_from_json(&h, wr_span(&w), (struct json_limits){ 1 << 24, 64 }, &at, &why);
		if (heap_ok(&h) && (!val_eq(v, again) || val_cmp(v, again) != 0 || val_hash(v) != val_hash(again)))
			abort();
		for (size_t i = 0; i < val_len(v); i++)
			if (val_defined(val_key(v, i)) && !val_eq(val_get(v, val_key(v, i)), val_at(v, i)))
				abort();
		val_put_rego(&w, v, true);
	}
	wr_close(&w);
	arena_free(h.arena);
	return 0;
}
