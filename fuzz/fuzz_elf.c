#include "fmt/elf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void inside(struct span s, const uint8_t *p, size_t n)
{
	if (s.n > 0 && (s.p < p || (size_t)(s.p - p) > n || s.n > n - (size_t)(s.p - p)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct elf_needed needed = { .n = 1000 };
	struct span s = { 0 }, file = { p, n };
	struct err e = { 0 };

	if (elf_needed(file, &needed, &e) != COFFER_OK) {
		if (needed.n != 1000)
			abort(); /* output untouched on failure */
	} else if (needed.n > ELF_NEEDED_MAX) {
		abort();
	}
	for (size_t i = 0; needed.n != 1000 && i < needed.n; i++)
		inside(needed.name[i], p, n);
	if (elf_modinfo(file, "depends", &s, &e) == COFFER_OK)
		inside(s, p, n);
	return 0;
}
