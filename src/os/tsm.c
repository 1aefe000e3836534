#include "os/tsm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

#define NUMBER_MAX 24
#define NAMES_MAX  64

/* ---- the kernel's folders ---- */

static enum coffer_rc failed(const char *what, struct err *e)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ENXIO: /* no provider is registered */
	case ENODEV:
		return err_set(e, COFFER_E_NOTFOUND, "%s: %s", what, strerror(errno));
	case EBUSY:
	case EAGAIN:
	case EINTR:
		return err_set(e, COFFER_E_UPSTREAM, "%s: %s", what, strerror(errno));
	default:
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", what, strerror(errno));
	}
}

/* A name that an earlier process of the same number left behind is passed over. */
static enum coffer_rc files_make(void *arg, struct err *e)
{
	struct tsm_files *f = arg;

	for (int i = 0; i < NAMES_MAX; i++) {
		int n = snprintf(f->at, sizeof(f->at), "%s/coffer-%d-%u", f->root, (int)getpid(), f->n++);

		if (n < 0 || (size_t)n >= sizeof(f->at))
			return err_set(e, COFFER_E_LIMIT, "tsm: the folder's name is too long");
		if (mkdir(f->at, 0700) == 0)
			return COFFER_OK;
		if (errno != EEXIST)
			return failed(f->root, e);
	}
	return err_set(e, COFFER_E_LIMIT, "tsm: %s has %d requests of this process", f->root, NAMES_MAX);
}

static void files_drop(void *arg)
{
	const struct tsm_files *f = arg;

	(void)rmdir(f->at);
}

static int attribute_open(const struct tsm_files *f, const char *attribute, int flags)
{
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/%s", f->at, attribute);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

/* The file's, which is closed before this returns; fd -1: errno says why there is none. */
static enum coffer_rc read_whole(int open_fd, const char *attribute, size_t max, struct wr *out, struct err *e)
{
	CLEANUP(closep) int fd = open_fd;
	uint8_t buf[4096];
	ssize_t n = 1;

	if (fd < 0)
		return failed(attribute, e);
	*out = wr_open(max);
	while (n > 0) {
		n = read(fd, buf, sizeof(buf));
		if (n < 0)
			return failed(attribute, e);
		wr_put(out, (struct span){ buf, (size_t)n });
		if (!wr_ok(out))
			return err_set(e, COFFER_E_LIMIT, "tsm: %s has more than %zu bytes", attribute, max);
	}
	return COFFER_OK;
}

/* In one piece; it counts once the file is closed. */
static enum coffer_rc write_whole(int fd, const char *attribute, struct span s, struct err *e)
{
	bool whole;

	if (fd < 0)
		return failed(attribute, e);
	whole = write(fd, s.p, s.n) == (ssize_t)s.n;
	if (close(fd) != 0 || !whole)
		return failed(attribute, e);
	return COFFER_OK;
}

static enum coffer_rc files_read(void *arg, const char *attribute, size_t max, struct wr *out, struct err *e)
{
	return read_whole(attribute_open(arg, attribute, O_RDONLY), attribute, max, out, e);
}

static enum coffer_rc files_write(void *arg, const char *attribute, struct span s, struct err *e)
{
	return write_whole(attribute_open(arg, attribute, O_WRONLY), attribute, s, e);
}

struct tsm_link tsm_files_link(struct tsm_files *f, const char *root)
{
	int n = snprintf(f->root, sizeof(f->root), "%s", root);

	if (n < 0 || (size_t)n >= sizeof(f->root))
		f->root[0] = 0; /* then no request is made */
	return (struct tsm_link){ files_make, files_drop, files_read, files_write, f };
}

/* ---- one request that stays ---- */

static enum coffer_rc held_make(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return COFFER_OK;
}

static void held_drop(void *arg)
{
	(void)arg;
}

static enum coffer_rc held_read(void *arg, const char *attribute, size_t max, struct wr *out, struct err *e)
{
	return read_whole(openat(*(const int *)arg, attribute, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), attribute, max, out, e);
}

static enum coffer_rc held_write(void *arg, const char *attribute, struct span s, struct err *e)
{
	return write_whole(openat(*(const int *)arg, attribute, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), attribute, s, e);
}

struct tsm_link tsm_held_link(int *dir)
{
	return (struct tsm_link){ held_make, held_drop, held_read, held_write, dir };
}

/* ---- a request ---- */

void tsm_report_clear(struct tsm_report *r)
{
	wr_close(&r->out);
	wr_close(&r->aux);
}

/* One line of text, without its end. */
static struct span line(const struct wr *w)
{
	struct span s = wr_span(w);

	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	return s;
}

static enum coffer_rc provider(const struct tsm_link *l, char out[static TSM_PROVIDER], struct err *e)
{
	CLEANUP(wr_close) struct wr w = { 0 };
	struct span s;

	TRY(l->read(l->arg, "provider", TSM_PROVIDER, &w, e));
	s = line(&w);
	if (s.n == 0 || s.n >= TSM_PROVIDER)
		return err_set(e, COFFER_E_INPUT, "tsm: the provider has no name");
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] == '_' || (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9')))
			return err_set(e, COFFER_E_INPUT, "tsm: the provider's name is none");
	memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return COFFER_OK;
}

enum coffer_rc tsm_provider(const struct tsm_link *l, char out[static TSM_PROVIDER], struct err *e)
{
	enum coffer_rc rc;

	TRY(l->make(l->arg, e));
	rc = provider(l, out, e);
	l->drop(l->arg);
	return rc;
}

static enum coffer_rc generation(const struct tsm_link *l, uint64_t *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = { 0 };

	TRY(l->read(l->arg, "generation", NUMBER_MAX, &w, e));
	return span_u64(line(&w), out) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "tsm: the generation is no number");
}

/* COFFER_E_UPSTREAM: somebody else's write came between, or this one did not. */
static enum coffer_rc ask(const struct tsm_link *l, struct span in, struct tsm_report *out, struct err *e)
{
	uint64_t before = 0, after = 0;
	enum coffer_rc rc;

	TRY(generation(l, &before, e));
	TRY(l->write(l->arg, "inblob", in, e));
	TRY(l->read(l->arg, "outblob", TSM_OUT_MAX, &out->out, e));
	rc = l->read(l->arg, "auxblob", TSM_AUX_MAX, &out->aux, e);
	if (rc != COFFER_OK && rc != COFFER_E_NOTFOUND)
		return rc;
	TRY(generation(l, &after, e));
	if (after != before + 1)
		return err_set(e, COFFER_E_UPSTREAM, "%" PRIu64 " writes where there should be one", after - before);
	if (out->out.n == 0)
		return err_set(e, COFFER_E_INPUT, "tsm: an empty report");
	return COFFER_OK;
}

static enum coffer_rc once(const struct tsm_link *l, const char *want, struct span in, struct tsm_report *out, struct err *e)
{
	char name[TSM_PROVIDER] = "";
	enum coffer_rc rc;

	TRY(l->make(l->arg, e));
	rc = provider(l, name, e);
	if (rc == COFFER_OK && strcmp(name, want) != 0)
		rc = err_deny(e, "tsm", "reports are made by %s here, not by %s", name, want);
	if (rc == COFFER_OK)
		rc = ask(l, in, out, e);
	l->drop(l->arg);
	return rc;
}

enum coffer_rc tsm_report(const struct tsm_link *l, const char *want, struct span in, struct tsm_report *out, struct err *e)
{
	uint8_t box[TSM_IN_LEN] = { 0 };

	if (in.n == 0 || in.n > sizeof(box))
		return err_set(e, COFFER_E_BUG, "tsm: a report over %zu bytes", in.n);
	memcpy(box, in.p, in.n);
	for (int i = 0; i < TSM_TRIES; i++) {
		CLEANUP(tsm_report_clear) struct tsm_report r = { 0 };
		enum coffer_rc rc = once(l, want, SPAN(box), &r, e);

		if (rc == COFFER_OK) {
			*out = r;
			r = (struct tsm_report){ 0 };
			return COFFER_OK;
		}
		if (rc != COFFER_E_UPSTREAM)
			return rc;
	}
	return err_deny(e, "tsm", "%d requests for a report were disturbed by others, or did not come through", TSM_TRIES);
}
