/* Processes beside the containers' own: what the manifest lists, word for word, as the container's user, environment and rights. */
#include <string.h>

#include "agent/boundary.h"
#include "base/str.h"
#include "proto/agent.pb-c.h"

/* It becomes a part of file names and answers to nothing else. */
static bool id_ok(const char *id)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = strlen(id);

	return n > 0 && n < EXEC_ID_MAX && strspn(id, allowed) == n;
}

bool boundary_exec(const struct boundary *b, size_t container, const char *exec_id, size_t *out)
{
	for (size_t k = 0; k < EXECS_MAX; k++)
		if (b->exec[k].state != CTR_NEW && b->exec[k].container == container && strcmp(b->exec[k].id, exec_id) == 0) {
			*out = k;
			return true;
		}
	return false;
}

static enum coffer_rc request_is_plain(const Grpc__ExecProcessRequest *q, struct err *e)
{
	if (!id_ok(q->exec_id) || strcmp(q->exec_id, q->container_id) == 0)
		return err_deny(e, "gate", "ExecProcess: exec_id is not 1 to %d letters, digits and - _ . other than the container's name", EXEC_ID_MAX - 1);
	if (q->string_user)
		return err_deny(e, "gate", "ExecProcess: string_user is not granted by the manifest");
	if (q->stdin_port || q->stdout_port || q->stderr_port)
		return err_deny(e, "gate", "ExecProcess: streams to host ports are not granted by the manifest");
	if (!q->process)
		return err_deny(e, "gate", "ExecProcess: no process");
	return COFFER_OK;
}

enum coffer_rc gate_exec(const struct boundary *b, const ProtobufCMessage *m, struct err *e)
{
	const Grpc__ExecProcessRequest *q = (const Grpc__ExecProcessRequest *)m;
	const struct man_container *c;
	const struct json *args;
	size_t i = 0, k = 0;

	if (!b->opened || b->closed)
		return err_deny(e, "gate", "there is no sandbox");
	TRY(boundary_container(b, q->container_id, &i, e));
	c = &b->man->container[i];
	TRY(request_is_plain(q, e));
	args = manifest_exec(b->man, c->name, q->process->args, q->process->n_args);
	if (!args)
		return err_deny(e, "gate", "ExecProcess: the manifest grants no such command in container %.64s", q->container_id);
	if (b->ctr[i].state != CTR_RUNNING)
		return err_deny(e, "gate", "container %.64s is not in a state for this", q->container_id);
	if (boundary_exec(b, i, q->exec_id, &k))
		return err_deny(e, "gate", "ExecProcess: there is a process \"%.64s\" already", q->exec_id);
	return gate_process(c, args, q->process, e);
}
