#include "cofferd/fetch/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "os/sandbox.h"

#define CPU_SECONDS 10
#define FDS_END 96 /* what the parent has open is below this */

static enum outcome outcome_of(enum coffer_rc rc, const struct vendor_doc *d)
{
	switch (rc) {
	case COFFER_OK:
		return OUTCOME_GOT;
	case COFFER_E_NOTFOUND:
		return OUTCOME_ABSENT;
	case COFFER_E_UPSTREAM:
		return d->status ? OUTCOME_BUSY : OUTCOME_UNREACHED;
	case COFFER_E_INPUT:
	case COFFER_E_DENIED:
	case COFFER_E_LIMIT:
		return OUTCOME_REFUSED;
	case COFFER_E_SYSTEM:
	case COFFER_E_BUG:
		return OUTCOME_BROKEN;
	}
	return OUTCOME_BROKEN;
}

/* What others wrote goes into a log and to a person. */
void worker_put_reason(struct wr *w, const char *msg)
{
	char text[FETCH_REASON_MAX];

	(void)snprintf(text, sizeof(text), "%.*s", FETCH_REASON_MAX - 1, msg[0] ? msg : "failed");
	for (char *c = text; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	wr_blob32(w, span_of(text));
}

static void say(int fd, struct span s)
{
	while (s.n > 0) {
		ssize_t put = write(fd, s.p, s.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			_exit(3);
		s = span_skip(s, (size_t)put);
	}
}

static _Noreturn void child(worker_job job, const void *arg, int out, pid_t parent)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	struct wr w = wr_open(FETCH_FRAME_MAX);
	struct err e = { 0 };

	for (int fd = STDERR_FILENO + 1; fd < FDS_END; fd++) /* net, the stores, what other workers say */
		if (fd != out)
			(void)close(fd);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent || setrlimit(RLIMIT_CPU, &cpu) != 0 ||
	    sandbox_enter_fetcher(&e) != COFFER_OK)
		_exit(2);
	job(arg, &w);
	if (!wr_ok(&w))
		_exit(2);
	say(out, wr_span(&w));
	_exit(0);
}

struct vendor_job { const struct vendor_sources *s; const struct vendor_item *i; };

static void ask_vendor(const void *arg, struct wr *w)
{
	const struct vendor_job *j = arg;
	struct vendor_doc d = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc = vendor_get(j->s, j->i, &d, &e);

	wr_u8(w, (uint8_t)outcome_of(rc, &d));
	wr_be32(w, d.retry_s);
	wr_blob32(w, rc == COFFER_OK ? wr_span(&d.body) : (struct span){ 0 });
	wr_blob32(w, rc == COFFER_OK ? wr_span(&d.issuers) : (struct span){ 0 });
	worker_put_reason(w, rc == COFFER_OK ? "" : e.msg);
}

enum coffer_rc worker_run(struct worker *w, worker_job job, const void *arg, struct err *e)
{
	CLEANUP(closep) int from = -1, to = -1;
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	from = ends[0];
	to = ends[1];
	if (fcntl(from, F_SETFL, O_NONBLOCK) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		return err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno));
	if (pid == 0)
		child(job, arg, to, parent);
	*w = (struct worker){ pid, MOVE_FD(from), wr_open(FETCH_FRAME_MAX) };
	return COFFER_OK;
}

enum coffer_rc worker_start(struct worker *w, const struct vendor_sources *s, const struct vendor_item *i, struct err *e)
{
	return worker_run(w, ask_vendor, &(struct vendor_job){ s, i }, e);
}

bool worker_read(struct worker *w)
{
	uint8_t buf[16384];

	for (;;) {
		ssize_t n = read(w->fd, buf, sizeof(buf));

		if (n > 0)
			wr_put(&w->said, (struct span){ buf, (size_t)n });
		else if (n < 0 && errno == EINTR)
			continue;
		else
			return n == 0 || errno != EAGAIN;
		if (!wr_ok(&w->said))
			return true;
	}
}

void worker_end(struct worker *w)
{
	if (w->pid > 0) {
		(void)kill(w->pid, SIGKILL); /* one that has said all loses nothing */
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	closep(&w->fd);
	wr_close(&w->said);
	*w = (struct worker){ -1, -1, { 0 } };
}

void worker_word(const struct worker *w, const struct vendor_item *i, struct worker_word *out)
{
	struct rd r = rd_open(wr_ok(&w->said) ? wr_span(&w->said) : (struct span){ 0 });
	uint8_t outcome = rd_u8(&r);
	struct worker_word m = { .retry_s = rd_be32(&r) };
	bool ok;

	m.body = rd_blob32(&r, FETCH_BODY_MAX);
	m.issuers = rd_blob32(&r, FETCH_ISSUERS_MAX);
	m.reason = rd_blob32(&r, FETCH_REASON_MAX);
	ok = rd_done(&r) && outcome <= OUTCOME_BROKEN && m.reason.n > 0;
	for (size_t k = 0; ok && k < m.reason.n; k++)
		ok = m.reason.p[k] >= 0x20 && m.reason.p[k] <= 0x7e;
	if (ok && outcome == OUTCOME_GOT) /* it read hostile bytes: its word on their form is none */
		ok = vendor_shape_ok(i, m.body) && (vendor_item_issuers(i) ? vendor_pem_ok(m.issuers) : m.issuers.n == 0);
	m.outcome = (enum outcome)outcome;
	*out = ok ? m : (struct worker_word){ .outcome = OUTCOME_BROKEN, .reason = span_of("the fetch did not end in order") };
}
