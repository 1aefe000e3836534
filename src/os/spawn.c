#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/wr.h"
#include "os/cgroup.h"

#define FDS_MAX 16
#define PIECE	(1u << 24)

/* What the child needs, all fixed before the fork: after it only async-signal-safe calls. */
struct plan {
	const struct spawn *s;
	int                 report; /* carries errno of a failed exec; close-on-exec */
	pid_t               parent;
	const char *const  *env;
};

/* Moves fds[i] to i. First every source goes above the targets, so that no dup2
 * overwrites a descriptor still needed. */
static bool place_fds(const struct spawn *s, int *report)
{
	int at[FDS_MAX];
	int high = FDS_MAX + 1;

	*report = fcntl(*report, F_DUPFD_CLOEXEC, high);
	if (*report < 0)
		return false;
	for (size_t i = 0; i < s->n_fds; i++) {
		int src = s->fds[i];

		at[i] = src < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : src;
		at[i] = at[i] < 0 ? -1 : fcntl(at[i], F_DUPFD_CLOEXEC, high);
		if (at[i] < 0)
			return false;
	}
	for (size_t i = 0; i < s->n_fds; i++)
		if (dup2(at[i], (int)i) < 0)
			return false;
	return true;
}

/* The program's descriptor goes above the report's: all that is left of ours are these two. */
static bool place_program(const struct spawn *s, int report, int *program)
{
	*program = s->program ? fcntl(*s->program, F_DUPFD_CLOEXEC, report + 1) : report;
	return *program >= 0;
}

static bool close_between(unsigned from, unsigned to)
{
	return from == to || close_range(from, to - 1, 0) == 0;
}

/* All from there on but these two, the higher last. */
static bool close_rest(size_t from, int report, int program)
{
	return close_between((unsigned)from, (unsigned)report) && (program == report || close_between((unsigned)report + 1, (unsigned)program)) &&
	    close_range((unsigned)program + 1, ~0u, 0) == 0;
}

static bool reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* fails for SIGKILL, SIGSTOP and libc's own two */
	return sigemptyset(&none) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static void run(const struct plan *p, int program)
{
	char *const *argv = (char *const *)(uintptr_t)p->s->argv, *const *env = (char *const *)(uintptr_t)p->env;

	if (p->s->program)
		(void)execveat(program, "", argv, env, AT_EMPTY_PATH);
	else
		(void)execve(argv[0], argv, env);
}

static _Noreturn void child(struct plan p)
{
	int why, program;
	ssize_t put;

	if (reset_signals() && place_fds(p.s, &p.report) && place_program(p.s, p.report, &program) && close_rest(p.s->n_fds, p.report, program) &&
	    (!p.s->cwd || chdir(p.s->cwd) == 0) &&
	    (!p.s->die_with_parent || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0)) {
		/* The parent may have died before the prctl took hold. */
		if (p.s->die_with_parent && getppid() != p.parent)
			_exit(127);
		run(&p, program);
	}
	why = errno;
	put = write(p.report, &why, sizeof(why));
	(void)put;
	_exit(127);
}

enum coffer_rc spawn_start(const struct spawn *s, pid_t *out, struct err *e)
{
	static const char *const path_only[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	CLEANUP(closep) int rd_end = -1;
	CLEANUP(closep) int wr_end = -1;
	int ends[2], why = 0;
	pid_t parent = getpid(), pid;
	ssize_t got;

	if (s->n_fds < 3 || s->n_fds > FDS_MAX)
		return err_set(e, COFFER_E_BUG, "spawn: %zu descriptors", s->n_fds);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "spawn: pipe: %s", strerror(errno));
	rd_end = ends[0];
	wr_end = ends[1];
	pid = s->cgroup ? cgroup_fork(*s->cgroup) : fork();
	if (pid < 0)
		return err_set(e, COFFER_E_SYSTEM, "spawn: fork: %s", strerror(errno));
	if (pid == 0)
		child((struct plan){ s, wr_end, parent, s->env ? s->env : path_only });
	closep(&wr_end);
	wr_end = -1;
	do
		got = read(rd_end, &why, sizeof(why));
	while (got < 0 && errno == EINTR);
	if (got != 0) {
		(void)waitpid(pid, NULL, 0);
		return err_set(e, why == ENOENT ? COFFER_E_NOTFOUND : COFFER_E_SYSTEM, "%s: cannot start: %s", s->argv[0],
		    strerror(got == (ssize_t)sizeof(why) ? why : EIO));
	}
	*out = pid;
	return COFFER_OK;
}

static bool copy_whole(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, PIECE);
	while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

enum coffer_rc spawn_sealed(const char *path, int *out, struct err *e)
{
	CLEANUP(closep) int from = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP(closep) int to = from < 0 ? -1 : memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char head[4];

	if (to < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	if (pread(from, head, sizeof(head), 0) != (ssize_t)sizeof(head) || memcmp(head, "\177ELF", sizeof(head)) != 0) /* public: a mark */
		return err_set(e, COFFER_E_INPUT, "%s: no program", path);
	if (!copy_whole(from, to) || fchmod(to, 0500) != 0 || fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: in memory: %s", path, strerror(errno));
	*out = MOVE_FD(to);
	return COFFER_OK;
}

enum coffer_rc spawn_wait(pid_t pid, int *status, struct err *e)
{
	int st;
	pid_t got;

	do
		got = waitpid(pid, &st, 0);
	while (got < 0 && errno == EINTR);
	if (got != pid)
		return err_set(e, COFFER_E_SYSTEM, "spawn: wait: %s", strerror(errno));
	*status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return COFFER_OK;
}

/* A readable pidfd has ended; false at the end of the time. */
static bool ended_within(int pidfd, int64_t ms)
{
	int64_t until = clock_monotonic_ms() + ms, left = ms;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		left = until - clock_monotonic_ms();
	} while (n <= 0 && left > 0);
	return n > 0;
}

enum coffer_rc spawn_wait_for(pid_t pid, int64_t ms, int *status, bool *timed_out, struct err *e)
{
	CLEANUP(closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	*timed_out = pidfd < 0 || !ended_within(pidfd, ms); /* who cannot be waited for so is not waited for */
	if (*timed_out)
		(void)kill(pid, SIGKILL);
	return spawn_wait(pid, status, e);
}

/* Keeps at most max bytes but reads to the end, so that a talkative child never blocks. */
static void drain(int fd, size_t max, struct wr *w)
{
	uint8_t buf[4096];

	*w = wr_open(max + 1);
	for (;;) {
		ssize_t got = read(fd, buf, sizeof(buf));
		size_t room = max - w->n;

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return;
		wr_put(w, (struct span){ buf, (size_t)got < room ? (size_t)got : room });
	}
}

enum coffer_rc spawn_run(const struct spawn *s, size_t max, char **output, int *status, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(max);
	CLEANUP(closep) int rd_end = -1;
	CLEANUP(closep) int wr_end = -1;
	int ends[2], fds[FDS_MAX] = { 0 };
	struct spawn with = *s;
	char *text;
	pid_t pid = -1;

	if (s->n_fds < 3 || s->n_fds > FDS_MAX)
		return err_set(e, COFFER_E_BUG, "spawn: %zu descriptors", s->n_fds);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "spawn: pipe: %s", strerror(errno));
	rd_end = ends[0];
	wr_end = ends[1];
	memcpy(fds, s->fds, s->n_fds * sizeof(*fds));
	fds[1] = fds[2] = wr_end;
	with.fds = fds;
	TRY(spawn_start(&with, &pid, e));
	closep(&wr_end);
	wr_end = -1;
	drain(rd_end, max, &w);
	TRY(spawn_wait(pid, status, e));
	text = wr_take(&w, NULL);
	if (!text)
		return err_set(e, COFFER_E_SYSTEM, "spawn: out of memory");
	*output = text;
	return COFFER_OK;
}
