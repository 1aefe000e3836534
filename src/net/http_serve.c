#include "net/http_serve.h"

#include <errno.h>
#include <stdlib.h>
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
struct http_serve {
	int         listener[HTTP_SERVE_LISTENERS_MAX];
	size_t      n; /* callers */
	struct http_serve_how how;
	struct conn conn[HTTP_SERVE_CONNS_MAX];
};

static void conn_close(struct conn *c)
{
	closep(&c->fd);
	wr_close(&c->in);
	wr_close(&c->out);
	*c = (struct conn){ .fd = -1 };
}

enum coffer_rc http_serve_new(const int *listener, size_t n, const struct http_serve_how *how, struct http_serve **out, struct err *e)
{
	struct http_serve *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	r->how = *how;
	r->n = n;
	for (size_t i = 0; i < HTTP_SERVE_LISTENERS_MAX; i++)
		r->listener[i] = i < n ? listener[i] : -1;
	for (size_t i = 0; i < HTTP_SERVE_CONNS_MAX; i++)
		r->conn[i].fd = -1;
	*out = r;
	return COFFER_OK;
}

void http_serve_close(struct http_serve *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < HTTP_SERVE_CONNS_MAX; i++)
		conn_close(&r->conn[i]);
	for (size_t i = 0; i < HTTP_SERVE_LISTENERS_MAX; i++)
		closep(&r->listener[i]);
	free(r);
}

/* Shares add up to no more than all there are, so whoever is below its own finds a free one. */
static bool has_room(const struct http_serve *r, size_t caller)
{
	size_t used = 0;

	for (size_t i = 0; i < HTTP_SERVE_CONNS_MAX; i++)
		used += r->conn[i].fd >= 0 && r->conn[i].caller == caller;
	return used < HTTP_SERVE_CONNS_MAX / r->n;
}

size_t http_serve_poll(const struct http_serve *r, struct pollfd *p)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (has_room(r, i)) /* else the caller waits in its backlog until one of its own is done or out of time */
			p[n++] = (struct pollfd){ .fd = r->listener[i], .events = POLLIN };
	for (size_t i = 0; i < HTTP_SERVE_CONNS_MAX; i++)
		if (r->conn[i].fd >= 0)
			p[n++] = (struct pollfd){ .fd = r->conn[i].fd, .events = r->conn[i].answering ? POLLOUT : POLLIN };
	return n;
}

static void accept_one(struct http_serve *r, size_t caller)
{
	CLEANUP(closep) int fd = -1;

	if (!has_room(r, caller))
		return;
	fd = accept4(r->listener[caller], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	for (size_t i = 0; fd >= 0 && i < HTTP_SERVE_CONNS_MAX; i++)
		if (r->conn[i].fd < 0)
			r->conn[i] = (struct conn){ .fd = MOVE_FD(fd), .caller = caller, .in = wr_open(HTTP_IN_HEAD_MAX + HTTP_IN_BODY_MAX),
				.out = wr_open(4u << 20), .until = clock_monotonic_ms() + HTTP_SERVE_DEADLINE_MS };
}

static void answer(struct http_serve *r, struct conn *c, const struct http_in *q)
{
	struct http_out reply = { 0 };
	struct err e = { 0 };

	if (r->how.serve(r->how.arg, c->caller, q, &reply, &e) == COFFER_OK)
		http_out_write(&reply, &c->out);
	wr_close(&reply.body);
	c->answering = true;
}

static void refuse(struct conn *c, const struct err *e)
{
	struct http_out reply = { .status = e->rc == COFFER_E_LIMIT ? 413 : 400, .body = wr_open(64) };

	wr_str(&reply.body, "BAD REQUEST");
	http_out_write(&reply, &c->out);
	wr_close(&reply.body);
	c->answering = true;
}

/* false: the connection is finished. */
static bool conn_read(struct http_serve *r, struct conn *c)
{
	uint8_t piece[4096];
	struct http_in q;
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
	if (http_in_read(wr_span(&c->in), &complete, &q, &e) != COFFER_OK)
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

void http_serve_step(struct http_serve *r)
{
	int64_t now = clock_monotonic_ms();

	for (size_t i = 0; i < r->n; i++)
		accept_one(r, i);
	for (size_t i = 0; i < HTTP_SERVE_CONNS_MAX; i++) {
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
