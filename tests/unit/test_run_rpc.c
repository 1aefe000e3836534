/* Waiting for a guest while its parts are watched: one that has ended is noticed, however much the guest still says. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "cli/run_rpc.h"
#include "tests/t.h"

struct pair { int here, there; };

static bool pair_open(struct pair *p)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return false;
	*p = (struct pair){ fd[0], fd[1] };
	return true;
}

static void pair_close(struct pair *p)
{
	(void)close(p->here);
	(void)close(p->there);
}

/* A child that waits, and its pidfd. */
static pid_t part(int *pidfd)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return pid;
}

static void end(pid_t pid, int pidfd)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(pidfd);
}

static void guest_that_goes_on_talking_does_not_hide_that_a_part_ended(void)
{
	CLEANUP(pair_close) struct pair p = { -1, -1 };
	struct err e = { 0 };
	enum coffer_rc rc;
	struct rpc r;
	int said = 0, pidfd;
	int64_t start;
	pid_t pid;

	rpc_init(&r);
	CHECK(pair_open(&p) && write(p.there, "x", 1) == 1); /* never read: always something to hear */
	pid = part(&pidfd);
	r.watch[1] = pidfd;
	CHECK(rpc_wait(&r, p.here, &e) == COFFER_OK && r.gone == 0);
	(void)kill(pid, SIGKILL);
	start = clock_monotonic_ms();
	do {
		rc = rpc_wait(&r, p.here, &e);
		said++;
	} while (rc == COFFER_OK && clock_monotonic_ms() - start < 30000);
	CHECK(rc == COFFER_E_UPSTREAM && strncmp(e.msg, RPC_GONE, sizeof(RPC_GONE) - 1) == 0 && said > 1); /* its last words were heard */
	end(pid, pidfd);
}

static void silent_guest_whose_part_ended_is_gone(void)
{
	CLEANUP(pair_close) struct pair p = { -1, -1 };
	struct err e = { 0 };
	struct rpc r;
	int pidfd;
	pid_t pid;

	rpc_init(&r);
	CHECK(pair_open(&p));
	pid = part(&pidfd);
	r.watch[0] = pidfd;
	(void)kill(pid, SIGKILL);
	CHECK(rpc_wait(&r, p.here, &e) == COFFER_E_UPSTREAM && strncmp(e.msg, RPC_GONE, sizeof(RPC_GONE) - 1) == 0);
	end(pid, pidfd);
}

static void deadline_ends_the_wait(void)
{
	CLEANUP(pair_close) struct pair p = { -1, -1 };
	struct err e = { 0 };
	struct rpc r;

	rpc_init(&r);
	CHECK(pair_open(&p));
	r.until = clock_monotonic_ms() + 20;
	CHECK(rpc_wait(&r, p.here, &e) == COFFER_E_UPSTREAM && strcmp(e.msg, RPC_TIMEOUT) == 0);
	r.late = "its own words"; /* of who has no --timeout */
	CHECK(rpc_wait(&r, p.here, &e) == COFFER_E_UPSTREAM && strcmp(e.msg, "its own words") == 0);
}

int main(void)
{
	static const struct t_case c[] = {
		T(guest_that_goes_on_talking_does_not_hide_that_a_part_ended), T(silent_guest_whose_part_ended_is_gone), T(deadline_ends_the_wait),
	};

	return t_main(c, sizeof(c) / sizeof(c[0]));
}
