#include "agent/agent.h"

#include <stdio.h>
#include <string.h>

#include "agent/proc.h"
#include "base/own.h"
#include "base/str.h"
#include "proto/agent.pb-c.h"
#include "proto/pb.h"
#include "proto/ttrpc.h"

#define READ_MAX (1u << 20) /* bytes a ReadStdout may move */

typedef enum coffer_rc (*run_fn)(struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e);

struct method {
	const char *service, *name;
	const ProtobufCMessageDescriptor *decode;
	gate_fn     gate;
	run_fn      run;
};

static size_t container_of(const struct agent *a, const char *id)
{
	struct err unused; /* the gate has already found it */
	size_t i = 0;

	return boundary_container(&a->b, id, &i, &unused) == COFFER_OK ? i : 0;
}

static enum coffer_rc answer(struct reply *r, const ProtobufCMessage *m, struct err *e)
{
	pb_pack(m, &r->payload);
	return wr_done(&r->payload, "reply", e);
}

static enum coffer_rc run_check(struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e)
{
	Grpc__HealthCheckResponse v = GRPC__HEALTH_CHECK_RESPONSE__INIT;

	(void)a;
	(void)q;
	v.status = GRPC__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	return answer(r, &v.base, e);
}

static enum coffer_rc run_version(struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e)
{
	static const char api[] = "0.0.1", ours[] = COFFER_VERSION;
	Grpc__VersionCheckResponse v = GRPC__VERSION_CHECK_RESPONSE__INIT;

	(void)a;
	(void)q;
	v.grpc_version = (char *)(uintptr_t)api;
	v.agent_version = (char *)(uintptr_t)ours;
	return answer(r, &v.base, e);
}

static enum coffer_rc run_guest_details(struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e)
{
	static const char ours[] = COFFER_VERSION;
	Grpc__GuestDetailsResponse v = GRPC__GUEST_DETAILS_RESPONSE__INIT;
	Grpc__AgentDetails d = GRPC__AGENT_DETAILS__INIT;

	(void)a;
	(void)q;
	d.version = (char *)(uintptr_t)ours;
	d.init_daemon = getpid() == 1;
	d.supports_seccomp = true;
	v.agent_details = &d;
	return answer(r, &v.base, e);
}

static enum coffer_rc run_create_sandbox(struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e)
{
	(void)q;
	(void)r;
	(void)e;
	a->b.opened = true;
	return COFFER_OK;
}

static enum coffer_rc run_destroy_sandbox(struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e)
{
	(void)q;
	(void)r;
	(void)e;
	for (size_t i = 0; i < a->man.n_containers; i++)
		if (a->b.ctr[i].state != CTR_NEW && a->b.ctr[i].state != CTR_REMOVED) {
			container_remove(a, i);
			a->b.ctr[i].state = CTR_REMOVED;
		}
	a->b.closed = true;
	return COFFER_OK;
}

static enum coffer_rc run_copy_file(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	const Grpc__CopyFileRequest *q = (const Grpc__CopyFileRequest *)m;
	struct in_view *in;
	size_t v = 0;

	(void)r;
	TRY(boundary_sealed(&a->b, q->path, &v, e));
	in = &a->b.in[v];
	TRY(volume_write(a, v, in->at, (struct span){ q->data.data, q->data.len }, e));
	in->size = (uint64_t)q->file_size;
	in->at += q->data.len;
	in->whole = in->at == in->size;
	return COFFER_OK;
}

static enum coffer_rc run_create_container(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	size_t i = container_of(a, ((const Grpc__CreateContainerRequest *)m)->container_id);

	(void)r;
	a->b.created_any = true;
	TRY(container_create(a, i, e));
	a->b.ctr[i].state = CTR_CREATED;
	return COFFER_OK;
}

static enum coffer_rc run_start(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	size_t i = container_of(a, ((const Grpc__StartContainerRequest *)m)->container_id);

	(void)r;
	TRY(container_start(a, i, e));
	a->b.ctr[i].state = CTR_RUNNING;
	return COFFER_OK;
}

static enum coffer_rc run_exec(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	const Grpc__ExecProcessRequest *q = (const Grpc__ExecProcessRequest *)m;
	struct exec_what what = { .container = container_of(a, q->container_id), .id = q->exec_id };

	(void)r;
	what.args = manifest_exec(&a->man, a->man.container[what.container].name, q->process->args, q->process->n_args);
	return exec_start(a, &what, e);
}

/* Not after its container went: an answer was waited for meanwhile. */
static enum coffer_rc no_process(struct err *e)
{
	return err_set(e, COFFER_E_NOTFOUND, "this process is over, and what it said was told or is gone");
}

static bool own_process(const char *exec_id, const char *container_id)
{
	return !exec_id[0] || strcmp(exec_id, container_id) == 0;
}

static enum coffer_rc wait_exec(struct agent *a, const Grpc__WaitProcessRequest *q, struct reply *r, struct err *e)
{
	Grpc__WaitProcessResponse v = GRPC__WAIT_PROCESS_RESPONSE__INIT;
	size_t k;

	if (!boundary_exec(&a->b, container_of(a, q->container_id), q->exec_id, &k))
		return no_process(e);
	r->later = a->b.exec[k].state == CTR_RUNNING;
	if (r->later)
		return COFFER_OK;
	v.status = a->b.exec[k].exit_code;
	a->exec[k].told_end = true;
	exec_told(a, k);
	return answer(r, &v.base, e);
}

static enum coffer_rc run_wait(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	size_t i = container_of(a, ((const Grpc__WaitProcessRequest *)m)->container_id);
	Grpc__WaitProcessResponse v = GRPC__WAIT_PROCESS_RESPONSE__INIT;

	if (!own_process(((const Grpc__WaitProcessRequest *)m)->exec_id, ((const Grpc__WaitProcessRequest *)m)->container_id))
		return wait_exec(a, (const Grpc__WaitProcessRequest *)m, r, e);
	r->later = a->b.ctr[i].state == CTR_CREATED || a->b.ctr[i].state == CTR_RUNNING;
	if (r->later)
		return COFFER_OK;
	if (a->lapse[i].stopped) {
		*e = a->lapse[i].why;
		return e->rc;
	}
	v.status = a->b.ctr[i].exit_code;
	return answer(r, &v.base, e);
}

static enum coffer_rc run_remove(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	size_t i = container_of(a, ((const Grpc__RemoveContainerRequest *)m)->container_id);

	(void)r;
	(void)e;
	container_remove(a, i);
	if (a->b.ctr[i].state != CTR_STOPPED)
		a->b.ctr[i].exit_code = 128 + 9;
	a->b.ctr[i].state = CTR_REMOVED;
	leases_end(a, i);
	return COFFER_OK;
}

static enum coffer_rc run_signal(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	const Grpc__SignalProcessRequest *q = (const Grpc__SignalProcessRequest *)m;

	size_t i = container_of(a, q->container_id), k;

	(void)r;
	if (own_process(q->exec_id, q->container_id))
		return container_signal(a, i, (int)q->signal, e);
	return boundary_exec(&a->b, i, q->exec_id, &k) ? exec_signal(a, k, (int)q->signal, e) : no_process(e);
}

static enum coffer_rc run_stats(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	size_t i = container_of(a, ((const Grpc__StatsContainerRequest *)m)->container_id);
	Grpc__StatsContainerResponse v = GRPC__STATS_CONTAINER_RESPONSE__INIT;
	Grpc__CgroupStats g = GRPC__CGROUP_STATS__INIT;
	Grpc__CpuStats cpu = GRPC__CPU_STATS__INIT;
	Grpc__CpuUsage cu = GRPC__CPU_USAGE__INIT;
	Grpc__MemoryStats mem = GRPC__MEMORY_STATS__INIT;
	Grpc__MemoryData md = GRPC__MEMORY_DATA__INIT;
	Grpc__PidsStats pids = GRPC__PIDS_STATS__INIT;
	struct proc_use u = { 0 };

	if (a->ctr[i].pidns)
		proc_usage(a->ctr[i].pidns, &u);
	cu.total_usage = u.cpu_ns;
	cpu.cpu_usage = &cu;
	md.usage = u.memory;
	mem.usage = &md;
	pids.current = u.processes;
	g.cpu_stats = &cpu;
	g.memory_stats = &mem;
	g.pids_stats = &pids;
	v.cgroup_stats = &g;
	return answer(r, &v.base, e);
}

static enum coffer_rc answer_data(struct reply *r, struct span s, struct err *e)
{
	Grpc__ReadStreamResponse v = GRPC__READ_STREAM_RESPONSE__INIT;

	v.data.data = (uint8_t *)(uintptr_t)s.p;
	v.data.len = s.n;
	return answer(r, &v.base, e);
}

static size_t read_size(uint32_t len)
{
	return len == 0 || len > READ_MAX ? READ_MAX : len;
}

static enum coffer_rc read_stream(struct log_stream *s, const Grpc__ReadStreamRequest *q, struct reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(LOGBUF_MAX);

	r->later = s->buf.n == 0 && s->fd >= 0;
	if (r->later)
		return COFFER_OK;
	(void)logbuf_take(&s->buf, read_size(q->len), &w);
	return answer_data(r, wr_span(&w), e);
}

static enum coffer_rc read_log(struct agent *a, const Grpc__ReadStreamRequest *q, size_t which, struct reply *r, struct err *e)
{
	size_t i = container_of(a, q->container_id), k;
	bool end;

	if (own_process(q->exec_id, q->container_id))
		return read_stream(&a->ctr[i].log[which], q, r, e);
	if (!boundary_exec(&a->b, i, q->exec_id, &k))
		return no_process(e);
	end = a->exec[k].log[which].buf.n == 0 && a->exec[k].log[which].fd < 0;
	TRY(read_stream(&a->exec[k].log[which], q, r, e));
	a->exec[k].told[which] = end;
	exec_told(a, k);
	return COFFER_OK;
}

static enum coffer_rc read_output(struct agent *a, size_t i, size_t k, uint32_t len, struct reply *r, struct err *e)
{
	struct output_held *h = &a->ctr[i].output[k];
	struct span s;

	if (a->lapse[i].over) {
		*e = a->lapse[i].why;
		return e->rc;
	}
	if (h->failed) {
		*e = h->why;
		return h->why.rc;
	}
	s = span_skip(wr_span(&h->sealed), h->at);
	if (s.n > read_size(len))
		s.n = read_size(len);
	h->at += s.n;
	return answer_data(r, s, e);
}

static enum coffer_rc run_read_stdout(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	const Grpc__ReadStreamRequest *q = (const Grpc__ReadStreamRequest *)m;
	size_t i = container_of(a, q->container_id), k = 0;

	if (!span_starts(span_of(q->exec_id), OUTPUT_PREFIX))
		return read_log(a, q, 0, r, e);
	TRY(boundary_output(&a->man.container[i], q->exec_id, &k, e));
	return read_output(a, i, k, q->len, r, e);
}

static enum coffer_rc run_read_stderr(struct agent *a, const ProtobufCMessage *m, struct reply *r, struct err *e)
{
	return read_log(a, (const Grpc__ReadStreamRequest *)m, 1, r, e);
}

#define HEALTH "grpc.Health"
#define AGENT "grpc.AgentService"

static const struct method methods[] = {
	{ HEALTH, "Check", &grpc__check_request__descriptor, gate_always, run_check },
	{ HEALTH, "Version", &grpc__check_request__descriptor, gate_always, run_version },
	{ AGENT, "GetGuestDetails", &grpc__guest_details_request__descriptor, gate_always, run_guest_details },
	{ AGENT, "CreateSandbox", &grpc__create_sandbox_request__descriptor, gate_create_sandbox, run_create_sandbox },
	{ AGENT, "DestroySandbox", &grpc__destroy_sandbox_request__descriptor, gate_destroy_sandbox, run_destroy_sandbox },
	{ AGENT, "CopyFile", &grpc__copy_file_request__descriptor, gate_copy_file, run_copy_file },
	{ AGENT, "CreateContainer", &grpc__create_container_request__descriptor, gate_create_container, run_create_container },
	{ AGENT, "StartContainer", &grpc__start_container_request__descriptor, gate_start, run_start },
	{ AGENT, "ExecProcess", &grpc__exec_process_request__descriptor, gate_exec, run_exec },
	{ AGENT, "WaitProcess", &grpc__wait_process_request__descriptor, gate_wait, run_wait },
	{ AGENT, "RemoveContainer", &grpc__remove_container_request__descriptor, gate_remove, run_remove },
	{ AGENT, "SignalProcess", &grpc__signal_process_request__descriptor, gate_signal, run_signal },
	{ AGENT, "StatsContainer", &grpc__stats_container_request__descriptor, gate_stats, run_stats },
	{ AGENT, "ReadStdout", &grpc__read_stream_request__descriptor, gate_read_stdout, run_read_stdout },
	{ AGENT, "ReadStderr", &grpc__read_stream_request__descriptor, gate_read_stderr, run_read_stderr },
};

const struct method *method_find(struct span service, struct span name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (span_eq_str(service, methods[i].service) && span_eq_str(name, methods[i].name))
			return &methods[i];
	return NULL;
}

/* Where Kata's message is not the method's name and "Request". */
static const struct { const char *method, *message; } odd_names[] = {
	{ "WriteStdin", "WriteStreamRequest" }, { "GetVolumeStats", "VolumeStatsRequest" },
	{ "MemAgentMemcgSet", "MemAgentMemcgConfig" }, { "MemAgentCompactSet", "MemAgentCompactConfig" },
};

enum coffer_rc method_unknown(struct span name, struct err *e)
{
	char clean[65];
	size_t n = name.n < sizeof(clean) - 1 ? name.n : sizeof(clean) - 1;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = name.p[i];

		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		clean[i] = '?';
		if (plain)
			clean[i] = (char)c;
	}
	clean[n] = 0;
	for (size_t i = 0; i < sizeof(odd_names) / sizeof(odd_names[0]); i++)
		if (strcmp(clean, odd_names[i].method) == 0)
			return err_deny(e, "gate", "%s is not granted by the manifest", odd_names[i].message);
	return err_deny(e, "gate", "%sRequest is not granted by the manifest", clean);
}

enum coffer_rc method_decode(const struct method *m, struct span payload, ProtobufCMessage **out, struct err *e)
{
	return pb_unpack(m->decode, payload, out, e);
}

enum coffer_rc method_gate(const struct method *m, const struct agent *a, const ProtobufCMessage *q, struct err *e)
{
	return m->gate(&a->b, q, e);
}

enum coffer_rc method_run(const struct method *m, struct agent *a, const ProtobufCMessage *q, struct reply *r, struct err *e)
{
	return m->run(a, q, r, e);
}
