#include "agent/guard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "trust/manifest.h"

/* A handler is given nothing, so this alone is the file's: it is changed only while the signal is blocked. */
static struct { bool on; int pidfd; int64_t at; } due[MAN_CONTAINERS_MAX];
static struct { bool on, wiped; int fd; int64_t at; } file[MAN_VOLUMES_MAX];
static timer_t timer;

static void arm(void)
{
	struct itimerspec t = { .it_value = { 0 } };
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < MAN_CONTAINERS_MAX; i++)
		if (due[i].on && due[i].at < first)
			first = due[i].at;
	for (size_t v = 0; v < MAN_VOLUMES_MAX; v++)
		if (file[v].on && file[v].at < first)
			first = file[v].at;
	if (first != INT64_MAX) {
		first = first > 0 ? first : 1; /* zero would be no timer */
		t.it_value = (struct timespec){ .tv_sec = first / 1000, .tv_nsec = first % 1000 * 1000000 };
	}
	(void)timer_settime(timer, TIMER_ABSTIME, &t, NULL);
}

/* Calls only what a handler may: fstat, ftruncate, and pwrite, which is a bare system call. */
bool guard_wipe(int fd)
{
	static const uint8_t zero[65536];
	struct stat st;
	bool whole;

	if (fstat(fd, &st) != 0)
		return false;
	whole = st.st_size == 0;
	for (off_t at = 0; at < st.st_size;) {
		size_t n = st.st_size - at < (off_t)sizeof(zero) ? (size_t)(st.st_size - at) : sizeof(zero);
		ssize_t got = pwrite(fd, zero, n, at);

		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		at += got > 0 ? got : 0;
		whole = at >= st.st_size;
	}
	return ftruncate(fd, 0) == 0 && whole;
}

/* Processes first: that is done at once. Calls only what a handler may: clock_gettime, timer_settime and a bare system call. */
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
	for (size_t v = 0; v < MAN_VOLUMES_MAX; v++)
		if (file[v].on && now >= file[v].at) {
			(void)!guard_wipe(file[v].fd); /* once more, and said where it fails, when the loop is back */
			file[v].on = false;
			file[v].wiped = true;
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

static void block(int how, sigset_t *before)
{
	sigset_t s;

	(void)sigemptyset(&s);
	(void)sigaddset(&s, SIGALRM);
	(void)sigprocmask(how, &s, before);
}

void guard_hold(void)
{
	block(SIG_BLOCK, NULL);
}

void guard_release(void)
{
	block(SIG_UNBLOCK, NULL);
}

static void change(size_t i, bool on, int pidfd, int64_t at)
{
	sigset_t before;

	if (on == due[i].on && (!on || (pidfd == due[i].pidfd && at == due[i].at)))
		return;
	block(SIG_BLOCK, &before);
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

void guard_file(size_t v, int fd, int64_t at)
{
	sigset_t before;

	if (file[v].wiped || (file[v].on && at == file[v].at))
		return;
	block(SIG_BLOCK, &before);
	file[v].fd = fd;
	file[v].at = at;
	file[v].on = !file[v].wiped;
	arm();
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

void guard_file_clear(size_t v)
{
	sigset_t before;

	if (!file[v].on && !file[v].wiped)
		return;
	block(SIG_BLOCK, &before);
	file[v].on = file[v].wiped = false;
	arm();
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

bool guard_wiped(size_t v)
{
	return file[v].wiped;
}
