#include "net/http_conn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "base/wait.h"

DEFINE_CLEANUP(struct addrinfo *, freeaddrinfo)

static enum coffer_rc resolve(const struct http_opts *o, struct addrinfo **out, struct err *e)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	char port[8];
	int rc;

	(void)snprintf(port, sizeof(port), "%u", (unsigned)o->port);
	rc = getaddrinfo(o->host, port, &hints, out);
	if (rc != 0)
		return err_set(e, COFFER_E_UPSTREAM, "no address for %s: %s", o->host, gai_strerror(rc));
	return COFFER_OK;
}

static enum coffer_rc connect_one(const struct addrinfo *a, int64_t deadline_ms, int *out, struct err *e)
{
	CLEANUP(closep) int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int why = 0, one = 1;
	socklen_t len = sizeof(why);

	if (fd < 0)
		return err_set(e, COFFER_E_SYSTEM, "socket: %s", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* only faster; its failure changes nothing */
	if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
		if (errno != EINPROGRESS)
			return err_set(e, COFFER_E_UPSTREAM, "%s", strerror(errno));
		TRY(wait_fd(fd, POLLOUT, deadline_ms, e));
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) != 0 || why != 0)
			return err_set(e, COFFER_E_UPSTREAM, "%s", strerror(why ? why : errno));
	}
	*out = MOVE_FD(fd);
	return COFFER_OK;
}

/* Every address gets its share of the time that is left, so that one that swallows
 * packets does not use up the others' chance. */
static enum coffer_rc connect_any(const struct addrinfo *list, int64_t deadline_ms, int *fd, struct err *e)
{
	int64_t n = 0;

	for (const struct addrinfo *a = list; a; a = a->ai_next)
		n++;
	for (const struct addrinfo *a = list; a; a = a->ai_next, n--) {
		int64_t now = clock_monotonic_ms();

		if (connect_one(a, now + (deadline_ms - now) / n, fd, e) == COFFER_OK)
			return COFFER_OK;
	}
	return COFFER_E_UPSTREAM; /* e holds the last one's reason */
}

static enum coffer_rc start_tls(struct conn *c, const struct http_opts *o, int64_t deadline_ms, struct err *e)
{
	struct tls_opts t = { .host = o->host, .ca_pem = o->ca_pem, .verify_ca = o->verify_ca, .allow_12 = o->allow_12,
			      .deadline_ms = deadline_ms };
	uint8_t key[32];

	TRY(tls_connect(c->fd, &t, &c->tls, e));
	if (!o->check_peer)
		return COFFER_OK;
	TRY(tls_peer_key(c->tls, key, e));
	return o->check_peer(o->check_arg, key, e);
}

enum coffer_rc conn_open(struct conn *c, const struct http_opts *o, int64_t deadline_ms, struct err *e)
{
	CLEANUP(freeaddrinfop) struct addrinfo *list = NULL;
	enum coffer_rc rc;

	conn_close(c);
	TRY(resolve(o, &list, e));
	e->rc = COFFER_OK;
	e->msg[0] = 0;
	if (connect_any(list, deadline_ms, &c->fd, e) != COFFER_OK) {
		e->rc = COFFER_E_UPSTREAM;
		return err_wrap(e, "cannot connect to %s port %u", o->host, (unsigned)o->port);
	}
	if (!o->tls)
		return COFFER_OK;
	rc = start_tls(c, o, deadline_ms, e);
	if (rc != COFFER_OK)
		conn_close(c);
	return rc;
}

void conn_close(struct conn *c)
{
	tls_free(c->tls);
	closep(&c->fd);
	*c = (struct conn){ .fd = -1 };
}

bool conn_idle(const struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	/* readable = closed, or bytes nobody asked for: either way not to be trusted with a request */
	return c->fd >= 0 && poll(&p, 1, 0) == 0;
}

enum coffer_rc conn_write(struct conn *c, struct span s, int64_t deadline_ms, struct err *e)
{
	if (c->tls)
		return tls_write(c->tls, s, deadline_ms, e);
	while (s.n > 0) {
		ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n >= 0)
			s = span_skip(s, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			TRY(wait_fd(c->fd, POLLOUT, deadline_ms, e));
		else if (errno != EINTR)
			return err_set(e, COFFER_E_UPSTREAM, "send: %s", strerror(errno));
	}
	return COFFER_OK;
}

enum coffer_rc conn_read(struct conn *c, uint8_t *p, size_t cap, int64_t deadline_ms, size_t *n, struct err *e)
{
	if (c->tls)
		return tls_read(c->tls, p, cap, deadline_ms, n, e);
	for (;;) {
		ssize_t got = recv(c->fd, p, cap, 0);

		if (got >= 0) {
			*n = (size_t)got;
			return COFFER_OK;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			TRY(wait_fd(c->fd, POLLIN, deadline_ms, e));
		else if (errno != EINTR)
			return err_set(e, COFFER_E_UPSTREAM, "recv: %s", strerror(errno));
	}
}
