#include "image/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/own.h"

#define DEPTH_MAX 256

static void close_dirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static enum coffer_rc failed(const char *name, struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "cannot remove \"%.64s\": %s", name, strerror(errno));
}

static enum coffer_rc remove_at(int dir_fd, const char *name, int depth, struct err *e);

static enum coffer_rc empty_at(int fd, int depth, struct err *e)
{
	CLEANUP(close_dirp) DIR *d = NULL;
	/* a second description of the folder: fdopendir takes and closes what it is given */
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *x;

	if (copy < 0)
		return failed(".", e);
	d = fdopendir(copy);
	if (!d) {
		(void)close(copy);
		return failed(".", e);
	}
	while ((x = readdir(d)) != NULL) {
		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
			continue;
		TRY(remove_at(fd, x->d_name, depth, e));
	}
	return COFFER_OK;
}

static enum coffer_rc remove_at(int dir_fd, const char *name, int depth, struct err *e)
{
	CLEANUP(closep) int fd = -1;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return COFFER_OK;
	if (errno != EISDIR && errno != EPERM)
		return failed(name, e);
	if (depth == DEPTH_MAX)
		return err_set(e, COFFER_E_LIMIT, "folders nest more than %d deep", DEPTH_MAX);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(name, e);
	TRY(empty_at(fd, depth + 1, e));
	return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 ? COFFER_OK : failed(name, e);
}

enum coffer_rc tree_remove(int dir_fd, const char *name, struct err *e)
{
	return remove_at(dir_fd, name, 0, e);
}

enum coffer_rc tree_empty(int dir_fd, struct err *e)
{
	return empty_at(dir_fd, 0, e);
}
