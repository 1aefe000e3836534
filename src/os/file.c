#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/own.h"
#include "base/str.h"

#define PIECE 65536u

/* What the user can mend is not a fault of ours: a right, a place that is missing or full, a name that is none. */
static enum coffer_rc fail(struct err *e, const char *path, int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
	case EROFS:
		return err_deny(e, "file", "%s: %s; whoever owns the file or its folder can give the right", path, strerror(errnum));
	case ENOENT:
	case ENOTDIR:
		return err_set(e, COFFER_E_NOTFOUND, "%s: %s", path, strerror(errnum));
	case EISDIR:
	case ENAMETOOLONG:
	case ELOOP:
	case EEXIST:
		return err_set(e, COFFER_E_INPUT, "%s: %s", path, strerror(errnum));
	case ENOSPC:
	case EDQUOT: /* nothing is wrong with what was asked */
		return err_set(e, COFFER_E_SYSTEM, "%s: %s; make room there or name another place", path, strerror(errnum));
	case EFBIG:
		return err_set(e, COFFER_E_LIMIT, "%s: %s; a limit of this process or of that file system", path, strerror(errnum));
	default:
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errnum));
	}
}

/* One read that outlives signals; -1 with errno on failure. */
static ssize_t read_some(int fd, uint8_t *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* As much as the file says that it has: what comes may be less or more. */
static void expect(int fd, struct wr *out)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		wr_expect(out, (size_t)st.st_size);
}

static enum coffer_rc read_all(int fd, const char *name, size_t max, struct wr *out, struct err *e)
{
	uint8_t buf[16384];
	size_t most = 0;
	enum coffer_rc rc = COFFER_OK;

	wr_close(out);
	*out = wr_open(max);
	expect(fd, out);
	for (;;) {
		ssize_t got = read_some(fd, buf, sizeof(buf));

		if (got < 0)
			rc = err_set(e, COFFER_E_SYSTEM, "%s: %s", name, strerror(errno));
		if (got <= 0)
			break;
		most = (size_t)got > most ? (size_t)got : most;
		wr_put(out, (struct span){ buf, (size_t)got });
		if (!wr_ok(out)) {
			rc = err_set(e, COFFER_E_LIMIT, "%s: larger than %zu bytes", name, max);
			break;
		}
	}
	explicit_bzero(buf, most); /* key files pass through here */
	if (rc != COFFER_OK)
		wr_close(out);
	return rc;
}

/* What is read is a file or a pipe; folders and devices are refused so that
 * a wrong argument is an error and not an endless read. */
static enum coffer_rc check_regular(int fd, const char *path, bool fifo, struct err *e)
{
	struct stat st;

	if (fd < 0)
		return fail(e, path, errno);
	if (fstat(fd, &st) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !(fifo && S_ISFIFO(st.st_mode)))
		return err_set(e, COFFER_E_INPUT, "%s: not a regular file", path);
	return COFFER_OK;
}

static enum coffer_rc open_regular(const char *path, int *out, struct err *e)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	TRY(check_regular(fd, path, true, e));
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

enum coffer_rc file_read_below(int dir_fd, const char *name, size_t max, struct wr *out, struct err *e)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	CLEANUP(closep) int fd = (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

	TRY(check_regular(fd, name, false, e));
	return read_all(fd, name, max, out, e);
}

enum coffer_rc file_read(const char *path, size_t max, struct wr *out, struct err *e)
{
	CLEANUP(closep) int fd = -1;

	TRY(open_regular(path, &fd, e));
	return read_all(fd, path, max, out, e);
}

enum coffer_rc file_read_arg(const char *path, size_t max, struct wr *out, struct err *e)
{
	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", max, out, e);
	return file_read(path, max, out, e);
}

/* Reads straight into locked memory: first into a box of max bytes, then into one of the
 * right size, so that no copy is ever in ordinary memory. */
enum coffer_rc file_read_secret(const char *path, size_t max, struct secret *out, struct err *e)
{
	CLEANUP(secret_free) struct secret box = { 0 };
	CLEANUP(secret_free) struct secret fit = { 0 };
	CLEANUP(closep) int fd = -1;
	uint8_t over;
	size_t n = 0;
	ssize_t got = 1;

	TRY(open_regular(path, &fd, e));
	TRY(secret_new(max, &box, e));
	while (n < max && got > 0) {
		got = read_some(fd, box.p + n, max - n);
		if (got > 0)
			n += (size_t)got;
	}
	if (got > 0)
		got = read_some(fd, &over, 1);
	if (got < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	if (got > 0)
		return err_set(e, COFFER_E_LIMIT, "%s: larger than %zu bytes", path, max);
	if (n == 0)
		return err_set(e, COFFER_E_INPUT, "%s: empty", path);
	TRY(secret_new(n, &fit, e));
	memcpy(fit.p, box.p, n);
	*out = fit;
	fit = (struct secret){ 0 };
	return COFFER_OK;
}

bool file_put(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t put = write(fd, s.p, s.n > PIECE ? PIECE : s.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		s = span_skip(s, (size_t)put);
	}
	return true;
}

/* That a file of this name is in; NULL: no memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return span_dup(span_of("."));
	return span_dup((struct span){ (const uint8_t *)path, slash == path ? 1 : (size_t)(slash - path) });
}

/* The folder's own entry must reach the disk too, or a power cut forgets the rename. */
static bool sync_folder(const char *path)
{
	CLEANUP(freep) char *dir = folder_of(path);
	CLEANUP(closep) int fd = -1;

	if (!dir) {
		errno = ENOMEM;
		return false;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0;
}

enum coffer_rc file_write(const char *path, struct span s, unsigned mode, struct err *e)
{
	CLEANUP(freep) char *beside = str_fmt("%s.new.XXXXXX", path);
	CLEANUP(closep) int fd = -1;
	bool ok;

	if (!beside)
		return err_set(e, COFFER_E_SYSTEM, "%s: out of memory", path);
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return fail(e, path, errno);
	ok = file_put(fd, s) && fchmod(fd, (mode_t)mode) == 0 && fsync(fd) == 0 && rename(beside, path) == 0;
	if (!ok) {
		int saved = errno;

		(void)unlink(beside);
		return fail(e, path, saved);
	}
	if (!sync_folder(path))
		return err_set(e, COFFER_E_SYSTEM, "%s: cannot make durable: %s", path, strerror(errno));
	return COFFER_OK;
}

void file_later_drop(struct file_later *f)
{
	closep(&f->fd);
	if (f->beside)
		(void)unlink(f->beside);
	free(f->beside);
	*f = (struct file_later){ .fd = -1 };
}

/* Without a name where the file system can, so that nothing of it stays behind when we are killed. */
static enum coffer_rc later_fd(const char *path, struct file_later *f, struct err *e)
{
	CLEANUP(freep) char *dir = folder_of(path);
	char *beside;

	if (!dir)
		return err_set(e, COFFER_E_SYSTEM, "%s: out of memory", path);
	f->fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (f->fd >= 0)
		return COFFER_OK;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL) /* what file systems say that have none */
		return fail(e, path, errno);
	beside = str_fmt("%s.new.XXXXXX", path);
	if (!beside)
		return err_set(e, COFFER_E_SYSTEM, "%s: out of memory", path);
	f->fd = mkostemp(beside, O_CLOEXEC);
	if (f->fd < 0) {
		int why = errno;

		free(beside);
		return fail(e, path, why);
	}
	f->beside = beside;
	return COFFER_OK;
}

enum coffer_rc file_later_open(const char *path, size_t room, struct file_later *out, struct err *e)
{
	CLEANUP(file_later_drop) struct file_later f = { .fd = -1 };
	struct stat st;
	int why;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return fail(e, path, EISDIR);
	TRY(later_fd(path, &f, e));
	why = posix_fallocate(f.fd, 0, (off_t)room);
	if (why != 0 && why != EOPNOTSUPP && why != EINVAL) /* there are file systems that promise no room */
		return fail(e, path, why);
	*out = f;
	f = (struct file_later){ .fd = -1 };
	return COFFER_OK;
}

/* Of one that has no name yet; never in the place of another file. */
static bool name_it(int fd, const char *name)
{
	char self[40];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
}

/* Where a file of that name is there already, it gets one beside it first: only a rename replaces. */
static bool name_beside(struct file_later *f, const char *path)
{
	uint64_t chance = 0;
	char *beside;

	if (getrandom(&chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		return false;
	beside = str_fmt("%s.new.%016llx", path, (unsigned long long)chance);
	if (!beside || !name_it(f->fd, beside)) {
		free(beside);
		return false;
	}
	f->beside = beside;
	return true;
}

enum coffer_rc file_later_write(struct file_later *f, const char *path, struct span s, unsigned mode, struct err *e)
{
	if (!file_put(f->fd, s) || ftruncate(f->fd, (off_t)s.n) != 0 || fchmod(f->fd, (mode_t)mode) != 0 || fsync(f->fd) != 0)
		return fail(e, path, errno);
	if (!f->beside && name_it(f->fd, path))
		return sync_folder(path) ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "%s: cannot make durable: %s", path, strerror(errno));
	if (!f->beside && !name_beside(f, path))
		return file_write(path, s, mode, e); /* no /proc */
	if (rename(f->beside, path) != 0) {
		int why = errno;

		(void)fail(e, path, why);
		(void)err_wrap(e, "what was written is whole in %s", f->beside);
		free(f->beside);
		f->beside = NULL;
		return e->rc;
	}
	free(f->beside);
	f->beside = NULL;
	return sync_folder(path) ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "%s: cannot make durable: %s", path, strerror(errno));
}

enum coffer_rc file_mkdirs(const char *path, unsigned mode, struct err *e)
{
	CLEANUP(freep) char *p = span_dup(span_of(path));
	struct stat st;

	if (!p)
		return err_set(e, COFFER_E_SYSTEM, "%s: out of memory", path);
	for (char *c = p + (p[0] == '/'); *c; c++) {
		if (*c != '/')
			continue;
		*c = 0;
		if (mkdir(p, (mode_t)mode) != 0 && errno != EEXIST)
			return fail(e, p, errno);
		*c = '/';
	}
	if (mkdir(p, (mode_t)mode) != 0 && errno != EEXIST)
		return fail(e, p, errno);
	if (stat(p, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(e, COFFER_E_INPUT, "%s: not a folder", p);
	return COFFER_OK;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
