/* Process groups and the fence around them, on this machine's kernel: root is needed. */
#include "tests/t.h"

#include <fcntl.h>
#include <string.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/fence.h"
#include "base/own.h"
#include "base/str.h"
#include "os/cgroup.h"
#include "os/spawn.h"

#define PREFIX "coffer-t-" /* no agent's */
#define PORT 8006

static bool there(const struct cgroup *g, const char *name)
{
	struct stat st;

	return fstatat(g->root, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void dead_owners_are_swept_and_living_ones_spared(void)
{
	struct cgroup living, dead, next;
	struct err e = { 0 };
	int in_living = -1, in_dead = -1;

	CHECK(cgroup_open(PREFIX, &living, &e) == COFFER_OK && cgroup_make(&living, "c0", &in_living, &e) == COFFER_OK);
	CHECK(cgroup_open(PREFIX, &dead, &e) == COFFER_OK && cgroup_make(&dead, "c0", &in_dead, &e) == COFFER_OK);
	CHECK(strcmp(living.name, dead.name) != 0 && cgroup_make(&dead, "c0", &in_dead, &e) == COFFER_E_SYSTEM);
	(void)close(in_living);
	(void)close(in_dead);
	(void)close(dead.dir); /* as the kernel does for a killed one */
	CHECK(cgroup_open(PREFIX, &next, &e) == COFFER_OK);
	CHECK(there(&next, living.name) && !there(&next, dead.name) && there(&living, next.name));
	(void)close(dead.root);
	cgroup_close(&living);
	CHECK(!there(&next, living.name) && living.root == -1 && living.dir == -1);
	cgroup_close(&next);
	cgroup_close(&next);
}

struct group { struct cgroup all; int dir; };

static bool group_new(struct group *g)
{
	struct err e = { 0 };

	return cgroup_open(PREFIX, &g->all, &e) == COFFER_OK && cgroup_make(&g->all, "c7", &g->dir, &e) == COFFER_OK;
}

static void group_end(struct group *g)
{
	(void)close(g->dir);
	cgroup_remove(&g->all, "c7");
	cgroup_close(&g->all);
}

static void program_starts_in_its_group(void)
{
	static const char *const argv[] = { "/bin/cat", "/proc/self/cgroup", NULL };
	const int fds[3] = { -1, -1, -1 };
	struct group g;
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .cgroup = &g.dir };
	struct err e = { 0 };
	char *text = NULL, *want;
	int status = 1;

	CHECK(group_new(&g));
	want = str_fmt("/%s/c7\n", g.all.name);
	CHECK(spawn_run(&s, 65536, &text, &status, &e) == COFFER_OK && status == 0 && want && text && strstr(text, want));
	free(want);
	free(text);
	group_end(&g);
}

static void group_that_cannot_be_entered_starts_nothing(void)
{
	static const char *const argv[] = { "/bin/true", NULL };
	const int fds[3] = { -1, -1, -1 };
	struct err e = { 0 };
	int group = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .cgroup = &group };
	pid_t pid = -1;

	CHECK(spawn_start(&s, &pid, &e) != COFFER_OK && pid == -1);
	(void)close(group);
}

static void fence_holds_only_where_it_is(void)
{
	struct err e = { 0 };
	struct group g;

	CHECK(group_new(&g));
	CHECK(fence_check(g.dir, fence_address(6), PORT, &e) == COFFER_E_SYSTEM);
	CHECK(fence_attach(g.dir, fence_address(6), PORT, &e) == COFFER_OK);
	CHECK(fence_check(g.dir, fence_address(6), PORT, &e) == COFFER_OK);
	CHECK(fence_check(g.dir, fence_address(5), PORT, &e) == COFFER_E_SYSTEM); /* another's */
	CHECK(fence_check(g.dir, fence_address(6), PORT + 1, &e) == COFFER_E_SYSTEM);
	group_end(&g);
}

#define ELSE 254 /* given, but only where there is a terminal: anything but EPERM */

/* 0: opens; else errno. In a process of the group (-1: of none). */
static int opens(int group, const char *path)
{
	pid_t pid = group >= 0 ? cgroup_fork(group) : fork();
	struct err e = { 0 };
	int status = -1;

	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CLOEXEC);

		_exit(fd >= 0 ? 0 : errno);
	}
	return spawn_wait(pid, &status, &e) == COFFER_OK ? status : -1;
}

static void no_device_opens_but_those_of_every_container(void)
{
	static const struct { const char *name; mode_t type; unsigned major, minor; int in; } n[] = {
		{ "null", S_IFCHR, 1, 3, 0 }, { "zero", S_IFCHR, 1, 5, 0 }, { "full", S_IFCHR, 1, 7, 0 }, { "random", S_IFCHR, 1, 8, 0 },
		{ "urandom", S_IFCHR, 1, 9, 0 }, { "ptmx", S_IFCHR, 5, 2, ELSE }, { "tty", S_IFCHR, 5, 0, ELSE }, { "pty", S_IFCHR, 136, 77, ELSE }, { "fuse", S_IFCHR, 10, 229, EPERM }, { "tun", S_IFCHR, 10, 200, EPERM },
		{ "tpm0", S_IFCHR, 10, 224, EPERM }, { "mem", S_IFCHR, 1, 1, EPERM }, { "kmsg", S_IFCHR, 1, 11, EPERM }, { "console", S_IFCHR, 5, 1, EPERM },
		{ "vda", S_IFBLK, 254, 0, EPERM }, { "loop0", S_IFBLK, 7, 0, EPERM }, { "major5", S_IFBLK, 5, 2, EPERM }, { "pts", S_IFBLK, 136, 0, EPERM },
	};
	char dir[] = "/tmp/coffer-nodes-XXXXXX";
	struct err e = { 0 };
	struct group g;
	int in;

	CHECK(mkdtemp(dir) && group_new(&g) && fence_attach(g.dir, fence_address(6), PORT, &e) == COFFER_OK);
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		CLEANUP(freep) char *path = str_fmt("%s/%s", dir, n[i].name);

		CHECK(path && mknod(path, n[i].type | 0666, makedev(n[i].major, n[i].minor)) == 0);
		in = opens(g.dir, path);
		if (in != n[i].in)
			printf("# %s: %d\n", n[i].name, in);
		CHECK(n[i].in == ELSE ? in != EPERM && in >= 0 : in == n[i].in);
		CHECK(n[i].in != 0 || opens(-1, path) == 0);
		(void)unlink(path);
	}
	group_end(&g);
	(void)rmdir(dir);
}

static void fence_at_no_group_is_an_error(void)
{
	struct err e = { 0 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(fence_attach(fd, fence_address(0), PORT, &e) == COFFER_E_SYSTEM && strstr(e.msg, "fence"));
	(void)close(fd);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(dead_owners_are_swept_and_living_ones_spared), T(program_starts_in_its_group), T(group_that_cannot_be_entered_starts_nothing),
		T(fence_holds_only_where_it_is), T(no_device_opens_but_those_of_every_container), T(fence_at_no_group_is_an_error),
	};

	if (geteuid() != 0) {
		printf("1..0 # SKIP groups need root\n");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
