#include "fmt/cpio.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The path is what stands before the first NUL, or "a". */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *end = n ? memchr(p, 0, n < 64 ? n : 64) : NULL;
	const char *path = end ? (const char *)p : "a";
	struct span in = end ? (struct span){ end + 1, (size_t)(p + n - end) - 1 } : (struct span){ p, n }, out = { .n = 1000 };
	struct err e = { 0 };

	if (cpio_find(in, path, &out, &e) != COFFER_OK) {
		if (out.n != 1000 || out.p)
			abort(); /* output untouched on failure */
		return 0;
	}
	if (out.p < in.p || out.n > (size_t)(in.p + in.n - out.p))
		abort(); /* what is found is inside */
	return 0;
}
