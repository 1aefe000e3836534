/* The launcher's temporary folder. A launcher that was killed leaves one; the next removes it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/own.h"
#include "cli/run_int.h"
#include "image/tree.h"

#define PREFIX "coffer-run-"
#define YOUNG_S 60 /* between mkdtemp and flock a folder is nobody's yet */

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* Ours by owner, not young, and no living launcher holds its lock. */
static bool stale(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == geteuid() && st.st_mtime < time(NULL) - YOUNG_S && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void sweep(void)
{
	CLEANUP(closedirp) DIR *tmp = opendir("/tmp");
	struct dirent *d;
	struct err e = { 0 };

	while (tmp && (d = readdir(tmp)) != NULL) {
		CLEANUP(closep) int fd = -1;

		if (strncmp(d->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		fd = openat(dirfd(tmp), d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || !stale(fd))
			continue;
		if (tree_remove(dirfd(tmp), d->d_name, &e) != COFFER_OK)
			run_say("/tmp/%s of a killed launcher stays: %s", d->d_name, e.msg);
	}
}

enum coffer_rc run_tmp_make(struct run *r, struct err *e)
{
	char dir[] = "/tmp/" PREFIX "XXXXXX"; /* short: a socket's path has to fit */

	sweep();
	if (!mkdtemp(dir))
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", dir, strerror(errno));
	memcpy(r->dir, dir, sizeof(dir));
	r->dir_lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_lock < 0 || flock(r->dir_lock, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", dir, strerror(errno));
	return COFFER_OK;
}

void run_tmp_remove(struct run *r)
{
	struct err why = { 0 };

	if (r->dir[0] && tree_remove(AT_FDCWD, r->dir, &why) != COFFER_OK)
		run_say("%s stays: %s", r->dir, why.msg);
	closep(&r->dir_lock);
}
