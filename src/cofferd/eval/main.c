/* cofferd-eval: reads what strangers wrote, one request in one child.
 *
 * This process parses nothing of a request but its frame's length: it forks, the child gives away every descriptor but a pipe, enters the
 * compute sandbox, judges and ends. So a policy that breaks its child can lie about itself, and about nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/eval/judge.h"
#include "os/ipc.h"
#include "os/sandbox.h"

#define CHILD_SECONDS 2 /* of processor time; its step budget ends it long before */
#define CHILD_MS 5000   /* of any time */

/* ---- the child ---- */

static void child(struct span request, struct zones *zones, int out)
{
	const struct rlimit cpu = { CHILD_SECONDS, CHILD_SECONDS };
	struct eval_release_req q;
	struct verdict v = { .answer = EVAL_ERROR };
	struct err e = { 0 };
	uint8_t answer;

	(void)close(EVAL_FD_KEEP);
	(void)close(EVAL_FD_PARENT);
	if (setrlimit(RLIMIT_CPU, &cpu) != 0 || sandbox_enter_compute(&e) != COFFER_OK)
		_exit(2);
	if (eval_release_req_read(request, &q, &e) == COFFER_OK)
		judge_release(&q, zones, &v);
	answer = (uint8_t)v.answer;
	if (write(out, &answer, 1) == 1)
		(void)!write(out, v.reason, strnlen(v.reason, sizeof(v.reason)));
	_exit(0);
}

/* ---- the parent ---- */

/* Everything the child says until it ends, at most n bytes. False when it did not end in time. */
static bool listen_to(int fd, char *buf, size_t n, size_t *got)
{
	int64_t until = clock_monotonic_ms() + CHILD_MS;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - clock_monotonic_ms();
		ssize_t r;

		if (left <= 0 || *got == n) /* an honest child says less */
			return false;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return false;
		if (p.revents == 0)
			continue;
		r = read(fd, buf + *got, n - *got);
		if (r <= 0)
			return r == 0;
		*got += (size_t)r;
	}
}

static struct verdict heard(const char *said, size_t n, bool in_time, int status)
{
	struct verdict v = { .answer = EVAL_BUDGET };
	uint8_t answer = n > 0 ? (uint8_t)said[0] : EVAL_ERROR;

	if (!in_time || !WIFEXITED(status) || WEXITSTATUS(status) != 0 || n == 0 || answer > EVAL_BUDGET) {
		(void)snprintf(v.reason, sizeof(v.reason), "the evaluation did not end in order");
		return v;
	}
	v.answer = (enum eval_answer)answer;
	memcpy(v.reason, said + 1, n - 1);
	for (size_t i = 0; i + 1 < n; i++)
		if (v.reason[i] < 0x20 || v.reason[i] > 0x7e)
			v.reason[i] = '?';
	return v;
}

static enum coffer_rc ask_child(struct span request, struct zones *zones, struct verdict *out, struct err *e)
{
	CLEANUP(closep) int from = -1, to = -1;
	char said[EVAL_REASON_MAX + 1] = { 0 };
	size_t n = 0;
	bool in_time;
	int ends[2], status = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid < 0)
		return err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno));
	if (pid == 0) {
		(void)close(from);
		child(request, zones, to);
	}
	closep(&to);
	to = -1;
	in_time = listen_to(from, said, sizeof(said), &n);
	if (!in_time)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "waitpid: %s", strerror(errno));
	*out = heard(said, n, in_time, status);
	return COFFER_OK;
}

static enum coffer_rc serve(struct zones *zones, struct err *e)
{
	CLEANUP(wr_close) struct wr request = { 0 };

	while (ipc_wait(EVAL_FD_KEEP, EVAL_FD_PARENT)) {
		struct verdict v = { .answer = EVAL_ERROR };
		uint8_t tag = 0;
		enum coffer_rc got = ipc_recv(EVAL_FD_KEEP, EVAL_FRAME_MAX, &tag, &request, e);

		if (got == COFFER_E_UPSTREAM)
			return COFFER_OK; /* keep has gone */
		if (got != COFFER_OK)
			return got;
		if (tag != EVAL_RELEASE)
			return err_set(e, COFFER_E_INPUT, "keep sent message %u", (unsigned)tag);
		TRY(ask_child(wr_span(&request), zones, &v, e));
		TRY(ipc_send(EVAL_FD_KEEP, (uint8_t)v.answer, span_of(v.reason), e));
		wr_close(&request);
	}
	return COFFER_OK;
}

/* Zone files come from the machine's packages, not from a stranger. Without them the service runs, and a policy that asks for one
 * denies. */
static void load_zones(struct zones *z)
{
	struct err e = { 0 };

	if (zones_load(z, &e) != COFFER_OK)
		(void)fprintf(stderr, "cofferd-eval: no named time zone is known: %s\n", e.msg);
}

static enum coffer_rc run(struct zones *z, struct err *e)
{
	TRY(sandbox_drop_root(e));
	load_zones(z);
	TRY(sandbox_enter_forker(e));
	if (write(EVAL_FD_PARENT, "R", 1) != 1)
		return err_set(e, COFFER_E_SYSTEM, "the parent is gone");
	return serve(z, e);
}

int main(void)
{
	CLEANUP(zones_close) struct zones zones = zones_open(ZONES_FOLDER);
	struct err e = { 0 };

	(void)setvbuf(stderr, NULL, _IOLBF, 4096);
	(void)signal(SIGPIPE, SIG_IGN);
	if (run(&zones, &e) != COFFER_OK) {
		(void)fprintf(stderr, "cofferd-eval: %s\n", e.msg);
		return 1;
	}
	return 0;
}
