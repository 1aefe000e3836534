#include "agent/children.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/crun.h"
#include "agent/proc.h"
#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

#define END_MS 10000 /* for those that were killed to be gone */
#define NOBODY ((size_t)-1)

DEFINE_CLEANUP(DIR *, closedir)

static bool known(const struct agent *a, pid_t pid)
{
	bool is = false;

	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++)
		is = is || a->ctr[i].pid == pid;
	for (size_t k = 0; k < EXECS_MAX; k++)
		is = is || a->exec[k].pid == pid;
	return is;
}

/* Forgets those that have ended; of those that live kills container i's. True: it killed one. */
static bool sweep(const struct agent *a, size_t i)
{
	CLEANUP(closedirp) DIR *d = opendir("/proc");
	bool killed = false;
	struct err unused;

	for (struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
		pid_t pid = 0, parent = 0;

		if (!proc_parent(dirfd(d), f->d_name, &pid, &parent) || parent != getpid() || known(a, pid))
			continue;
		if (waitpid(pid, NULL, WNOHANG) == 0 && i != NOBODY && crun_check_group(a, i, pid, &unused) == COFFER_OK)
			killed |= kill(pid, SIGKILL) == 0; /* a child of ours: the number is its own until it is awaited */
	}
	return killed;
}

static void nap(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

void children_end(const struct agent *a, size_t i)
{
	int64_t until = clock_monotonic_ms() + END_MS;

	while (sweep(a, i) && clock_monotonic_ms() < until)
		nap();
}

void children_await(const struct agent *a, pid_t pid)
{
	int64_t until = clock_monotonic_ms() + END_MS;

	while (waitpid(pid, NULL, WNOHANG) == 0 && clock_monotonic_ms() < until) {
		(void)sweep(a, NOBODY);
		nap();
	}
}
