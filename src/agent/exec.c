/* Processes beside the containers' own: started in the container's namespaces, group and filters by crun, ended with it. */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/crun.h"
#include "agent/spec.h"
#include "base/own.h"
#include "base/str.h"
#include "os/file.h"

static void close_place(struct agent *a, size_t k)
{
	struct exec_process *x = &a->exec[k];

	if (x->pidfd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, x->pidfd, SIGKILL, NULL, 0);
		if (x->pid > 0)
			(void)waitpid(x->pid, NULL, 0);
	}
	closep(&x->pidfd);
	log_close(x->log);
	*x = (struct exec_process){ .pidfd = -1, .log = { { .fd = -1 }, { .fd = -1 } } };
	a->b.exec[k] = (struct exec_view){ .state = CTR_NEW };
}

/* A free place, or one whose process has ended: nobody came for its last words, and others wait. */
static enum coffer_rc find_place(struct agent *a, size_t *out, struct err *e)
{
	for (int state = CTR_NEW; state <= CTR_STOPPED; state += CTR_STOPPED - CTR_NEW)
		for (size_t k = 0; k < EXECS_MAX; k++)
			if (a->b.exec[k].state == (enum ctr_state)state) {
				close_place(a, k);
				*out = k;
				return COFFER_OK;
			}
	return err_set(e, COFFER_E_LIMIT, "more than %d processes beside the containers' own", EXECS_MAX);
}

static enum coffer_rc write_process(const struct agent *a, const struct exec_what *what, const char *path, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 20);

	TRY(spec_process_write(&a->man.container[what->container], what->args, &w, e));
	return file_write(path, wr_span(&w), 0600, e);
}

/* In this container and nowhere else; a runtime that put it elsewhere has opened what the manifest closes. */
static enum coffer_rc check_place(struct agent *a, size_t i, const struct exec_process *x, struct err *e)
{
	ino_t ns = 0;

	TRY(crun_pidns(x->pid, &ns, e));
	if (ns != a->ctr[i].pidns)
		return err_set(e, COFFER_E_SYSTEM, "container process: it is not in the container's process namespace");
	return crun_check_group(a, i, x->pid, e);
}

static enum coffer_rc start(struct agent *a, const struct exec_what *what, struct exec_process *x, struct err *e)
{
	size_t i = what->container;
	struct path process = path_fmt("%s/c%zu/exec.json", a->state, i), pid = path_fmt("%s/c%zu/exec.pid", a->state, i);
	struct crun_call call = { .verb = "exec", .flag = "--detach", .more = { "--process", process.s, "--pid-file", pid.s } };
	CLEANUP(closep) int out = -1;
	CLEANUP(closep) int err = -1;
	CLEANUP(closep) int group = -1;
	int fds[2] = { -1, -1 };
	enum coffer_rc rc;

	(void)unlink(pid.s);
	TRY(write_process(a, what, process.s, e));
	TRY(cgroup_find(&a->groups, path_fmt("c%zu", i).s, &group, e));
	rc = log_open(x->log, fds, e);
	call.out = out = fds[0];
	call.err = err = fds[1];
	call.group = &group;
	TRY(rc);
	TRY(crun(a, i, &call, e));
	TRY(crun_process(pid.s, &x->pid, &x->pidfd, e));
	return check_place(a, i, x, e);
}

enum coffer_rc exec_start(struct agent *a, const struct exec_what *what, struct err *e)
{
	size_t k = 0;
	enum coffer_rc rc;

	if (a->lapse[what->container].told || a->lapse[what->container].over) {
		*e = a->lapse[what->container].why;
		return e->rc;
	}
	TRY(find_place(a, &k, e));
	rc = start(a, what, &a->exec[k], e);
	if (rc != COFFER_OK) {
		close_place(a, k);
		return rc;
	}
	a->b.exec[k] = (struct exec_view){ .container = what->container, .state = CTR_RUNNING };
	(void)snprintf(a->b.exec[k].id, sizeof(a->b.exec[k].id), "%s", what->id);
	return COFFER_OK;
}

enum coffer_rc exec_signal(struct agent *a, size_t k, int sig, struct err *e)
{
	if (a->exec[k].pidfd < 0)
		return err_set(e, COFFER_E_NOTFOUND, "the process has ended");
	if (syscall(SYS_pidfd_send_signal, a->exec[k].pidfd, sig, NULL, 0) != 0)
		return err_set(e, COFFER_E_SYSTEM, "signal %d: %s", sig, strerror(errno));
	return COFFER_OK;
}

void exec_ended(struct agent *a, pid_t pid, int wait_status)
{
	for (size_t k = 0; k < EXECS_MAX; k++) {
		struct exec_process *x = &a->exec[k];

		if (x->pid != pid || x->pidfd < 0)
			continue;
		log_drain(x->log);
		closep(&x->pidfd);
		x->pidfd = -1;
		x->pid = 0;
		a->b.exec[k].state = CTR_STOPPED;
		a->b.exec[k].exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	}
}

void exec_end(struct agent *a, size_t i)
{
	for (size_t k = 0; k < EXECS_MAX; k++)
		if (a->b.exec[k].state != CTR_NEW && a->b.exec[k].container == i)
			close_place(a, k);
}

void exec_told(struct agent *a, size_t k)
{
	const struct exec_process *x = &a->exec[k];

	if (x->told_end && x->told[0] && x->told[1])
		close_place(a, k);
}
