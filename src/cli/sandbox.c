#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/own.h"
#include "os/cgroup.h"

/* What the guard tells its parent: the error, or OK with the listeners beside it. */
struct hello { struct err e; };

static enum coffer_rc send_listeners(int to, const struct hello *h, const int *fd, size_t n)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int) * ENDPOINTS_MAX)]; } c = { 0 };
	struct iovec io = { (void *)(uintptr_t)h, sizeof(*h) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	struct cmsghdr *k;

	if (n > 0) {
		m.msg_control = &c;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		k = CMSG_FIRSTHDR(&m);
		if (!k)
			return COFFER_E_BUG;
		k->cmsg_level = SOL_SOCKET;
		k->cmsg_type = SCM_RIGHTS;
		k->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(k), fd, sizeof(int) * n);
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*h) ? COFFER_OK : COFFER_E_SYSTEM;
}

static enum coffer_rc recv_listeners(int from, int *fd, size_t n, struct err *e)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int) * ENDPOINTS_MAX)]; } c = { 0 };
	struct hello h;
	struct iovec io = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	struct cmsghdr *k;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC | MSG_WAITALL) != (ssize_t)sizeof(h))
		return err_set(e, COFFER_E_SYSTEM, "guest: it died before it began");
	if (h.e.rc != COFFER_OK) {
		*e = h.e;
		return h.e.rc;
	}
	k = CMSG_FIRSTHDR(&m);
	if (n > 0 && (!k || k->cmsg_len != CMSG_LEN(sizeof(int) * n)))
		return err_set(e, COFFER_E_SYSTEM, "guest: no listeners");
	if (n > 0)
		memcpy(fd, CMSG_DATA(k), sizeof(int) * n);
	return COFFER_OK;
}

static bool die_with(pid_t parent, int sig)
{
	return prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0) == 0 && getppid() == parent;
}

static bool plain_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL); /* fails where nothing can be set */
	return sigemptyset(&none) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Process 1 of the guest. `said` becomes its standard output. */
static _Noreturn void first_process(const struct guest_opts *o, int said)
{
	const char *argv[14 + 2 * BINDINGS_MAX] = { o->agent, "--platform", o->platform, "--initdata", o->initdata, "--socket", o->socket,
		"--state", o->state, "--crun", o->crun, NULL };
	const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int null = open("/dev/null", O_RDONLY);

	size_t n = 11;

	for (size_t i = 0; i < o->n_bindings; i++) {
		argv[n++] = "--binding";
		argv[n++] = o->binding[i];
	}
	if (o->hardware) {
		argv[n++] = "--hardware";
		argv[n++] = o->hardware;
	}
	/* In a new pid namespace the parent is outside and shows as 0. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || sethostname("coffer-guest", 12) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 || null < 0 || dup2(null, 0) < 0 ||
	    dup2(said, 1) < 0 || close_range(3, ~0u, 0) != 0 || !plain_signals())
		_exit(5);
	(void)execve(o->agent, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	(void)dprintf(1, "failed 13 %s: cannot start: %s\n", o->agent, strerror(errno));
	_exit(5);
}

static enum coffer_rc guard_prepare(const struct guest_opts *o, int *fd, struct err *e)
{
	if (setsid() < 0 || unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: namespaces: %s%s", strerror(errno), geteuid() ? " (root is needed)" : "");
	TRY(net_lo_up(e));
	for (size_t i = 0; i < o->n_endpoints; i++)
		TRY(net_listen(o->endpoint[i], &fd[i], e));
	return COFFER_OK;
}

/* Until process 1 has ended, and with it all of the guest; the launcher's SIGTERM ends it. */
static int outlive(pid_t first)
{
	sigset_t s;
	int status, got;

	if (sigemptyset(&s) != 0 || sigaddset(&s, SIGTERM) != 0 || sigaddset(&s, SIGCHLD) != 0)
		return 5;
	while (waitpid(first, &status, WNOHANG) == 0)
		if (sigwait(&s, &got) == 0 && got == SIGTERM)
			(void)kill(first, SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool hold_signals(void)
{
	sigset_t s;

	return sigemptyset(&s) == 0 && sigaddset(&s, SIGTERM) == 0 && sigaddset(&s, SIGCHLD) == 0 && signal(SIGCHLD, SIG_DFL) != SIG_ERR &&
	    sigprocmask(SIG_BLOCK, &s, NULL) == 0;
}

static _Noreturn void guard(const struct guest_opts *o, pid_t parent, int hello, int said)
{
	struct hello h = { { .rc = COFFER_OK } };
	int fd[ENDPOINTS_MAX];
	pid_t first;

	if (!hold_signals() || !die_with(parent, SIGTERM)) /* held: it outlives its launcher until all of the guest has ended */
		_exit(5);
	h.e.rc = guard_prepare(o, fd, &h.e);
	if (send_listeners(hello, &h, fd, h.e.rc == COFFER_OK ? o->n_endpoints : 0) != COFFER_OK || h.e.rc != COFFER_OK)
		_exit(5);
	first = fork();
	if (first == 0)
		first_process(o, said);
	if (first < 0 || close_range(3, ~0u, 0) != 0 || close(1) != 0)
		_exit(5);
	_exit(outlive(first));
}

static pid_t start_relay(const struct guest_opts *o, int *fd)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	if (!die_with(parent, SIGKILL) || setsid() < 0)
		_exit(5);
	/* Above the listeners nothing of the launcher is needed here; below them only the standard three. */
	for (size_t i = 0; i < o->n_endpoints; i++) {
		fd[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, 200);
		if (fd[i] < 200)
			_exit(5);
	}
	if (close_range(3, 199, 0) != 0)
		_exit(5);
	net_relay(fd, o->endpoint, o->n_endpoints);
}

enum coffer_rc guest_start(const struct guest_opts *o, struct guest *out, struct err *e)
{
	CLEANUP(closep) int here = -1;
	CLEANUP(closep) int there = -1;
	CLEANUP(closep) int said = -1;
	CLEANUP(closep) int says = -1;
	struct guest g = { .said = -1 };
	int fd[ENDPOINTS_MAX], pair[2], p[2];
	pid_t parent = getpid();
	enum coffer_rc rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: %s", strerror(errno));
	here = pair[0];
	there = pair[1];
	if (pipe2(p, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: %s", strerror(errno));
	said = p[0];
	says = p[1];
	g.guard = fork();
	if (g.guard == 0)
		guard(o, parent, there, says);
	if (g.guard < 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: %s", strerror(errno));
	closep(&there);
	there = -1;
	rc = recv_listeners(here, fd, o->n_endpoints, e);
	if (rc == COFFER_OK) {
		g.relay = start_relay(o, fd);
		for (size_t i = 0; i < o->n_endpoints; i++)
			(void)close(fd[i]);
		if (g.relay < 0)
			rc = err_set(e, COFFER_E_SYSTEM, "guest: relay: %s", strerror(errno));
	}
	if (rc != COFFER_OK) {
		guest_stop(&g);
		return rc;
	}
	g.said = MOVE_FD(said);
	*out = g;
	return COFFER_OK;
}

static void end(pid_t *pid, int sig)
{
	if (*pid <= 0)
		return;
	(void)kill(*pid, sig);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

/* The guard kills process 1, and with it the guest; when it has ended, nothing of the guest runs. */
void guest_stop(struct guest *g)
{
	if (g->guard > 0) {
		end(&g->guard, g->tpm > 0 ? SIGKILL : SIGTERM); /* a machine has nothing to put away */
		cgroup_sweep(CGROUP_GUEST);
	}
	end(&g->relay, SIGKILL);
	end(&g->tpm, SIGTERM);
	closep(&g->said);
	g->said = -1;
}
