#include "cofferd/fetch/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "os/ipc.h"

#define PATH "/add-checkpoint"

enum coffer_rc postbox_address(struct postbox *b, const struct fetch_witnesses *w, struct err *e)
{
	CLEANUP(freep) struct http_url *now = calloc(FETCH_WITNESSES_MAX, sizeof(*now));

	if (!now)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < w->n; i++)
		TRY(http_url_parse(w->url[i], &now[i], e));
	memcpy(b->witness, now, sizeof(b->witness));
	b->n = w->n;
	return COFFER_OK;
}

static enum coffer_rc answer(struct postbox *b, const struct fetch_reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(FETCH_POSTED_MAX + 1024);

	fetch_reply_write(&w, r);
	TRY(wr_done(&w, "reply of fetch", e));
	return ipc_send(b->out, FETCH_REPLY, wr_span(&w), e);
}

static enum coffer_rc answer_not(struct postbox *b, uint32_t id, struct span reason, struct err *e)
{
	return answer(b, &(struct fetch_reply){ .id = id, .status = FETCH_UNAVAILABLE, .reason = reason }, e);
}

/* ---- in the child ---- */

struct job { const struct http_url *u; struct span ca_pem, body; int64_t timeout_ms; };

static enum coffer_rc post(const struct job *j, struct http_res *r, struct err *e)
{
	const struct http_opts o = { .host = j->u->host,
		.port = j->u->port,
		.tls = j->u->tls,
		.verify_ca = true,
		.allow_12 = true,
		.ca_pem = j->ca_pem,
		.timeout_ms = j->timeout_ms };
	CLEANUP(http_freep) struct http *h = NULL;
	char path[sizeof(j->u->path) + sizeof(PATH)];

	(void)snprintf(path, sizeof(path), "%s%s", strcmp(j->u->path, "/") == 0 ? "" : j->u->path, PATH);
	TRY(http_new(&o, &h, e));
	return http_do(h, &(struct http_req){ .method = "POST", .path = path, .content_type = "text/plain", .body = j->body },
	    FETCH_POSTED_MAX - 2, r, e);
}

/* u8 1 and what came, or 0 and why not */
static void run(const void *arg, struct wr *w)
{
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e = { 0 };
	bool ok = post(arg, &r, &e) == COFFER_OK && r.status >= 100 && r.status <= 999;

	wr_u8(w, ok);
	if (!ok) {
		worker_put_reason(w, e.msg);
		return;
	}
	wr_blob32(w, (struct span){ 0 });
	wr_u8(w, (uint8_t)(r.status >> 8));
	wr_u8(w, (uint8_t)r.status);
	wr_put(w, wr_span(&r.body));
}

/* ---- in fetch ---- */

enum coffer_rc postbox_ask(struct postbox *b, const struct fetch_post *q, struct err *e)
{
	uint32_t ms = q->wait_ms < FETCH_WAIT_MAX ? q->wait_ms : FETCH_WAIT_MAX;
	struct job j = { .ca_pem = b->ca_pem, .body = q->body, .timeout_ms = ms > 2 * POST_GRACE_MS ? ms - POST_GRACE_MS : POST_GRACE_MS };
	struct err why = { 0 };

	if (q->witness >= b->n)
		return answer_not(b, q->id, span_of("no such witness is known here yet"), e);
	j.u = &b->witness[q->witness];
	for (size_t k = 0; k < POSTS_MAX; k++) {
		struct posting *p = &b->of[k];

		if (p->used)
			continue;
		if (worker_run(&p->w, run, &j, &why) != COFFER_OK)
			return answer_not(b, q->id, span_of("no process can be started now"), e);
		p->used = true;
		p->id = q->id;
		p->until = clock_monotonic_ms() + ms;
		return COFFER_OK;
	}
	return answer_not(b, q->id, span_of("as many requests as are allowed are on their way"), e);
}

/* The worker read hostile bytes: its word is taken for what it is, a status and bytes, or a printable reason. */
static enum coffer_rc land(struct postbox *b, struct posting *p, struct err *e)
{
	struct rd r = rd_open(wr_ok(&p->w.said) ? wr_span(&p->w.said) : (struct span){ 0 });
	bool ok = rd_u8(&r) == 1;
	struct span reason = rd_blob32(&r, FETCH_REASON_MAX), body = rd_span(&r, r.n);
	struct fetch_posted got;
	struct err ignore = { 0 };
	enum coffer_rc rc;

	if (ok && rd_done(&r) && reason.n == 0 && fetch_posted_read(body, &got, &ignore) == COFFER_OK)
		rc = answer(b, &(struct fetch_reply){ .id = p->id, .status = FETCH_HAVE, .body = body }, e);
	else if (!ok && rd_done(&r) && body.n == 0 && reason.n > 0 && fetch_printable(reason))
		rc = answer_not(b, p->id, reason, e);
	else
		rc = answer_not(b, p->id, span_of("the witness has not answered in time"), e);
	worker_end(&p->w);
	p->used = false;
	return rc;
}

enum coffer_rc postbox_turn(struct postbox *b, struct err *e)
{
	int64_t now = clock_monotonic_ms();

	for (size_t k = 0; k < POSTS_MAX; k++)
		if (b->of[k].used && (worker_read(&b->of[k].w) || b->of[k].until <= now))
			TRY(land(b, &b->of[k], e));
	return COFFER_OK;
}

int postbox_timeout(const struct postbox *b)
{
	int64_t now = clock_monotonic_ms(), first = INT64_MAX;

	for (size_t k = 0; k < POSTS_MAX; k++)
		if (b->of[k].used && b->of[k].until < first)
			first = b->of[k].until;
	if (first == INT64_MAX)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

void postbox_close(struct postbox *b)
{
	for (size_t k = 0; k < POSTS_MAX; k++)
		if (b->of[k].used)
			worker_end(&b->of[k].w);
}
