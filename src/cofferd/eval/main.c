/* cofferd-eval: reads what strangers wrote, one request in one child.
 *
 * This process parses nothing of a request but its frame's length: it forks, the child gives away every descriptor but a pipe, enters the
 * compute sandbox, judges and ends. So a policy that breaks its child can lie about itself, and about nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "judge/ek.h"
#include "judge/evidence.h"
#include "judge/policy.h"
#include "evidence/evidence.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/sandbox.h"

#define CHILD_SECONDS 2 /* of processor time; its step budget ends it long before */
#define CHILD_MS 5000   /* of any time */
#define OUT_MAX ((size_t)EVAL_JOBS_MAX * (EVAL_REPLY_MAX + 16u)) /* keep asks no more before it has read */

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

/* A request under way. */
struct job { pid_t pid; int from; uint8_t what; uint32_t id; int64_t until; bool late; struct wr said; };
struct jobs {
	struct job job[EVAL_JOBS_MAX]; /* pid 0: free */
	struct zones *zones;
	struct wr  out;                /* frames for keep */
};

static void job_free(struct job *j)
{
	if (j->pid > 0)
		closep(&j->from);
	wr_close(&j->said);
	*j = (struct job){ 0 };
}

/* What others asked and were told is no business of a child. */
static void forget(struct jobs *a)
{
	for (size_t i = 0; i < EVAL_JOBS_MAX; i++)
		job_free(&a->job[i]);
	wr_close(&a->out);
}

static void child(uint8_t what, struct span request, struct jobs *all, int out)
{
	const struct rlimit cpu = { CHILD_SECONDS, CHILD_SECONDS };
	struct reply r = { 0 };
	struct err e = { 0 };

	(void)close(EVAL_FD_KEEP);
	(void)close(EVAL_FD_PARENT);
	forget(all);
	if (setrlimit(RLIMIT_CPU, &cpu) != 0 || sandbox_enter_compute(&e) != COFFER_OK)
		_exit(2);
	r.tag = judge(what, request, all->zones, &r.body);
	if (file_put(out, (struct span){ &r.tag, 1 }) && file_put(out, wr_span(&r.body)))
		_exit(0);
	_exit(3);
}

/* ---- the parent: jobs ---- */

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

static struct job *free_job(struct jobs *a)
{
	for (size_t i = 0; i < EVAL_JOBS_MAX; i++)
		if (a->job[i].pid == 0)
			return &a->job[i];
	return NULL;
}

static enum coffer_rc start_child(struct jobs *a, struct ipc_head h, struct span request, struct err *e)
{
	CLEANUP(closep) int to = -1;
	struct job *j = free_job(a);
	int ends[2];
	pid_t pid;

	if (!j)
		return err_set(e, COFFER_E_INPUT, "keep asked more than %d things at once", EVAL_JOBS_MAX);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	to = ends[1];
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		child(h.tag, request, a, to);
	}
	if (pid < 0) {
		(void)close(ends[0]);
		return err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno));
	}
	*j = (struct job){ .pid = pid, .from = ends[0], .what = h.tag, .id = h.id, .until = clock_monotonic_ms() + CHILD_MS,
		.said = wr_open(1 + (h.tag == EVAL_RELEASE ? EVAL_REASON_MAX : EVAL_REPLY_MAX)) };
	return COFFER_OK;
}

static enum coffer_rc finish(struct jobs *a, struct job *j, struct err *e)
{
	struct reply r = { 0 };
	int status = 0;

	(void)kill(j->pid, SIGKILL); /* an honest child closes its pipe by ending; one that did otherwise is not waited for */
	while (waitpid(j->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "waitpid: %s", strerror(errno));
	heard(j->what, &j->said, !j->late && WIFEXITED(status) && WEXITSTATUS(status) == 0, &r);
	wr_be32(&a->out, (uint32_t)(r.body.n + IPC_ID + 1));
	wr_u8(&a->out, r.tag);
	wr_be32(&a->out, j->id);
	wr_put(&a->out, wr_span(&r.body));
	wr_close(&r.body);
	job_free(j);
	return wr_done(&a->out, "replies", e);
}

/* What the child says until it ends, at most what an honest one says. */
static enum coffer_rc listen_to(struct jobs *a, struct job *j, struct err *e)
{
	uint8_t buf[4096];
	ssize_t r = read(j->from, buf, sizeof(buf));

	if (r < 0 && errno == EINTR)
		return COFFER_OK;
	if (r > 0)
		wr_put(&j->said, (struct span){ buf, (size_t)r });
	if (r > 0 && wr_ok(&j->said))
		return COFFER_OK;
	if (r != 0) {
		j->late = true;
		(void)kill(j->pid, SIGKILL);
	}
	return finish(a, j, e);
}

static enum coffer_rc end_late(struct jobs *a, struct err *e)
{
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < EVAL_JOBS_MAX; i++) {
		struct job *j = &a->job[i];

		if (j->pid == 0 || now < j->until)
			continue;
		j->late = true;
		(void)kill(j->pid, SIGKILL);
		TRY(finish(a, j, e));
	}
	return COFFER_OK;
}

/* ---- the parent: keep ---- */

/* Never waits for keep to read: it may be sending. */
static enum coffer_rc tell(struct jobs *a, struct err *e)
{
	ssize_t n = send(EVAL_FD_KEEP, a->out.p, a->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return COFFER_OK;
	if (n < 0)
		return err_set(e, COFFER_E_UPSTREAM, "keep: %s", strerror(errno));
	a->out.n -= (size_t)n;
	memmove(a->out.p, a->out.p + n, a->out.n);
	return COFFER_OK;
}

static enum coffer_rc take(struct jobs *a, struct err *e)
{
	CLEANUP(wr_close) struct wr request = { 0 };
	struct ipc_head h;

	TRY(ipc_recv_id(EVAL_FD_KEEP, EVAL_FRAME_MAX, &h, &request, e));
	if (h.tag != EVAL_RELEASE && h.tag != EVAL_EVIDENCE && h.tag != EVAL_EK)
		return err_set(e, COFFER_E_INPUT, "keep sent message %u", (unsigned)h.tag);
	return start_child(a, h, wr_span(&request), e);
}

static int time_left(const struct jobs *a)
{
	int64_t now = clock_monotonic_ms(), ms = -1;

	for (size_t i = 0; i < EVAL_JOBS_MAX; i++) {
		int64_t left = a->job[i].until > now ? a->job[i].until - now : 0;

		if (a->job[i].pid != 0 && (ms < 0 || left < ms))
			ms = left;
	}
	return (int)ms;
}

enum { AT_PARENT, AT_KEEP, AT_JOBS };

static enum coffer_rc step(struct jobs *a, bool *end, struct err *e)
{
	struct pollfd p[AT_JOBS + EVAL_JOBS_MAX] = { [AT_PARENT] = { .fd = EVAL_FD_PARENT, .events = POLLIN },
		[AT_KEEP] = { .fd = EVAL_FD_KEEP, .events = (short)(POLLIN | (a->out.n ? POLLOUT : 0)) } };

	for (size_t i = 0; i < EVAL_JOBS_MAX; i++)
		p[AT_JOBS + i] = (struct pollfd){ .fd = a->job[i].pid ? a->job[i].from : -1, .events = POLLIN };
	if (poll(p, AT_JOBS + EVAL_JOBS_MAX, time_left(a)) < 0)
		return errno == EINTR ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
	*end = p[AT_PARENT].revents != 0;
	for (size_t i = 0; i < EVAL_JOBS_MAX && !*end; i++)
		if (p[AT_JOBS + i].revents)
			TRY(listen_to(a, &a->job[i], e));
	TRY(end_late(a, e));
	if (a->out.n > 0)
		TRY(tell(a, e));
	return *end || !(p[AT_KEEP].revents & (POLLIN | POLLHUP)) ? COFFER_OK : take(a, e);
}

static enum coffer_rc serve(struct zones *zones, struct err *e)
{
	struct jobs a = { .zones = zones, .out = wr_open(OUT_MAX) };
	enum coffer_rc rc = COFFER_OK;
	bool end = false;

	while (!end && rc == COFFER_OK)
		rc = step(&a, &end, e);
	forget(&a);
	return rc == COFFER_E_UPSTREAM ? COFFER_OK : rc; /* keep has gone */
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
	(void)malloc_trim(0); /* each child is a copy of what is left */
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
