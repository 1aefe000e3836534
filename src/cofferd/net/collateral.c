#include "cofferd/net/collateral.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/own.h"
#include "os/ipc.h"

#define GRACE_MS 1000 /* fetch answers at the deadline; its answer has to come back too */

enum coffer_rc collateral_init(struct collateral_wire *c, int fd, struct err *e)
{
	pthread_condattr_t a;

	*c = (struct collateral_wire){ .fd = fd };
	if (pthread_condattr_init(&a) != 0 || pthread_condattr_setclock(&a, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&c->news, &a) != 0 || pthread_mutex_init(&c->lock, NULL) != 0)
		return err_set(e, COFFER_E_SYSTEM, "collateral: no mutex");
	return COFFER_OK;
}

bool collateral_dead(struct collateral_wire *c)
{
	bool dead;

	(void)pthread_mutex_lock(&c->lock);
	dead = c->dead;
	(void)pthread_mutex_unlock(&c->lock);
	return dead;
}

void collateral_doc_clear(struct collateral_doc *d)
{
	wr_close(&d->bytes);
	*d = (struct collateral_doc){ 0 };
}

static void give_up(struct collateral_wire *c)
{
	c->dead = true;
	(void)pthread_cond_broadcast(&c->news);
}

void collateral_end(struct collateral_wire *c)
{
	(void)pthread_mutex_lock(&c->lock);
	give_up(c);
	(void)shutdown(c->fd, SHUT_RDWR); /* who reads wakes up */
	(void)pthread_mutex_unlock(&c->lock);
}

/* ---- under the lock ---- */

static void free_slot(struct collateral_asked *a)
{
	wr_close(&a->body);
	*a = (struct collateral_asked){ 0 };
}

/* One of the two. */
struct message { const struct fetch_req *get; const struct fetch_post *post; uint32_t wait_ms; };

static void write_message(const struct message *m, uint32_t id, struct wr *w)
{
	if (m->get) {
		struct fetch_req q = *m->get;

		q.id = id;
		fetch_req_write(w, &q);
	} else {
		struct fetch_post q = *m->post;

		q.id = id;
		fetch_post_write(w, &q);
	}
}

static enum coffer_rc send_one(struct collateral_wire *c, const struct message *m, size_t *out, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(FETCH_POST_MAX + 1024);
	uint32_t id;
	size_t at = 0;

	while (at < COLLATERAL_ASKED_MAX && c->asked[at].used)
		at++;
	if (c->dead)
		return err_set(e, COFFER_E_UPSTREAM, "fetch is gone");
	if (at == COLLATERAL_ASKED_MAX)
		return err_set(e, COFFER_E_LIMIT, "collateral: as much is asked for as is allowed");
	id = c->next_id++;
	write_message(m, id, &w);
	TRY(wr_done(&w, "request to fetch", e));
	if (ipc_send(c->fd, m->get ? FETCH_GET : FETCH_POST, wr_span(&w), e) != COFFER_OK) {
		give_up(c);
		return err_set(e, COFFER_E_UPSTREAM, "fetch is gone");
	}
	c->asked[at] = (struct collateral_asked){ .id = id, .used = true };
	*out = at;
	return COFFER_OK;
}

static void deliver(struct collateral_wire *c, struct wr *body)
{
	struct fetch_reply r;
	struct err ignore = { 0 };

	if (fetch_reply_read(wr_span(body), &r, &ignore) != COFFER_OK) {
		give_up(c);
		return;
	}
	for (size_t k = 0; k < COLLATERAL_ASKED_MAX; k++) {
		struct collateral_asked *a = &c->asked[k];

		if (!a->used || a->done || a->id != r.id)
			continue;
		if (a->left) {
			free_slot(a);
			return;
		}
		a->done = true;
		a->body = *body;
		*body = (struct wr){ 0 };
		return;
	}
	give_up(c); /* an answer that nobody asked for */
}

/* One frame for whomever it is; the lock is free meanwhile. */
static void read_one(struct collateral_wire *c, int64_t until)
{
	CLEANUP(wr_close) struct wr body = { 0 };
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	int64_t left = until - clock_monotonic_ms();
	struct err ignore = { 0 };
	enum coffer_rc rc = COFFER_OK;
	uint8_t tag = FETCH_REPLY;
	bool came;

	c->reading = true;
	(void)pthread_mutex_unlock(&c->lock);
	came = poll(&p, 1, left > 0 ? (int)left : 0) > 0;
	if (came)
		rc = ipc_recv(c->fd, FETCH_FRAME_MAX, &tag, &body, &ignore);
	(void)pthread_mutex_lock(&c->lock);
	c->reading = false;
	if (came && (rc != COFFER_OK || tag != FETCH_REPLY))
		give_up(c);
	else if (came)
		deliver(c, &body);
	(void)pthread_cond_broadcast(&c->news);
}

static void wait_for_news(struct collateral_wire *c, int64_t until)
{
	const struct timespec t = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000L };

	(void)pthread_cond_timedwait(&c->news, &c->lock, &t);
}

static enum coffer_rc await(struct collateral_wire *c, struct collateral_asked *a, int64_t until, struct wr *body, struct err *e)
{
	while (!a->done && !c->dead && clock_monotonic_ms() < until) {
		if (c->reading)
			wait_for_news(c, until);
		else
			read_one(c, until);
	}
	if (a->done) {
		*body = a->body;
		*a = (struct collateral_asked){ 0 };
		return COFFER_OK;
	}
	if (c->dead) {
		free_slot(a);
		return err_set(e, COFFER_E_UPSTREAM, "fetch is gone");
	}
	a->left = true; /* its answer may still come */
	return err_set(e, COFFER_E_LIMIT, "collateral: fetch has not answered yet");
}

/* ---- asking ---- */

static enum coffer_rc exchange(struct collateral_wire *c, const struct message *m, struct wr *body, struct err *e)
{
	int64_t until = clock_monotonic_ms() + (int64_t)m->wait_ms + GRACE_MS;
	enum coffer_rc rc;
	size_t at = 0;

	(void)pthread_mutex_lock(&c->lock);
	rc = send_one(c, m, &at, e);
	if (rc == COFFER_OK)
		rc = await(c, &c->asked[at], until, body, e);
	(void)pthread_mutex_unlock(&c->lock);
	return rc;
}

enum coffer_rc collateral_get(struct collateral_wire *c, const struct collateral_want *w, struct collateral_doc *out, struct err *e)
{
	CLEANUP(collateral_doc_clear) struct collateral_doc d = { 0 };
	int64_t left = w->deadline_ms - clock_monotonic_ms();
	struct fetch_req q = { .max_age = w->max_age, .item = w->item };

	q.wait_ms = left <= 0 ? 0 : left > FETCH_WAIT_MAX ? FETCH_WAIT_MAX : (uint32_t)left;
	TRY(exchange(c, &(struct message){ .get = &q, .wait_ms = q.wait_ms }, &d.bytes, e));
	TRY(fetch_reply_read(wr_span(&d.bytes), &d.r, e));
	if (d.r.status != FETCH_HAVE)
		return err_set(e, d.r.status == FETCH_PENDING ? COFFER_E_LIMIT : COFFER_E_NOTFOUND, "collateral: %.*s",
		    (int)d.r.reason.n, (const char *)d.r.reason.p);
	*out = d;
	d = (struct collateral_doc){ 0 };
	return COFFER_OK;
}

enum coffer_rc witness_post(struct collateral_wire *c, const struct witness_post *p, struct collateral_doc *doc,
    struct fetch_posted *out, struct err *e)
{
	const struct fetch_post q = { .wait_ms = p->wait_ms, .witness = p->witness, .body = p->body };
	CLEANUP(collateral_doc_clear) struct collateral_doc d = { 0 };

	TRY(exchange(c, &(struct message){ .post = &q, .wait_ms = p->wait_ms }, &d.bytes, e));
	TRY(fetch_reply_read(wr_span(&d.bytes), &d.r, e));
	if (d.r.status != FETCH_HAVE)
		return err_set(e, COFFER_E_NOTFOUND, "%.*s", (int)d.r.reason.n, (const char *)d.r.reason.p);
	TRY(fetch_posted_read(d.r.body, out, e));
	*doc = d;
	d = (struct collateral_doc){ 0 };
	return COFFER_OK;
}
