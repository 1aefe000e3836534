#include "cli/guest/packages.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct guest_package *of[GUEST_LINKED_MAX];
	static struct guest_linked l;
	struct err e = { 0 };

	l.n = GUEST_LINKED_MAX + 1;
	if (linked_parse((struct span){ p, n }, &l, &e) != COFFER_OK) {
		if (l.n != GUEST_LINKED_MAX + 1)
			abort(); /* untouched on failure */
		return 0;
	}
	if (l.n == 0 || l.n > GUEST_LINKED_MAX || linked_packages(&l, of) > l.n)
		abort();
	for (size_t i = 0; i < l.n; i++)
		if (strchr(l.f[i].file, '/') || (i > 0 && strcmp(l.f[i - 1].file, l.f[i].file) >= 0))
			abort(); /* a file's name alone, and none twice */
	return 0;
}
