#include "agent/rest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"

struct conn {
	int       fd; /* -1 = free */
	size_t    caller;
	int64_t   until; /* monotonic ms */
	struct wr in, out;
	size_t    sent;
	bool      answering;
};
struct rest {
	int         listener[REST_CALLERS_MAX];
	size_t      n; /* callers */
	rest_serve  serve;
	void       *arg;
	struct conn conn[REST_CONNS_MAX];
};

static void conn_close(struct conn *c)
{
	closep(&c->fd);
	wr_close(&c->in);
	wr_close(&c->out);
	*c = (struct conn){ .fd = -1 };
}

static enum coffer_rc listen_at(uint32_t address, int *out, struct err *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(REST_PORT), .sin_addr.s_addr = htonl(address) };
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, REST_CONNS_MAX) != 0)
		return err_set(e, COFFER_E_SYSTEM, "REST API: %s:%d: %s", inet_ntoa(at.sin_addr), REST_PORT, strerror(errno));
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

enum coffer_rc rest_open(const uint32_t *address, size_t n, rest_serve serve, void *arg, struct rest **out, struct err *e)
{
	CLEANUP(rest_closep) struct rest *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	r->serve = serve;
	r->arg = arg;
	for (size_t i = 0; i < REST_CALLERS_MAX; i++)
		r->listener[i] = -1;
	for (size_t i = 0; i < REST_CONNS_MAX; i++)
		r->conn[i].fd = -1;
	if (n == 0 || n > REST_CALLERS_MAX)
		return err_set(e, COFFER_E_BUG, "REST API: %zu callers", n);
	r->n = n;
	for (size_t i = 0; i < n; i++)
		TRY(listen_at(address[i], &r->listener[i], e));
	*out = MOVE(r);
	return COFFER_OK;
}

void rest_close(struct rest *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < REST_CONNS_MAX; i++)
		conn_close(&r->conn[i]);
	for (size_t i = 0; i < REST_CALLERS_MAX; i++)
		closep(&r->listener[i]);
	free(r);
}

/* Shares add up to no more than all there are, so whoever is below its own finds a free one. */
static bool has_room(const struct rest *r, size_t caller)
{
	size_t used = 0;

	for (size_t i = 0; i < REST_CONNS_MAX; i++)
		used += r->conn[i].fd >= 0 && r->conn[i].caller == caller;
	return used < REST_CONNS_MAX / r->n;
}

size_t rest_poll(const struct rest *r, struct pollfd *p)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (has_room(r, i)) /* else the caller waits in its backlog until one of its own is done or out of time */
			p[n++] = (struct pollfd){ .fd = r->listener[i], .events = POLLIN };
	for (size_t i = 0; i < REST_CONNS_MAX; i++)
		if (r->conn[i].fd >= 0)
			p[n++] = (struct pollfd){ .fd = r->conn[i].fd, .events = r->conn[i].answering ? POLLOUT : POLLIN };
	return n;
}

static void accept_one(struct rest *r, size_t caller)
{
	CLEANUP(closep) int fd = -1;

	if (!has_room(r, caller))
		return;
	fd = accept4(r->listener[caller], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (size_t i = 0; fd >= 0 && i < REST_CONNS_MAX; i++)
		if (r->conn[i].fd < 0)
			r->conn[i] = (struct conn){ .fd = MOVE_FD(fd), .caller = caller, .in = wr_open(REST_HEAD_MAX + REST_BODY_MAX),
				.out = wr_open(4u << 20), .until = clock_monotonic_ms() + REST_DEADLINE_MS };
}

static void answer(struct rest *r, struct conn *c, const struct rest_request *q)
{
	struct rest_reply reply = { 0 };
	struct err e = { 0 };

	if (r->serve(r->arg, c->caller, q, &reply, &e) == COFFER_OK)
		rest_reply_write(&reply, &c->out);
	wr_close(&reply.body);
	c->answering = true;
}

static void refuse(struct conn *c, const struct err *e)
{
	struct rest_reply reply = { .status = e->rc == COFFER_E_LIMIT ? 413 : 400, .body = wr_open(64) };

	wr_str(&reply.body, "BAD REQUEST");
	rest_reply_write(&reply, &c->out);
	wr_close(&reply.body);
	c->answering = true;
}

/* false: the connection is finished. */
static bool conn_read(struct rest *r, struct conn *c)
{
	uint8_t piece[4096];
	struct rest_request q;
	struct err e = { 0 };
	bool complete = false;
	ssize_t n = recv(c->fd, piece, sizeof(piece), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	wr_put(&c->in, (struct span){ piece, (size_t)n });
	if (!wr_ok(&c->in))
		return false;
	if (rest_request_read(wr_span(&c->in), &complete, &q, &e) != COFFER_OK)
		refuse(c, &e);
	else if (complete)
		answer(r, c, &q);
	return true;
}

static bool conn_write(struct conn *c)
{
	struct span left = span_skip(wr_span(&c->out), c->sent);
	ssize_t n = left.n ? send(c->fd, left.p, left.n, MSG_NOSIGNAL) : 0;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	return c->sent < wr_span(&c->out).n;
}

void rest_step(struct rest *r)
{
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < r->n; i++)
		accept_one(r, i);
	for (size_t i = 0; i < REST_CONNS_MAX; i++) {
		struct conn *c = &r->conn[i];
		bool more = c->fd >= 0;

		if (more && !c->answering)
			more = conn_read(r, c);
		if (more && c->answering)
			more = conn_write(c);
		if (c->fd >= 0 && (!more || now > c->until))
			conn_close(c);
	}
}
