#include "agent/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "trust/manifest.h"

/* What both threads have, and nothing else: under the lock. */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct { bool on; int pidfd; int64_t at; } due[MAN_CONTAINERS_MAX];
static struct { bool on, wiped; int fd; int64_t at; } file[MAN_VOLUMES_MAX];
static int timer = -1;

void guard_hold(void)
{
	(void)pthread_mutex_lock(&lock);
}

void guard_release(void)
{
	(void)pthread_mutex_unlock(&lock);
}

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
	(void)timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
}

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

/* Processes first: that is done at once. */
static void end(int64_t now)
{
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
}

/* Allocates nothing and takes no other lock, so that the loop may fork at any time. */
static void *watch(void *unused)
{
	uint64_t times;

	for (;;)
		if (read(timer, &times, sizeof(times)) == (ssize_t)sizeof(times)) {
			guard_hold();
			end(clock_boot_ms());
			arm();
			guard_release();
		}
	return unused;
}

/* Signals are the loop's. */
static int start(void)
{
	sigset_t all, before;
	pthread_t thread;
	int why;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	why = pthread_create(&thread, NULL, watch, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return why != 0 ? why : pthread_detach(thread);
}

enum coffer_rc guard_open(struct err *e)
{
	int why;

	timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	why = timer < 0 ? errno : start();
	return why == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "guest: lease timer: %s", strerror(why));
}

static void change(size_t i, bool on, int pidfd, int64_t at)
{
	guard_hold();
	if (on != due[i].on || (on && (pidfd != due[i].pidfd || at != due[i].at))) {
		due[i].on = on;
		due[i].pidfd = pidfd;
		due[i].at = at;
		arm();
	}
	guard_release();
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
	guard_hold();
	if (!file[v].wiped && (!file[v].on || at != file[v].at)) {
		file[v].on = true;
		file[v].fd = fd;
		file[v].at = at;
		arm();
	}
	guard_release();
}

void guard_file_clear(size_t v)
{
	guard_hold();
	file[v].on = file[v].wiped = false;
	guard_release();
}

bool guard_wiped(size_t v)
{
	bool wiped;

	guard_hold();
	wiped = file[v].wiped;
	guard_release();
	return wiped;
}
