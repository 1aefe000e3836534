#include <stdlib.h>
#include <string.h>

#include "policy/builtin/patch.h"
#include "policy/value/valtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct val json(struct heap *h, struct span s)
{
	const char *why;
	size_t at;

	return val_from_json(h, s, (struct json_limits){ 1 << 16, 64 }, &at, &why);
}

/* The first line is a document, the rest the operations. All or nothing: *out is written only with true, then within the
 * limits; the document stays as it was; and operations split in two have the same effect. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = { p, n };
	size_t nl = span_find(s, '\n');
	struct heap h = { .arena = arena_new(16 << 20), .steps = n % 16 ? 1 << 18 : 64, .string_max = 4096 };
	struct val doc = json(&h, (struct span){ p, nl }), ops = json(&h, span_skip(s, nl + 1)), mark = val_int(&h, 4711),
		   out = mark, half;
	bool ok = val_defined(doc) && val_defined(ops) && rego_patch(&h, doc, ops, &out);

	if (!ok && !val_eq(out, mark))
		abort();
	if (ok && (!val_defined(out) || !heap_ok(&h)))
		abort();
	if (val_defined(doc) && heap_ok(&h) && !val_eq(doc, json(&h, (struct span){ p, nl })) && heap_ok(&h))
		abort();
	if (ok && val_len(ops) > 1) {
		struct vlist l[2] = { { .h = &h }, { .h = &h } };

		for (size_t i = 0; i < val_len(ops); i++)
			vlist_add(&l[i >= val_len(ops) / 2], val_at(ops, i));
		ok = rego_patch(&h, doc, val_array(&h, l[0].p, l[0].n), &half);
		if (ok && rego_patch(&h, half, val_array(&h, l[1].p, l[1].n), &half) && !val_eq(half, out))
			abort();
	}
	arena_free(h.arena);
	return 0;
}
