#include "fmt/pe.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool inside(struct span s, const uint8_t *p, size_t n)
{
	return s.n == 0 || (s.p >= p && (size_t)(s.p - p) <= n && s.n <= n - (size_t)(s.p - p));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct pe out;
	struct err e = { 0 };
	size_t hashed = 0;
	struct span s;

	out.n = 1000;
	if (pe_parse((struct span){ p, n }, &out, &e) != COFFER_OK) {
		if (out.n != 1000)
			abort(); /* output untouched on failure */
		return 0;
	}
	if (out.n > PE_SECTIONS_MAX || out.n_parts > PE_PARTS_MAX)
		abort();
	for (size_t i = 0; i < out.n; i++)
		if (!inside(out.section[i].raw, p, n) || (pe_content(&out.section[i], &s) && !inside(s, p, n)))
			abort();
	for (size_t i = 0; i < out.n_parts; i++) {
		if (!inside(out.part[i], p, n))
			abort();
		hashed += out.part[i].n;
	}
	if (hashed > n)
		abort(); /* no byte twice */
	return 0;
}
