#include "cli/selftest/judge.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_job.h"
#include "evidence/rim.h"
#include "judge/evidence.h"
#include "os/sandbox.h"

#define CHILD_SECONDS 20

void selftest_judge_begin(void)
{
	evidence_warm();
}

/* ---- in the child ---- */

/* A TPM's are its claims. */
static enum coffer_rc put_pcrs(struct json_wr *j, const struct ev_out *o, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *claims;

	if (o->facts.n_regs > 0 || o->claims.n == 0)
		return COFFER_OK;
	TRY(json_parse(wr_span(&o->claims), BUNDLE_VERDICT_MAX, &doc, e));
	claims = json_root(doc);
	for (size_t i = 0; i < json_len(claims); i++)
		if (json_name(claims, i).n == 5 && span_starts(json_name(claims, i), "pcr")) {
			jw_namen(j, json_name(claims, i));
			jw_value(j, json_at(claims, i));
		}
	return COFFER_OK;
}

static enum coffer_rc put(const struct tee_driver *d, const struct ev_out *o, struct wr *text, struct err *e)
{
	struct json_wr j = jw_open(text, false);

	jw_obj(&j);
	TRY(evidence_put_verdict(&j, d, o, e));
	jw_name(&j, "registers");
	jw_obj(&j);
	for (size_t i = 0; i < o->facts.n_regs; i++)
		jw_m_hex(&j, o->facts.reg[i].name, (struct span){ o->facts.reg[i].v, o->facts.reg[i].n });
	TRY(put_pcrs(&j, o, e));
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(text, "verdict", e);
}

static enum coffer_rc appraise(const struct bundle *b, const struct bundle_item *i, enum verdict *v, struct wr *text, struct err *e)
{
	const struct tee_driver *d = tee_driver_find(span_of(i->platform));
	CLEANUP(collateral_clear) struct collateral col = { .manifests = rim_manifest };
	struct ev_in in = { .evidence = wr_span(&i->evidence), .col = &col, .now = b->time, .report_data = wr_span(&i->report_data) };
	CLEANUP(ev_out_clear) struct ev_out out = { 0 };

	if (!d)
		return err_set(e, COFFER_E_INPUT, "platform %s is none that this version knows", i->platform);
	for (size_t k = 0; k < b->n_files; k++)
		TRY(collateral_add(wr_span(&b->file[k].bytes), b->file[k].root, &col, e));
	TRY(d->appraise(&in, &out, e));
	*v = out.verdict;
	return put(d, &out, text, e);
}

/* The result: the error, then verdict and text. */
struct said { struct err e; enum verdict v; };

static bool write_all(int fd, const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n > 0) {
		ssize_t w = write(fd, at, n);

		if (w <= 0 && errno != EINTR)
			return false;
		at += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
	return true;
}

static _Noreturn void child(const struct bundle *b, const struct bundle_item *i, int out)
{
	const struct rlimit cpu = { CHILD_SECONDS, CHILD_SECONDS };
	struct wr text = wr_open(BUNDLE_VERDICT_MAX);
	struct said s = { 0 };

	if (setrlimit(RLIMIT_CPU, &cpu) != 0 || sandbox_enter_compute(&s.e) != COFFER_OK)
		_exit(2);
	s.e.rc = appraise(b, i, &s.v, &text, &s.e);
	_exit(write_all(out, &s, sizeof(s)) && write_all(out, text.p, text.n) ? 0 : 3);
}

/* ---- the parent ---- */

static enum coffer_rc listen_to(int fd, struct wr *all, struct err *e)
{
	uint8_t buf[4096];
	ssize_t n;

	*all = wr_open(sizeof(struct said) + BUNDLE_VERDICT_MAX);
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, COFFER_E_SYSTEM, "the appraisal: %s", strerror(errno));
		wr_put(all, (struct span){ buf, (size_t)n });
	}
	return wr_done(all, "verdict", e);
}

/* What a child that ended well has said; one that was broken into can say what it likes of its own evidence, and nothing else. */
static enum coffer_rc take(const struct wr *all, int status, enum verdict *v, struct wr *text, struct err *e)
{
	struct said s;

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || all->n < sizeof(s))
		return err_set(e, COFFER_E_SYSTEM, "the appraisal ended with %s %d", WIFSIGNALED(status) ? "signal" : "code",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	memcpy(&s, all->p, sizeof(s));
	s.e.msg[sizeof(s.e.msg) - 1] = s.e.check[sizeof(s.e.check) - 1] = 0;
	if (s.e.rc != COFFER_OK)
		return err_set(e, COFFER_E_INPUT, "%s", s.e.msg);
	if (s.v < VERDICT_VALID || s.v > VERDICT_COLLATERAL)
		return err_set(e, COFFER_E_SYSTEM, "the appraisal says no verdict");
	*v = s.v;
	*text = wr_open(BUNDLE_VERDICT_MAX);
	wr_put(text, span_skip(wr_span(all), sizeof(s)));
	return wr_done(text, "verdict", e);
}

enum coffer_rc selftest_judge(const struct bundle *b, const struct bundle_item *i, enum verdict *v, struct wr *text, struct err *e)
{
	CLEANUP(wr_close) struct wr all = { 0 };
	enum coffer_rc rc;
	int fd[2], status = 0;
	pid_t pid;

	(void)fflush(NULL);
	if (pipe2(fd, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		child(b, i, fd[1]);
	(void)close(fd[1]);
	rc = pid < 0 ? err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno)) : listen_to(fd[0], &all, e);
	(void)close(fd[0]);
	if (pid < 0)
		return rc;
	if (rc != COFFER_OK)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return rc == COFFER_OK ? take(&all, status, v, text, e) : rc;
}
