#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fmt/utf8.h"
#include "policy/regex/re_int.h"

#define STEPS (1u << 22)
#define CAPS  16

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Ranges inside the text, groups inside the match or left out. */
static void captures_in_range(const size_t *cap, size_t n_cap, struct span s, size_t from)
{
	for (size_t i = 0; i < n_cap; i++) {
		size_t b = cap[2 * i], e = cap[2 * i + 1];

		if (i && b == SIZE_MAX && e == SIZE_MAX)
			continue;
		if (b > e || e > s.n || b < from || b < cap[0] || e > cap[1])
			abort();
	}
}

/* The two machines tell the same, and no more work is done than program times text allows. */
static void search(struct heap *h, const struct re *re, struct span s, size_t from)
{
	size_t n_cap = re_groups(re) + 1 < CAPS ? re_groups(re) + 1 : CAPS, a[2 * CAPS], b[2 * CAPS];
	uint64_t before = h->steps, most = 4 * (uint64_t)(re->n + 1) * (s.n + 2) / RE_VISITS_PER_STEP + s.n + 8;
	struct re_run r = { .h = h, .re = re, .s = s, .from = from, .cap = b, .slots = 2 * n_cap };
	bool found = re_seek(h, re, s, from, a, n_cap), other;

	if (heap_ok(h) && before - h->steps > most)
		abort();
	if (found)
		captures_in_range(a, n_cap, s, from);
	for (size_t i = 0; i < 2 * n_cap; i++)
		b[i] = SIZE_MAX;
	other = re_pike(&r);
	if (heap_ok(h) && (other != found || (found && memcmp(a, b, r.slots * sizeof(a[0]))))) /* public: offsets */
		abort();
	other = re_seek(h, re, s, from, NULL, 0);
	if (heap_ok(h) && other != found)
		abort();
}

/* The first line is a pattern, the rest a text. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span all = { p, n }, pattern = { p, span_find(all, '\n') }, text = span_skip(all, pattern.n + 1);
	struct heap h = { .arena = arena_new(n % 16 == 1 ? 4096 : 8 << 20), .steps = n % 16 ? STEPS : 64, .string_max = 1 << 20 };
	const struct re *re = NULL;
	const char *why = NULL;
	size_t at = SIZE_MAX;

	switch (re_compile(&h, pattern, &re, &why, &at)) {
	case RE_OK:
		search(&h, re, text, 0);
		if (heap_ok(&h) && text.n)
			search(&h, re, text, utf8_next(text, 0));
		break;
	case RE_SYNTAX:
		if (!heap_ok(&h) || !why || at > pattern.n || re)
			abort();
		break;
	case RE_TOO_LARGE:
		if (heap_ok(&h) || re)
			abort();
	}
	arena_free(h.arena);
	return 0;
}
