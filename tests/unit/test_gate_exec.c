/* Processes beside the containers' own: the line that the manifest lists, and every way to ask for another. */
#include "tests/t.h"
#include "tests/unit/guest_man.h"

#include <string.h>

#include "agent/agent.h"
#include "base/own.h"
#include "proto/agent.pb-c.h"

#define S(text) ((char *)(uintptr_t)(text))
#define HOST "\"host\":{"
#define EXEC "\"exec\":[{\"container\":\"analyse\",\"args\":[\"/bin/analyse\",\"--status\"]},{\"container\":\"helper\",\"args\":[\"/bin/ls\"]}],"

struct world {
	struct manifest man;
	struct boundary b;
	char *args[3], *env[2], *caps[1];
	uint32_t groups[1];
	Grpc__ExecProcessRequest q;
	Grpc__Process process;
	Grpc__User user;
	Grpc__LinuxCapabilities cap;
	struct err e;
};

static void load(struct manifest *m, const char *more)
{
	static const char text[] = MAN_TEXT;
	const char *at = strstr(text, HOST);
	size_t before = at ? (size_t)(at - text) + sizeof(HOST) - 1 : 0;
	CLEANUP(freep) char *with = str_fmt("%.*s%s%s", (int)before, text, more, text + before);
	struct err e = { 0 };

	if (!with || manifest_parse(span_of(with), m, &e) != COFFER_OK) {
		(void)printf("Bail out! %s\n", e.msg);
		exit(1);
	}
}

static void world_open(struct world *w, const char *more)
{
	*w = (struct world){ .man = { .n_containers = 0 } };
	load(&w->man, more);
	w->b = (struct boundary){ .man = &w->man, .opened = true };
	w->b.ctr[0].state = CTR_RUNNING;
	grpc__exec_process_request__init(&w->q);
	grpc__process__init(&w->process);
	grpc__user__init(&w->user);
	grpc__linux_capabilities__init(&w->cap);
	w->args[0] = S("/bin/analyse");
	w->args[1] = S("--status");
	w->env[0] = S("PATH=/bin");
	w->caps[0] = S("CAP_NET_ADMIN");
	w->groups[0] = 7;
	w->user.uid = 5;
	w->user.gid = 6;
	w->user.additionalgids = w->groups;
	w->user.n_additionalgids = 1;
	w->cap.bounding = w->cap.effective = w->cap.permitted = w->caps;
	w->cap.n_bounding = w->cap.n_effective = w->cap.n_permitted = 1;
	w->process.args = w->args;
	w->process.n_args = 2;
	w->process.env = w->env;
	w->process.n_env = 1;
	w->process.cwd = S("/");
	w->process.user = &w->user;
	w->process.capabilities = &w->cap;
	w->process.nonewprivileges = true;
	w->q.container_id = S("analyse");
	w->q.exec_id = S("e-1");
	w->q.process = &w->process;
}

static bool refused(struct world *w, const char *why)
{
	w->e = (struct err){ 0 };
	return gate_exec(&w->b, &w->q.base, &w->e) == COFFER_E_DENIED && strcmp(w->e.check, "gate") == 0 && strstr(w->e.msg, why) != NULL;
}

#define WORLD(w, more) struct world w; world_open(&w, more)
#define REFUSED(change, why) do { WORLD(w, EXEC); change; CHECK(refused(&w, why)); manifest_clear(&w.man); } while (0)

static void exec_of_a_listed_line_is_granted(void)
{
	WORLD(w, EXEC);
	CHECK(gate_exec(&w.b, &w.q.base, &w.e) == COFFER_OK);
	manifest_clear(&w.man);
}

static void exec_of_another_line_is_refused(void)
{
	WORLD(none, "");

	CHECK(refused(&none, "grants no such command"));
	manifest_clear(&none.man);
	REFUSED(w.args[1] = S("--statu"), "grants no such command");
	REFUSED(w.args[0] = S("/bin/sh"), "grants no such command");
	REFUSED(w.process.n_args = 1, "grants no such command");
	REFUSED(w.process.n_args = 0, "grants no such command");
	REFUSED(w.args[2] = S(""); w.process.n_args = 3, "grants no such command");
	REFUSED(w.args[1] = S("-v"), "grants no such command"); /* the container's own */
	REFUSED(w.args[0] = S("/bin/ls"); w.process.n_args = 1, "grants no such command"); /* another container's */
	REFUSED(w.q.container_id = S("helper"), "grants no such command");
	REFUSED(w.q.container_id = S("other"), "no container");
}

static void exec_as_somebody_else_is_refused(void)
{
	Grpc__StringUser user = GRPC__STRING_USER__INIT;
	Grpc__POSIXRlimit limit = GRPC__POSIXRLIMIT__INIT, *limits[] = { &limit };

	REFUSED(w.q.process = NULL, "no process");
	REFUSED(w.q.string_user = &user, "string_user");
	REFUSED(w.q.stdin_port = 1, "ports");
	REFUSED(w.q.stdout_port = 1, "ports");
	REFUSED(w.q.stderr_port = 1, "ports");
	REFUSED(w.env[1] = S("LD_PRELOAD=/data"); w.process.n_env = 2, "process.env");
	REFUSED(w.process.cwd = S("/tmp"), "process.cwd");
	REFUSED(w.user.uid = 0, "process.user");
	REFUSED(w.caps[0] = S("CAP_SYS_ADMIN"), "process.capabilities");
	REFUSED(w.process.nonewprivileges = false, "noNewPrivileges");
	REFUSED(w.process.terminal = true, "terminal");
	REFUSED(w.process.rlimits = limits; w.process.n_rlimits = 1, "rlimits");
}

static void exec_out_of_turn_or_by_another_name_is_refused(void)
{
	static char longest[EXEC_ID_MAX + 1];

	memset(longest, 'x', EXEC_ID_MAX);
	REFUSED(w.b.opened = false, "no sandbox");
	REFUSED(w.b.closed = true, "no sandbox");
	REFUSED(w.b.ctr[0].state = CTR_CREATED, "not in a state");
	REFUSED(w.b.ctr[0].state = CTR_STOPPED, "not in a state");
	REFUSED(w.q.exec_id = S(""), "exec_id");
	REFUSED(w.q.exec_id = S("analyse"), "exec_id");
	REFUSED(w.q.exec_id = S("output:result"), "exec_id");
	REFUSED(w.q.exec_id = S("../x"), "exec_id");
	REFUSED(w.q.exec_id = longest, "exec_id");
	REFUSED(w.b.exec[3] = ((struct exec_view){ .id = "e-1", .state = CTR_RUNNING }), "already");
	REFUSED(w.b.exec[3] = ((struct exec_view){ .id = "e-1", .state = CTR_STOPPED }), "already");
}

#define DENIED(call, why) CHECK((call) == COFFER_E_DENIED && strcmp(e.check, "gate") == 0 && strstr(e.msg, why))

/* What it says may be read, whether the container's own output may or not; it answers to its own name alone. */
static void calls_on_a_started_process_are_granted_and_on_no_other(void)
{
	WORLD(w, EXEC);
	Grpc__WaitProcessRequest wait = GRPC__WAIT_PROCESS_REQUEST__INIT;
	Grpc__SignalProcessRequest sig = GRPC__SIGNAL_PROCESS_REQUEST__INIT;
	Grpc__ReadStreamRequest log = GRPC__READ_STREAM_REQUEST__INIT;
	struct err e = { 0 };

	wait.container_id = sig.container_id = log.container_id = S("analyse");
	wait.exec_id = sig.exec_id = log.exec_id = S("e-1");
	sig.signal = 15;
	w.b.ctr[1].state = CTR_RUNNING;
	DENIED(gate_wait(&w.b, &wait.base, &e), "no process");
	DENIED(gate_signal(&w.b, &sig.base, &e), "no process");
	DENIED(gate_read_stdout(&w.b, &log.base, &e), "no process");
	DENIED(gate_read_stderr(&w.b, &log.base, &e), "no process");
	w.b.exec[7] = (struct exec_view){ .id = "e-1", .container = 0, .state = CTR_RUNNING };
	CHECK(gate_wait(&w.b, &wait.base, &e) == COFFER_OK && gate_signal(&w.b, &sig.base, &e) == COFFER_OK);
	CHECK(gate_read_stdout(&w.b, &log.base, &e) == COFFER_OK && gate_read_stderr(&w.b, &log.base, &e) == COFFER_OK);
	sig.signal = 10;
	DENIED(gate_signal(&w.b, &sig.base, &e), "signal 10");
	log.exec_id = S("analyse");
	DENIED(gate_read_stdout(&w.b, &log.base, &e), "not granted");
	wait.container_id = S("helper");
	DENIED(gate_wait(&w.b, &wait.base, &e), "no process");
	manifest_clear(&w.man);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(exec_of_a_listed_line_is_granted), T(exec_of_another_line_is_refused), T(exec_as_somebody_else_is_refused),
		T(exec_out_of_turn_or_by_another_name_is_refused), T(calls_on_a_started_process_are_granted_and_on_no_other),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
