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

/* First the descriptor, then the look: what it is of cannot change any more. */
int process_open(const struct process *p)
{
	CLEANUP(closep) int fd = p->pid > 0 ? (int)syscall(SYS_pidfd_open, p->pid, 0) : -1;
	struct process now;
	struct err unused;

	if (fd < 0 || process_of(p->pid, &now, &unused) != COFFER_OK || now.start != p->start)
		return -1;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return MOVE_FD(fd);
}

enum coffer_rc process_end(const struct process *p, int sig, int64_t ms, struct err *e)
{
	CLEANUP(closep) int fd = process_open(p);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int64_t until = clock_monotonic_ms() + ms;

	if (fd < 0)
		return COFFER_OK;
	if (syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) != 0 && errno != ESRCH)
		return err_set(e, COFFER_E_SYSTEM, "process %d: %s", (int)p->pid, strerror(errno));
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
