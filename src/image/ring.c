#include "image/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#define SLOTS 8
#define SLOT_BYTES ((size_t)256 << 10) /* large enough to even out jitter, small enough for a cache */

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint8_t *bytes;   /* SLOTS * SLOT_BYTES */
	size_t len[SLOTS];
	size_t filled;    /* slots ever handed over */
	size_t emptied;   /* slots ever given back */
	size_t fill;      /* producer's own: bytes in the slot being filled */
	bool held;        /* consumer's own: it reads slot `emptied` */
	bool closed, complete, failed;
	struct err why;
};

enum coffer_rc ring_new(struct ring **out, struct err *e)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (r)
		r->bytes = malloc(SLOTS * SLOT_BYTES);
	if (!r || !r->bytes) {
		free(r);
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	}
	(void)pthread_mutex_init(&r->lock, NULL); /* cannot fail with default attributes on Linux */
	(void)pthread_cond_init(&r->moved, NULL);
	*out = r;
	return COFFER_OK;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	(void)pthread_cond_destroy(&r->moved);
	(void)pthread_mutex_destroy(&r->lock);
	free(r->bytes);
	free(r);
}

/* Waits for the next slot to be free; `lock` is held. */
static bool wait_room(struct ring *r)
{
	while (r->filled - r->emptied == SLOTS && !r->failed)
		(void)pthread_cond_wait(&r->moved, &r->lock);
	return !r->failed;
}

static bool begin_slot(struct ring *r)
{
	bool ok;

	(void)pthread_mutex_lock(&r->lock);
	ok = wait_room(r);
	(void)pthread_mutex_unlock(&r->lock);
	return ok;
}

static void hand_over(struct ring *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->len[r->filled % SLOTS] = r->fill;
	r->filled++;
	r->fill = 0;
	(void)pthread_cond_signal(&r->moved);
	(void)pthread_mutex_unlock(&r->lock);
}

enum coffer_rc ring_put(struct ring *r, struct span s, struct err *e)
{
	while (s.n > 0) {
		uint8_t *slot = r->bytes + r->filled % SLOTS * SLOT_BYTES;
		size_t n = SLOT_BYTES - r->fill < s.n ? SLOT_BYTES - r->fill : s.n;

		if (r->fill == 0 && !begin_slot(r)) {
			*e = r->why;
			return e->rc;
		}
		memcpy(slot + r->fill, s.p, n);
		r->fill += n;
		s.p += n;
		s.n -= n;
		if (r->fill == SLOT_BYTES)
			hand_over(r);
	}
	return COFFER_OK;
}

void ring_close(struct ring *r, bool complete)
{
	if (r->fill > 0)
		hand_over(r);
	(void)pthread_mutex_lock(&r->lock);
	r->closed = true;
	r->complete = complete;
	(void)pthread_cond_signal(&r->moved);
	(void)pthread_mutex_unlock(&r->lock);
}

struct span ring_take(struct ring *r)
{
	struct span out = { 0 };

	(void)pthread_mutex_lock(&r->lock);
	if (r->held) {
		r->emptied++;
		r->held = false;
		(void)pthread_cond_signal(&r->moved);
	}
	while (r->filled == r->emptied && !r->closed)
		(void)pthread_cond_wait(&r->moved, &r->lock);
	/* what is given up is not worth reading to its end */
	if (r->filled != r->emptied && !(r->closed && !r->complete)) {
		out = (struct span){ r->bytes + r->emptied % SLOTS * SLOT_BYTES, r->len[r->emptied % SLOTS] };
		r->held = true;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return out;
}

bool ring_complete(struct ring *r)
{
	bool ok;

	(void)pthread_mutex_lock(&r->lock);
	ok = r->complete;
	(void)pthread_mutex_unlock(&r->lock);
	return ok;
}

void ring_fail(struct ring *r, const struct err *why)
{
	(void)pthread_mutex_lock(&r->lock);
	r->failed = true;
	r->why = *why;
	(void)pthread_cond_signal(&r->moved);
	(void)pthread_mutex_unlock(&r->lock);
}
