#include "cli/self_judge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "judge/ek.h"
#include "judge/evidence.h"
#include "os/sandbox.h"

#define CHILD_SECONDS 10 /* of processor time */
#define OUT_FD 3

struct task { const struct eval_evidence_req *evidence; const struct eval_ek_req *ek; };

static bool write_all(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n <= 0)
			return false;
		s = span_skip(s, (size_t)n);
	}
	return true;
}

/* Of everything that is open here, the connection to the service among it, the child keeps one pipe. */
static bool keep_one(int out)
{
	if (out != OUT_FD && dup2(out, OUT_FD) != OUT_FD)
		return false;
	for (int fd = 0; fd < OUT_FD; fd++)
		(void)close(fd);
	return close_range(OUT_FD + 1, ~0u, 0) == 0;
}

static void child(const struct task *t, int out)
{
	const struct rlimit cpu = { CHILD_SECONDS, CHILD_SECONDS };
	struct wr body = { 0 };
	struct err e = { 0 };
	uint8_t tag;

	if (!keep_one(out) || setrlimit(RLIMIT_CPU, &cpu) != 0 || sandbox_enter_compute(&e) != COFFER_OK)
		_exit(2);
	tag = t->ek ? judge_ek(t->ek, &body) : judge_evidence(t->evidence, &body);
	if (write_all(OUT_FD, (struct span){ &tag, 1 }) && write_all(OUT_FD, wr_span(&body)))
		_exit(0);
	_exit(3);
}

static bool listen_to(int fd, struct wr *said)
{
	uint8_t buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		wr_put(said, (struct span){ buf, (size_t)n });
		if (!wr_ok(said))
			return false;
	}
	return said->n > 0;
}

static void heard(const struct wr *said, bool in_order, uint8_t *tag, struct wr *body)
{
	struct span s = wr_span(said);

	*body = wr_open(EVAL_REPLY_MAX);
	*tag = in_order ? s.p[0] : EVAL_FAILED;
	if (in_order)
		wr_put(body, span_skip(s, 1));
	else
		wr_str(body, "the evaluation did not end in order");
}

static enum coffer_rc ask(const struct task *t, uint8_t *tag, struct wr *body, struct err *e)
{
	CLEANUP(closep) int from = -1, to = -1;
	CLEANUP(wr_close) struct wr said = wr_open(1 + EVAL_REPLY_MAX);
	int ends[2], status = 0;
	bool whole;
	pid_t pid;

	evidence_warm();
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	from = ends[0];
	to = ends[1];
	pid = fork();
	if (pid < 0)
		return err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno));
	if (pid == 0)
		child(t, to);
	closep(&to);
	to = -1;
	whole = listen_to(from, &said);
	closep(&from); /* one that says too much ends by it */
	from = -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "waitpid: %s", strerror(errno));
	heard(&said, whole && WIFEXITED(status) && WEXITSTATUS(status) == 0, tag, body);
	return COFFER_OK;
}

enum coffer_rc self_judge_evidence(const struct eval_evidence_req *q, uint8_t *tag, struct wr *body, struct err *e)
{
	return ask(&(struct task){ .evidence = q }, tag, body, e);
}

enum coffer_rc self_judge_ek(const struct eval_ek_req *q, uint8_t *tag, struct wr *body, struct err *e)
{
	return ask(&(struct task){ .ek = q }, tag, body, e);
}
