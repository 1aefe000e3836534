#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "agent/fence.h"
#include "agent/guard.h"
#include "agent/rest.h"
#include "agent/spec.h"
#include "base/own.h"
#include "base/str.h"
#include "image/tree.h"
#include "os/file.h"
#include "os/spawn.h"

#define CRUN_ARGS_MAX 16
#define DRAIN_TURNS 16

struct crun_call { const char *verb, *flag; const char *more[4]; int out, err; const int *group; };

/* crun's own complaint, without what could be a terminal's escape. */
static void complaint(const char *log, char *out, size_t n)
{
	CLEANUP(wr_close) struct wr w = wr_open(65536);
	struct err unread;
	struct span s;

	out[0] = 0;
	if (file_read(log, 65536, &w, &unread) != COFFER_OK)
		return;
	s = wr_span(&w);
	if (s.n > n - 1)
		s = span_skip(s, s.n - (n - 1));
	for (size_t i = 0; i < s.n; i++)
		out[i] = (char)(s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : ' ');
	out[s.n] = 0;
}

/* A detached container keeps the descriptors it was created with; crun itself writes to a log file. */
static enum coffer_rc crun(struct agent *a, size_t i, const struct crun_call *c, struct err *e)
{
	struct path root = path_fmt("%s/crun", a->state), log = path_fmt("%s/c%zu/log", a->state, i), id = path_fmt("c%zu", i);
	const char *argv[CRUN_ARGS_MAX] = { a->crun, "--root", root.s, "--cgroup-manager=disabled", "--log", log.s, c->verb };
	const int fds[3] = { -1, c->out, c->err };
	struct spawn s = { .argv = argv, .fds = fds, .n_fds = 3, .cwd = "/", .cgroup = c->group };
	size_t n = 7;
	int status = 0;
	pid_t pid = -1;
	char why[240];

	for (size_t k = 0; k < 4 && c->more[k]; k++)
		argv[n++] = c->more[k];
	if (c->flag)
		argv[n++] = c->flag;
	argv[n++] = id.s;
	(void)unlink(log.s);
	TRY(spawn_start(&s, &pid, e));
	TRY(spawn_wait(pid, &status, e));
	if (status == 0)
		return COFFER_OK;
	complaint(log.s, why, sizeof(why));
	return err_set(e, COFFER_E_SYSTEM, "container runtime %s: %s", c->verb, why[0] ? why : "failed without a word");
}

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

/* Pipes for a log the host may read, otherwise nothing: fds stay -1, which spawn takes for /dev/null. */
static enum coffer_rc open_logs(struct agent *a, size_t i, int fds[static 2], struct err *e)
{
	struct container *c = &a->ctr[i];

	if (!manifest_lists(a->man.host_logs, a->man.container[i].name))
		return COFFER_OK;
	for (size_t k = 0; k < 2; k++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) != 0)
			return err_set(e, COFFER_E_SYSTEM, "pipe: %s", strerror(errno));
		c->log[k].fd = p[0];
		fds[k] = p[1];
		if (fcntl(p[0], F_SETFL, O_NONBLOCK) != 0 || !logbuf_open(&c->log[k].buf))
			return err_set(e, COFFER_E_SYSTEM, "log: %s", strerror(errno));
	}
	return COFFER_OK;
}

/* The container's group with its fence, ready to be entered. */
static enum coffer_rc make_group(struct agent *a, size_t i, int *procs, struct err *e)
{
	CLEANUP(closep) int dir = -1;

	TRY(cgroup_make(&a->groups, path_fmt("c%zu", i).s, &dir, e));
	TRY(fence_attach(dir, fence_address(i), REST_PORT, e));
	TRY(cgroup_procs(dir, procs, e));
	return fence_check(*procs, fence_address(i), REST_PORT, e);
}

/* The fence holds whoever is in the group: a runtime that moved the process elsewhere has opened it. */
static enum coffer_rc check_group(struct agent *a, size_t i, struct err *e)
{
	struct path end = path_fmt("/%s/c%zu", a->groups.name, i);
	CLEANUP(wr_close) struct wr text = wr_open(65536);
	struct span s;

	TRY(file_read(path_fmt("/proc/%d/cgroup", (int)a->ctr[i].pid).s, 65536, &text, e));
	for (s = wr_span(&text); s.n > 0; s = span_skip(s, span_find(s, '\n') + 1)) {
		struct span line = { s.p, span_find(s, '\n') };

		if (span_starts(line, "0::") && span_ends(line, end.s))
			return COFFER_OK;
	}
	return err_set(e, COFFER_E_SYSTEM, "container process: it is not in the group it was started in");
}

static enum coffer_rc find_process(struct agent *a, size_t i, struct err *e)
{
	struct container *c = &a->ctr[i];
	CLEANUP(wr_close) struct wr text = wr_open(64);
	uint64_t pid = 0;
	struct stat st;

	TRY(file_read(path_fmt("%s/c%zu/pid", a->state, i).s, 64, &text, e));
	if (!span_u64(wr_span(&text), &pid) || pid < 2 || pid > 1u << 30)
		return err_set(e, COFFER_E_SYSTEM, "container runtime: no process id");
	c->pid = (pid_t)pid;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0 || fcntl(c->pidfd, F_SETFD, FD_CLOEXEC) != 0)
		return err_set(e, COFFER_E_SYSTEM, "container process: %s", strerror(errno));
	if (stat(path_fmt("/proc/%d/ns/pid", (int)c->pid).s, &st) != 0)
		return err_set(e, COFFER_E_SYSTEM, "container process: %s", strerror(errno));
	c->pidns = st.st_ino;
	return check_group(a, i, e);
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

	if (crun(a, i, &call, &unused) != COFFER_OK && c->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	if (c->pid > 0 && c->pidfd >= 0)
		(void)waitpid(c->pid, NULL, 0);
	for (size_t k = 0; k < 2; k++) {
		closep(&c->log[k].fd);
		logbuf_close(&c->log[k].buf);
	}
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
		lease_drop(&a->leases, i);
	}
	return rc;
}

enum coffer_rc container_start(struct agent *a, size_t i, struct err *e)
{
	const struct crun_call call = { .verb = "start", .out = -1, .err = -1 };

	return crun(a, i, &call, e);
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

void container_drain(struct container *c)
{
	uint8_t piece[8192];

	for (size_t k = 0; k < 2; k++)
		for (size_t turn = 0; turn < DRAIN_TURNS && c->log[k].fd >= 0; turn++) {
			ssize_t n = read(c->log[k].fd, piece, sizeof(piece));

			if (n > 0)
				logbuf_put(&c->log[k].buf, (struct span){ piece, (size_t)n });
			else if (n < 0 && errno == EINTR)
				continue;
			else if (n < 0 && errno == EAGAIN)
				break;
			else
				closep(&c->log[k].fd), c->log[k].fd = -1;
		}
}

void container_ended(struct agent *a, size_t i, int wait_status)
{
	struct container *c = &a->ctr[i];

	container_drain(c);
	guard_clear(i);
	closep(&c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	a->b.ctr[i].state = CTR_STOPPED;
	a->b.ctr[i].exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
	for (size_t k = 0; k < a->man.container[i].n_outputs && a->b.ctr[i].exit_code == 0 && !a->lapse[i].told; k++)
		output_make(a, i, k);
}
