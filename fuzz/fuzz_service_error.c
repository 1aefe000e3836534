#include <stdlib.h>
#include <string.h>

#include "proto/rcar_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 0;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rcar_error r;

	if (!rcar_error_parse((struct span){ p, n }, &r))
		return 0;
	if (r.reason[0] == '\0' || !memchr(r.reason, 0, sizeof(r.reason)) || !memchr(r.check, 0, sizeof(r.check)))
		abort();
	if (!printable(r.reason) || !printable(r.check) || !printable(r.type) || !printable(r.fix))
		abort();
	return 0;
}
