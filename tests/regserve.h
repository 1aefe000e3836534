/* A registry for tests: one thread, loopback, one request a connection. What it answers is the test's to say, so it can
 * lie, stall and break off as well. */
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "base/wr.h"

struct rs;
struct rs_req {
	int fd;
	char method[8];
	char path[2048];
	char head[8192];
	struct wr body;
};
typedef void (*rs_handler)(void *arg, struct rs_req *q);

struct rs {
	int fd;
	uint16_t port;
	pthread_t thread;
	rs_handler handler;
	void *arg;
	char host[32]; /* "127.0.0.1:PORT" */
};

static inline void rs_send(int fd, const void *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
}

/* `headers`: further complete lines, or "". */
static inline void rs_reply(const struct rs_req *q, int status, const char *headers, struct span body)
{
	char head[4096];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", status, headers, body.n);

	rs_send(q->fd, head, (size_t)n);
	if (strcmp(q->method, "HEAD") != 0)
		rs_send(q->fd, body.p, body.n);
}

static inline bool rs_read(struct rs_req *q)
{
	size_t n = 0, len = 0;
	char *end = NULL, *cl;
	char buf[4096];

	while (!end && n < sizeof(q->head) - 1) {
		ssize_t k = recv(q->fd, q->head + n, 1, 0);

		if (k <= 0)
			return false;
		n += (size_t)k;
		q->head[n] = '\0';
		end = n >= 4 && strcmp(q->head + n - 4, "\r\n\r\n") == 0 ? q->head + n : NULL;
	}
	if (!end || sscanf(q->head, "%7s %2047s", q->method, q->path) != 2)
		return false;
	cl = strcasestr(q->head, "\r\ncontent-length:");
	if (cl)
		len = strtoul(cl + 17, NULL, 10);
	while (q->body.n < len) {
		ssize_t k = recv(q->fd, buf, sizeof(buf) < len - q->body.n ? sizeof(buf) : len - q->body.n, 0);

		if (k <= 0)
			return false;
		wr_put(&q->body, (struct span){ (uint8_t *)buf, (size_t)k });
	}
	return true;
}

static inline void *rs_main(void *arg)
{
	struct rs *s = arg;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		struct rs_req *q;

		if (fd < 0)
			return NULL;
		q = calloc(1, sizeof(*q));
		q->fd = fd;
		q->body = wr_open(64 << 20);
		if (rs_read(q))
			s->handler(s->arg, q);
		(void)shutdown(fd, SHUT_WR);
		(void)close(fd);
		wr_close(&q->body);
		free(q);
	}
}

static inline bool rs_start(struct rs *s, rs_handler handler, void *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	s->handler = handler;
	s->arg = arg;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, n) != 0 || listen(s->fd, 16) != 0 || getsockname(s->fd, (struct sockaddr *)&a, &n) != 0)
		return false;
	s->port = ntohs(a.sin_port);
	(void)snprintf(s->host, sizeof(s->host), "127.0.0.1:%u", s->port);
	return pthread_create(&s->thread, NULL, rs_main, s) == 0;
}

static inline void rs_stop(struct rs *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
}
