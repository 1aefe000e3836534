/* Shared by the tests of src/image: prefixes in exact-size memory, and a temporary folder. */
#pragma once
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

/* True when f refuses every prefix shorter than the whole; each is in memory of its own length for the sanitizer. */
static inline bool all_prefixes_refused(const char *text, bool (*accepts)(struct span s))
{
	for (size_t n = 0; n < strlen(text); n++) {
		CLEANUP(freep) uint8_t *p = malloc(n ? n : 1);

		if (!p)
			return false;
		memcpy(p, text, n);
		if (accepts((struct span){ p, n })) {
			printf("# accepted at %zu bytes\n", n);
			return false;
		}
	}
	return true;
}

static inline int temp_unlink(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static inline void temp_remove(const char *dir)
{
	(void)nftw(dir, temp_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool temp_make(char out[static 64])
{
	memcpy(out, "/tmp/coffer-test-XXXXXX", 24);
	return mkdtemp(out) != NULL;
}
