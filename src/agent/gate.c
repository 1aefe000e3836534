#include "agent/boundary.h"

#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "proto/agent.pb-c.h"

#define SPELL(s) (int)(s).n, (const char *)(s).p

enum coffer_rc boundary_container(const struct boundary *b, const char *id, size_t *out, struct err *e)
{
	for (size_t i = 0; i < b->man->n_containers; i++)
		if (span_eq_str(b->man->container[i].name, id)) {
			*out = i;
			return COFFER_OK;
		}
	return err_deny(e, "gate", "the manifest names no container \"%.64s\"", id);
}

enum coffer_rc boundary_sealed(const struct boundary *b, const char *path, size_t *volume, struct err *e)
{
	struct span p = span_of(path);

	if (!span_starts(p, SHARED_DIR "/") || !span_ends(p, SEALED_SUFFIX) ||
	    p.n < sizeof(SHARED_DIR "/") - 1 + sizeof(SEALED_SUFFIX) - 1)
		return err_deny(e, "gate", "CopyFile to \"%.200s\": only sealed volumes are taken", path);
	p = span_skip(p, sizeof(SHARED_DIR "/") - 1);
	p.n -= sizeof(SEALED_SUFFIX) - 1;
	for (size_t i = 0; i < b->man->n_volumes; i++)
		if (b->man->volume[i].kind == VOL_SEALED && span_eq(b->man->volume[i].name, p)) {
			*volume = i;
			return COFFER_OK;
		}
	return err_deny(e, "gate", "the manifest names no sealed volume \"%.*s\"", (int)(p.n < 64 ? p.n : 64), (const char *)p.p);
}

enum coffer_rc boundary_output(const struct man_container *c, const char *exec_id, size_t *out, struct err *e)
{
	struct span name = span_skip(span_of(exec_id), sizeof(OUTPUT_PREFIX) - 1);

	for (size_t i = 0; i < c->n_outputs; i++)
		if (span_eq(c->output[i].name, name)) {
			*out = i;
			return COFFER_OK;
		}
	return err_deny(e, "gate", "container %.*s has no output \"%.64s\"", SPELL(c->name), exec_id + sizeof(OUTPUT_PREFIX) - 1);
}

enum coffer_rc gate_always(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	(void)b;
	(void)m;
	(void)e;
	return COFFER_OK;
}

enum coffer_rc gate_create_sandbox(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	const Grpc__CreateSandboxRequest *q = (const Grpc__CreateSandboxRequest *)m;

	if (b->opened)
		return err_deny(e, "gate", "CreateSandbox is granted once");
	if (q->n_storages > 0)
		return err_deny(e, "gate", "CreateSandbox: the manifest grants no storages");
	if (q->n_kernel_modules > 0)
		return err_deny(e, "gate", "CreateSandbox: the manifest grants no kernel modules");
	if (q->guest_hook_path[0])
		return err_deny(e, "gate", "CreateSandbox: the manifest grants no hooks");
	if (q->sandbox_pidns)
		return err_deny(e, "gate", "CreateSandbox: every container has its own process namespace");
	return COFFER_OK;
}

/* Everything but Check, Version and GetGuestDetails happens between CreateSandbox and DestroySandbox. */
static enum coffer_rc inside(const struct boundary *b, struct err *e)
{
	if (!b->opened || b->closed)
		return err_deny(e, "gate", "there is no sandbox");
	return COFFER_OK;
}

enum coffer_rc gate_destroy_sandbox(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	(void)m;
	return inside(b, e);
}

enum coffer_rc gate_copy_file(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	const Grpc__CopyFileRequest *q = (const Grpc__CopyFileRequest *)m;
	const struct in_view *in;
	size_t v = 0;

	TRY(inside(b, e));
	if (b->created_any)
		return err_deny(e, "gate", "CopyFile is not granted after CreateContainer");
	TRY(boundary_sealed(b, q->path, &v, e));
	in = &b->in[v];
	if ((q->file_mode & S_IFMT) != 0 && !S_ISREG(q->file_mode))
		return err_deny(e, "gate", "CopyFile: a sealed volume is a regular file");
	if (in->whole)
		return err_deny(e, "gate", "CopyFile: this volume is already complete");
	if (q->file_size <= 0 || (uint64_t)q->file_size > SEALED_MAX)
		return err_deny(e, "gate", "CopyFile: a size of %lld bytes", (long long)q->file_size);
	if (in->at > 0 && (uint64_t)q->file_size != in->size)
		return err_deny(e, "gate", "CopyFile: the size changed under way");
	if (q->offset < 0 || (uint64_t)q->offset != in->at)
		return err_deny(e, "gate", "CopyFile: offset %lld is out of order", (long long)q->offset);
	if (q->data.len == 0 || q->data.len > (uint64_t)q->file_size - in->at)
		return err_deny(e, "gate", "CopyFile: %zu bytes do not fit the announced size", q->data.len);
	return COFFER_OK;
}

static enum coffer_rc request_is_plain(const Grpc__CreateContainerRequest *q, struct err *e)
{
	if (q->exec_id[0] && strcmp(q->exec_id, q->container_id) != 0)
		return err_deny(e, "gate", "CreateContainer: exec_id differs from container_id");
	if (q->string_user)
		return err_deny(e, "gate", "CreateContainer: string_user is not granted by the manifest");
	if (q->n_devices > 0)
		return err_deny(e, "gate", "CreateContainer: the manifest grants no devices");
	if (q->n_storages > 0)
		return err_deny(e, "gate", "CreateContainer: the manifest grants no storages");
	if (q->n_shared_mounts > 0)
		return err_deny(e, "gate", "CreateContainer: the manifest grants no shared mounts");
	if (q->sandbox_pidns)
		return err_deny(e, "gate", "CreateContainer: every container has its own process namespace");
	if (q->stdin_port || q->stdout_port || q->stderr_port)
		return err_deny(e, "gate", "CreateContainer: streams to host ports are not granted by the manifest");
	if (!q->oci)
		return err_deny(e, "gate", "CreateContainer: no OCI specification");
	return COFFER_OK;
}

enum coffer_rc gate_create_container(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	const Grpc__CreateContainerRequest *q = (const Grpc__CreateContainerRequest *)m;
	const struct man_container *c;
	size_t i = 0;

	TRY(inside(b, e));
	TRY(boundary_container(b, q->container_id, &i, e));
	c = &b->man->container[i];
	if (b->ctr[i].state != CTR_NEW)
		return err_deny(e, "gate", "container %.*s was already created", SPELL(c->name));
	TRY(request_is_plain(q, e));
	TRY(gate_spec(c, q->oci, e));
	for (size_t k = 0; k < c->n_mounts; k++) {
		const struct man_volume *v = manifest_volume(b->man, c->mount[k].volume);

		if (!v)
			return err_deny(e, "gate", "the manifest has no volume \"%.*s\"", SPELL(c->mount[k].volume));
		if (v->kind == VOL_SEALED && !b->in[v - b->man->volume].whole)
			return err_deny(e, "gate", "the sealed file of volume %.*s was not delivered", SPELL(v->name));
	}
	return COFFER_OK;
}

static enum coffer_rc in_state(const struct boundary *b, const char *id, unsigned states, size_t *out, struct err *e)
{
	TRY(inside(b, e));
	TRY(boundary_container(b, id, out, e));
	if (!(states & 1u << b->ctr[*out].state))
		return err_deny(e, "gate", "container %s is not in a state for this", id);
	return COFFER_OK;
}

#define MADE (1u << CTR_CREATED | 1u << CTR_RUNNING | 1u << CTR_STOPPED)

/* The container's own process, or one that ExecProcess has started. */
static enum coffer_rc known_process(const struct boundary *b, size_t i, const char *exec_id, struct err *e)
{
	size_t k;

	if (exec_id[0] && !span_eq_str(b->man->container[i].name, exec_id) && !boundary_exec(b, i, exec_id, &k))
		return err_deny(e, "gate", "container %.*s has no process \"%.64s\" beside its own", SPELL(b->man->container[i].name), exec_id);
	return COFFER_OK;
}

enum coffer_rc gate_start(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	size_t i = 0;

	return in_state(b, ((const Grpc__StartContainerRequest *)m)->container_id, 1u << CTR_CREATED, &i, e);
}

enum coffer_rc gate_wait(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	const Grpc__WaitProcessRequest *q = (const Grpc__WaitProcessRequest *)m;
	size_t i = 0;

	TRY(in_state(b, q->container_id, MADE, &i, e));
	return known_process(b, i, q->exec_id, e);
}

enum coffer_rc gate_remove(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	size_t i = 0;

	return in_state(b, ((const Grpc__RemoveContainerRequest *)m)->container_id, MADE, &i, e);
}

enum coffer_rc gate_stats(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	size_t i = 0;

	return in_state(b, ((const Grpc__StatsContainerRequest *)m)->container_id, MADE, &i, e);
}

enum coffer_rc gate_signal(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	const Grpc__SignalProcessRequest *q = (const Grpc__SignalProcessRequest *)m;
	size_t i = 0, p;

	TRY(in_state(b, q->container_id, MADE, &i, e));
	if (q->exec_id[0] && !boundary_exec(b, i, q->exec_id, &p))
		return err_deny(e, "gate", "container %.64s has no process \"%.64s\" beside its own", q->container_id, q->exec_id);
	for (size_t k = 0; k < json_len(b->man->host_signals); k++) {
		uint64_t s = 0;

		if (json_u64(json_at(b->man->host_signals, k), &s) && s == q->signal && s > 0 && s <= 64)
			return COFFER_OK;
	}
	return err_deny(e, "gate", "signal %u is not granted by the manifest", q->signal);
}

static enum coffer_rc gate_log(const struct boundary *b, const Grpc__ReadStreamRequest *q, const char *name, struct err *e)
{
	size_t i = 0, k;

	TRY(in_state(b, q->container_id, MADE, &i, e));
	TRY(known_process(b, i, q->exec_id, e));
	if (boundary_exec(b, i, q->exec_id, &k)) /* who may run it may read it */
		return COFFER_OK;
	if (!manifest_lists(b->man->host_logs, b->man->container[i].name))
		return err_deny(e, "gate", "%s of container %.64s is not granted by the manifest", name, q->container_id);
	return COFFER_OK;
}

enum coffer_rc gate_read_stdout(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	const Grpc__ReadStreamRequest *q = (const Grpc__ReadStreamRequest *)m;
	size_t i = 0, k = 0;

	if (!span_starts(span_of(q->exec_id), OUTPUT_PREFIX))
		return gate_log(b, q, "ReadStdout", e);
	TRY(in_state(b, q->container_id, MADE, &i, e));
	TRY(boundary_output(&b->man->container[i], q->exec_id, &k, e));
	if (b->ctr[i].state != CTR_STOPPED || b->ctr[i].exit_code != 0)
		return err_deny(e, "gate", "container %.64s has not ended well: it has no outputs", q->container_id);
	return COFFER_OK;
}

enum coffer_rc gate_read_stderr(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	return gate_log(b, (const Grpc__ReadStreamRequest *)m, "ReadStderr", e);
}
