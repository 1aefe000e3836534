#include "agent/serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "proto/pb.h"
#include "proto/ttrpc.h"

#define PEERS_MAX 8
#define PENDING_MAX 64
#define FRAME_MS 60000 /* a host that stops inside a frame loses its connection; nobody waits for it meanwhile */
#define SEND_MS 10000 /* nor does one keep it that does not take its answers */
#define TICK_MS 1000
#define POLL_MAX (1 + PEERS_MAX + 3 * (MAN_CONTAINERS_MAX + EXECS_MAX) + HTTP_SERVE_CONNS_MAX + HTTP_SERVE_LISTENERS_MAX)

struct pending { int fd; uint32_t stream; const struct method *m; ProtobufCMessage *q; }; /* q NULL = free */

struct peer { int fd; struct wr in; int64_t until; }; /* fd -1: free. in: what has come of a frame, which is to be whole at `until` */

struct server {
	struct agent  *a;
	struct http_serve   *rest;
	int            listener;
	struct peer    peer[PEERS_MAX];
	size_t         turn; /* whose it is first */
	struct pending pending[PENDING_MAX];
};

enum coffer_rc serve_listen(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEANUP(closep) int s = -1;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(e, COFFER_E_INPUT, "%s: a socket's path has at most %zu bytes", path, sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, strlen(path) + 1);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof(at)) != 0 || chmod(path, 0600) != 0 || listen(s, PEERS_MAX) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	*fd = MOVE_FD(s);
	return COFFER_OK;
}

static void drop_peer(struct server *s, size_t i)
{
	for (size_t k = 0; k < PENDING_MAX; k++)
		if (s->pending[k].q && s->pending[k].fd == s->peer[i].fd)
			pb_freep(&s->pending[k].q);
	closep(&s->peer[i].fd);
	wr_close(&s->peer[i].in);
	s->peer[i].fd = -1;
}

static bool send_reply(int fd, uint32_t stream, enum coffer_rc rc, const struct reply *r, const struct err *why)
{
	CLEANUP(wr_close) struct wr f = wr_open(TTRPC_BODY_MAX + TTRPC_HEADER), text = wr_open(sizeof(*why));
	struct ttrpc_response v = { .code = ttrpc_code_of(rc) };
	struct err e;

	if (rc == COFFER_OK)
		v.payload = wr_span(&r->payload);
	else if (rc == COFFER_E_DENIED)
		wr_fmt(&text, "%s: %s", why->check, why->msg);
	else
		wr_str(&text, why->msg);
	v.message = wr_span(&text);
	ttrpc_response_write(&f, stream, &v);
	return wr_ok(&f) && ttrpc_send(fd, SEND_MS, wr_span(&f), &e) == COFFER_OK;
}

/* true when the request is done with: answered, or its connection is to be dropped (*ok false). */
static bool attempt(struct server *s, const struct pending *p, bool *ok)
{
	CLEANUP(wr_close) struct wr payload = wr_open(TTRPC_BODY_MAX);
	struct reply r = { .payload = payload };
	struct err e = { 0 };
	enum coffer_rc rc = method_run(p->m, s->a, p->q, &r, &e);

	payload = r.payload;
	if (rc == COFFER_OK && r.later)
		return false;
	if (rc != COFFER_OK)
		(void)fprintf(stderr, "coffer-agent: %s%s%s\n", e.check, e.check[0] ? ": " : "", e.msg);
	*ok = send_reply(p->fd, p->stream, rc, &r, &e);
	return true;
}

static enum coffer_rc hold(struct server *s, struct pending *p, struct err *e)
{
	for (size_t k = 0; k < PENDING_MAX; k++)
		if (!s->pending[k].q) {
			s->pending[k] = *p;
			p->q = NULL;
			return COFFER_OK;
		}
	return err_set(e, COFFER_E_LIMIT, "more than %d requests wait", PENDING_MAX);
}

/* Decode, gate, run: in this order, and nothing runs that the gate did not let pass. */
static enum coffer_rc admit(struct server *s, const struct ttrpc_request *q, struct pending *p, struct err *e)
{
	p->m = method_find(q->service, q->method);
	if (!p->m)
		return method_unknown(q->method, e);
	TRY(method_decode(p->m, q->payload, &p->q, e));
	return method_gate(p->m, s->a, p->q, e);
}

static bool request(struct server *s, int fd, uint32_t stream, struct span body)
{
	struct pending p = { .fd = fd, .stream = stream };
	struct ttrpc_request q;
	struct err e = { 0 };
	enum coffer_rc rc;
	bool ok = true;

	rc = ttrpc_request_read(body, &q, &e);
	if (rc == COFFER_OK)
		rc = admit(s, &q, &p, &e);
	if (rc == COFFER_OK && !attempt(s, &p, &ok))
		rc = hold(s, &p, &e);
	if (rc != COFFER_OK)
		ok = send_reply(fd, stream, rc, NULL, &e);
	pb_freep(&p.q);
	return ok;
}

/* False: the connection is to be dropped. */
static bool peer_step(struct server *s, struct peer *p)
{
	bool fresh = p->in.n == 0, whole, ok;
	struct ttrpc_head h;
	struct span body;
	struct err e;

	if (ttrpc_collect(p->fd, &p->in, &h, &body, &whole, &e) != COFFER_OK)
		return false;
	if (!whole) {
		p->until = fresh ? clock_monotonic_ms() + FRAME_MS : p->until;
		return clock_monotonic_ms() < p->until;
	}
	ok = h.type == TTRPC_REQUEST && request(s, p->fd, h.stream, body);
	wr_close(&p->in);
	p->in = wr_open(TTRPC_FRAME_MAX);
	return ok;
}

/* One of those who have something to say, each in its turn: a request may take long, and leases are looked at before the next. */
static void peers_step(struct server *s, const struct pollfd *ready)
{
	for (size_t n = 0; n < PEERS_MAX; n++) {
		size_t i = (s->turn + n) % PEERS_MAX;

		if (s->peer[i].fd < 0 || ready[i].fd != s->peer[i].fd)
			continue;
		if (!(ready[i].revents & (POLLIN | POLLHUP | POLLERR))) {
			if (s->peer[i].in.n > 0 && clock_monotonic_ms() >= s->peer[i].until)
				drop_peer(s, i);
			continue;
		}
		if (!peer_step(s, &s->peer[i]))
			drop_peer(s, i);
		s->turn = i + 1;
		return;
	}
}

static void retry(struct server *s)
{
	for (size_t k = 0; k < PENDING_MAX; k++) {
		struct pending *p = &s->pending[k];
		bool ok = true;

		if (!p->q || !attempt(s, p, &ok))
			continue;
		pb_freep(&p->q);
		for (size_t i = 0; !ok && i < PEERS_MAX; i++)
			if (s->peer[i].fd == p->fd)
				drop_peer(s, i);
	}
}

static void accept_peer(struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < PEERS_MAX; i++)
		if (s->peer[i].fd < 0) {
			s->peer[i] = (struct peer){ .fd = fd, .in = wr_open(TTRPC_FRAME_MAX) };
			return;
		}
	closep(&fd);
}

/* First every child that ended: the containers' first processes and those beside them keep their code, adopted ones are forgotten. */
static void reap(struct agent *a)
{
	int status;

	for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG)) {
		exec_ended(a, pid, status);
		for (size_t i = 0; i < a->man.n_containers; i++)
			if (a->ctr[i].pid == pid && a->ctr[i].pidfd >= 0)
				container_ended(a, i, status);
	}
}

static size_t gather_process(struct pollfd *p, int pidfd, const struct log_stream log[static 2])
{
	p[0] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = log[0].fd, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = log[1].fd, .events = POLLIN };
	return 3;
}

static size_t gather(const struct server *s, struct pollfd *p)
{
	size_t n = 0;

	p[n++] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	for (size_t i = 0; i < PEERS_MAX; i++)
		p[n++] = (struct pollfd){ .fd = s->peer[i].fd, .events = POLLIN }; /* poll ignores -1 */
	for (size_t i = 0; i < s->a->man.n_containers; i++)
		n += gather_process(p + n, s->a->ctr[i].pidfd, s->a->ctr[i].log);
	for (size_t k = 0; k < EXECS_MAX; k++)
		n += gather_process(p + n, s->a->exec[k].pidfd, s->a->exec[k].log);
	return n + http_serve_poll(s->rest, p + n);
}

enum coffer_rc serve_run(struct agent *a, int listener, struct http_serve *rest, struct err *e)
{
	struct server s = { .a = a, .rest = rest, .listener = listener };
	struct pollfd p[POLL_MAX];

	for (size_t i = 0; i < PEERS_MAX; i++)
		s.peer[i].fd = -1;
	while (!a->b.closed) {
		int64_t wait = leases_step(a);

		if (poll(p, gather(&s, p), wait < TICK_MS ? (int)wait : TICK_MS) < 0 && errno != EINTR)
			return err_set(e, COFFER_E_SYSTEM, "poll: %s", strerror(errno));
		leases_act(a);
		reap(a);
		for (size_t i = 0; i < a->man.n_containers; i++)
			log_drain(a->ctr[i].log);
		for (size_t k = 0; k < EXECS_MAX; k++)
			log_drain(a->exec[k].log);
		peers_step(&s, p + 1);
		if (p[0].revents & POLLIN)
			accept_peer(&s);
		retry(&s);
		http_serve_step(rest);
	}
	for (size_t i = 0; i < PEERS_MAX; i++)
		drop_peer(&s, i);
	return COFFER_OK;
}
