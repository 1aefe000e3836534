#include "os/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

#define TRIES 8

DEFINE_CLEANUP(DIR *, closedir)

static enum coffer_rc failed(const char *what, struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "process groups: %s: %s", what, strerror(errno));
}

static enum coffer_rc mount_root(int *out, struct err *e)
{
	CLEANUP(closep) int fs = fsopen("cgroup2", FSOPEN_CLOEXEC);
	CLEANUP(closep) int root = -1;

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
		return failed("cgroup2", e);
	root = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (root < 0)
		return failed("cgroup2", e);
	*out = MOVE_FD(root);
	return COFFER_OK;
}

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The groups in a folder; two levels are all there are. */
static void empty(int dir)
{
	int copy = open_dir(dir, ".");
	CLEANUP(closedirp) DIR *d = copy >= 0 ? fdopendir(copy) : NULL;

	for (struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d))
		if (f->d_type == DT_DIR && f->d_name[0] != '.')
			(void)unlinkat(dir, f->d_name, AT_REMOVEDIR);
}

/* A living owner holds the lock of its folder. */
static void sweep(int root, const char *prefix)
{
	int copy = open_dir(root, ".");
	CLEANUP(closedirp) DIR *d = copy >= 0 ? fdopendir(copy) : NULL;

	for (struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
		CLEANUP(closep) int dir = -1;

		if (strncmp(f->d_name, prefix, strlen(prefix)) != 0)
			continue;
		dir = open_dir(root, f->d_name);
		if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) != 0)
			continue;
		empty(dir);
		(void)unlinkat(root, f->d_name, AT_REMOVEDIR);
	}
}

/* Between making and locking a folder a sweep may take it away: then it is not there, and the next try has another name. */
static bool claim(struct cgroup *g, const char *prefix)
{
	struct stat held, there;
	uint64_t r;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return false;
	(void)snprintf(g->name, sizeof(g->name), "%.16s%016llx", prefix, (unsigned long long)r);
	if (mkdirat(g->root, g->name, 0755) != 0)
		return false;
	g->dir = open_dir(g->root, g->name);
	if (g->dir >= 0 && flock(g->dir, LOCK_EX | LOCK_NB) == 0 && fstat(g->dir, &held) == 0 &&
	    fstatat(g->root, g->name, &there, AT_SYMLINK_NOFOLLOW) == 0 && held.st_ino == there.st_ino)
		return true;
	closep(&g->dir);
	g->dir = -1;
	return false;
}

enum coffer_rc cgroup_open(const char *prefix, struct cgroup *out, struct err *e)
{
	struct cgroup g = { .root = -1, .dir = -1 };

	TRY(mount_root(&g.root, e));
	sweep(g.root, prefix);
	for (int i = 0; i < TRIES; i++)
		if (claim(&g, prefix)) {
			*out = g;
			return COFFER_OK;
		}
	(void)failed("a folder of our own", e);
	closep(&g.root);
	return e->rc;
}

void cgroup_sweep(const char *prefix)
{
	CLEANUP(closep) int root = -1;
	struct err unused;

	if (mount_root(&root, &unused) == COFFER_OK)
		sweep(root, prefix);
}

void cgroup_close(struct cgroup *g)
{
	if (g->dir >= 0) {
		empty(g->dir);
		(void)unlinkat(g->root, g->name, AT_REMOVEDIR);
	}
	closep(&g->dir);
	closep(&g->root);
	*g = (struct cgroup){ .root = -1, .dir = -1 };
}

enum coffer_rc cgroup_make(const struct cgroup *g, const char *name, int *dir, struct err *e)
{
	int fd;

	if (mkdirat(g->dir, name, 0755) != 0)
		return failed(name, e);
	fd = open_dir(g->dir, name);
	if (fd < 0)
		return failed(name, e);
	*dir = fd;
	return COFFER_OK;
}

enum coffer_rc cgroup_find(const struct cgroup *g, const char *name, int *dir, struct err *e)
{
	int fd = open_dir(g->dir, name);

	if (fd < 0)
		return failed(name, e);
	*dir = fd;
	return COFFER_OK;
}

/* A process that moves into a group waits until each processor has been idle or scheduled once (cgroup_threadgroup_rwsem), some 10 ms; one that is made in it does
 * not. */
pid_t cgroup_fork(int dir)
{
	struct clone_args a = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)dir };

	return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

void cgroup_remove(const struct cgroup *g, const char *name)
{
	(void)unlinkat(g->dir, name, AT_REMOVEDIR);
}
