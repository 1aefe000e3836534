/* The archive reader: what it hands out keeps to the bounds of tar.h, however the bytes are cut into pieces. */
#include <stdlib.h>

#include "base/str.h"
#include "image/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum coffer_rc on_entry(void *arg, const struct tar_entry *t, struct err *e)
{
	(void)e;
	if (t->path.n == 0 || t->path.n > TAR_NAME_MAX || t->link.n > TAR_NAME_MAX || t->n_xattrs > TAR_XATTRS || t->mode > 07777)
		abort();
	if (span_find(t->path, 0) != t->path.n || (t->type != TAR_FILE && t->size != 0) || t->uid == UINT32_MAX)
		abort();
	*(uint64_t *)arg = t->size;
	return COFFER_OK;
}

static enum coffer_rc on_data(void *arg, struct span piece, struct err *e)
{
	(void)e;
	if (piece.n > *(uint64_t *)arg)
		abort();
	*(uint64_t *)arg -= piece.n;
	return COFFER_OK;
}

static enum coffer_rc on_close(void *arg, struct err *e)
{
	(void)e;
	if (*(uint64_t *)arg != 0)
		abort();
	return COFFER_OK;
}

static enum coffer_rc feed(struct span in, size_t step)
{
	uint64_t left = 0;
	struct tar_sink sink = { on_entry, on_data, on_close, &left };
	struct tar *t = NULL;
	struct err e = { 0 };
	enum coffer_rc rc = tar_open(&sink, &t, &e);

	for (; rc == COFFER_OK && in.n > 0; in = span_skip(in, step))
		rc = tar_add(t, (struct span){ in.p, in.n < step ? in.n : step }, &e);
	rc = rc == COFFER_OK ? tar_end(t, &e) : rc;
	tar_free(t);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (feed((struct span){ p, n }, SIZE_MAX) != feed((struct span){ p, n }, 61))
		abort();
	return 0;
}
