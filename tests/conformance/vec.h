/* Reading the shared vectors; every case is skipped by name when they are not there. */
#pragma once
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "fmt/json.h"
#include "os/file.h"
#include "tests/t.h"

/* <shared>/vectors/guest/<name>; caller frees. */
static inline char *vec_path(const char *name)
{
	const char *shared = getenv("COFFER_SHARED");

	return str_fmt("%s/vectors/guest/%s", shared ? shared : "/nonexistent", name);
}

static inline bool vec_read(const char *name, struct wr *out)
{
	CLEANUP(freep) char *path = vec_path(name);
	struct err e;

	return path && file_read(path, (size_t)16 << 20, out, &e) == COFFER_OK;
}

static inline struct json_doc *vec_json(const char *name)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct json_doc *doc = NULL;
	struct err e;

	if (!vec_read(name, &text) || json_parse(wr_span(&text), (size_t)16 << 20, &doc, &e) != COFFER_OK) {
		printf("# cannot read %s\n", name);
		t_failed = 1;
		return NULL;
	}
	return doc;
}

static inline int vec_unlink(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static inline void vec_remove(const char *dir)
{
	(void)nftw(dir, vec_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool vec_temp(char out[static 64])
{
	memcpy(out, "/tmp/coffer-test-XXXXXX", 24);
	return mkdtemp(out) != NULL;
}

static inline int vec_main(const char *needs, const struct t_case *c, size_t n)
{
	CLEANUP(freep) char *path = vec_path(needs);

	if (path && file_exists(path))
		return t_main(c, n);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++)
		printf("ok %zu %s # SKIP no shared vectors\n", i + 1, c[i].name);
	return 0;
}
