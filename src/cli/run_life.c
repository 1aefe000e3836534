/* The pod's folder and what is written in it while it lives: where it is kept, what it runs on, how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/run_int.h"
#include "image/tree.h"
#include "os/file.h"

#define SEEN_MS 10000 /* between a process's files being closed and its end being known; as much as a loaded machine may take */

/* For those who ask of the pod later: what its containers run as. */
static enum coffer_rc keep_text(const struct run *r, struct err *e)
{
	CLEANUP(freep) char *to = str_fmt("%s/" POD_YAML, r->place.path);

	return to ? file_write(to, wr_span(&r->text), 0600, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

static enum coffer_rc open_outputs(struct run *r, struct err *e)
{
	static const char *const names[2] = { "stdout", "stderr" };

	for (size_t i = 0; i < r->rec.n_parts; i++)
		for (size_t k = 0; r->rec.part[i].logs && k < 2; k++)
			TRY(kept_create(r->place.path, r->rec.part[i].name, names[k], &r->kept[i][k], e));
	return COFFER_OK;
}

/* Said before a minute's boot and not after it: what owners let be released is for the manifest's platforms alone. What a machine finds out of itself ("auto") is not known yet. */
static void say_made_for(const struct run *r, const char *platform)
{
	CLEANUP(wr_close) struct wr list = wr_open(4096);
	CLEANUP(freep) char *debug = str_fmt("%s+debug", platform);
	bool sample = strcmp(platform, "sample") == 0, vm = false;

	if (strcmp(platform, "auto") == 0 || !debug || manifest_lists(r->man.platforms, span_of(platform)) || manifest_lists(r->man.platforms, span_of(debug)))
		return;
	for (size_t i = 0; i < json_len(r->man.platforms); i++) {
		struct span name = json_str(json_at(r->man.platforms, i));

		vm = vm || !span_eq_str(name, "sample");
		wr_fmt(&list, "%s%.*s", i ? ", " : "", (int)name.n, (const char *)name.p);
	}
	run_say("this workload is made for %.*s, not for %s, where the service refuses what its owners approved%s", (int)list.n, (const char *)list.p, platform,
	    sample && vm ? "; --image DIR starts a machine (coffer guest build makes one)" : !sample && manifest_lists(r->man.platforms, span_of("sample")) ? "; without --image it runs on sample" : "");
}

static enum coffer_rc first_record(struct run *r, bool keep, struct err *e)
{
	struct pod_record *k = &r->rec;

	*k = (struct pod_record){ .created = clock_now(), .keep = keep, .state = POD_STARTING };
	TRY(process_boot(k->boot, e));
	(void)snprintf(k->pod, sizeof(k->pod), "%.*s", (int)r->pod.name.n, (const char *)r->pod.name.p);
	(void)snprintf(k->platform, sizeof(k->platform), "%s", r->vm ? vm_tee_name(r->machine.tee) : run_platform(r->cli));
	say_made_for(r, k->platform);
	for (size_t i = 0; i < sizeof(r->man.digest); i++)
		(void)snprintf(k->workload + 2 * i, 3, "%02x", r->man.digest[i]);
	for (; k->n_parts < r->pod.n_containers; k->n_parts++) {
		struct span name = r->pod.container[k->n_parts].name;

		(void)snprintf(k->part[k->n_parts].name, sizeof(k->part[0].name), "%.*s", (int)name.n, (const char *)name.p);
		k->part[k->n_parts].logs = manifest_lists(r->man.host_logs, name);
	}
	return COFFER_OK;
}

/* Where a path leads into what cannot take it. */
static enum coffer_rc suits(const struct run *r, struct err *e)
{
	const char *path = r->place.path;

	if (path[0] != '/')
		return cli_bad(e, "--state %s: not an absolute path", path);
	if (strlen(path) + sizeof("/" POD_SOCKET) > sizeof(((struct sockaddr_un *)0)->sun_path))
		return cli_bad(e, "%s: too long for the path of a socket: another --state, or a shorter --name", path);
	if (r->vm && r->machine.tee == VM_SWTPM && strchr(path, ','))
		return cli_bad(e, "%s: swtpm takes the comma for the end of an option: another --state", path);
	return COFFER_OK;
}

enum coffer_rc run_place(struct run *r, struct err *e)
{
	const char *name = cli_opt(r->cli, "name");
	char root[POD_PATH_MAX];

	TRY(pods_path(cli_opt(r->cli, "state"), root, e));
	if (name && !party_ok(span_of(name)))
		return cli_bad(e, "\"%.64s\" is no name of a pod: [a-z0-9][a-z0-9-]{0,62}", name);
	if (snprintf(r->place.path, sizeof(r->place.path), "%s/%.*s", root, name ? (int)strlen(name) : (int)r->pod.name.n,
	    name ? name : (const char *)r->pod.name.p) >= (int)sizeof(r->place.path))
		return cli_bad(e, "--state %s: too long", root);
	return suits(r, e);
}

enum coffer_rc run_claim(struct run *r, struct err *e)
{
	CLEANUP(freep) char *base = span_dup(r->pod.name);
	struct pod_claim c = { .name = cli_opt(r->cli, "name"), .base = base };
	char root[POD_PATH_MAX];

	if (!base)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(pods_root(cli_opt(r->cli, "state"), true, root, e));
	TRY(pods_claim(root, &c, &r->place, e));
	TRY(suits(r, e));
	return keep_text(r, e);
}

/* One that has ended already is left out: there is nothing of it to end any more, and whoever listens to the guest next finds out why. */
static enum coffer_rc note(struct run *r, const char *role, pid_t pid, struct err *e)
{
	struct pod_process *p = &r->rec.process[r->rec.n_processes];
	struct err gone = { 0 };

	if (pid <= 0)
		return COFFER_OK;
	if (r->rec.n_processes == POD_PROCESSES_MAX)
		return err_set(e, COFFER_E_BUG, "a pod of more than %d processes", POD_PROCESSES_MAX);
	if (process_of(pid, &p->p, &gone) == COFFER_E_NOTFOUND)
		return COFFER_OK;
	if (gone.rc != COFFER_OK) {
		*e = gone;
		return gone.rc;
	}
	(void)snprintf(p->role, sizeof(p->role), "%s", role);
	r->rec.n_processes++;
	return COFFER_OK;
}

enum coffer_rc run_begin(struct run *r, bool keep, struct err *e)
{
	TRY(first_record(r, keep, e));
	TRY(note(r, "launcher", getpid(), e));
	TRY(open_outputs(r, e));
	return pods_save(&r->place, &r->rec, e);
}

enum coffer_rc run_parts(struct run *r, struct err *e)
{
	const struct guest *g = &r->guest;
	const pid_t pid[RPC_WATCH_MAX] = { g->tpm, g->guard, g->relay };
	const char *const role[RPC_WATCH_MAX] = { "swtpm", r->vm ? "qemu" : "guest", "relay" };

	for (size_t i = 0; i < RPC_WATCH_MAX; i++) {
		TRY(note(r, role[i], pid[i], e));
		if (pid[i] > 0)
			r->rpc.watch[i] = (int)syscall(SYS_pidfd_open, pid[i], 0);
	}
	return pods_save(&r->place, &r->rec, e);
}

enum coffer_rc run_started(struct run *r, struct err *e)
{
	const struct err none = { .rc = COFFER_OK };

	r->rec.state = POD_RUNNING;
	TRY(pods_save(&r->place, &r->rec, e));
	r->started = true;
	run_tell(r, &none, 0);
	return COFFER_OK;
}

void run_part_ended(struct run *r, size_t i)
{
	struct pod_part *p = &r->rec.part[i];
	struct err why = { 0 };

	p->ended = true;
	p->exit = r->exit_code[i];
	p->lapsed = r->lapsed[i];
	if (pods_save(&r->place, &r->rec, &why) != COFFER_OK)
		run_say("%s", why.msg);
}

/* ---- how it ended ---- */

static bool ended(pid_t pid, siginfo_t *out)
{
	*out = (siginfo_t){ .si_pid = 0 };
	return pid > 0 && waitid(P_PID, (id_t)pid, out, WEXITED | WNOHANG | WNOWAIT) == 0 && out->si_pid == pid;
}

/* What was killed is the cause; what ended by itself may have ended because of that, as swtpm does with its machine. */
static bool name_cause(const struct run *r, struct err *e)
{
	const struct guest *g = &r->guest;
	const struct { pid_t pid; const char *name; } part[] = { { g->guard, r->vm ? "the machine (QEMU)" : "the guest" }, { g->tpm, "the emulated TPM (swtpm)" },
		{ g->relay, "the relay" } };
	siginfo_t s;

	for (int by_itself = 0; by_itself < 2; by_itself++)
		for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
			if (!ended(part[i].pid, &s) || (s.si_code == CLD_EXITED) != by_itself)
				continue;
			return err_set(e, COFFER_E_UPSTREAM, by_itself ? "%s ended by itself, with %d" : "%s was killed by signal %d", part[i].name, s.si_status) != COFFER_OK;
		}
	return false;
}

/* Nothing more is to be learnt: a part was killed, or those that end with one another all have. Where the guest is no machine its relay outlives it. */
static bool cause_is_seen(const struct run *r)
{
	const struct guest *g = &r->guest;
	const pid_t pid[RPC_WATCH_MAX] = { g->tpm, g->guard, g->relay };
	bool awaited = false;
	siginfo_t s;

	for (size_t i = 0; i < RPC_WATCH_MAX; i++) {
		if (!ended(pid[i], &s))
			awaited = awaited || (pid[i] > 0 && (r->vm || pid[i] == g->guard));
		else if (s.si_code != CLD_EXITED)
			return true;
	}
	return !awaited;
}

/* Until that is so, or so long. */
static void see_ends(const struct run *r)
{
	int64_t until = clock_monotonic_ms() + SEEN_MS, left = SEEN_MS;
	struct pollfd p[RPC_WATCH_MAX];

	for (size_t i = 0; i < RPC_WATCH_MAX; i++)
		p[i] = (struct pollfd){ .fd = r->rpc.watch[i], .events = POLLIN };
	while (!cause_is_seen(r) && left > 0 && poll(p, RPC_WATCH_MAX, (int)left) > 0) {
		for (size_t i = 0; i < RPC_WATCH_MAX; i++)
			p[i].fd = p[i].revents ? -1 : p[i].fd;
		left = until - clock_monotonic_ms();
	}
}

void run_cause(struct run *r, struct err *e)
{
	if (strncmp(e->msg, RPC_GONE, sizeof(RPC_GONE) - 1) != 0)
		return; /* the guest said itself what is wrong */
	if (r->guest.guard > 0)
		see_ends(r);
	r->died = name_cause(r, e);
}

void run_end(struct run *r, const struct err *e, int code)
{
	bool bad = e->rc != COFFER_OK;

	r->rec.code = code;
	r->rec.state = !bad ? POD_ENDED : r->died ? POD_DEAD : strcmp(e->msg, RPC_INTERRUPTED) == 0 ? POD_STOPPED : POD_FAILED;
	if (r->rec.state == POD_STOPPED)
		(void)snprintf(r->rec.reason, sizeof(r->rec.reason), "its machine was ended");
	else if (bad)
		(void)snprintf(r->rec.reason, sizeof(r->rec.reason), "%s%s%s", e->check, e->check[0] ? ": " : "", e->msg);
}

/* What is of use to nobody any more, or all of it. */
static void tidy(const struct run *r)
{
	static const char *const parts[] = { POD_SOCKET, "initdata.img", "scratch.img", "bindings.img", "state", "tpm" };
	CLEANUP(closep) int dir = open(r->place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err why = { 0 };

	for (size_t i = 0; dir >= 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (tree_remove(dir, parts[i], &why) != COFFER_OK)
			run_say("%s/%s stays: %s", r->place.path, parts[i], why.msg);
}

void run_leave(struct run *r)
{
	struct err why = { 0 };

	if (r->place.lock >= 0 && r->started && r->rec.keep) {
		tidy(r);
		if (pods_save(&r->place, &r->rec, &why) != COFFER_OK)
			run_say("%s", why.msg);
	} else if (r->place.lock >= 0 && tree_remove(AT_FDCWD, r->place.path, &why) != COFFER_OK) {
		run_say("%s stays: %s", r->place.path, why.msg);
	}
	for (size_t i = 0; i < POD_CONTAINERS_MAX; i++) {
		closep(&r->kept[i][0].fd);
		closep(&r->kept[i][1].fd);
		r->kept[i][0].fd = r->kept[i][1].fd = -1;
	}
	pod_place_close(&r->place);
}
