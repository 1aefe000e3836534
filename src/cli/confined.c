#include "cli/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "os/file.h"
#include "os/sandbox.h"

/* What ends every child's words: its error, as it is. */
#define SAID_LEN (1 + sizeof(((struct err *)0)->check) + sizeof(((struct err *)0)->msg))

/* ---- in the child ---- */

static _Noreturn void child(confined_job *job, void *arg, int out)
{
	static char buffer[64u << 10]; /* ours, so that no call asks what kind of file stdout is */
	const struct rlimit cpu = { CONFINED_SECONDS, CONFINED_SECONDS };
	uint8_t said[SAID_LEN] = { 0 };
	struct err e = { 0 };

	if (dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || close_range(STDERR_FILENO, ~0u, 0) != 0 || setvbuf(stdout, buffer, _IOFBF, sizeof(buffer)) != 0 ||
	    setrlimit(RLIMIT_CPU, &cpu) != 0)
		_exit(2);
	said[0] = (uint8_t)sandbox_enter_compute(&e);
	if (said[0] == COFFER_OK)
		said[0] = (uint8_t)job(arg, &e);
	if (said[0] != COFFER_OK) {
		memcpy(said + 1, e.check, sizeof(e.check));
		memcpy(said + 1 + sizeof(e.check), e.msg, sizeof(e.msg));
	}
	_exit(fflush(stdout) == 0 && file_put(STDOUT_FILENO, SPAN(said)) ? 0 : 3);
}

/* ---- here ---- */

static enum coffer_rc listen_to(int fd, struct wr *all, struct err *e)
{
	uint8_t buf[16u << 10];

	while (wr_ok(all)) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n == 0)
			return COFFER_OK;
		if (n < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "the child that reads it: %s", strerror(errno));
		wr_put(all, (struct span){ buf, n > 0 ? (size_t)n : 0 });
	}
	return err_set(e, COFFER_E_INPUT, "what there is to say about it is more than %u bytes", CONFINED_TEXT_MAX);
}

/* Bytes of a character at s that moves no terminal; 0: none is there. Controls have one byte, and of UTF-8 (C1) two. */
static size_t harmless(struct span s)
{
	uint8_t c = s.p[0];
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	if (n > s.n || (n == 1 && (c < 0x20 || c == 0x7f) && c != '\n' && c != '\t') || (n == 2 && c == 0xc2 && s.p[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static void print(struct span text)
{
	while (text.n > 0) {
		size_t n = harmless(text);

		if (n > 0)
			(void)fwrite(text.p, 1, n, stdout);
		else
			(void)putchar('?');
		text = span_skip(text, n > 0 ? n : 1);
	}
}

static void put_text(char *out, size_t room, const uint8_t *from)
{
	memcpy(out, from, room - 1);
	out[room - 1] = '\0';
	for (struct span s = { (const uint8_t *)out, strlen(out) }; s.n > 0;) {
		size_t n = harmless(s);

		if (n == 0)
			out[strlen(out) - s.n] = '?';
		s = span_skip(s, n > 0 ? n : 1);
	}
}

static enum coffer_rc take(const struct wr *all, int status, bool *whole, struct err *e)
{
	const uint8_t *said = all->n >= SAID_LEN ? all->p + all->n - SAID_LEN : NULL;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return err_set(e, COFFER_E_INPUT, "it took more than %d seconds to read it", CONFINED_SECONDS);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !said || said[0] > COFFER_E_BUG)
		return err_set(e, COFFER_E_INPUT, "the child that reads it ended with %s %d: malformed, or made to break its reader",
		    WIFSIGNALED(status) ? "signal" : "code", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	*whole = true;
	if (said[0] == COFFER_OK)
		return COFFER_OK;
	e->rc = (enum coffer_rc)said[0];
	put_text(e->check, sizeof(e->check), said + 1);
	put_text(e->msg, sizeof(e->msg), said + 1 + sizeof(e->check));
	return e->rc;
}

/* *whole: the child has ended in order, and what is in `all` before its last words is what it printed. */
static enum coffer_rc run(confined_job *job, void *arg, struct wr *all, bool *whole, struct err *e)
{
	enum coffer_rc rc;
	int fd[2], status = 0;
	pid_t pid;

	(void)fflush(NULL);
	if (pipe2(fd, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		child(job, arg, fd[1]);
	(void)close(fd[1]);
	rc = pid < 0 ? err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno)) : listen_to(fd[0], all, e);
	(void)close(fd[0]);
	if (pid < 0)
		return rc;
	if (rc != COFFER_OK)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return rc == COFFER_OK ? take(all, status, whole, e) : rc;
}

enum coffer_rc confined_printing(confined_job *job, void *arg, bool *printed, struct err *e)
{
	CLEANUP(wr_close) struct wr all = wr_open(CONFINED_TEXT_MAX + SAID_LEN);
	bool whole = false;
	enum coffer_rc rc = run(job, arg, &all, &whole, e);

	*printed = whole && all.n > SAID_LEN;
	if (whole)
		print((struct span){ all.p, all.n - SAID_LEN });
	return rc;
}

enum coffer_rc confined(confined_job *job, void *arg, struct err *e)
{
	bool printed = false;

	return confined_printing(job, arg, &printed, e);
}

enum coffer_rc confined_text(confined_job *job, void *arg, struct wr *text, struct err *e)
{
	struct wr all = wr_open(CONFINED_TEXT_MAX + SAID_LEN);
	bool whole = false;
	enum coffer_rc rc = run(job, arg, &all, &whole, e);

	if (rc != COFFER_OK) {
		wr_close(&all);
		return rc;
	}
	all.n -= SAID_LEN;
	*text = all;
	return COFFER_OK;
}
