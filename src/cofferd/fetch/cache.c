#include "cofferd/fetch/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

DEFINE_CLEANUP(DIR *, closedir)

static size_t limit(const struct cache *c)
{
	return c->bytes_max ? c->bytes_max : CACHE_BYTES_MAX;
}

static void forget(struct cache *c, size_t i)
{
	(void)unlinkat(c->dir, c->file[i].name, 0);
	c->bytes -= c->file[i].bytes;
	c->file[i] = c->file[--c->n];
}

static void forget_oldest(struct cache *c)
{
	size_t oldest = 0;

	for (size_t i = 1; i < c->n; i++)
		if (c->file[i].fetched_at < c->file[oldest].fetched_at)
			oldest = i;
	forget(c, oldest);
}

static void remember(struct cache *c, const char *name, size_t bytes, int64_t fetched_at)
{
	struct cached *f = &c->file[c->n++];

	(void)snprintf(f->name, sizeof(f->name), "%.*s", FETCH_FILE_NAME_LEN - 1, name);
	f->bytes = bytes;
	f->fetched_at = fetched_at;
	c->bytes += bytes;
}

static size_t place_of(const struct cache *c, const char *name)
{
	size_t i = 0;

	while (i < c->n && strcmp(c->file[i].name, name) != 0)
		i++;
	return i;
}

/* A file of ours under its own name, or false. */
static bool read_file(int dir, const char *name, struct wr *bytes, struct fetch_file *f)
{
	char its[FETCH_FILE_NAME_LEN];
	struct err ignore = { 0 };

	if (file_read_below(dir, name, FETCH_FILE_MAX, bytes, &ignore) != COFFER_OK ||
	    fetch_file_read(wr_span(bytes), f, &ignore) != COFFER_OK)
		return false;
	fetch_file_name(&f->item, its);
	return strcmp(its, name) == 0;
}

static void take_in(struct cache *c, const char *name)
{
	CLEANUP(wr_close) struct wr bytes = { 0 };
	struct fetch_file f;

	if (c->n == CACHE_FILES_MAX || !read_file(c->dir, name, &bytes, &f)) {
		(void)unlinkat(c->dir, name, 0); /* half written when we were killed, or broken since */
		return;
	}
	remember(c, name, bytes.n, f.fetched_at);
	while (c->bytes > limit(c))
		forget_oldest(c);
}

enum coffer_rc cache_open(struct cache *c, int offline, struct err *e)
{
	CLEANUP(closedirp) DIR *d = opendir(".");
	const struct dirent *at;

	c->dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->offline = offline;
	if (!d || c->dir < 0)
		return err_set(e, COFFER_E_SYSTEM, "cache: %s", strerror(errno));
	while ((at = readdir(d)))
		if (at->d_name[0] != '.')
			take_in(c, at->d_name);
	return COFFER_OK;
}

void cache_close(struct cache *c)
{
	closep(&c->dir);
	c->dir = -1;
}

void cache_hit_clear(struct cache_hit *h)
{
	wr_close(&h->bytes);
	*h = (struct cache_hit){ 0 };
}

static bool fresh(const struct cache_want *w, int64_t fetched_at)
{
	if (vendor_item_lasting(w->item))
		return true;
	return fetched_at <= w->now && w->now - fetched_at <= (int64_t)w->max_age;
}

static void hit(struct cache_hit *out, struct wr *bytes, const struct fetch_file *f)
{
	*out = (struct cache_hit){ *bytes, f->fetched_at, f->body, f->issuers };
	*bytes = (struct wr){ 0 };
}

/* A VCEK by upstream's names. */
static bool find_vcek(int dir, const struct vendor_item *i, int64_t now, struct cache_hit *out)
{
	char name[2][VENDOR_PATH_MAX];

	if (!vendor_item_store_names(i, name[0], name[1]))
		return false;
	for (size_t k = 0; k < 2; k++) {
		CLEANUP(wr_close) struct wr bytes = { 0 };
		struct err ignore = { 0 };

		if (file_read_below(dir, name[k], FETCH_BODY_MAX, &bytes, &ignore) != COFFER_OK ||
		    !vendor_shape_ok(i, wr_span(&bytes)))
			continue;
		hit(out, &bytes, &(struct fetch_file){ .fetched_at = now, .body = wr_span(&bytes) });
		return true;
	}
	return false;
}

static bool find_file(int dir, const char *name, struct cache_hit *out)
{
	CLEANUP(wr_close) struct wr bytes = { 0 };
	struct fetch_file f;

	if (!read_file(dir, name, &bytes, &f))
		return false;
	hit(out, &bytes, &f);
	return true;
}

static bool good_enough(const struct cache_want *w, struct cache_hit *h, bool *stale)
{
	if (fresh(w, h->fetched_at))
		return true;
	*stale = true;
	cache_hit_clear(h);
	return false;
}

bool cache_find(struct cache *c, const struct cache_want *w, struct cache_hit *out, bool *stale)
{
	char name[FETCH_FILE_NAME_LEN];
	size_t at;

	*stale = false;
	fetch_file_name(w->item, name);
	if (c->offline >= 0 && find_vcek(c->offline, w->item, w->now, out))
		return true;
	if (c->offline >= 0 && find_file(c->offline, name, out) && good_enough(w, out, stale))
		return true;
	at = place_of(c, name);
	if (at == c->n)
		return false;
	if (!find_file(c->dir, name, out)) {
		forget(c, at);
		return false;
	}
	return good_enough(w, out, stale);
}

enum coffer_rc cache_put(struct cache *c, const struct fetch_file *f, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(FETCH_FILE_MAX);
	char name[FETCH_FILE_NAME_LEN];
	size_t at;

	fetch_file_write(&w, f);
	TRY(wr_done(&w, "cached item", e));
	fetch_file_name(&f->item, name);
	if (w.n > limit(c))
		return err_set(e, COFFER_E_LIMIT, "cache: no room for %zu bytes", w.n);
	at = place_of(c, name);
	TRY(file_write(name, wr_span(&w), 0600, e)); /* the working folder is the cache */
	if (at < c->n) {
		c->bytes -= c->file[at].bytes;
		c->file[at] = c->file[--c->n];
	}
	while (c->n == CACHE_FILES_MAX || (c->n > 0 && c->bytes + w.n > limit(c)))
		forget_oldest(c);
	remember(c, name, w.n, f->fetched_at);
	return COFFER_OK;
}
