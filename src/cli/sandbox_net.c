#include "cli/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"
#include "base/str.h"

#define FLOWS_MAX 64
#define BUF 16384

enum coffer_rc guest_endpoint(struct guest_opts *o, struct endpoint p, struct err *e)
{
	for (size_t i = 0; i < o->n_endpoints; i++)
		if (o->endpoint[i].ip == p.ip && o->endpoint[i].port == p.port)
			return COFFER_OK;
	if (o->n_endpoints == ENDPOINTS_MAX)
		return err_set(e, COFFER_E_LIMIT, "the manifest names more than %d endpoints", ENDPOINTS_MAX);
	o->endpoint[o->n_endpoints++] = p;
	return COFFER_OK;
}

static struct sockaddr_in address(struct endpoint p)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(p.port), .sin_addr.s_addr = htonl(p.ip) };
}

/* One direction: from one socket into the other. */
struct pipe_half { uint8_t buf[BUF]; size_t at, n; bool eof, shut; };
struct flow { int guest, host; struct pipe_half up, down; };

static void flow_close(struct flow **f)
{
	closep(&(*f)->guest);
	closep(&(*f)->host);
	free(*f);
	*f = NULL;
}

static struct flow *flow_new(int listener, struct endpoint p)
{
	struct sockaddr_in at = address(p);
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->guest = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	f->host = f->guest < 0 ? -1 : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (f->host < 0 || (connect(f->host, (struct sockaddr *)&at, sizeof(at)) != 0 && errno != EINPROGRESS))
		flow_close(&f);
	return f;
}

/* false: the flow is broken. */
static bool half_read(struct pipe_half *h, int from)
{
	ssize_t n;

	if (h->n > 0 || h->eof)
		return true;
	n = recv(from, h->buf, sizeof(h->buf), 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
	h->at = 0;
	h->n = (size_t)n;
	h->eof = n == 0;
	return true;
}

static bool half_write(struct pipe_half *h, int to)
{
	ssize_t n;

	if (h->n == 0) {
		if (h->eof && !h->shut)
			h->shut = shutdown(to, SHUT_WR) == 0;
		return !h->eof || h->shut;
	}
	n = send(to, h->buf + h->at, h->n, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	h->at += (size_t)n;
	h->n -= (size_t)n;
	return true;
}

static bool flow_step(struct flow *f, short guest_events, short host_events)
{
	bool ok = !((guest_events | host_events) & (POLLERR | POLLNVAL));

	ok = ok && (!(guest_events & (POLLIN | POLLHUP)) || half_read(&f->up, f->guest));
	ok = ok && (!(host_events & (POLLIN | POLLHUP)) || half_read(&f->down, f->host));
	ok = ok && (!(host_events & POLLOUT) || half_write(&f->up, f->host));
	ok = ok && (!(guest_events & POLLOUT) || half_write(&f->down, f->guest));
	return ok && !(f->up.shut && f->down.shut);
}

static short wants(const struct pipe_half *in, const struct pipe_half *out)
{
	return (short)((in->n == 0 && !in->eof ? POLLIN : 0) | (out->n > 0 || (out->eof && !out->shut) ? POLLOUT : 0));
}

static size_t flow_poll(struct flow *const *f, struct pollfd *p)
{
	size_t n = 0;

	for (size_t i = 0; i < FLOWS_MAX; i++) {
		p[n++] = (struct pollfd){ .fd = f[i] ? f[i]->guest : -1, .events = (short)(f[i] ? wants(&f[i]->up, &f[i]->down) : 0) };
		p[n++] = (struct pollfd){ .fd = f[i] ? f[i]->host : -1, .events = (short)(f[i] ? wants(&f[i]->down, &f[i]->up) : 0) };
	}
	return n;
}

_Noreturn void net_relay(const int *listener, const struct endpoint *e, size_t n)
{
	struct flow *flow[FLOWS_MAX] = { NULL };
	struct pollfd p[2 * FLOWS_MAX + ENDPOINTS_MAX];

	for (;;) {
		size_t used = flow_poll(flow, p), room = 0;

		while (room < FLOWS_MAX && flow[room])
			room++;
		for (size_t i = 0; i < n; i++)
			p[used + i] = (struct pollfd){ .fd = room < FLOWS_MAX ? listener[i] : -1, .events = POLLIN };
		if (poll(p, used + n, -1) < 0 && errno != EINTR)
			_exit(5);
		for (size_t i = 0; i < FLOWS_MAX; i++)
			if (flow[i] && !flow_step(flow[i], p[2 * i].revents, p[2 * i + 1].revents))
				flow_close(&flow[i]);
		for (size_t i = 0; i < n && room < FLOWS_MAX; i++)
			if (p[used + i].revents & POLLIN) {
				flow[room] = flow_new(listener[i], e[i]);
				break; /* one a round: poll tells of the others again */
			}
	}
}
