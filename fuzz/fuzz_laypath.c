/* Names inside a layer: what is accepted is plain components below the root. */
#include <stdlib.h>
#include <string.h>

#include "image/laypath.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const struct laypath *x)
{
	size_t depth = x->n > 0;

	if (x->n > TAR_NAME_MAX || strlen(x->text) != x->n || x->depth > LAYPATH_DEPTH || x->base > x->n)
		abort();
	for (const char *c = x->text; *c; c++)
		depth += *c == '/';
	if (depth != x->depth || strstr(x->text, "//") || x->text[0] == '/' || (x->base > 0 && x->text[x->base - 1] != '/'))
		abort();
	for (const char *c = x->text; c; c = strchr(c, '/') ? strchr(c, '/') + 1 : NULL)
		if (strcmp(c, "..") == 0 || strncmp(c, "../", 3) == 0 || strcmp(c, ".") == 0 || strncmp(c, "./", 2) == 0)
			abort();
	if (strchr(x->text + x->base, '/'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct laypath x;
	struct err e = { 0 };

	if (laypath_parse((struct span){ p, n }, &x, &e) == COFFER_OK)
		check(&x);
	if (laypath_parse_target((struct span){ p, n }, &x, &e) == COFFER_OK) {
		check(&x);
		if (x.depth == 0 || x.kind != LAYPATH_PLAIN)
			abort();
	}
	return 0;
}
