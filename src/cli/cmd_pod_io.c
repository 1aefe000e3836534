/* coffer logs, exec: what the manifest lets the host have of a pod's containers. The guest's gate decides; nothing is decided here. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/pods/kept.h"
#include "cli/pods/place.h"
#include "cli/pods/watch.h"
#include "cli/run_int.h"
#include "cli/run_spec.h"
#include "cli/verbs.h"
#include "proto/pb.h"

#define PIECE (1u << 20)

const struct opt_spec opts_pod_logs[] = {
	{ "state", "DIR", "where pods are kept (default /run/coffer for root, else $XDG_RUNTIME_DIR/coffer)", false, false },
	{ "follow", NULL, "go on until the pod is over", false, false },
	{ NULL, NULL, NULL, false, false },
};

static enum coffer_rc connect_pod(const struct pod_seen *s, struct rpc *r, struct err *e)
{
	CLEANUP(freep) char *sock = str_fmt("%s/" POD_SOCKET, s->path);

	rpc_init(r);
	if (!sock)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!s->lives || s->r.state != POD_RUNNING)
		return err_set(e, COFFER_E_NOTFOUND, "pod %s is %s%s%s", s->name, pod_state_name(s->r.state), s->r.reason[0] ? ": " : "", s->r.reason);
	return rpc_connect(sock, r, e);
}

/* ---- logs ---- */

struct tail { int fd; uint64_t at; int to; };
struct tails { struct tail t[2 * MAN_CONTAINERS_MAX]; size_t n; };

static void tails_clear(struct tails *t)
{
	for (size_t i = 0; i < t->n; i++)
		closep(&t->t[i].fd);
}

static enum coffer_rc tail_open(const struct pod_seen *s, const struct pod_part *p, struct tails *t, struct err *e)
{
	static const char *const names[] = { "stdout", "stderr" };

	for (int k = 0; k < 2; k++) {
		int fd = -1;

		TRY(kept_open(s->path, p->name, names[k], &fd, e));
		t->t[t->n++] = (struct tail){ .fd = fd, .to = k == 0 ? STDOUT_FILENO : STDERR_FILENO };
	}
	return COFFER_OK;
}

/* The gate's own words, while there is a gate. */
static enum coffer_rc not_granted(const struct pod_seen *s, const char *container, struct err *e)
{
	Grpc__ReadStreamRequest q = GRPC__READ_STREAM_REQUEST__INIT;
	struct err unused = { 0 };
	struct rpc r;
	enum coffer_rc rc;

	q.container_id = (char *)(uintptr_t)container;
	if (connect_pod(s, &r, &unused) != COFFER_OK)
		return err_deny(e, "manifest", "the output of container %s is not granted to the host", container);
	rc = rpc_call(&r, "ReadStdout", &q.base, NULL, e);
	closep(&r.fd);
	return rc == COFFER_OK ? err_set(e, COFFER_E_BUG, "the guest lets out what its manifest does not") : rc;
}

static enum coffer_rc open_tails(const struct cli *c, const struct pod_seen *s, struct tails *t, struct err *e)
{
	const char *want = c->n_pos > 1 ? c->pos[1] : NULL;
	bool there = false;

	for (size_t i = 0; i < s->r.n_parts; i++) {
		const struct pod_part *p = &s->r.part[i];

		if (want && strcmp(p->name, want) != 0)
			continue;
		there = true;
		if (p->logs)
			TRY(tail_open(s, p, t, e));
		else if (want)
			return not_granted(s, want, e);
	}
	if (!there)
		return err_set(e, COFFER_E_NOTFOUND, "pod %s has no container \"%.64s\"", s->name, want ? want : "");
	return t->n > 0 ? COFFER_OK : not_granted(s, s->r.part[0].name, e);
}

static enum coffer_rc copy(struct tails *t, struct err *e)
{
	for (size_t i = 0; i < t->n; i++)
		TRY(kept_copy(t->t[i].fd, &t->t[i].at, t->t[i].to, e));
	return COFFER_OK;
}

/* Until its launcher has ended: that it has is looked at before the last bytes are. */
static enum coffer_rc follow(const struct pod_seen *s, struct tails *t, struct err *e)
{
	struct process p;
	struct watch w = { .fd = -1 };
	CLEANUP(closep) int launcher = -1;
	enum coffer_rc rc = pod_launcher(s, &p) ? process_open(&p, &launcher, e) : COFFER_E_NOTFOUND;
	bool over = rc == COFFER_E_NOTFOUND;

	if (over || rc == COFFER_OK)
		rc = watch_open(s->path, &w, e);
	while (rc == COFFER_OK) {
		struct pollfd f[2] = { { .fd = watch_fd(&w), .events = POLLIN }, { .fd = launcher, .events = POLLIN } };

		watch_clear(&w);
		rc = copy(t, e);
		if (over || rc != COFFER_OK)
			break;
		if (poll(f, 2, -1) < 0 && errno != EINTR)
			rc = err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
		over = f[1].revents != 0;
	}
	watch_close(&w);
	return rc;
}

enum coffer_rc cmd_pod_logs(struct cli *c, struct err *e)
{
	CLEANUP(tails_clear) struct tails t = { .n = 0 };
	struct pod_seen s;

	TRY(pod_find(c, &s, e));
	if (s.r.n_parts == 0)
		return err_set(e, COFFER_E_NOTFOUND, "pod %s is %s%s%s", s.name, pod_state_name(s.r.state), s.r.reason[0] ? ": " : "", s.r.reason);
	TRY(open_tails(c, &s, &t, e));
	return cli_flag(c, "follow") ? follow(&s, &t, e) : copy(&t, e);
}

/* ---- exec ---- */

struct exec { struct run pod; struct rpc rpc; char id[24]; const char *container; uint32_t wait, stream[2]; bool told[2], ended; int code; };

static void exec_freep(struct exec **x)
{
	if (!*x)
		return;
	closep(&(*x)->rpc.fd);
	manifest_clear(&(*x)->pod.man);
	json_freep(&(*x)->pod.doc);
	wr_close(&(*x)->pod.text);
	free(*x);
}

static const struct pod_container *container_of(const struct exec *x)
{
	for (size_t i = 0; i < x->pod.pod.n_containers; i++)
		if (span_eq_str(x->pod.pod.container[i].name, x->container))
			return &x->pod.pod.container[i];
	return NULL;
}

/* Its process as the pod has it, but for the command line. */
static enum coffer_rc start(struct exec *x, const struct cli *c, struct err *e)
{
	Grpc__ExecProcessRequest q = GRPC__EXEC_PROCESS_REQUEST__INIT;
	CLEANUP(run_spec_freep) struct run_spec *s = NULL;
	const struct pod_container *k = container_of(x);
	Grpc__Process p;

	if (!k)
		return err_set(e, COFFER_E_NOTFOUND, "the pod has no container \"%.64s\"", x->container);
	TRY(run_spec_new(k, &s, e));
	p = *run_spec_request(s)->oci->process;
	p.args = (char **)(uintptr_t)(c->pos + 2);
	p.n_args = c->n_pos - 2;
	q.container_id = (char *)(uintptr_t)x->container;
	q.exec_id = x->id;
	q.process = &p;
	return rpc_call(&x->rpc, "ExecProcess", &q.base, NULL, e);
}

static enum coffer_rc ask(struct exec *x, size_t k, struct err *e)
{
	Grpc__ReadStreamRequest q = GRPC__READ_STREAM_REQUEST__INIT;

	q.container_id = (char *)(uintptr_t)x->container;
	q.exec_id = x->id;
	q.len = PIECE;
	return rpc_send(&x->rpc, k == 0 ? "ReadStdout" : "ReadStderr", &q.base, &x->stream[k], e);
}

static enum coffer_rc piece(struct exec *x, size_t k, struct span payload, struct err *e)
{
	CLEANUP(pb_freep) ProtobufCMessage *m = NULL;
	FILE *f = k == 0 ? stdout : stderr;
	const ProtobufCBinaryData *d;

	TRY(pb_unpack(&grpc__read_stream_response__descriptor, payload, &m, e));
	d = &((Grpc__ReadStreamResponse *)m)->data;
	x->told[k] = d->len == 0;
	if (x->told[k])
		return COFFER_OK;
	if (fwrite(d->data, 1, d->len, f) != d->len || fflush(f) != 0)
		return err_set(e, COFFER_E_SYSTEM, "the process's output cannot be written");
	return ask(x, k, e);
}

static enum coffer_rc ended(struct exec *x, struct span payload, struct err *e)
{
	CLEANUP(pb_freep) ProtobufCMessage *m = NULL;

	TRY(pb_unpack(&grpc__wait_process_response__descriptor, payload, &m, e));
	x->code = ((Grpc__WaitProcessResponse *)m)->status & 255;
	x->ended = true;
	return COFFER_OK;
}

static enum coffer_rc attend(struct exec *x, struct err *e)
{
	Grpc__WaitProcessRequest w = GRPC__WAIT_PROCESS_REQUEST__INIT;

	w.container_id = (char *)(uintptr_t)x->container;
	w.exec_id = x->id;
	TRY(rpc_send(&x->rpc, "WaitProcess", &w.base, &x->wait, e));
	TRY(ask(x, 0, e));
	TRY(ask(x, 1, e));
	while (!x->ended || !x->told[0] || !x->told[1]) {
		CLEANUP(wr_close) struct wr payload = { 0 };
		uint32_t got = 0;

		TRY(rpc_next(&x->rpc, &got, &payload, e));
		if (got == x->wait)
			TRY(ended(x, wr_span(&payload), e));
		else if (got == x->stream[0] || got == x->stream[1])
			TRY(piece(x, got == x->stream[1], wr_span(&payload), e));
		else
			return err_set(e, COFFER_E_INPUT, "the guest's agent answers what was not asked");
	}
	return COFFER_OK;
}

static enum coffer_rc exec_all(struct exec *x, const struct cli *c, struct err *e)
{
	CLEANUP(freep) char *yaml = NULL;
	struct pod_seen s;

	TRY(pod_find(c, &s, e));
	TRY(connect_pod(&s, &x->rpc, e));
	yaml = str_fmt("%s/" POD_YAML, s.path);
	if (!yaml)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(run_read(&x->pod, yaml, e));
	x->container = c->pos[1];
	(void)snprintf(x->id, sizeof(x->id), "e%d", (int)getpid());
	TRY(start(x, c, e));
	return attend(x, e);
}

int cmd_pod_exec(struct cli *c, struct err *e)
{
	CLEANUP(exec_freep) struct exec *x = calloc(1, sizeof(*x));

	if (!x) {
		(void)err_set(e, COFFER_E_SYSTEM, "out of memory");
		return cli_fail(c, e);
	}
	rpc_init(&x->rpc);
	return exec_all(x, c, e) == COFFER_OK ? x->code : cli_fail(c, e);
}
