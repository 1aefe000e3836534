#include "image/laydirs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "image/tree.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void laydirs_init(struct laydirs *d, int root_fd, uint64_t *entries)
{
	d->root_fd = root_fd;
	d->depth = 0;
	d->text[0] = '\0';
	d->entries = entries;
}

static void drop_to(struct laydirs *d, size_t depth)
{
	while (d->depth > depth)
		(void)close(d->level[--d->depth].fd);
}

void laydirs_clear(struct laydirs *d)
{
	drop_to(d, 0);
}

static int top(const struct laydirs *d)
{
	return d->depth > 0 ? d->level[d->depth - 1].fd : d->root_fd;
}

enum coffer_rc laydirs_set_opaque(int fd, struct err *e)
{
	if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) != 0)
		return err_set(e, COFFER_E_SYSTEM, "cannot mark a folder opaque for overlayfs: %s", strerror(errno));
	return COFFER_OK;
}

/* Keeps the levels that `path` shares with the present one. */
static void keep_common(struct laydirs *d, struct span path)
{
	size_t keep = 0;

	while (keep < d->depth) {
		size_t start = keep > 0 ? d->level[keep - 1].end : 0;
		size_t end = d->level[keep].end;

		if (end > path.n || (end < path.n && path.p[end] != '/'))
			break;
		if (memcmp(d->text + start, path.p + start, end - start) != 0) /* public: file names */
			break;
		keep++;
	}
	drop_to(d, keep);
}

static enum coffer_rc make_dir(struct laydirs *d, const char *name, int *fd, struct err *e)
{
	CLEANUP(closep) int made = -1;

	if (*d->entries == 0)
		return err_set(e, COFFER_E_LIMIT, "the image has too many files");
	*d->entries -= 1;
	if (mkdirat(top(d), name, 0700) != 0)
		return err_set(e, COFFER_E_SYSTEM, "cannot make a folder: %s", strerror(errno));
	made = openat(top(d), name, DIR_FLAGS);
	/* neither the umask nor a set-gid parent decides */
	if (made < 0 || fchown(made, 0, 0) != 0 || fchmod(made, 0755) != 0)
		return err_set(e, COFFER_E_SYSTEM, "cannot make a folder: %s", strerror(errno));
	*fd = MOVE_FD(made);
	return COFFER_OK;
}

/* What stands there hid everything of that name in lower layers, and so must the folder that replaces it. */
static enum coffer_rc replace_by_dir(struct laydirs *d, const char *name, int *fd, struct err *e)
{
	CLEANUP(closep) int made = -1;

	TRY(tree_remove(top(d), name, e));
	TRY(make_dir(d, name, &made, e));
	TRY(laydirs_set_opaque(made, e));
	*fd = MOVE_FD(made);
	return COFFER_OK;
}

static bool is_whiteout(int dir_fd, const char *name)
{
	struct stat st;

	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static enum coffer_rc open_step(struct laydirs *d, const char *name, bool may_replace, int *out, struct err *e)
{
	int fd = openat(top(d), name, DIR_FLAGS);

	if (fd >= 0) {
		*out = fd;
		return COFFER_OK;
	}
	if (errno == ENOENT)
		return make_dir(d, name, out, e);
	if (errno != ENOTDIR && errno != ELOOP)
		return err_set(e, COFFER_E_SYSTEM, "cannot open a folder: %s", strerror(errno));
	if (may_replace || is_whiteout(top(d), name))
		return replace_by_dir(d, name, out, e);
	return err_deny(e, "unpack", "the archive uses a link or a file as a folder");
}

static enum coffer_rc enter(struct laydirs *d, struct span path, bool replace_last, struct err *e)
{
	keep_common(d, path);
	for (;;) {
		size_t start = d->depth > 0 ? d->level[d->depth - 1].end + 1 : 0;
		char name[256];
		size_t n;
		int fd = -1;

		if (start >= path.n)
			return COFFER_OK;
		n = span_find(span_skip(path, start), '/');
		if (n == 0 || n >= sizeof(name) || d->depth == LAYPATH_DEPTH || path.n > TAR_NAME_MAX)
			return err_set(e, COFFER_E_BUG, "unpack: a path that was not checked");
		memcpy(name, path.p + start, n);
		name[n] = '\0';
		TRY(open_step(d, name, replace_last && start + n == path.n, &fd, e));

		memcpy(d->text + start, name, n);
		if (start > 0)
			d->text[start - 1] = '/';
		d->level[d->depth].fd = fd;
		d->level[d->depth].end = start + n;
		d->depth++;
	}
}

enum coffer_rc laydirs_enter(struct laydirs *d, struct span path, int *fd, struct err *e)
{
	TRY(enter(d, path, false, e));
	*fd = top(d);
	return COFFER_OK;
}

enum coffer_rc laydirs_enter_last(struct laydirs *d, struct span path, int *fd, struct err *e)
{
	TRY(enter(d, path, true, e));
	*fd = top(d);
	return COFFER_OK;
}

int laydirs_open(const struct laydirs *d, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, d->root_fd, *path ? path : ".", &how, sizeof(how));
}
