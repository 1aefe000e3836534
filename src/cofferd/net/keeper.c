#include "cofferd/net/keeper.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/own.h"
#include "os/ipc.h"

enum coffer_rc keeper_init(struct keeper *k, int fd, struct err *e)
{
	bool ok;

	*k = (struct keeper){ .fd = fd };
	ok = pthread_mutex_init(&k->lock, NULL) == 0 && pthread_mutex_init(&k->sending, NULL) == 0;
	for (size_t i = 0; ok && i < KEEPER_ASKED_MAX; i++)
		ok = pthread_cond_init(&k->asked[i].news, NULL) == 0;
	return ok ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "keep: no mutex");
}

bool keeper_dead(struct keeper *k)
{
	bool dead;

	(void)pthread_mutex_lock(&k->lock);
	dead = k->dead;
	(void)pthread_mutex_unlock(&k->lock);
	return dead;
}

void answer_clear(struct answer *a)
{
	wr_close(&a->body);
	*a = (struct answer){ 0 };
}

/* ---- under the lock ---- */

/* The stream may be torn: a later reply would answer the wrong question. Whoever waits, or sends, stops. */
static void give_up(struct keeper *k)
{
	k->dead = true;
	(void)shutdown(k->fd, SHUT_RDWR);
	for (size_t i = 0; i < KEEPER_ASKED_MAX; i++)
		(void)pthread_cond_signal(&k->asked[i].news);
}

static struct keeper_asked *find(struct keeper *k, uint32_t id)
{
	for (size_t i = 0; i < KEEPER_ASKED_MAX; i++)
		if (k->asked[i].used && !k->asked[i].done && k->asked[i].id == id)
			return &k->asked[i];
	return NULL;
}

static struct keeper_asked *reserve(struct keeper *k)
{
	for (size_t i = 0; i < KEEPER_ASKED_MAX; i++) {
		struct keeper_asked *a = &k->asked[i];

		if (a->used)
			continue;
		while (find(k, k->next_id)) /* one that waits since it was last given */
			k->next_id++;
		a->id = k->next_id++;
		a->used = true;
		a->waits = a->done = false;
		return a;
	}
	return NULL;
}

static void deliver(struct keeper *k, struct ipc_head h, struct wr *body)
{
	struct keeper_asked *a = find(k, h.id);

	if (!a) {
		give_up(k);
		return;
	}
	a->done = true;
	a->tag = h.tag;
	a->body = *body;
	*body = (struct wr){ 0 };
	(void)pthread_cond_signal(&a->news);
}

/* One frame for whomever it is; the lock is free meanwhile. */
static void read_one(struct keeper *k)
{
	CLEANUP(wr_close) struct wr body = { 0 };
	struct ipc_head h = { 0 };
	struct err ignore = { 0 };
	enum coffer_rc rc;

	k->reading = true;
	(void)pthread_mutex_unlock(&k->lock);
	rc = ipc_recv_id(k->fd, KEEP_FRAME_MAX, &h, &body, &ignore);
	(void)pthread_mutex_lock(&k->lock);
	k->reading = false;
	if (rc != COFFER_OK)
		give_up(k);
	else
		deliver(k, h, &body);
}

/* Another that waits reads from now on; whoever still sends will find that nobody does. */
static void hand_over(struct keeper *k)
{
	for (size_t i = 0; i < KEEPER_ASKED_MAX && !k->reading; i++) {
		if (!k->asked[i].used || !k->asked[i].waits || k->asked[i].done)
			continue;
		(void)pthread_cond_signal(&k->asked[i].news);
		return;
	}
}

static void await(struct keeper *k, struct keeper_asked *a)
{
	a->waits = true;
	while (!a->done && !k->dead) {
		if (k->reading)
			(void)pthread_cond_wait(&a->news, &k->lock);
		else
			read_one(k);
	}
	a->waits = false;
	hand_over(k);
}

/* ---- asking ---- */

static enum coffer_rc send_one(struct keeper *k, struct ipc_head h, struct span req, struct err *e)
{
	enum coffer_rc rc;

	(void)pthread_mutex_lock(&k->sending);
	rc = ipc_send_id(k->fd, h, req, e);
	(void)pthread_mutex_unlock(&k->sending);
	return rc;
}

static enum coffer_rc exchange(struct keeper *k, enum keep_type t, struct span req, uint8_t *tag, struct wr *body, struct err *e)
{
	struct keeper_asked *a = k->dead ? NULL : reserve(k);
	enum coffer_rc rc;

	if (!a)
		return k->dead ? err_set(e, COFFER_E_UPSTREAM, "the keeper of keys is gone")
			       : err_set(e, COFFER_E_LIMIT, "as many requests wait for the keeper of keys as may; ask again");
	(void)pthread_mutex_unlock(&k->lock);
	rc = send_one(k, (struct ipc_head){ (uint8_t)t, a->id }, req, e);
	(void)pthread_mutex_lock(&k->lock);
	if (rc != COFFER_OK)
		give_up(k);
	await(k, a);
	if (!a->done || rc != COFFER_OK)
		rc = err_set(e, COFFER_E_UPSTREAM, "the keeper of keys does not answer");
	*tag = a->tag;
	*body = a->body; /* the caller's to close, whatever came of it */
	a->body = (struct wr){ 0 };
	a->used = a->done = false;
	return rc;
}

/* A refusal that cannot be read is still a refusal. */
static enum coffer_rc refused(uint8_t tag, struct span body, struct answer *out, struct err *e)
{
	struct keep_refusal r = { 0 };
	struct err ignore = { 0 };
	enum coffer_rc rc = tag <= COFFER_E_BUG ? (enum coffer_rc)tag : COFFER_E_BUG;

	if (keep_refusal_read(body, &r, &ignore) != COFFER_OK)
		return err_set(e, COFFER_E_BUG, "keep answered in an unknown way");
	out->refusal = r;
	(void)err_set(e, rc, "%s", r.reason);
	(void)snprintf(e->check, sizeof(e->check), "%s", r.check);
	return rc;
}

enum coffer_rc keeper_ask(struct keeper *k, enum keep_type t, const struct wr *req, struct answer *out, struct err *e)
{
	CLEANUP(wr_close) struct wr body = { 0 };
	enum coffer_rc rc;
	uint8_t tag = 0;

	TRY(wr_done(req, "request to keep", e));
	(void)pthread_mutex_lock(&k->lock);
	rc = exchange(k, t, wr_span(req), &tag, &body, e);
	(void)pthread_mutex_unlock(&k->lock);
	if (rc != COFFER_OK)
		return rc;
	if (tag != COFFER_OK)
		return refused(tag, wr_span(&body), out, e);
	out->body = body;
	body = (struct wr){ 0 };
	return COFFER_OK;
}
