#include "cli/pods/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"

#define FREE_STEP (1u << 20)
#define PIECE 65536

enum coffer_rc kept_create(const char *folder, const char *container, const char *stream, struct kept_file *out, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s.%s", folder, container, stream);
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path ? path : "output", strerror(errno));
	*out = (struct kept_file){ .fd = fd };
	return COFFER_OK;
}

static enum coffer_rc put(int fd, struct span s, struct err *e)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "the container's output cannot be written: %s", strerror(errno));
		s = span_skip(s, (size_t)n);
	}
	return COFFER_OK;
}

/* A file system without holes keeps all. */
static void free_old(struct kept_file *f)
{
	uint64_t until = f->size > KEPT_MAX ? (f->size - KEPT_MAX) / FREE_STEP * FREE_STEP : 0;

	if (until > f->freed && fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)f->freed, (off_t)(until - f->freed)) == 0)
		f->freed = until;
}

enum coffer_rc kept_append(struct kept_file *f, struct span s, struct err *e)
{
	TRY(put(f->fd, s, e));
	f->size += s.n;
	free_old(f);
	return COFFER_OK;
}

enum coffer_rc kept_open(const char *folder, const char *container, const char *stream, int *fd, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s.%s", folder, container, stream);
	int f = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

	if (f < 0)
		return err_set(e, errno == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: %s", path ? path : "output", strerror(errno));
	*fd = f;
	return COFFER_OK;
}

/* Past a hole: what was there is gone. */
static void skip_hole(int fd, uint64_t *at)
{
	off_t data = lseek(fd, (off_t)*at, SEEK_DATA);

	if (data > (off_t)*at)
		*at = (uint64_t)data;
}

enum coffer_rc kept_copy(int from, uint64_t *at, int to, struct err *e)
{
	uint8_t piece[PIECE];

	for (;;) {
		ssize_t n;

		skip_hole(from, at);
		n = pread(from, piece, sizeof(piece), (off_t)*at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "the kept output cannot be read: %s", strerror(errno));
		if (n == 0)
			return COFFER_OK;
		TRY(put(to, (struct span){ piece, (size_t)n }, e));
		*at += (uint64_t)n;
	}
}
