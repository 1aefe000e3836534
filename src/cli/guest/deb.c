/* Files of a Debian package. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/guest/tree.h"
#include "image/tar.h"
#include "os/spawn.h"

#define FILE_MAX (128u << 20)
#define PIECE	 65536

struct reading {
	struct guest_tree *tree;
	size_t		   package;
	bool		   wanted;
	char		  *path; /* of the file being read */
	struct guest_file  file;
};

static void reading_clear(struct reading *r)
{
	free(r->path);
	wr_close(&r->file.data);
}

/* What images are made of. */
static bool of_interest(const char *path)
{
	static const char *const in[] = { "usr/bin/", "usr/lib64/", "usr/lib/x86_64-linux-gnu/", "usr/lib/modules/",
		"usr/lib/systemd/boot/efi/", "boot/vmlinuz-", GUEST_FIRMWARE };

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		if (strncmp(path, in[i], strlen(in[i])) == 0)
			return true;
	return false;
}

static char *merged(struct span s)
{
	static const char *const moved[] = { "bin/", "sbin/", "lib/", "lib64/" };

	if (span_starts(s, "./"))
		s = span_skip(s, 2);
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++)
		if (span_starts(s, moved[i]))
			return str_fmt("usr/%.*s", (int)s.n, (const char *)s.p);
	return span_dup(s);
}

static enum coffer_rc entry(void *arg, const struct tar_entry *t, struct err *e)
{
	struct reading *r = arg;

	reading_clear(r);
	r->path = merged(t->path);
	r->file = (struct guest_file){ .package = r->package, .data = wr_open(FILE_MAX) };
	if (!r->path)
		return err_set(e, COFFER_E_INPUT, "package: a path with a NUL byte, or out of memory");
	r->wanted = of_interest(r->path) && (t->type == TAR_FILE || t->type == TAR_SYMLINK);
	if (of_interest(r->path) && t->type == TAR_HARDLINK)
		return err_set(e, COFFER_E_INPUT, "package: %s is a hard link, which is not read here", r->path);
	if (!r->wanted || t->type == TAR_FILE) {
		r->file.mode = S_IFREG | (t->mode & 0755);
		return COFFER_OK;
	}
	r->file.mode = S_IFLNK | 0777;
	wr_put(&r->file.data, t->link);
	TRY(wr_done(&r->file.data, r->path, e));
	return tree_add(r->tree, r->path, &r->file, e);
}

static enum coffer_rc data(void *arg, struct span piece, struct err *e)
{
	struct reading *r = arg;

	if (!r->wanted)
		return COFFER_OK;
	wr_put(&r->file.data, piece);
	return wr_done(&r->file.data, r->path, e);
}

static enum coffer_rc file_end(void *arg, struct err *e)
{
	struct reading *r = arg;

	return r->wanted ? tree_add(r->tree, r->path, &r->file, e) : COFFER_OK;
}

static enum coffer_rc pump(int fd, struct tar *t, struct err *e)
{
	CLEANUP(freep) uint8_t *buf = malloc(PIECE);
	ssize_t got = 1;

	if (!buf)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	while (got != 0) {
		got = read(fd, buf, PIECE);
		if (got < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "dpkg-deb: %s", strerror(errno));
		if (got > 0)
			TRY(tar_add(t, (struct span){ buf, (size_t)got }, e));
	}
	return tar_end(t, e);
}

enum coffer_rc tree_read_deb(struct guest_tree *tree, const char *path, size_t package, struct err *e)
{
	const char *argv[] = { "/usr/bin/dpkg-deb", "--fsys-tarfile", path, NULL };
	CLEANUP(reading_clear) struct reading r = { .tree = tree, .package = package };
	CLEANUP(tar_freep) struct tar *t = NULL;
	CLEANUP(closep) int from = -1;
	struct tar_sink sink = { entry, data, file_end, &r };
	int ends[2], fds[3], status = 0;
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .die_with_parent = true };
	enum coffer_rc rc;
	pid_t pid = -1;

	TRY(tar_open(&sink, &t, e));
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	from = ends[0];
	fds[0] = fds[2] = -1;
	fds[1] = ends[1];
	rc = spawn_start(&s, &pid, e);
	(void)close(ends[1]);
	TRY(rc);
	rc = pump(from, t, e);
	closep(&from); /* where reading failed, dpkg-deb ends of a broken pipe */
	from = -1;
	if (spawn_wait(pid, &status, e) != COFFER_OK)
		return e->rc;
	if (rc != COFFER_OK)
		return err_wrap(e, "%s", path);
	return status == 0 ? COFFER_OK : err_set(e, COFFER_E_INPUT, "%s: dpkg-deb cannot read it", path);
}
