#include "cofferd/net/keeper.h"

#include <stdio.h>

#include "base/own.h"
#include "os/ipc.h"

enum coffer_rc keeper_init(struct keeper *k, int fd, struct err *e)
{
	k->fd = fd;
	k->dead = false;
	if (pthread_mutex_init(&k->lock, NULL) != 0)
		return err_set(e, COFFER_E_SYSTEM, "keep: no mutex");
	return COFFER_OK;
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

static enum coffer_rc exchange(struct keeper *k, enum keep_type t, struct span req, uint8_t *tag, struct wr *body, struct err *e)
{
	if (k->dead)
		return err_set(e, COFFER_E_UPSTREAM, "the keeper of keys is gone");
	TRY(ipc_send(k->fd, (uint8_t)t, req, e));
	return ipc_recv(k->fd, KEEP_FRAME_MAX, tag, body, e);
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
	CLEANUP(wr_close) struct wr body = wr_open(KEEP_FRAME_MAX);
	enum coffer_rc rc;
	uint8_t tag = 0;

	TRY(wr_done(req, "request to keep", e));
	(void)pthread_mutex_lock(&k->lock);
	rc = exchange(k, t, wr_span(req), &tag, &body, e);
	if (rc != COFFER_OK)
		k->dead = true; /* the stream may be torn: a later reply would answer the wrong question */
	(void)pthread_mutex_unlock(&k->lock);
	if (rc != COFFER_OK)
		return err_set(e, COFFER_E_UPSTREAM, "the keeper of keys does not answer");
	if (tag != COFFER_OK)
		return refused(tag, wr_span(&body), out, e);
	out->body = body;
	body = (struct wr){ 0 };
	return COFFER_OK;
}
