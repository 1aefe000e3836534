#include "cofferd/net/conns.h"

#include <sys/socket.h>

void conns_init(struct conns *c)
{
	(void)pthread_mutex_init(&c->lock, NULL);
	for (size_t i = 0; i < CONNS_MAX; i++)
		c->slot[i].fd = -1;
}

struct conn *conns_add(struct conns *c, int fd, int64_t now_ms)
{
	struct conn *got = NULL;

	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < CONNS_MAX && !got; i++)
		if (c->slot[i].fd < 0)
			got = &c->slot[i];
	if (got)
		*got = (struct conn){ .fd = fd, .deadline_ms = now_ms + CONN_REQUEST_MS };
	(void)pthread_mutex_unlock(&c->lock);
	return got;
}

void conns_begin(struct conns *c, struct conn *slot, int64_t now_ms)
{
	(void)pthread_mutex_lock(&c->lock);
	if (slot->deadline_ms > now_ms + CONN_REQUEST_MS)
		slot->deadline_ms = now_ms + CONN_REQUEST_MS;
	(void)pthread_mutex_unlock(&c->lock);
}

void conns_extend(struct conns *c, struct conn *slot, int64_t now_ms, int64_t ms)
{
	(void)pthread_mutex_lock(&c->lock);
	slot->deadline_ms = now_ms + ms;
	(void)pthread_mutex_unlock(&c->lock);
}

void conns_idle(struct conns *c, struct conn *slot, int64_t now_ms)
{
	(void)pthread_mutex_lock(&c->lock);
	slot->deadline_ms = now_ms + CONN_IDLE_MS;
	(void)pthread_mutex_unlock(&c->lock);
}

void conns_del(struct conns *c, struct conn *slot)
{
	(void)pthread_mutex_lock(&c->lock);
	slot->fd = -1;
	(void)pthread_mutex_unlock(&c->lock);
}

size_t conns_sweep(struct conns *c, int64_t now_ms)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct conn *s = &c->slot[i];

		if (s->fd < 0 || now_ms < s->deadline_ms)
			continue;
		(void)shutdown(s->fd, SHUT_RDWR);
		s->deadline_ms = INT64_MAX;
		n++;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return n;
}
