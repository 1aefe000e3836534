#include "agent/guard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "trust/manifest.h"

/* A handler is given nothing, so this alone is the file's: it is changed only while the signal is blocked. */
static struct { bool on; int pidfd; int64_t at; } due[MAN_CONTAINERS_MAX];
static timer_t timer;

static void arm(void)
{
	struct itimerspec t = { .it_value = { 0 } };
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++)
		if (due[i].on && due[i].at < first)
			first = due[i].at;
	if (first != INT64_MAX) {
		first = first > 0 ? first : 1; /* zero would be no timer */
		t.it_value = (struct timespec){ .tv_sec = first / 1000, .tv_nsec = first % 1000 * 1000000 };
	}
	(void)timer_settime(timer, TIMER_ABSTIME, &t, NULL);
}

/* Calls only what a handler may: clock_gettime, timer_settime and a bare system call. */
static void on_time(int sig)
{
	int64_t now = clock_boot_ms();
	int keep = errno;

	(void)sig;
	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++)
		if (due[i].on && now >= due[i].at) {
			(void)syscall(SYS_pidfd_send_signal, due[i].pidfd, SIGKILL, NULL, 0);
			due[i].on = false;
		}
	arm();
	errno = keep;
}

enum coffer_rc guard_open(struct err *e)
{
	struct sigaction s = { .sa_handler = on_time, .sa_flags = SA_RESTART };
	struct sigevent v = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };

	(void)sigemptyset(&s.sa_mask);
	if (sigaction(SIGALRM, &s, NULL) != 0 || timer_create(CLOCK_BOOTTIME, &v, &timer) != 0)
		return err_set(e, COFFER_E_SYSTEM, "guest: lease timer: %s", strerror(errno));
	return COFFER_OK;
}

static void change(size_t i, bool on, int pidfd, int64_t at)
{
	sigset_t s, before;

	if (on == due[i].on && (!on || (pidfd == due[i].pidfd && at == due[i].at)))
		return;
	(void)sigemptyset(&s);
	(void)sigaddset(&s, SIGALRM);
	(void)sigprocmask(SIG_BLOCK, &s, &before);
	due[i].on = on;
	due[i].pidfd = pidfd;
	due[i].at = at;
	arm();
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

void guard_set(size_t i, int pidfd, int64_t at)
{
	change(i, true, pidfd, at);
}

void guard_clear(size_t i)
{
	change(i, false, -1, 0);
}
