#include "cli/run_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/run_spec.h"
#include "os/file.h"
#include "proto/pb.h"

#define SHARED_DIR "/run/kata-containers/shared/containers"
#define PIECE (1u << 20)
#define OUTPUT_MAX (64u << 20)
#define CALLS_MAX ((size_t)3 * POD_CONTAINERS_MAX)

enum call_kind { CALL_NONE, CALL_WAIT, CALL_STDOUT, CALL_STDERR };
struct call { enum call_kind kind; uint32_t stream; size_t container; };

static char *name_of(const struct run *r, size_t i)
{
	return span_dup(r->pod.container[i].name);
}

static enum coffer_rc no_memory(struct err *e)
{
	return err_set(e, COFFER_E_SYSTEM, "out of memory");
}

/* ---- sealed volumes in ---- */

static enum coffer_rc copy_pieces(struct run *r, const char *to, int fd, uint64_t size, struct err *e)
{
	CLEANUP(freep) uint8_t *piece = malloc(PIECE);
	Grpc__CopyFileRequest q = GRPC__COPY_FILE_REQUEST__INIT;

	if (!piece)
		return no_memory(e);
	q.path = (char *)(uintptr_t)to;
	q.file_size = (int64_t)size;
	q.file_mode = S_IFREG | 0400;
	for (uint64_t at = 0; at < size;) {
		ssize_t n = pread(fd, piece, PIECE, (off_t)at);

		if (n <= 0)
			return err_set(e, COFFER_E_SYSTEM, "a sealed file: %s", n < 0 ? strerror(errno) : "it became shorter");
		q.offset = (int64_t)at;
		q.data.data = piece;
		q.data.len = (uint64_t)n < size - at ? (size_t)n : (size_t)(size - at);
		TRY(rpc_call(&r->rpc, "CopyFile", &q.base, NULL, e));
		at += q.data.len;
	}
	return COFFER_OK;
}

static enum coffer_rc copy_volume(struct run *r, const struct pod_volume *v, struct err *e)
{
	CLEANUP(freep) char *from = span_dup(v->host_path);
	CLEANUP(freep) char *to = str_fmt(SHARED_DIR "/%.*s.sealed", (int)v->name.n, (const char *)v->name.p);
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (!from || !to)
		return no_memory(e);
	fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set(e, COFFER_E_NOTFOUND, "%s: %s", from, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(e, COFFER_E_INPUT, "%s: not a sealed data file", from);
	run_say("volume %.*s: %lld sealed bytes", (int)v->name.n, (const char *)v->name.p, (long long)st.st_size);
	return copy_pieces(r, to, fd, (uint64_t)st.st_size, e);
}

static enum coffer_rc open_sandbox(struct run *r, struct err *e)
{
	Grpc__CheckRequest check = GRPC__CHECK_REQUEST__INIT;
	Grpc__CreateSandboxRequest q = GRPC__CREATE_SANDBOX_REQUEST__INIT;
	CLEANUP(freep) char *name = span_dup(r->pod.name);

	if (!name)
		return no_memory(e);
	q.sandbox_id = q.hostname = name;
	TRY(rpc_call(&r->rpc, "Check", &check.base, NULL, e));
	TRY(rpc_call(&r->rpc, "CreateSandbox", &q.base, NULL, e));
	for (size_t i = 0; i < r->pod.n_volumes; i++)
		if (r->pod.volume[i].is_file)
			TRY(copy_volume(r, &r->pod.volume[i], e));
	return COFFER_OK;
}

/* ---- containers ---- */

static enum coffer_rc create(struct run *r, size_t i, struct err *e)
{
	CLEANUP(run_spec_freep) struct run_spec *s = NULL;

	TRY(run_spec_new(&r->pod.container[i], &s, e));
	run_say("container %.*s: image, volumes", (int)r->pod.container[i].name.n, (const char *)r->pod.container[i].name.p);
	return rpc_call(&r->rpc, "CreateContainer", &run_spec_request(s)->base, NULL, e);
}

static enum coffer_rc start(struct run *r, size_t i, struct err *e)
{
	Grpc__StartContainerRequest q = GRPC__START_CONTAINER_REQUEST__INIT;
	CLEANUP(freep) char *name = name_of(r, i);

	if (!name)
		return no_memory(e);
	q.container_id = name;
	TRY(rpc_call(&r->rpc, "StartContainer", &q.base, NULL, e));
	run_say("container %s: started", name);
	return COFFER_OK;
}

static enum coffer_rc ask(struct run *r, struct call *c, enum call_kind kind, size_t i, struct err *e)
{
	Grpc__WaitProcessRequest w = GRPC__WAIT_PROCESS_REQUEST__INIT;
	Grpc__ReadStreamRequest l = GRPC__READ_STREAM_REQUEST__INIT;
	CLEANUP(freep) char *name = name_of(r, i);

	if (!name)
		return no_memory(e);
	*c = (struct call){ .kind = kind, .container = i };
	w.container_id = l.container_id = name;
	l.len = PIECE;
	if (kind == CALL_WAIT)
		return rpc_send(&r->rpc, "WaitProcess", &w.base, &c->stream, e);
	return rpc_send(&r->rpc, kind == CALL_STDOUT ? "ReadStdout" : "ReadStderr", &l.base, &c->stream, e);
}

/* Container output goes to the like-named stream of ours; standard output is JSON's when JSON was asked for. */
static bool show(const struct run *r, enum call_kind kind, struct span s)
{
	FILE *f = kind == CALL_STDOUT && !r->cli->json ? stdout : stderr;

	return fwrite(s.p ? s.p : (const uint8_t *)"", 1, s.n, f) == s.n && fflush(f) == 0;
}

static enum coffer_rc log_piece(struct run *r, struct call *c, struct span payload, struct err *e)
{
	CLEANUP(pb_freep) ProtobufCMessage *m = NULL;
	const ProtobufCBinaryData *d;

	TRY(pb_unpack(&grpc__read_stream_response__descriptor, payload, &m, e));
	d = &((Grpc__ReadStreamResponse *)m)->data;
	if (d->len == 0) {
		c->kind = CALL_NONE;
		return COFFER_OK;
	}
	TRY(kept_append(&r->kept[c->container][c->kind == CALL_STDERR], (struct span){ d->data, d->len }, e));
	if (!r->rec.keep && !show(r, c->kind, (struct span){ d->data, d->len })) /* who is detached has nobody to show it to */
		return err_set(e, COFFER_E_SYSTEM, "the container's output cannot be written");
	return ask(r, c, c->kind, c->container, e);
}

static enum coffer_rc ended(struct run *r, struct call *c, struct span payload, struct err *e)
{
	CLEANUP(pb_freep) ProtobufCMessage *m = NULL;
	const struct pod_container *k = &r->pod.container[c->container];

	TRY(pb_unpack(&grpc__wait_process_response__descriptor, payload, &m, e));
	r->exit_code[c->container] = ((Grpc__WaitProcessResponse *)m)->status;
	run_say("container %.*s: ended with %d", (int)k->name.n, (const char *)k->name.p, r->exit_code[c->container]);
	run_part_ended(r, c->container);
	c->kind = CALL_NONE;
	return COFFER_OK;
}

static void lapsed(struct run *r, struct call *c, const struct err *e)
{
	run_say("lease: %s", e->msg);
	if (!r->rec.reason[0]) /* the first, for whoever asks later */
		(void)snprintf(r->rec.reason, sizeof(r->rec.reason), "lease: %.350s", e->msg);
	r->lapsed[c->container] = true;
	r->exit_code[c->container] = 128 + 9;
	run_part_ended(r, c->container);
	c->kind = CALL_NONE;
}

static struct call *call_of(struct call *c, uint32_t stream)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (c[i].kind != CALL_NONE && c[i].stream == stream)
			return &c[i];
	return NULL;
}

static bool any(const struct call *c)
{
	for (size_t i = 0; i < CALLS_MAX; i++)
		if (c[i].kind != CALL_NONE)
			return true;
	return false;
}

/* Waits for every container at once, and passes on the logs that the manifest lets out. */
static enum coffer_rc wait_all(struct run *r, struct err *e)
{
	struct call call[CALLS_MAX] = { { .kind = CALL_NONE } };
	size_t n = 0;

	for (size_t i = 0; i < r->pod.n_containers; i++) {
		TRY(ask(r, &call[n++], CALL_WAIT, i, e));
		if (!manifest_lists(r->man.host_logs, r->pod.container[i].name))
			continue;
		TRY(ask(r, &call[n++], CALL_STDOUT, i, e));
		TRY(ask(r, &call[n++], CALL_STDERR, i, e));
	}
	while (any(call)) {
		CLEANUP(wr_close) struct wr payload = { 0 };
		uint32_t stream = 0;
		enum coffer_rc rc;
		struct call *c;

		rc = rpc_next(&r->rpc, &stream, &payload, e);
		c = call_of(call, stream);
		if (rc == COFFER_E_DENIED && strcmp(e->check, RUN_LEASE) == 0 && c && c->kind == CALL_WAIT) {
			lapsed(r, c, e);
			continue;
		}
		if (rc != COFFER_OK)
			return rc;
		if (!c)
			return err_set(e, COFFER_E_INPUT, "the guest's agent answers what was not asked");
		TRY(c->kind == CALL_WAIT ? ended(r, c, wr_span(&payload), e) : log_piece(r, c, wr_span(&payload), e));
	}
	return COFFER_OK;
}

/* ---- outputs ---- */

enum coffer_rc run_find_output(const struct run *r, struct span name, size_t *container, struct err *e)
{
	size_t hits = 0;

	for (size_t i = 0; i < r->man.n_containers; i++)
		for (size_t k = 0; k < r->man.container[i].n_outputs; k++)
			if (span_eq(r->man.container[i].output[k].name, name)) {
				*container = i;
				hits++;
			}
	if (hits != 1)
		return cli_bad(e, "--output %.*s: %s", (int)name.n, (const char *)name.p,
		    hits ? "several containers have an output of this name" : "the manifest names no such output");
	return COFFER_OK;
}

static enum coffer_rc fetch(struct run *r, Grpc__ReadStreamRequest *q, struct wr *out, struct err *e)
{
	for (;;) {
		CLEANUP(wr_close) struct wr payload = { 0 };
		CLEANUP(pb_freep) ProtobufCMessage *m = NULL;
		const ProtobufCBinaryData *d;

		TRY(rpc_call(&r->rpc, "ReadStdout", &q->base, &payload, e));
		TRY(pb_unpack(&grpc__read_stream_response__descriptor, wr_span(&payload), &m, e));
		d = &((Grpc__ReadStreamResponse *)m)->data;
		if (d->len == 0)
			return wr_done(out, "output", e);
		wr_put(out, (struct span){ d->data, d->len });
	}
}

/* Sealed it is longer: base64, and its header. */
static size_t most(const struct man_container *c, struct span name)
{
	uint64_t n = OUTPUT_MAX;

	for (size_t i = 0; i < c->n_outputs; i++)
		if (span_eq(c->output[i].name, name) && c->output[i].max_bytes < OUTPUT_MAX / 2)
			n = c->output[i].max_bytes + c->output[i].max_bytes / 2 + 4096;
	return (size_t)(n < OUTPUT_MAX ? n : OUTPUT_MAX);
}

enum coffer_rc run_open_outputs(struct run *r, struct err *e)
{
	const char *value;

	for (size_t i = 0; (value = cli_opt_at(r->cli, "output", i)); i++) {
		struct span name = { (const uint8_t *)value, span_find(span_of(value), '=') };
		size_t c = 0;

		TRY(run_find_output(r, name, &c, e));
		if (file_later_open(value + name.n + 1, most(&r->man.container[c], name), &r->output[i], e) != COFFER_OK)
			return err_wrap(e, "--output %s", value);
	}
	return COFFER_OK;
}

/* value: NAME=FILE, checked before the guest was started */
static enum coffer_rc take_output(struct run *r, const char *value, struct file_later *to, uint64_t *bytes, struct err *e)
{
	Grpc__ReadStreamRequest q = GRPC__READ_STREAM_REQUEST__INIT;
	struct span name = { (const uint8_t *)value, span_find(span_of(value), '=') };
	CLEANUP(wr_close) struct wr sealed = wr_open(OUTPUT_MAX);
	CLEANUP(freep) char *exec = str_fmt("output:%.*s", (int)name.n, value);
	CLEANUP(freep) char *container = NULL;
	size_t i = 0;

	TRY(run_find_output(r, name, &i, e));
	container = span_dup(r->man.container[i].name);
	if (!exec || !container)
		return no_memory(e);
	q.container_id = container;
	q.exec_id = exec;
	q.len = PIECE;
	TRY(fetch(r, &q, &sealed, e));
	TRY(file_later_write(to, value + name.n + 1, wr_span(&sealed), 0644, e));
	*bytes = wr_span(&sealed).n;
	run_say("output %.*s: %llu sealed bytes in %s", (int)name.n, value, (unsigned long long)*bytes, value + name.n + 1);
	return COFFER_OK;
}

static bool all_well(const struct run *r)
{
	for (size_t i = 0; i < r->pod.n_containers; i++)
		if (r->exit_code[i] != 0)
			return false;
	return true;
}

static enum coffer_rc close_sandbox(struct run *r, struct err *e)
{
	Grpc__DestroySandboxRequest d = GRPC__DESTROY_SANDBOX_REQUEST__INIT;

	for (size_t i = 0; i < r->pod.n_containers; i++) {
		Grpc__RemoveContainerRequest q = GRPC__REMOVE_CONTAINER_REQUEST__INIT;
		CLEANUP(freep) char *name = name_of(r, i);

		if (!name)
			return no_memory(e);
		q.container_id = name;
		TRY(rpc_call(&r->rpc, "RemoveContainer", &q.base, NULL, e));
	}
	return rpc_call(&r->rpc, "DestroySandbox", &d.base, NULL, e);
}

enum coffer_rc run_pod(struct run *r, struct err *e)
{
	const char *value;

	TRY(open_sandbox(r, e));
	for (size_t i = 0; i < r->pod.n_containers; i++)
		TRY(create(r, i, e));
	for (size_t i = 0; i < r->pod.n_containers; i++)
		TRY(start(r, i, e));
	TRY(run_started(r, e));
	TRY(wait_all(r, e));
	for (size_t i = 0; all_well(r) && (value = cli_opt_at(r->cli, "output", i)); i++)
		TRY(take_output(r, value, &r->output[i], &r->output_bytes[i], e));
	return close_sandbox(r, e);
}
