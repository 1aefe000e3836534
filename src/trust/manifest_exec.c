/* "exec" of the manifest's host: what else the host may have run in a container. */
#include "base/str.h"
#include "trust/manifest_int.h"

#define EXECS_MAX 16
#define ARGS_MAX 256

static bool same_args(const struct json *a, const struct json *b)
{
	bool same = json_len(a) == json_len(b);

	for (size_t i = 0; same && i < json_len(a); i++)
		same = span_eq(json_str(json_at(a, i)), json_str(json_at(b, i)));
	return same;
}

static enum coffer_rc read_args(const struct json *v, struct err *e)
{
	const struct json *args = NULL;

	TRY(form_list(v, "args", "exec", (struct form_range){ 1, ARGS_MAX }, &args, e));
	for (size_t i = 0; i < json_len(args); i++)
		if (json_type(json_at(args, i)) != JSON_STRING)
			return err_set(e, COFFER_E_INPUT, "exec: member \"args\" holds something that is not a string");
	if (json_str(json_at(args, 0)).n == 0)
		return err_set(e, COFFER_E_INPUT, "exec: member \"args\" names no program");
	return COFFER_OK;
}

enum coffer_rc man_exec_read(const struct json *host, struct manifest *m, struct err *e)
{
	static const char *const names[] = { "container", "args", NULL };
	const struct json *list = NULL;

	if (!json_get(host, "exec"))
		return COFFER_OK;
	TRY(form_list(host, "exec", "host", (struct form_range){ 1, EXECS_MAX }, &list, e)); /* none is said by leaving it out */
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *v = json_at(list, i);
		struct span container;

		TRY(json_closed(v, names, "exec", e));
		TRY(json_need_str(v, "container", "exec", &container, e));
		if (!manifest_container(m, container))
			return err_set(e, COFFER_E_INPUT, "exec: member \"container\" names a container that is not there");
		TRY(read_args(v, e));
		for (size_t k = 0; k < i; k++)
			if (manifest_same_exec(json_at(list, k), v))
				return err_set(e, COFFER_E_INPUT, "host: the same exec twice");
	}
	m->host_exec = list;
	return COFFER_OK;
}

bool manifest_same_exec(const struct json *a, const struct json *b)
{
	return span_eq(json_str(json_get(a, "container")), json_str(json_get(b, "container"))) && same_args(json_get(a, "args"), json_get(b, "args"));
}

static bool is_argv(const struct json *args, char *const *argv, size_t n)
{
	bool same = json_len(args) == n;

	for (size_t i = 0; same && i < n; i++)
		same = span_eq_str(json_str(json_at(args, i)), argv[i]);
	return same;
}

const struct json *manifest_exec(const struct manifest *m, struct span container, char *const *argv, size_t n)
{
	for (size_t i = 0; i < json_len(m->host_exec); i++) {
		const struct json *v = json_at(m->host_exec, i);

		if (span_eq(json_str(json_get(v, "container")), container) && is_argv(json_get(v, "args"), argv, n))
			return json_get(v, "args");
	}
	return NULL;
}

/* A process's memory is open to who has this over it. Every other capability leaves that closed as long as the runtime has rights that the container has not; and calls
 * that would be a way around (ptrace, process_vm_writev, bpf, perf_event_open, open_by_handle_at, modules) no container has. */
enum coffer_rc manifest_exec_apart(const struct manifest *m, const struct man_container *c, struct err *e)
{
	if (!manifest_lists(c->capabilities, span_of("CAP_SYS_PTRACE")))
		return COFFER_OK;
	for (size_t i = 0; i < json_len(m->host_exec); i++)
		if (span_eq(json_str(json_get(json_at(m->host_exec, i), "container")), c->name))
			return err_deny(e, "policy", "CAP_SYS_PTRACE in container %.*s, in which the host may run commands (exec): it would take over the runtime that starts them, and the machine with it",
			    (int)c->name.n, (const char *)c->name.p);
	return COFFER_OK;
}
