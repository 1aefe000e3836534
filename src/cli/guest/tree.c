#include "cli/guest/tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"
#include "base/str.h"

#define FILES_MAX 65536u

void tree_clear(struct guest_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->f[i].path);
		wr_close(&t->f[i].data);
	}
	free(t->f);
	*t = (struct guest_tree){ 0 };
}

static int compare(const char *a, struct span b)
{
	size_t n = strlen(a), m = n < b.n ? n : b.n;
	int c = memcmp(a, b.p, m); /* public: paths */

	return c ? c : (n > b.n) - (n < b.n);
}

/* Where the path is, or would be. */
static size_t place(const struct guest_tree *t, struct span path)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(t->f[mid].path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct guest_file *tree_find(const struct guest_tree *t, struct span path)
{
	size_t i = place(t, path);

	return i < t->n && compare(t->f[i].path, path) == 0 ? &t->f[i] : NULL;
}

static enum coffer_rc room(struct guest_tree *t, struct err *e)
{
	size_t more = t->room ? 2 * t->room : 256;
	struct guest_file *f;

	if (t->n < t->room)
		return COFFER_OK;
	f = more <= FILES_MAX ? reallocarray(t->f, more, sizeof(*f)) : NULL;
	if (!f)
		return err_set(e, COFFER_E_LIMIT, "guest image: too many files, or out of memory");
	t->f = f;
	t->room = more;
	return COFFER_OK;
}

enum coffer_rc tree_add(struct guest_tree *t, const char *path, struct guest_file *file, struct err *e)
{
	CLEANUP(wr_close) struct wr data = file->data;
	CLEANUP(freep) char *own = span_dup(span_of(path));
	size_t i;

	file->data = (struct wr){ 0 };
	if (!own)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (tree_find(t, span_of(path)))
		return err_set(e, COFFER_E_INPUT, "guest image: %s twice", path);
	TRY(room(t, e));
	i = place(t, span_of(path));
	memmove(&t->f[i + 1], &t->f[i], (t->n - i) * sizeof(*t->f));
	t->f[i] = *file;
	t->f[i].path = MOVE(own);
	t->f[i].data = data;
	data = (struct wr){ 0 };
	t->n++;
	return COFFER_OK;
}

enum coffer_rc tree_folders(struct guest_tree *t, struct err *e)
{
	for (size_t i = t->n; i-- > 0;) {
		CLEANUP(freep) char *path = span_dup(span_of(t->f[i].path));
		size_t before = t->n;
		char *slash;

		if (!path)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		while ((slash = strrchr(path, '/'))) {
			struct guest_file folder = { .mode = S_IFDIR | 0755, .package = SIZE_MAX };

			*slash = 0;
			if (tree_find(t, span_of(path)))
				break;
			TRY(tree_add(t, path, &folder, e));
		}
		i += t->n - before; /* the new ones stand before */
	}
	return COFFER_OK;
}
