#include "agent/crun.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "agent/children.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"
#include "os/spawn.h"

#define CRUN_ARGS_MAX 16

int64_t crun_wait_ms = 60000; /* an emulated machine takes seconds where another takes a fifth of one */

/* crun's own complaint, without what could be a terminal's escape. */
static void complaint(const char *log, char *out, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(65536);
	struct err unread;
	struct span s;

	out[0] = 0;
	if (file_read(log, 65536, &w, &unread) != COFFER_OK)
		return;
	s = wr_span(&w);
	if (s.n > n - 1)
		s = span_skip(s, s.n - (n - 1));
	for (size_t i = 0; i < s.n; i++)
		out[i] = (char)(s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : ' ');
	out[s.n] = 0;
}

void crun_seal(struct agent *a)
{
	struct err unused;

	if (spawn_sealed(a->crun, &a->crun_sealed, &unused) != COFFER_OK)
		a->crun_sealed = -1;
}

/* A detached process keeps the descriptors it was started with; crun itself writes to a log file. */
enum coffer_rc crun(struct agent *a, size_t i, const struct crun_call *c, struct err *e)
{
	struct path root = path_fmt("%s/crun", a->state), log = path_fmt("%s/c%zu/log", a->state, i), id = path_fmt("c%zu", i);
	const char *argv[CRUN_ARGS_MAX] = { a->crun, "--root", root.s, "--cgroup-manager=disabled", "--log", log.s, c->verb };
	const int fds[3] = { -1, c->out, c->err };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .cwd = "/", .cgroup = c->group, .program = a->crun_sealed >= 0 ? &a->crun_sealed : NULL };
	size_t n = 7;
	int status = 0;
	bool stuck = false;
	pid_t pid = -1;
	char why[240];

	for (size_t k = 0; k < 4 && c->more[k]; k++)
		argv[n++] = c->more[k];
	if (c->flag)
		argv[n++] = c->flag;
	argv[n++] = id.s;
	(void)unlink(log.s);
	TRY(spawn_start(&s, &pid, e));
	TRY(spawn_wait_for(pid, crun_wait_ms, &status, &stuck, e));
	if (status == 0)
		return COFFER_OK;
	if (stuck) {
		children_end(a, i);
		return err_set(e, COFFER_E_SYSTEM, "container runtime %s: it was not done in %lld s: what is in the image, or the container, holds it up", c->verb,
		    (long long)crun_wait_ms / 1000);
	}
	complaint(log.s, why, sizeof(why));
	return err_set(e, COFFER_E_SYSTEM, "container runtime %s: %s", c->verb, why[0] ? why : "failed without a word");
}

/* The container's first process waits at a pipe in crun's folder, open without blocking as long as it lives. */
bool crun_let_go(const struct agent *a, size_t i)
{
	struct path pipe = path_fmt("%s/crun/c%zu/exec.fifo", a->state, i);
	CLEANUP(closep) int fd = open(pipe.s, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode) || write(fd, "", 1) != 1)
		return false;
	(void)unlink(pipe.s); /* by which crun tells one that runs from one that waits */
	return true;
}

enum coffer_rc crun_process(const char *pid_file, pid_t *pid, int *pidfd, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(64);
	uint64_t n = 0;

	TRY(file_read(pid_file, 64, &text, e));
	if (!span_u64(wr_span(&text), &n) || n < 2 || n > 1u << 30)
		return err_set(e, COFFER_E_SYSTEM, "container runtime: no process id");
	*pid = (pid_t)n;
	*pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (*pidfd < 0 || fcntl(*pidfd, F_SETFD, FD_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "container process: %s", strerror(errno));
	return COFFER_OK;
}

enum coffer_rc crun_pidns(pid_t pid, ino_t *out, struct err *e)
{
	struct stat st;

	if (stat(path_fmt("/proc/%d/ns/pid", (int)pid).s, &st) != 0)
		return err_set(e, COFFER_E_SYSTEM, "container process: %s", strerror(errno));
	*out = st.st_ino;
	return COFFER_OK;
}

/* The fence holds whoever is in the group: a runtime that moved the process elsewhere has opened it. */
enum coffer_rc crun_check_group(const struct agent *a, size_t i, pid_t pid, struct err *e)
{
	struct path end = path_fmt("/%s/c%zu", a->groups.name, i);
	CLEANUP(wr_close) struct wr text = wr_open(65536);
	struct span s;

	TRY(file_read(path_fmt("/proc/%d/cgroup", (int)pid).s, 65536, &text, e));
	for (s = wr_span(&text); s.n > 0; s = span_skip(s, span_find(s, '\n') + 1)) {
		struct span line = { s.p, span_find(s, '\n') };

		if (span_starts(line, "0::") && span_ends(line, end.s))
			return COFFER_OK;
	}
	return err_set(e, COFFER_E_SYSTEM, "container process: it is not in the group it was started in");
}
