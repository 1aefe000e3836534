#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/parent.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "os/ipc.h"
#include "os/listen.h"
#include "os/sandbox.h"
#include "os/spawn.h"
#include "os/tpm.h"
#include "os/tsm.h"
#include "proto/fetch.h"
#include "proto/keep_config.h"
#include "proto/self.h"
#include "trust/chain.h"
#include "trust/witnesses.h"

#define START_MS 30000 /* a store is checked to its last entry before keep says that it is ready */
#define STOP_MS 5000
#define SETTLE_MS 500

struct child {
	const char *name;
	pid_t       pid;    /* -1: not started, or gone */
	int         ctl;    /* our end; closing it asks the child to end */
	int         status; /* of waitpid, once gone */
};

struct service_run {
	struct child eval, fetch, keep, attest, net;
	struct tsm_held reports;      /* the request that attest has the processor's reports by */
	uint8_t      self[KEEP_READY_SELF]; /* what the service is, as keep says */
	int          listen_fd;
	char         address[80];
};

static enum coffer_rc pair(int *ours, int *theirs, struct err *e)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) != 0)
		return err_set(e, COFFER_E_SYSTEM, "socketpair: %s", strerror(errno));
	*ours = sv[0];
	*theirs = sv[1];
	return COFFER_OK;
}

static enum coffer_rc open_state(const struct config *c, const char *name, int *fd, struct err *e)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/%s", c->state, name);
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0)
		return err_set(e, COFFER_E_NOTFOUND, "%s: %s; `cofferd keygen` makes it", path, strerror(errno));
	return COFFER_OK;
}

/* The one byte by which a child says that it is in its sandbox. */
static enum coffer_rc await_ready(const struct child *c, struct err *e)
{
	struct pollfd p = { .fd = c->ctl, .events = POLLIN };
	char said = 0;

	if (poll(&p, 1, START_MS) != 1 || read(c->ctl, &said, 1) != 1 || said != 'R')
		return err_set(e, COFFER_E_SYSTEM, "%s did not start", c->name);
	return COFFER_OK;
}

/* ---- eval ---- */

static enum coffer_rc start_eval(struct service_run *s, int keep_end, struct err *e)
{
	CLEANUP(closep) int theirs = -1;
	char program[600];
	const char *const argv[] = { program, NULL };
	int fds[] = { -1, -1, 2, keep_end, -1 };
	const struct spawn sp = { .argv = argv, .fds = fds, .n_fds = 5, .die_with_parent = true };

	TRY(program_find("cofferd-eval", program, sizeof(program), e));
	TRY(pair(&s->eval.ctl, &theirs, e));
	fds[4] = theirs;
	TRY(spawn_start(&sp, &s->eval.pid, e));
	closep(&theirs);
	theirs = -1;
	return await_ready(&s->eval, e);
}

/* ---- keep ---- */

static enum coffer_rc read_genesis(const struct config *c, struct dsse *out, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX);
	uint8_t id[32];

	if (c->genesis[0] == '\0' || !c->has_digest)
		return err_set(e, COFFER_E_INPUT, "the configuration lacks %s; nothing is trusted on first use ('coffer genesis show' prints the digest)",
		    c->has_digest ? "genesis" : c->genesis[0] ? "genesis-digest" : "genesis and genesis-digest");
	TRY(file_read(c->genesis, DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), out, e) != COFFER_OK)
		return err_wrap(e, "%s", c->genesis);
	dsse_id(out, id);
	if (!span_eq(SPAN(id), SPAN(c->digest)))
		return err_deny(e, "genesis", "%s is not the genesis that genesis-digest names", c->genesis);
	return COFFER_OK;
}

/* Before any process is started that would lack it. */
static enum coffer_rc look_at_genesis(const struct config *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };

	return read_genesis(c, &env, e);
}

static enum coffer_rc send_config(const struct config *c, int ctl, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_CONFIG_MAX);
	char dir[KEEP_DIR_MAX];
	struct keep_config k = { .state_dir = { (const uint8_t *)dir, 0 }, .id = { (const uint8_t *)c->id, strlen(c->id) },
		.kept_all = c->evidence.all, .kept_owner = c->evidence.owner };
	enum coffer_rc rc;

	TRY(tls_digest(c, k.tls, e));
	keep_dir(c, dir);
	k.state_dir.n = strlen(dir);
	memcpy(k.genesis_id, c->digest, sizeof(k.genesis_id));
	rc = read_genesis(c, &k.genesis, e);
	if (rc == COFFER_OK) {
		keep_config_write(&w, &k);
		rc = wr_done(&w, "configuration of keep", e);
	}
	dsse_clear(&k.genesis);
	return rc == COFFER_OK ? ipc_send(ctl, KEEP_CONFIG, wr_span(&w), e) : rc;
}

static enum coffer_rc await_keep(int ctl, uint8_t self[static KEEP_READY_SELF], struct wr *witnesses, struct err *e)
{
	CLEANUP(wr_close) struct wr said = wr_open(KEEP_READY_MAX);
	struct pollfd p = { .fd = ctl, .events = POLLIN };
	uint8_t tag = 0;

	if (poll(&p, 1, START_MS) != 1)
		return err_set(e, COFFER_E_SYSTEM, "keep: not ready after %d s", START_MS / 1000);
	if (ipc_recv(ctl, KEEP_READY_MAX, &tag, &said, e) != COFFER_OK)
		return err_wrap(e, "keep did not start");
	if (tag != COFFER_OK)
		return err_set(e, tag <= COFFER_E_BUG ? (enum coffer_rc)tag : COFFER_E_BUG, "keep: %.*s", (int)said.n,
			       (const char *)said.p);
	if (said.n < KEEP_READY_SELF)
		return err_set(e, COFFER_E_BUG, "keep: does not say what the service is");
	memcpy(self, said.p, KEEP_READY_SELF);
	wr_put(witnesses, span_skip(wr_span(&said), KEEP_READY_SELF));
	return wr_done(witnesses, "addresses of witnesses", e);
}

static enum coffer_rc start_keep(const struct config *c, struct service_run *s, int net_end, int eval_end, struct wr *witnesses, struct err *e)
{
	CLEANUP(closep) int theirs = -1;
	char program[600];
	const char *const argv[] = { program, "--run", NULL };
	int fds[] = { -1, -1, 2, net_end, -1, eval_end };
	const struct spawn sp = { .argv = argv, .fds = fds, .n_fds = 6, .die_with_parent = true };

	TRY(program_find("cofferd-keep", program, sizeof(program), e));
	TRY(pair(&s->keep.ctl, &theirs, e));
	fds[4] = theirs;
	TRY(spawn_start(&sp, &s->keep.pid, e));
	closep(&theirs);
	theirs = -1;
	TRY(send_config(c, s->keep.ctl, e));
	return await_keep(s->keep.ctl, s->self, witnesses, e);
}

/* ---- fetch ---- */

/* It posts to the witnesses that the founders named, in the genesis or an amendment, and to nobody that net names: keep, which has checked who signed, says
 * which. */
static enum coffer_rc tell_witnesses(const struct service_run *s, struct span addresses, struct err *e)
{
	struct fetch_witnesses w;

	if (fetch_witnesses_read(addresses, &w, e) != COFFER_OK)
		return err_wrap(e, "keep");
	for (size_t i = 0; i < w.n; i++)
		if (!witness_url_ok(w.url[i]))
			return err_set(e, COFFER_E_BUG, "keep: malformed address of witness %zu", i + 1);
	return ipc_send(s->fetch.ctl, FETCH_WITNESSES, addresses, e);
}

/* The cache, where fetch works: its own, for it gives up root and cannot even walk there. */
static enum coffer_rc make_cache(const struct config *c, char *path, size_t n, struct err *e)
{
	CLEANUP(closep) int dir = -1;

	(void)snprintf(path, n, "%s/fetch", c->state);
	TRY(file_mkdirs(path, 0700, e));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	return sandbox_own_as_nobody(dir, e);
}

/* -1 stays -1: fetch finds no folder, or no file, there. */
static enum coffer_rc open_named(const char *path, int flags, int *fd, struct err *e)
{
	if (path[0] == '\0')
		return COFFER_OK;
	*fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	return *fd < 0 ? err_set(e, COFFER_E_NOTFOUND, "collateral: %s: %s", path, strerror(errno)) : COFFER_OK;
}

static enum coffer_rc start_fetch(const struct config *c, struct service_run *s, int net_end, const struct wr *witnesses, struct err *e)
{
	CLEANUP(closep) int theirs = -1, offline = -1, ca = -1;
	const struct config_collateral *k = &c->collateral;
	char program[600], cache[600];
	const char *const argv[] = { program, k->amd_url, k->intel_url, k->intel_root_url, k->enabled ? "on" : "off", NULL };
	int fds[] = { -1, -1, 2, net_end, -1, -1, -1 };
	const struct spawn sp = { .argv = argv, .fds = fds, .n_fds = 7, .cwd = cache, .die_with_parent = true };

	TRY(program_find("cofferd-fetch", program, sizeof(program), e));
	TRY(make_cache(c, cache, sizeof(cache), e));
	TRY(open_named(k->offline, O_DIRECTORY, &offline, e));
	TRY(open_named(k->ca_file, 0, &ca, e));
	TRY(pair(&s->fetch.ctl, &theirs, e));
	fds[4] = theirs;
	fds[5] = offline;
	fds[6] = ca;
	TRY(spawn_start(&sp, &s->fetch.pid, e));
	closep(&theirs);
	theirs = -1;
	TRY(await_ready(&s->fetch, e));
	return tell_witnesses(s, wr_span(witnesses), e);
}

/* ---- attest ---- */

static enum coffer_rc open_tpm(const struct config_attest *a, int *fd, struct err *e)
{
	return a->device[0] ? tpm_path_open(a->device, fd, e) : tpm_device_open(fd, e);
}

/* The processor's reports, or the TPM: *fd is for attest, which is told which. */
static enum coffer_rc open_machine(const struct config_attest *a, struct tsm_held *h, int *fd, const char **what, struct err *e)
{
	enum coffer_rc rc = COFFER_E_NOTFOUND;

	*what = "tsm";
	if (a->by != ATTEST_TPM)
		rc = a->request[0] ? tsm_held_take(a->request, h, e) : tsm_held_make(TSM_ROOT, h, e);
	if (rc == COFFER_OK) {
		*fd = h->dir; /* the caller closes it */
		h->dir = -1;
	} else if (a->by == ATTEST_TPM || (a->by == ATTEST_AUTO && rc == COFFER_E_NOTFOUND)) {
		*what = "tpm";
		rc = open_tpm(a, fd, e);
	}
	return rc == COFFER_OK ? rc : err_wrap(e, "attest");
}

/* Only where the service is to attest itself. The machine is opened here, so that the process gives up root and every path before it reads a
 * byte of it; which keys it may vouch for comes from keep, not from net. */
static enum coffer_rc start_attest(const struct config *c, struct service_run *s, int net_end, struct err *e)
{
	CLEANUP(closep) int theirs = -1, machine = -1;
	char program[600], self[HEX32_LEN];
	const char *argv[] = { program, self, NULL, NULL };
	int fds[] = { -1, -1, 2, net_end, -1, -1 };
	const struct spawn sp = { .argv = argv, .fds = fds, .n_fds = 6, .die_with_parent = true };

	if (c->attest.by == ATTEST_NONE) {
		(void)fprintf(stderr, "cofferd: this service does not attest itself: root on this machine can read what it keeps\n");
		return COFFER_OK;
	}
	TRY(program_find("cofferd-attest", program, sizeof(program), e));
	TRY(open_machine(&c->attest, &s->reports, &machine, &argv[2], e));
	hex32(s->self, self);
	TRY(pair(&s->attest.ctl, &theirs, e));
	fds[SELF_FD_PARENT] = theirs;
	fds[SELF_FD_MACHINE] = machine;
	TRY(spawn_start(&sp, &s->attest.pid, e));
	closep(&theirs);
	theirs = -1;
	return await_ready(&s->attest, e);
}

/* ---- net ---- */

struct net_ends { int keep, fetch, attest; };

static enum coffer_rc start_net(const struct config *c, struct service_run *s, const struct net_ends *n, struct err *e)
{
	CLEANUP(closep) int theirs = -1, key = -1, cert = -1;
	char program[600];
	char age[12];
	const char *const argv[] = { program, c->log_all ? "info" : "warn", age, c->attest.by != ATTEST_NONE ? "attest" : "plain", NULL };
	int fds[] = { -1, -1, 2, n->keep, -1, s->listen_fd, -1, -1, n->fetch, c->attest.by != ATTEST_NONE ? n->attest : -1 };
	const struct spawn sp = { .argv = argv, .fds = fds, .n_fds = 10, .die_with_parent = true };

	(void)snprintf(age, sizeof(age), "%u", c->collateral.max_age);
	TRY(program_find("cofferd-net", program, sizeof(program), e));
	TRY(open_state(c, "tls.key", &key, e));
	TRY(open_state(c, "tls.pem", &cert, e));
	TRY(pair(&s->net.ctl, &theirs, e));
	fds[4] = theirs;
	fds[6] = key;
	fds[7] = cert;
	TRY(spawn_start(&sp, &s->net.pid, e));
	closep(&theirs);
	theirs = -1;
	return await_ready(&s->net, e);
}

/* ---- life and end ---- */

/* True once the child is gone; its wait status is kept. */
static bool gone(struct child *c)
{
	if (c->pid > 0 && waitpid(c->pid, &c->status, WNOHANG) != 0)
		c->pid = -1;
	return c->pid <= 0;
}

static bool wait_gone(struct child *c, int64_t ms)
{
	const struct timespec step = { 0, 10000000L };
	int64_t until = clock_monotonic_ms() + ms;

	while (!gone(c)) {
		if (clock_monotonic_ms() > until)
			return false;
		(void)nanosleep(&step, NULL);
	}
	return true;
}

static void end_child(struct child *c)
{
	closep(&c->ctl);
	c->ctl = -1;
	if (wait_gone(c, STOP_MS))
		return;
	(void)kill(c->pid, SIGKILL);
	(void)wait_gone(c, STOP_MS);
}

static void end_all(struct service_run *s)
{
	end_child(&s->net); /* first: nothing asks keep any more */
	end_child(&s->attest);
	tsm_held_drop(&s->reports);
	end_child(&s->fetch);
	end_child(&s->keep);
	end_child(&s->eval);
	closep(&s->listen_fd);
	s->listen_fd = -1;
}

static enum coffer_rc announce(const struct config *c, const struct service_run *s, struct err *e)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/address", c->state);
	TRY(file_write(path, span_of(s->address), 0600, e));
	(void)printf("cofferd: listening on https://%s\n", s->address);
	(void)fflush(stdout);
	return COFFER_OK;
}

static enum coffer_rc start(const struct config *c, struct service_run *s, struct err *e)
{
	CLEANUP(closep) int a = -1, b = -1, x = -1, y = -1, f = -1, g = -1, m = -1, n = -1;
	CLEANUP(wr_close) struct wr witnesses = wr_open(KEEP_READY_MAX);

	TRY(look_at_genesis(c, e));
	TRY(listen_on(c->listen, &s->listen_fd, e));
	TRY(listen_name(s->listen_fd, s->address, sizeof(s->address), e));
	TRY(pair(&a, &b, e));
	TRY(pair(&x, &y, e));
	TRY(pair(&f, &g, e));
	TRY(pair(&m, &n, e));
	TRY(start_eval(s, x, e));
	TRY(start_keep(c, s, a, y, &witnesses, e));
	TRY(start_fetch(c, s, f, &witnesses, e));
	TRY(start_attest(c, s, m, e));
	TRY(start_net(c, s, &(struct net_ends){ b, g, n }, e));
	return announce(c, s, e);
}

/* Each child ends when a neighbour does: the one that a signal ended, or else that did not end in order, is the cause. */
static enum coffer_rc child_ended(struct service_run *s, struct err *e)
{
	struct child *all[] = { &s->net, &s->keep, &s->eval, &s->fetch, &s->attest };
	const struct child *c = &s->keep;

	for (size_t i = 0; i < 5; i++)
		(void)wait_gone(all[i], SETTLE_MS);
	for (size_t i = 0; i < 5; i++)
		if (all[i]->pid <= 0 && all[i]->status != 0 && (c->status == 0 || (WIFSIGNALED(all[i]->status) && !WIFSIGNALED(c->status))))
			c = all[i];
	if (WIFSIGNALED(c->status))
		return err_set(e, COFFER_E_SYSTEM, "%s was ended by signal %d; the service stops", c->name, WTERMSIG(c->status));
	return err_set(e, COFFER_E_SYSTEM, "%s ended by itself (%d); the service stops", c->name, WEXITSTATUS(c->status));
}

/* keep learned of an amendment. False: it ended, or is broken. */
static bool heard_keep(const struct service_run *s)
{
	CLEANUP(wr_close) struct wr said = wr_open(KEEP_READY_MAX);
	struct err e = { 0 };
	uint8_t tag = 0;

	if (ipc_recv(s->keep.ctl, KEEP_READY_MAX, &tag, &said, &e) != COFFER_OK)
		return false;
	if (tag == KEEP_ADDRESSES && tell_witnesses(s, wr_span(&said), &e) == COFFER_OK)
		return true;
	(void)fprintf(stderr, "cofferd: keep sent message %u: %s\n", (unsigned)tag, e.msg);
	return false;
}

/* Signals are blocked only now: a child would have inherited the mask. */
static enum coffer_rc watch(struct service_run *s, struct err *e)
{
	CLEANUP(closep) int sig = -1;
	struct pollfd p[6];
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	sig = signalfd(-1, &set, SFD_CLOEXEC);
	if (sig < 0)
		return err_set(e, COFFER_E_SYSTEM, "signalfd: %s", strerror(errno));
	p[0] = (struct pollfd){ .fd = sig, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->keep.ctl, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = s->net.ctl, .events = POLLIN };
	p[3] = (struct pollfd){ .fd = s->eval.ctl, .events = POLLIN };
	p[4] = (struct pollfd){ .fd = s->fetch.ctl, .events = POLLIN };
	p[5] = (struct pollfd){ .fd = s->attest.ctl, .events = POLLIN }; /* -1: not looked at */
	do {
		while (poll(p, 6, -1) < 0)
			if (errno != EINTR)
				return err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
		if ((p[1].revents && !heard_keep(s)) || p[2].revents || p[3].revents || p[4].revents || p[5].revents)
			return child_ended(s, e);
	} while (!p[0].revents);
	(void)fprintf(stderr, "cofferd: asked to end\n");
	return COFFER_OK;
}

enum coffer_rc serve(const struct config *c, struct err *e)
{
	struct service_run s = { .eval = { "eval", -1, -1, 0 },
		.fetch = { "fetch", -1, -1, 0 },
		.keep = { "keep", -1, -1, 0 },
		.attest = { "attest", -1, -1, 0 },
		.reports = { .dir = -1 },
		.net = { "net", -1, -1, 0 },
		.listen_fd = -1 };
	enum coffer_rc rc = start(c, &s, e);

	if (rc == COFFER_OK)
		rc = watch(&s, e);
	end_all(&s);
	return rc;
}
