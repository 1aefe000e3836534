/* coffer ps, wait, stop, rm: pods that are there, by what their launchers keep in the state folder. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/pods/place.h"
#include "cli/run_rpc.h"
#include "cli/verbs.h"
#include "fmt/json.h"
#include "proto/agent.pb-c.h"
#include "proto/pb.h"

#define STOP_S 10
#define STOP_MAX_S 3600
#define END_MS 20000 /* for the launcher to end what it has */
#define LATE "the guest's agent has not answered for 20 s"
#define TERM 15

#define STATE { "state", "DIR", "where pods are kept (default /run/coffer for root, else $XDG_RUNTIME_DIR/coffer)", false, false }
#define END { NULL, NULL, NULL, false, false }
const struct opt_spec opts_pod[] = { STATE, END };
const struct opt_spec opts_pod_stop[] = { STATE, { "time", "S", "what its processes have after SIGTERM: 0 to 3600 (default 10)", false, false }, END };
const struct opt_spec opts_pod_rm[] = { STATE, { "force", NULL, "also one that runs: it is killed", false, false }, END };

enum coffer_rc pod_find(const struct cli *c, struct pod_seen *out, struct err *e)
{
	char root[POD_PATH_MAX];

	TRY(pods_root(cli_opt(c, "state"), false, root, e));
	return pods_look(root, c->pos[0], out, e);
}

/* ---- ps ---- */

struct listing { bool json; struct json_wr *j; };

static void put_parts(struct json_wr *j, const struct pod_record *r)
{
	jw_name(j, "containers");
	jw_arr(j);
	for (size_t i = 0; i < r->n_parts; i++) {
		jw_obj(j);
		jw_m_text(j, "name", r->part[i].name);
		jw_m_bool(j, "logs", r->part[i].logs);
		jw_m_bool(j, "ended", r->part[i].ended);
		jw_m_u64(j, "exit", (uint64_t)r->part[i].exit);
		jw_m_bool(j, "lapsed", r->part[i].lapsed);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static void put_json(struct json_wr *j, const struct pod_seen *s)
{
	char created[CLOCK_TEXT_LEN];

	clock_text(s->r.created, created);
	jw_obj(j);
	jw_m_text(j, "name", s->name);
	jw_m_text(j, "state", pod_state_name(s->r.state));
	jw_m_text(j, "platform", s->r.platform);
	jw_m_text(j, "channel", s->r.channel);
	jw_m_text(j, "pod", s->r.pod);
	jw_m_text(j, "workload", s->r.workload);
	jw_m_text(j, "created", created);
	jw_m_u64(j, "code", (uint64_t)s->r.code);
	jw_m_text(j, "reason", s->r.reason);
	put_parts(j, &s->r);
	jw_obj_end(j);
}

static void put_line(const struct pod_seen *s)
{
	char created[CLOCK_TEXT_LEN];

	clock_text(s->r.created, created);
	(void)printf("%-24s %-9s %-8s %s %.16s", s->name, pod_state_name(s->r.state), s->r.platform[0] ? s->r.platform : "-", created,
	    s->r.workload[0] ? s->r.workload : "-");
	for (size_t i = 0; i < s->r.n_parts; i++) {
		if (s->r.part[i].ended)
			(void)printf(" %s:%d", s->r.part[i].name, s->r.part[i].exit);
		else
			(void)printf(" %s", s->r.part[i].name);
	}
	(void)printf("%s%s\n", s->r.reason[0] ? "  " : "", s->r.reason);
}

static bool put_pod(void *arg, const struct pod_seen *s)
{
	const struct listing *l = arg;

	if (l->json)
		put_json(l->j, s);
	else
		put_line(s);
	return true;
}

enum coffer_rc cmd_pod_ps(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(16u << 20);
	struct json_wr j = jw_open(&w, true);
	struct listing l = { .json = c->json, .j = &j };
	char root[POD_PATH_MAX];
	enum coffer_rc rc = pods_root(cli_opt(c, "state"), false, root, e);

	jw_arr(&j);
	if (!c->json)
		(void)printf("%-24s %-9s %-8s %-20s %-16s %s\n", "NAME", "STATE", "PLATFORM", "CREATED", "WORKLOAD", "CONTAINERS");
	if (rc == COFFER_OK)
		TRY(pods_list(root, put_pod, &l, e));
	else if (rc != COFFER_E_NOTFOUND) /* no pod has been there yet */
		return rc;
	jw_arr_end(&j);
	TRY(wr_done(&w, "pods", e));
	if (c->json)
		(void)printf("%.*s\n", (int)wr_span(&w).n, (const char *)wr_span(&w).p);
	return COFFER_OK;
}

/* ---- wait ---- */

/* Until its launcher is gone, with all that it had. ms < 0: for ever. *over false: not yet. */
static enum coffer_rc await_launcher(const struct pod_seen *s, int64_t ms, bool *over, struct err *e)
{
	struct process p;
	CLEANUP(closep) int fd = -1;
	int64_t until = clock_monotonic_ms() + ms;
	enum coffer_rc rc = pod_launcher(s, &p) ? process_open(&p, &fd, e) : COFFER_E_NOTFOUND;
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	*over = rc == COFFER_E_NOTFOUND;
	if (*over || rc != COFFER_OK)
		return *over ? COFFER_OK : rc;
	for (;;) {
		int64_t left = until - clock_monotonic_ms();
		int n = poll(&ready, 1, ms < 0 ? -1 : left > 0 ? (int)left : 0);

		*over = n > 0;
		if (*over || (n == 0 && ms >= 0 && left <= 0))
			return COFFER_OK;
	}
}

int cmd_pod_wait(struct cli *c, struct err *e)
{
	struct pod_seen s;
	bool over = false;

	if (pod_find(c, &s, e) != COFFER_OK || await_launcher(&s, -1, &over, e) != COFFER_OK)
		return cli_fail(c, e);
	if (pod_find(c, &s, e) != COFFER_OK)
		return cli_fail(c, e);
	if (c->json)
		(void)printf("{\"name\":\"%s\",\"state\":\"%s\",\"code\":%d}\n", s.name, pod_state_name(s.r.state), s.r.code);
	if (s.r.reason[0])
		(void)fprintf(stderr, "coffer wait: pod %s is %s: %s\n", s.name, pod_state_name(s.r.state), s.r.reason);
	return s.r.code;
}

/* ---- stop ---- */

/* How many containers took SIGTERM; of each other why is said. */
static size_t signal_parts(const struct pod_seen *s)
{
	size_t n = 0;
	CLEANUP(freep) char *sock = str_fmt("%s/" POD_SOCKET, s->path);
	struct rpc r;
	struct err e = { 0 };

	rpc_init(&r);
	r.until = clock_monotonic_ms() + END_MS;
	r.late = LATE;
	if (s->r.state != POD_RUNNING)
		return 0;
	if (!sock || rpc_connect(sock, &r, &e) != COFFER_OK) {
		(void)fprintf(stderr, "coffer stop: pod %s: its guest cannot be asked: %s\n", s->name, sock ? e.msg : "out of memory");
		return 0;
	}
	for (size_t i = 0; i < s->r.n_parts; i++) {
		Grpc__SignalProcessRequest q = GRPC__SIGNAL_PROCESS_REQUEST__INIT;

		q.container_id = (char *)(uintptr_t)s->r.part[i].name;
		q.signal = TERM;
		if (s->r.part[i].ended)
			continue;
		if (rpc_call(&r, "SignalProcess", &q.base, NULL, &e) == COFFER_OK)
			n++;
		else
			(void)fprintf(stderr, "coffer stop: container %s: %s%s%s\n", s->r.part[i].name, e.check, e.check[0] ? ": " : "", e.msg);
	}
	closep(&r.fd);
	return n;
}

/* The launcher first, so that it puts things away; then both. */
static enum coffer_rc end_pod(const struct pod_seen *s, const struct process *launcher, struct err *e)
{
	enum coffer_rc rc = process_end(launcher, SIGTERM, END_MS, e);

	if (rc == COFFER_E_UPSTREAM) {
		(void)fprintf(stderr, "coffer stop: the launcher of pod %s does not end its guest (%s): both are killed\n", s->name, e->msg);
		rc = process_end(launcher, SIGKILL, END_MS, e);
	}
	return rc == COFFER_OK ? rc : err_wrap(e, "pod %s was not ended, its launcher", s->name);
}

enum coffer_rc cmd_pod_stop(struct cli *c, struct err *e)
{
	const char *text = cli_opt(c, "time");
	uint64_t seconds = STOP_S;
	struct pod_seen s;
	struct process p;
	size_t told = 0;
	bool over = false;

	if (text && (!span_u64(span_of(text), &seconds) || seconds > STOP_MAX_S))
		return cli_bad(e, "--time %s: not 0 to %d seconds", text, STOP_MAX_S);
	TRY(pod_find(c, &s, e));
	if (!s.lives) {
		(void)fprintf(stderr, "coffer stop: pod %s is %s already%s%s\n", s.name, pod_state_name(s.r.state), s.r.reason[0] ? ": " : "", s.r.reason);
		return COFFER_OK;
	}
	if (!pod_launcher(&s, &p))
		return err_set(e, COFFER_E_UPSTREAM, "pod %s is just being started: try again", s.name);
	if (seconds > 0)
		told = signal_parts(&s);
	TRY(await_launcher(&s, (int64_t)seconds * 1000, &over, e));
	if (over)
		return COFFER_OK;
	if (seconds > 0)
		(void)fprintf(stderr, "coffer stop: pod %s has not ended within %d s %s (--time): its guest is ended\n", s.name, (int)seconds,
		    told ? "of SIGTERM" : "by itself, and none of its containers was sent SIGTERM");
	return end_pod(&s, &p, e);
}

enum coffer_rc cmd_pod_rm(struct cli *c, struct err *e)
{
	char root[POD_PATH_MAX];

	TRY(pods_root(cli_opt(c, "state"), false, root, e));
	return pods_remove(root, c->pos[0], cli_flag(c, "force"), e);
}
