#include "image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "image/laydirs.h"
#include "image/tree.h"

#define TIMES_MAX ((size_t)64 << 20) /* bytes of remembered folder times */
#define SHOWN_MAX 96

struct unpack {
	struct tar *tar;
	struct unpack_budget *budget;
	struct laydirs dirs;
	struct laypath path;
	struct laypath target;
	const struct tar_entry *file; /* being written, with fd; NULL: data is dropped */
	int fd;
	struct wr times; /* seconds u64, nanoseconds u32, path as blob32 */
	bool root_opaque;
};

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	tar_free(u->tar);
	laydirs_clear(&u->dirs);
	closep(&u->fd);
	wr_close(&u->times);
	free(u);
}

/* ---- small helpers ---- */

static const char *shown(const struct unpack *u, char out[static SHOWN_MAX])
{
	size_t n = u->path.n < SHOWN_MAX - 1 ? u->path.n : SHOWN_MAX - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)(u->path.text[i] > ' ' && u->path.text[i] < 0x7f ? u->path.text[i] : '?');
	out[n] = '\0';
	return out;
}

static enum coffer_rc failed(const struct unpack *u, const char *what, struct err *e)
{
	int code = errno;
	char name[SHOWN_MAX];

	return err_set(e, COFFER_E_SYSTEM, "cannot %s \"%s\" of the layer: %s", what, shown(u, name), strerror(code));
}

static enum coffer_rc refused(const struct unpack *u, const char *why, struct err *e)
{
	char name[SHOWN_MAX];

	return err_deny(e, "unpack", "\"%s\" of the layer %s", shown(u, name), why);
}

static enum coffer_rc charge(struct unpack_budget *b, const struct tar_entry *t, struct err *e)
{
	uint64_t bytes = t->size + t->path.n + t->link.n;

	for (size_t i = 0; i < t->n_xattrs; i++)
		bytes += t->xattrs[i].name.n + t->xattrs[i].value.n;
	if (bytes < t->size || bytes > b->bytes)
		return err_set(e, COFFER_E_LIMIT, "the image unpacks to more bytes than it is allowed");
	if (b->entries == 0)
		return err_set(e, COFFER_E_LIMIT, "the image has too many files");
	b->bytes -= bytes;
	b->entries--;
	return COFFER_OK;
}

static void times_of(const struct tar_entry *t, struct timespec out[static 2])
{
	out[1] = (struct timespec){ .tv_sec = t->mtime, .tv_nsec = (long)t->mtime_ns };
	out[0] = out[1]; /* the archive has no time of access; a fixed one keeps layers alike */
}

/* The folder that holds the present path; *name is its last component. */
static enum coffer_rc enter_parent(struct unpack *u, int *dir, const char **name, struct err *e)
{
	size_t n = u->path.base > 0 ? u->path.base - 1 : 0;

	*name = u->path.text + u->path.base;
	return laydirs_enter(&u->dirs, (struct span){ (const uint8_t *)u->path.text, n }, dir, e);
}

/* ---- attributes ---- */

enum xattr_rule { XATTR_DROP, XATTR_REFUSE, XATTR_TRY, XATTR_MUST };

static enum xattr_rule xattr_rule(struct span name)
{
	if (span_starts(name, "trusted.") || span_starts(name, "system."))
		return XATTR_REFUSE;
	if (span_eq_str(name, "security.capability"))
		return XATTR_MUST;
	return span_starts(name, "user.") ? XATTR_TRY : XATTR_DROP;
}

static enum coffer_rc check_xattrs(const struct unpack *u, const struct tar_entry *t, struct err *e)
{
	for (size_t i = 0; i < t->n_xattrs; i++)
		if (xattr_rule(t->xattrs[i].name) == XATTR_REFUSE)
			return refused(u, "carries a trusted.* or system.* attribute", e);
	return COFFER_OK;
}

static enum coffer_rc set_xattrs(const struct unpack *u, const struct tar_entry *t, int fd, struct err *e)
{
	for (size_t i = 0; i < t->n_xattrs; i++) {
		const struct tar_xattr *x = &t->xattrs[i];
		enum xattr_rule rule = xattr_rule(x->name);
		char name[TAR_XATTR_NAME_MAX + 1];

		if (rule == XATTR_DROP)
			continue;
		memcpy(name, x->name.p, x->name.n);
		name[x->name.n] = '\0';
		if (fsetxattr(fd, name, x->value.p, x->value.n, 0) == 0)
			continue;
		if (rule == XATTR_MUST || errno != EOPNOTSUPP)
			return failed(u, "set an attribute of", e);
	}
	return COFFER_OK;
}

/* ---- kinds of entries ---- */

static enum coffer_rc put_dir(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	struct span path = { (const uint8_t *)u->path.text, u->path.n };
	int fd;

	TRY(laydirs_enter_last(&u->dirs, path, &fd, e));
	if (fchown(fd, t->uid, t->gid) != 0 || fchmod(fd, t->mode) != 0)
		return failed(u, "set owner and mode of", e);
	TRY(set_xattrs(u, t, fd, e));

	wr_le64(&u->times, (uint64_t)t->mtime);
	wr_le32(&u->times, t->mtime_ns);
	wr_blob32(&u->times, path);
	if (!wr_ok(&u->times))
		return err_set(e, COFFER_E_LIMIT, "the image has too many folders");
	return COFFER_OK;
}

static int make_file(int dir, const char *name)
{
	return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static enum coffer_rc put_file(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	const char *name;
	int dir;

	TRY(enter_parent(u, &dir, &name, e));
	u->fd = make_file(dir, name);
	if (u->fd < 0 && errno == EEXIST) {
		TRY(tree_remove(dir, name, e));
		u->fd = make_file(dir, name);
	}
	if (u->fd < 0)
		return failed(u, "make", e);
	u->file = t;
	return COFFER_OK;
}

static enum coffer_rc set_node_meta(struct unpack *u, const struct tar_entry *t, int dir, const char *name, struct err *e)
{
	struct timespec ts[2];

	times_of(t, ts);
	if (fchownat(dir, name, t->uid, t->gid, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(u, "set the owner of", e);
	/* links have no mode; what is here otherwise is no link, so following cannot happen */
	if (t->type != TAR_SYMLINK && fchmodat(dir, name, t->mode, 0) != 0)
		return failed(u, "set the mode of", e);
	if (utimensat(dir, name, ts, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(u, "set the time of", e);
	return COFFER_OK;
}

/* There is nothing at its name then, not even what a lower layer brought. */
static bool left_out(const struct unpack *u, const struct tar_entry *t)
{
	return (t->type == TAR_CHAR || t->type == TAR_BLOCK) && !u->budget->devices;
}

static int make_node(const struct tar_entry *t, int dir, const char *name, const char *link)
{
	switch (t->type) {
	case TAR_SYMLINK:
		return symlinkat(link, dir, name);
	case TAR_CHAR:
		return mknodat(dir, name, S_IFCHR | 0600, makedev(t->major, t->minor));
	case TAR_BLOCK:
		return mknodat(dir, name, S_IFBLK | 0600, makedev(t->major, t->minor));
	case TAR_FIFO:
		return mknodat(dir, name, S_IFIFO | 0600, 0);
	case TAR_FILE:
	case TAR_DIR:
	case TAR_HARDLINK:
		break;
	}
	errno = EINVAL;
	return -1;
}

static enum coffer_rc put_node(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	static const struct tar_entry nothing = { .type = TAR_CHAR };
	CLEANUP(freep) char *link = NULL;
	const struct tar_entry *made = left_out(u, t) ? &nothing : t;
	const char *name;
	int dir, rc;

	if (t->type == TAR_CHAR && t->major == 0 && t->minor == 0)
		return refused(u, "is the device that overlayfs takes for a whiteout", e);
	if (t->major > 0xfff || t->minor > 0xfffff)
		return refused(u, "is a device with an impossible number", e);
	link = span_dup(t->link);
	if (!link)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(enter_parent(u, &dir, &name, e));

	rc = make_node(made, dir, name, link);
	if (rc != 0 && errno == EEXIST) {
		TRY(tree_remove(dir, name, e));
		rc = make_node(made, dir, name, link);
	}
	if (rc != 0)
		return failed(u, "make", e);
	if (made != t) /* of a whiteout's form: overlayfs shows nothing */
		return fchmodat(dir, name, 0, 0) == 0 ? COFFER_OK : failed(u, "set the mode of", e);
	return set_node_meta(u, t, dir, name, e);
}

static bool linkable(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode))
		return false;
	return !(S_ISCHR(st.st_mode) && st.st_rdev == 0);
}

static enum coffer_rc put_hardlink(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	CLEANUP(closep) int target_dir = -1;
	const char *name, *target;
	int dir, rc;

	TRY(laypath_parse_target(t->link, &u->target, e));
	target = u->target.text + u->target.base;
	if (u->target.base > 0)
		u->target.text[u->target.base - 1] = '\0';
	target_dir = laydirs_open(&u->dirs, u->target.base > 0 ? u->target.text : "", O_PATH);
	if (target_dir < 0 || !linkable(target_dir, target))
		return refused(u, "is a hard link to what the layer has not brought before", e);
	TRY(enter_parent(u, &dir, &name, e));

	rc = linkat(target_dir, target, dir, name, 0);
	if (rc != 0 && errno == EEXIST) {
		TRY(tree_remove(dir, name, e));
		rc = linkat(target_dir, target, dir, name, 0);
	}
	return rc == 0 ? COFFER_OK : failed(u, "link", e);
}

static enum coffer_rc put_whiteout(struct unpack *u, struct err *e)
{
	struct stat st;
	const char *name;
	int dir, fd;

	TRY(enter_parent(u, &dir, &name, e));
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT || mknodat(dir, name, S_IFCHR, makedev(0, 0)) != 0)
			return failed(u, "make the whiteout", e);
		return COFFER_OK;
	}
	/* A whiteout speaks of lower layers only: what this layer brought under that name stays. */
	if (!S_ISDIR(st.st_mode))
		return COFFER_OK;
	TRY(laydirs_enter(&u->dirs, (struct span){ (const uint8_t *)u->path.text, u->path.n }, &fd, e));
	return laydirs_set_opaque(fd, e);
}

static enum coffer_rc put_opaque(struct unpack *u, struct err *e)
{
	int fd;

	if (u->path.depth == 0)
		u->root_opaque = true;
	TRY(laydirs_enter(&u->dirs, (struct span){ (const uint8_t *)u->path.text, u->path.n }, &fd, e));
	return laydirs_set_opaque(fd, e);
}

static enum coffer_rc put_plain(struct unpack *u, const struct tar_entry *t, struct err *e)
{
	TRY(check_xattrs(u, t, e));
	if (u->path.depth == 0 && t->type != TAR_DIR)
		return refused(u, "(its root) is no folder", e);
	switch (t->type) {
	case TAR_FILE:
		return put_file(u, t, e);
	case TAR_DIR:
		return put_dir(u, t, e);
	case TAR_HARDLINK:
		return put_hardlink(u, t, e);
	case TAR_SYMLINK:
	case TAR_CHAR:
	case TAR_BLOCK:
	case TAR_FIFO:
		return put_node(u, t, e);
	}
	return err_set(e, COFFER_E_BUG, "unpack: unknown type");
}

/* ---- the archive's callbacks ---- */

static enum coffer_rc on_entry(void *arg, const struct tar_entry *t, struct err *e)
{
	struct unpack *u = arg;

	TRY(charge(u->budget, t, e));
	TRY(laypath_parse(t->path, &u->path, e));
	switch (u->path.kind) {
	case LAYPATH_PLAIN:
		return put_plain(u, t, e);
	case LAYPATH_WHITEOUT:
		return put_whiteout(u, e);
	case LAYPATH_OPAQUE:
		return put_opaque(u, e);
	case LAYPATH_META:
		return COFFER_OK;
	}
	return err_set(e, COFFER_E_BUG, "unpack: unknown kind of name");
}

static enum coffer_rc on_data(void *arg, struct span piece, struct err *e)
{
	struct unpack *u = arg;

	while (u->file && piece.n > 0) {
		ssize_t n = write(u->fd, piece.p, piece.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(u, "write", e);
		piece = span_skip(piece, (size_t)n);
	}
	return COFFER_OK;
}

/* chown clears set-id bits and file capabilities, writing clears the latter: so this order, and after the data. */
static enum coffer_rc on_close(void *arg, struct err *e)
{
	struct unpack *u = arg;
	CLEANUP(closep) int fd = MOVE_FD(u->fd);
	const struct tar_entry *t = MOVE(u->file);
	struct timespec ts[2];

	if (!t)
		return COFFER_OK;
	times_of(t, ts);
	if (fchown(fd, t->uid, t->gid) != 0 || fchmod(fd, t->mode) != 0)
		return failed(u, "set owner and mode of", e);
	TRY(set_xattrs(u, t, fd, e));
	return futimens(fd, ts) == 0 ? COFFER_OK : failed(u, "set the time of", e);
}

enum coffer_rc unpack_open(int root_fd, struct unpack_budget *b, struct unpack **out, struct err *e)
{
	CLEANUP(unpack_freep) struct unpack *u = calloc(1, sizeof(*u));
	struct tar_sink sink = { .entry = on_entry, .data = on_data, .close = on_close, .arg = u };

	if (!u)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	u->fd = -1;
	u->budget = b;
	u->times = wr_open(TIMES_MAX);
	laydirs_init(&u->dirs, root_fd, &b->entries);
	TRY(tar_open(&sink, &u->tar, e));
	*out = MOVE(u);
	return COFFER_OK;
}

enum coffer_rc unpack_add(struct unpack *u, struct span in, struct err *e)
{
	return tar_add(u->tar, in, e);
}

static enum coffer_rc set_dir_time(struct unpack *u, const char *path, const struct timespec ts[static 2], struct err *e)
{
	CLEANUP(closep) int fd = laydirs_open(&u->dirs, path, O_RDONLY);

	if (fd < 0) {
		/* a later entry took the folder's place */
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return COFFER_OK;
		return err_set(e, COFFER_E_SYSTEM, "cannot open a folder of the layer: %s", strerror(errno));
	}
	if (futimens(fd, ts) != 0)
		return err_set(e, COFFER_E_SYSTEM, "cannot set the time of a folder of the layer: %s", strerror(errno));
	return COFFER_OK;
}

enum coffer_rc unpack_end(struct unpack *u, struct err *e)
{
	struct rd r;

	TRY(tar_end(u->tar, e));
	laydirs_clear(&u->dirs);
	r = rd_open(wr_span(&u->times));
	while (r.n > 0) {
		struct timespec ts[2];
		struct span path;

		ts[1].tv_sec = (time_t)rd_le64(&r);
		ts[1].tv_nsec = (long)rd_le32(&r);
		ts[0] = ts[1];
		path = rd_blob32(&r, TAR_NAME_MAX);
		if (!rd_ok(&r))
			return err_set(e, COFFER_E_BUG, "unpack: the list of times is broken");
		memcpy(u->path.text, path.p, path.n);
		u->path.text[path.n] = '\0';
		TRY(set_dir_time(u, u->path.text, ts, e));
	}
	return COFFER_OK;
}

bool unpack_root_opaque(const struct unpack *u)
{
	return u->root_opaque;
}
