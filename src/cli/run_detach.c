/* `coffer run --detach`: a process of its own holds the pod; who asked for it sees it start, and is told that it runs or why not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/pods/watch.h"
#include "cli/run_int.h"

struct told { int32_t code; struct err e; };

void run_tell(struct run *r, const struct err *e, int code)
{
	struct told t = { .code = code, .e = *e };

	if (r->tell >= 0 && write(r->tell, &t, sizeof(t)) != (ssize_t)sizeof(t))
		run_say("nobody waits for this pod any more");
	closep(&r->tell);
	r->tell = -1;
}

/* Nothing of whoever started it, but its folder. */
static enum coffer_rc let_go(const struct run *r, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/" POD_LOG, r->place.path);
	CLEANUP(closep) int log = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	CLEANUP(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (setsid() < 0 || log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0)
		return err_set(e, COFFER_E_SYSTEM, "detaching: %s", strerror(errno));
	return COFFER_OK;
}

/* ---- who waits ---- */

struct attend { int told, log, signal; uint64_t at; pid_t pid; struct watch watch; };

static void attend_clear(struct attend *a)
{
	closep(&a->told);
	closep(&a->log);
	watch_close(&a->watch);
}

static bool heard(const struct attend *a, struct told *out)
{
	*out = (struct told){ .code = 0 };
	if (read(a->told, out, sizeof(*out)) == (ssize_t)sizeof(*out))
		return true;
	out->code = 5;
	(void)err_set(&out->e, COFFER_E_SYSTEM, "the pod's launcher was killed");
	return true;
}

/* An interrupt is the launcher's to carry out: it knows what there is to end. */
static enum coffer_rc attend(struct attend *a, struct told *out, struct err *e)
{
	for (;;) {
		struct pollfd p[3] = { { .fd = a->told, .events = POLLIN }, { .fd = a->signal, .events = POLLIN }, { .fd = watch_fd(&a->watch), .events = POLLIN } };

		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
		if (p[1].revents) {
			(void)kill(a->pid, SIGTERM);
			a->signal = -1;
		}
		watch_clear(&a->watch);
		TRY(kept_copy(a->log, &a->at, STDERR_FILENO, e));
		if (p[0].revents && heard(a, out))
			return kept_copy(a->log, &a->at, STDERR_FILENO, e);
	}
}

static int report(const struct run *r, const struct told *t)
{
	if (t->e.rc != COFFER_OK)
		return cli_fail(r->cli, &t->e);
	if (r->cli->json)
		(void)printf("{\"name\":\"%s\"}\n", r->place.name);
	else
		(void)printf("%s\n", r->place.name);
	return fflush(stdout) == 0 ? t->code : 5;
}

static enum coffer_rc wait_for_it(struct run *r, struct attend *a, int *code, struct err *e)
{
	struct told t;

	TRY(attend(a, &t, e));
	if (t.e.rc != COFFER_OK)
		(void)waitpid(a->pid, NULL, 0); /* its folder goes with it */
	*code = report(r, &t);
	return COFFER_OK;
}

enum coffer_rc run_detach(struct run *r, bool *here, int *code, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("%s/" POD_LOG, r->place.path);
	CLEANUP(attend_clear) struct attend a = { .told = -1, .log = -1, .signal = r->rpc.signal, .watch = { .fd = -1 } };
	int p[2];

	*here = true;
	a.log = path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (a.log < 0 || pipe2(p, O_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path ? path : "pod", strerror(errno));
	a.told = p[0];
	r->tell = p[1];
	TRY(watch_open(path, &a.watch, e));
	a.pid = fork();
	if (a.pid < 0)
		return err_set(e, COFFER_E_SYSTEM, "fork: %s", strerror(errno));
	if (a.pid == 0)
		return let_go(r, e);
	*here = false;
	pod_place_close(&r->place); /* the child has it: nothing here may take it away */
	closep(&r->tell);
	r->tell = -1;
	return wait_for_it(r, &a, code, e);
}
