#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

#define STAT_MAX   4096
#define START_AT   22 /* field numbers of proc(5) */
#define STATE_AT   3

static struct span word(struct span *line)
{
	struct span w = { line->p, span_find(*line, ' ') };

	*line = span_skip(*line, w.n + 1);
	return w;
}

/* The name in brackets may hold anything, so counting starts behind the last bracket. */
enum coffer_rc process_stat(struct span text, uint64_t *start, bool *ended, struct err *e)
{
	size_t at = text.n;
	uint64_t ticks = 0;
	bool over = false;

	while (at > 0 && text.p[at - 1] != ')')
		at--;
	if (at == 0)
		return err_set(e, COFFER_E_INPUT, "process: its state has no name in it");
	text = span_skip(text, at + 1);
	for (int field = STATE_AT; field <= START_AT; field++) {
		struct span w = word(&text);

		if (w.n == 0 || (field == START_AT && !span_u64(w, &ticks)))
			return err_set(e, COFFER_E_INPUT, "process: field %d of its state cannot be read", field);
		if (field == STATE_AT)
			over = w.p[0] == 'Z' || w.p[0] == 'X';
	}
	*start = ticks;
	*ended = over;
	return COFFER_OK;
}

enum coffer_rc process_of(pid_t pid, struct process *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(STAT_MAX);
	char path[64];
	uint64_t start = 0;
	bool ended = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	TRY(file_read(path, STAT_MAX, &text, e));
	TRY(process_stat(wr_span(&text), &start, &ended, e));
	if (ended)
		return err_set(e, COFFER_E_NOTFOUND, "process %d has ended", (int)pid);
	*out = (struct process){ pid, start };
	return COFFER_OK;
}

static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static enum coffer_rc gone(const struct process *p, struct err *e)
{
	return err_set(e, COFFER_E_NOTFOUND, "process %d has ended", (int)p->pid);
}

/* First the descriptor, then the look: what it is of cannot change any more. What ends between the two shows nothing in /proc, as what this user may not see does
 * not. */
enum coffer_rc process_open(const struct process *p, int *out, struct err *e)
{
	CLEANUP(closep) int fd = p->pid > 0 ? (int)syscall(SYS_pidfd_open, p->pid, 0) : -1;
	struct process now;
	struct err why = { 0 };
	enum coffer_rc rc;

	if (fd < 0 && (p->pid <= 0 || errno == ESRCH))
		return gone(p, e);
	if (fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "process %d: %s", (int)p->pid, strerror(errno));
	rc = process_of(p->pid, &now, &why);
	if (has_ended(fd) || (rc == COFFER_OK && now.start != p->start))
		return gone(p, e);
	if (rc != COFFER_OK)
		return err_set(e, COFFER_E_SYSTEM, "process %d is there, but not for this user to see (%s); root can", (int)p->pid, why.msg);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

enum coffer_rc process_end(const struct process *p, int sig, int64_t ms, struct err *e)
{
	CLEANUP(closep) int fd = -1;
	int64_t until = clock_monotonic_ms() + ms;
	enum coffer_rc rc = process_open(p, &fd, e);
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (rc != COFFER_OK)
		return rc == COFFER_E_NOTFOUND ? COFFER_OK : rc;
	if (syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) != 0 && errno != ESRCH)
		return errno != EPERM ? err_set(e, COFFER_E_SYSTEM, "process %d: %s", (int)p->pid, strerror(errno)) :
		    err_set(e, COFFER_E_SYSTEM, "process %d lives on, for this user may send it no signal; whoever it belongs to can, or root", (int)p->pid);
	for (;;) {
		int64_t left = until - clock_monotonic_ms();
		int n = poll(&ready, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return COFFER_OK;
		if (n == 0 && left <= 0)
			return err_set(e, COFFER_E_UPSTREAM, "process %d does not end", (int)p->pid);
	}
}

enum coffer_rc process_boot(char out[static PROCESS_BOOT_LEN], struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(64);
	struct span s;

	TRY(file_read("/proc/sys/kernel/random/boot_id", 64, &text, e));
	s = wr_span(&text);
	if (s.n < PROCESS_BOOT_LEN - 1)
		return err_set(e, COFFER_E_SYSTEM, "the machine's boot id cannot be read");
	memcpy(out, s.p, PROCESS_BOOT_LEN - 1);
	out[PROCESS_BOOT_LEN - 1] = 0;
	return COFFER_OK;
}
