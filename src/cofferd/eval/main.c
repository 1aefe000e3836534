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
#include "judge/ek.h"
#include "judge/evidence.h"
#include "judge/policy.h"
#include "evidence/evidence.h"
#include "os/ipc.h"
#include "os/sandbox.h"

#define CHILD_SECONDS 2 /* of processor time; its step budget ends it long before */
#define CHILD_MS 5000   /* of any time */

/* What goes back to keep. */
struct reply { uint8_t tag; struct wr body; };

/* ---- the child ---- */

static uint8_t release(struct span request, struct zones *zones, struct wr *body)
{
	struct eval_release_req q;
	struct judged v = { .answer = EVAL_ERROR };
	struct err e = { 0 };

	if (eval_release_req_read(request, &q, &e) == COFFER_OK)
		judge_release(&q, zones, &v);
	*body = wr_open(EVAL_REASON_MAX);
	wr_put(body, (struct span){ (const uint8_t *)v.reason, strnlen(v.reason, sizeof(v.reason)) });
	return (uint8_t)v.answer;
}

static uint8_t evidence(struct span request, struct wr *body)
{
	struct eval_evidence_req q;
	struct err e = { 0 };

	if (eval_evidence_req_read(request, &q, &e) == COFFER_OK)
		return judge_evidence(&q, body);
	*body = wr_open(sizeof(e.msg));
	wr_str(body, e.msg);
	return EVAL_FAILED;
}

static uint8_t ek_certificate(struct span request, struct wr *body)
{
	struct eval_ek_req q;
	struct err e = { 0 };

	if (eval_ek_req_read(request, &q, &e) == COFFER_OK)
		return judge_ek(&q, body);
	*body = wr_open(sizeof(e.msg));
	wr_str(body, e.msg);
	return EVAL_FAILED;
}

static uint8_t judge(uint8_t what, struct span request, struct zones *zones, struct wr *body)
{
	if (what == EVAL_RELEASE)
		return release(request, zones, body);
	return what == EVAL_EK ? ek_certificate(request, body) : evidence(request, body);
}

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

static void child(uint8_t what, struct span request, struct zones *zones, int out)
{
	const struct rlimit cpu = { CHILD_SECONDS, CHILD_SECONDS };
	struct reply r = { 0 };
	struct err e = { 0 };

	(void)close(EVAL_FD_KEEP);
	(void)close(EVAL_FD_PARENT);
	if (setrlimit(RLIMIT_CPU, &cpu) != 0 || sandbox_enter_compute(&e) != COFFER_OK)
		_exit(2);
	r.tag = judge(what, request, zones, &r.body);
	if (write_all(out, (struct span){ &r.tag, 1 }) && write_all(out, wr_span(&r.body)))
		_exit(0);
	_exit(3);
}

/* ---- the parent ---- */

/* Everything the child says until it ends, at most what an honest one says. False when it did not end in time. */
static bool listen_to(int fd, struct wr *said)
{
	int64_t until = clock_monotonic_ms() + CHILD_MS;
	uint8_t buf[4096];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - clock_monotonic_ms();
		ssize_t r;

		if (left <= 0 || !wr_ok(said))
			return false;
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return false;
		if (p.revents == 0)
			continue;
		r = read(fd, buf, sizeof(buf));
		if (r <= 0)
			return r == 0;
		wr_put(said, (struct span){ buf, (size_t)r });
	}
}

static bool known_tag(uint8_t what, uint8_t tag)
{
	return what == EVAL_RELEASE ? tag <= EVAL_BUDGET : tag <= VERDICT_COLLATERAL || tag == EVAL_FAILED;
}

static void heard(uint8_t what, const struct wr *said, bool in_order, struct reply *out)
{
	struct span s = wr_span(said);

	if (in_order && wr_ok(said) && s.n > 0 && known_tag(what, s.p[0])) {
		out->tag = s.p[0];
		out->body = wr_open(s.n);
		wr_put(&out->body, span_skip(s, 1));
		return;
	}
	out->tag = what == EVAL_RELEASE ? EVAL_BUDGET : EVAL_FAILED;
	out->body = wr_open(EVAL_REASON_MAX);
	wr_str(&out->body, "the evaluation did not end in order");
}

static enum coffer_rc start_child(uint8_t what, struct span request, struct zones *zones, pid_t *pid, int *from, struct err *e)
{
	CLEANUP(closep) int to = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	*from = ends[0];
	to = ends[1];
	*pid = fork();
	if (*pid < 0)
		return err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno));
	if (*pid == 0) {
		(void)close(*from);
		child(what, request, zones, to);
	}
	return COFFER_OK;
}

static enum coffer_rc ask_child(uint8_t what, struct span request, struct zones *zones, struct reply *out, struct err *e)
{
	CLEANUP(closep) int from = -1;
	CLEANUP(wr_close) struct wr said = wr_open(1 + (what == EVAL_RELEASE ? EVAL_REASON_MAX : EVAL_REPLY_MAX));
	bool in_time;
	int status = 0;
	pid_t pid = -1;

	TRY(start_child(what, request, zones, &pid, &from, e));
	in_time = listen_to(from, &said);
	if (!in_time)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "waitpid: %s", strerror(errno));
	heard(what, &said, in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0, out);
	return COFFER_OK;
}

static enum coffer_rc serve(struct zones *zones, struct err *e)
{
	CLEANUP(wr_close) struct wr request = { 0 };

	while (ipc_wait(EVAL_FD_KEEP, EVAL_FD_PARENT)) {
		struct reply r = { 0 };
		uint8_t tag = 0;
		enum coffer_rc got = ipc_recv(EVAL_FD_KEEP, EVAL_FRAME_MAX, &tag, &request, e);

		if (got == COFFER_E_UPSTREAM)
			return COFFER_OK; /* keep has gone */
		if (got != COFFER_OK)
			return got;
		if (tag != EVAL_RELEASE && tag != EVAL_EVIDENCE && tag != EVAL_EK)
			return err_set(e, COFFER_E_INPUT, "keep sent message %u", (unsigned)tag);
		got = ask_child(tag, wr_span(&request), zones, &r, e);
		if (got == COFFER_OK)
			got = ipc_send(EVAL_FD_KEEP, r.tag, wr_span(&r.body), e);
		wr_close(&r.body);
		TRY(got);
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
	evidence_warm();
	judge_warm();
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
