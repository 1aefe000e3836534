#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/children.h"
#include "agent/crun.h"
#include "agent/endpoints.h"
#include "agent/fence.h"
#include "agent/guard.h"
#include "agent/rest.h"
#include "agent/spec.h"
#include "base/own.h"
#include "base/str.h"
#include "image/tree.h"
#include "os/file.h"
#include "os/spawn.h"

#define DRAIN_TURNS 16

static const char *source_of(void *arg, size_t volume)
{
	struct { const struct agent *a; struct path p; } *s = arg;

	s->p = volume_path(s->a, volume);
	return s->p.s;
}

static enum coffer_rc write_spec(struct agent *a, size_t i, struct err *e)
{
	struct { const struct agent *a; struct path p; } source = { .a = a };
	CLEANUP(wr_close) struct wr w = wr_open(4u << 20);

	TRY(spec_write(&a->man, &a->man.container[i], source_of, &source, &w, e));
	return file_write(path_fmt("%s/c%zu/config.json", a->state, i).s, wr_span(&w), 0600, e);
}

enum coffer_rc log_open(struct log_stream log[static 2], int fds[static 2], struct err *e)
{
	for (size_t k = 0; k < 2; k++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) != 0)
			return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
		log[k].fd = p[0];
		fds[k] = p[1];
		if (fcntl(p[0], F_SETFL, O_NONBLOCK) != 0 || !logbuf_open(&log[k].buf))
			return err_set(e, COFFER_E_SYSTEM, "log: %s", strerror(errno));
	}
	return COFFER_OK;
}

void log_close(struct log_stream log[static 2])
{
	for (size_t k = 0; k < 2; k++) {
		closep(&log[k].fd);
		logbuf_close(&log[k].buf);
		log[k].fd = -1;
	}
}

/* Pipes for a log the host may read, otherwise nothing: fds stay -1, which spawn takes for /dev/null. */
static enum coffer_rc open_logs(struct agent *a, size_t i, int fds[static 2], struct err *e)
{
	return manifest_lists(a->man.host_logs, a->man.container[i].name) ? log_open(a->ctr[i].log, fds, e) : COFFER_OK;
}

/* The container's group with its fence, ready for what is started in it. */
static enum coffer_rc make_group(struct agent *a, size_t i, int *group, struct err *e)
{
	struct endpoints ours;
	struct fence f = { .own = fence_address(i), .port = REST_PORT, .closed = ours.at };
	CLEANUP(closep) int dir = -1;

	TRY(endpoints_of(&a->man, &ours, e));
	f.n_closed = ours.n;
	TRY(cgroup_make(&a->groups, path_fmt("c%zu", i).s, &dir, e));
	TRY(fence_attach(dir, &f, e));
	TRY(fence_check(dir, &f, e));
	*group = MOVE_FD(dir);
	return COFFER_OK;
}

static enum coffer_rc find_process(struct agent *a, size_t i, struct err *e)
{
	struct container *c = &a->ctr[i];
	TRY(crun_process(path_fmt("%s/c%zu/pid", a->state, i).s, &c->pid, &c->pidfd, e));
	leases_guard(a);
	TRY(crun_pidns(c->pid, &c->pidns, e));
	return crun_check_group(a, i, c->pid, e);
}

static enum coffer_rc create(struct agent *a, size_t i, struct err *e)
{
	const struct man_container *m = &a->man.container[i];
	struct path bundle = path_fmt("%s/c%zu", a->state, i), pid = path_fmt("%s/c%zu/pid", a->state, i);
	CLEANUP(closep) int out = -1;
	CLEANUP(closep) int err = -1;
	CLEANUP(closep) int group = -1;
	struct crun_call call = { .verb = "create", .group = &group, .more = { "--bundle", bundle.s, "--pid-file", pid.s } };
	int fds[2] = { -1, -1 };
	enum coffer_rc rc;

	for (size_t k = 0; k < m->n_outputs; k++) {
		struct span rest;
		size_t v;

		TRY(output_place(&a->man, m, &m->output[k], &v, &rest, e));
	}
	TRY(volume_ready(a, i, e));
	TRY(image_mount(a, i, e));
	TRY(write_spec(a, i, e));
	TRY(make_group(a, i, &group, e));
	rc = open_logs(a, i, fds, e);
	call.out = out = fds[0];
	call.err = err = fds[1];
	TRY(rc);
	TRY(crun(a, i, &call, e));
	return find_process(a, i, e);
}

static void remove_below(const char *dir, size_t i)
{
	CLEANUP(closep) int state = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err why = { 0 };

	if (state < 0 || tree_remove(state, path_fmt("c%zu", i).s, &why) != COFFER_OK)
		(void)fprintf(stderr, "coffer-agent: a removed container's files stay until the guest ends: %s\n", why.msg);
}

static void remove_files(const struct agent *a, size_t i)
{
	remove_below(a->state, i);
	if (strcmp(a->store, a->state) != 0)
		remove_below(a->store, i);
}

static void forget(struct agent *a, size_t i)
{
	struct container *c = &a->ctr[i];
	const struct crun_call call = { .verb = "delete", .flag = "--force", .out = -1, .err = -1 };
	struct err unused;

	exec_end(a, i); /* the container's first process ends only when those that were put beside it are awaited */
	if (crun(a, i, &call, &unused) != COFFER_OK && c->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	if (c->pid > 0 && c->pidfd >= 0)
		children_await(a, c->pid);
	log_close(c->log);
	for (size_t k = 0; k < MAN_OUTPUTS_MAX; k++)
		wr_close(&c->output[k].sealed);
	guard_clear(i);
	closep(&c->pidfd);
	cgroup_remove(&a->groups, path_fmt("c%zu", i).s);
	image_unmount(a, i);
	remove_files(a, i);
	*c = (struct container){ .pidfd = -1, .log = { { .fd = -1 }, { .fd = -1 } } };
}

enum coffer_rc container_create(struct agent *a, size_t i, struct err *e)
{
	enum coffer_rc rc;

	rc = create(a, i, e);
	if (rc != COFFER_OK) {
		forget(a, i);
		leases_end(a, i);
	}
	return rc;
}

enum coffer_rc container_start(struct agent *a, size_t i, struct err *e)
{
	const struct crun_call call = { .verb = "start", .out = -1, .err = -1 };

	return crun_let_go(a, i) ? COFFER_OK : crun(a, i, &call, e);
}

enum coffer_rc container_signal(struct agent *a, size_t i, int sig, struct err *e)
{
	if (a->ctr[i].pidfd < 0)
		return err_set(e, COFFER_E_NOTFOUND, "the container has ended");
	if (syscall(SYS_pidfd_send_signal, a->ctr[i].pidfd, sig, NULL, 0) != 0)
		return err_set(e, COFFER_E_SYSTEM, "signal %d: %s", sig, strerror(errno));
	return COFFER_OK;
}

void container_remove(struct agent *a, size_t i)
{
	forget(a, i);
}

void log_drain(struct log_stream log[static 2])
{
	uint8_t piece[8192];

	for (size_t k = 0; k < 2; k++)
		for (size_t turn = 0; turn < DRAIN_TURNS && log[k].fd >= 0; turn++) {
			ssize_t n = read(log[k].fd, piece, sizeof(piece));

			if (n > 0)
				logbuf_put(&log[k].buf, (struct span){ piece, (size_t)n });
			else if (n < 0 && errno == EINTR)
				continue;
			else if (n < 0 && errno == EAGAIN)
				break;
			else
				closep(&log[k].fd), log[k].fd = -1;
		}
}

void container_ended(struct agent *a, size_t i, int wait_status)
{
	struct container *c = &a->ctr[i];

	log_drain(c->log);
	guard_clear(i);
	closep(&c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	a->b.ctr[i].state = CTR_STOPPED;
	a->b.ctr[i].exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	for (size_t k = 0; k < a->man.container[i].n_outputs && a->b.ctr[i].exit_code == 0 && !a->lapse[i].told; k++)
		output_make(a, i, k);
}
