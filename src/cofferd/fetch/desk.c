#include "cofferd/fetch/desk.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "os/ipc.h"

static bool same(const struct vendor_item *a, const struct vendor_item *b)
{
	char x[VENDOR_KEY_MAX], y[VENDOR_KEY_MAX];

	vendor_item_key(a, x);
	vendor_item_key(b, y);
	return strcmp(x, y) == 0;
}

/* ---- answering ---- */

static enum coffer_rc answer(struct desk *d, const struct fetch_reply *r, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(FETCH_FRAME_MAX);

	fetch_reply_write(&w, r);
	TRY(wr_done(&w, "reply of fetch", e));
	return ipc_send(d->out, FETCH_REPLY, wr_span(&w), e);
}

static enum coffer_rc answer_have(struct desk *d, uint32_t id, const struct cache_hit *h, struct err *e)
{
	return answer(d,
	    &(struct fetch_reply){
		.id = id, .status = FETCH_HAVE, .fetched_at = h->fetched_at, .body = h->body, .issuers = h->issuers },
	    e);
}

static enum coffer_rc answer_not(struct desk *d, uint32_t id, enum fetch_status s, const char *reason, struct err *e)
{
	return answer(d, &(struct fetch_reply){ .id = id, .status = s, .reason = span_of(reason) }, e);
}

/* ---- memory of refusals ---- */

static const struct miss *find_miss(const struct desk *d, const struct vendor_item *i, int64_t now)
{
	for (size_t k = 0; k < DESK_MISSES_MAX; k++)
		if (d->miss[k].until > now && same(&d->miss[k].item, i))
			return &d->miss[k];
	return NULL;
}

static void put_miss(struct desk *d, const struct vendor_item *i, int64_t ms, struct span reason)
{
	struct miss *m = &d->miss[d->next_miss++ % DESK_MISSES_MAX];

	*m = (struct miss){ .item = *i, .until = clock_monotonic_ms() + ms };
	(void)snprintf(m->reason, sizeof(m->reason), "%.*s", (int)reason.n, (const char *)reason.p);
}

/* Twice as long after each refusal, and never shorter than the vendor says. */
static void back_off(struct patience *p, const struct worker_word *said)
{
	int64_t ms = p->step_ms ? p->step_ms * 2 : DESK_BACKOFF_MS;

	p->step_ms = ms > DESK_BACKOFF_MAX_MS ? DESK_BACKOFF_MAX_MS : ms;
	ms = (int64_t)said->retry_s * 1000;
	p->until = clock_monotonic_ms() + (ms > p->step_ms ? ms : p->step_ms);
	(void)snprintf(p->reason, sizeof(p->reason), "%.*s", (int)said->reason.n, (const char *)said->reason.p);
}

/* ---- flights ---- */

static struct flight *find_flight(struct desk *d, const struct vendor_item *i)
{
	for (size_t k = 0; k < DESK_FLIGHTS_MAX; k++)
		if (d->flight[k].used && same(&d->flight[k].item, i))
			return &d->flight[k];
	return NULL;
}

static void keep_it(struct desk *d, const struct vendor_item *i, const struct worker_word *said, int64_t now, struct cache_hit *h)
{
	struct fetch_file f = { *i, now, said->body, said->issuers };
	struct err e = { 0 };

	*h = (struct cache_hit){ .fetched_at = now, .body = said->body, .issuers = said->issuers };
	d->vendor[vendor_item_origin(i)].step_ms = 0;
	if (cache_put(&d->cache, &f, &e) != COFFER_OK) /* it is answered all the same */
		(void)fprintf(stderr, "cofferd-fetch: %s\n", e.msg);
}

static void learn(struct desk *d, const struct vendor_item *i, const struct worker_word *said)
{
	char key[VENDOR_KEY_MAX];

	vendor_item_key(i, key);
	(void)fprintf(stderr, "cofferd-fetch: %s: %.*s\n", key, (int)said->reason.n, (const char *)said->reason.p);
	if (said->outcome == OUTCOME_BUSY)
		back_off(&d->vendor[vendor_item_origin(i)], said);
	else
		put_miss(d, i, said->outcome == OUTCOME_UNREACHED ? DESK_UNREACHED_MS : DESK_MISS_MS, said->reason);
}

static enum coffer_rc land(struct desk *d, struct flight *f, struct err *e)
{
	char reason[FETCH_REASON_MAX];
	struct worker_word said;
	struct cache_hit h = { 0 };
	enum coffer_rc rc = COFFER_OK;

	worker_word(&f->w, &f->item, &said);
	if (said.outcome == OUTCOME_GOT)
		keep_it(d, &f->item, &said, clock_now(), &h);
	else
		learn(d, &f->item, &said);
	(void)snprintf(reason, sizeof(reason), "%.*s", (int)said.reason.n, (const char *)said.reason.p);
	for (size_t k = 0; k < DESK_WAITERS_MAX && rc == COFFER_OK; k++) {
		struct waiter *w = &d->waiter[k];

		if (!w->used || !same(&w->item, &f->item))
			continue;
		w->used = false;
		rc = said.outcome == OUTCOME_GOT ? answer_have(d, w->id, &h, e)
						 : answer_not(d, w->id, FETCH_UNAVAILABLE, reason, e);
	}
	worker_end(&f->w);
	f->used = false;
	return rc;
}

/* ---- asking ---- */

static enum coffer_rc wait_for_it(struct desk *d, const struct fetch_req *q, struct err *e)
{
	uint32_t ms = q->wait_ms < FETCH_WAIT_MAX ? q->wait_ms : FETCH_WAIT_MAX;

	for (size_t k = 0; ms > 0 && k < DESK_WAITERS_MAX; k++) {
		if (d->waiter[k].used)
			continue;
		d->waiter[k] = (struct waiter){ true, q->id, q->item, clock_monotonic_ms() + ms };
		return COFFER_OK;
	}
	return answer_not(d, q->id, FETCH_PENDING, "being fetched", e);
}

static enum coffer_rc start_flight(struct desk *d, const struct fetch_req *q, struct err *e)
{
	for (size_t k = 0; k < DESK_FLIGHTS_MAX; k++) {
		struct flight *f = &d->flight[k];
		struct err why = { 0 };

		if (f->used)
			continue;
		if (worker_start(&f->w, &d->sources, &q->item, &why) != COFFER_OK)
			return answer_not(d, q->id, FETCH_PENDING, "no process can be started now", e);
		f->used = true;
		f->item = q->item;
		f->until = clock_monotonic_ms() + DESK_FETCH_MS;
		return wait_for_it(d, q, e);
	}
	return answer_not(d, q->id, FETCH_PENDING, "as many fetches as are allowed are on their way", e);
}

static enum coffer_rc ask_vendor(struct desk *d, const struct fetch_req *q, bool stale, struct err *e)
{
	const struct patience *p = &d->vendor[vendor_item_origin(&q->item)];
	int64_t now = clock_monotonic_ms();
	const struct miss *m;

	if (!d->network)
		return answer_not(d, q->id, FETCH_UNAVAILABLE,
		    stale ? "older than wanted, and the network is off" : "neither stored nor cached, and the network is off", e);
	if (find_flight(d, &q->item))
		return wait_for_it(d, q, e);
	m = find_miss(d, &q->item, now);
	if (m)
		return answer_not(d, q->id, FETCH_UNAVAILABLE, m->reason, e);
	if (p->until > now)
		return answer_not(d, q->id, FETCH_UNAVAILABLE, p->reason, e);
	return start_flight(d, q, e);
}

enum coffer_rc desk_ask(struct desk *d, const struct fetch_req *q, struct err *e)
{
	CLEANUP(cache_hit_clear) struct cache_hit h = { 0 };
	struct cache_want want = { &q->item, clock_now(), q->max_age };
	bool stale;

	if (cache_find(&d->cache, &want, &h, &stale))
		return answer_have(d, q->id, &h, e);
	return ask_vendor(d, q, stale, e);
}

/* ---- time ---- */

enum coffer_rc desk_turn(struct desk *d, struct err *e)
{
	int64_t now = clock_monotonic_ms();

	for (size_t k = 0; k < DESK_FLIGHTS_MAX; k++)
		if (d->flight[k].used && (worker_read(&d->flight[k].w) || d->flight[k].until <= now))
			TRY(land(d, &d->flight[k], e));
	for (size_t k = 0; k < DESK_WAITERS_MAX; k++) {
		if (!d->waiter[k].used || d->waiter[k].until > now)
			continue;
		d->waiter[k].used = false;
		TRY(answer_not(d, d->waiter[k].id, FETCH_PENDING, "still being fetched", e));
	}
	return COFFER_OK;
}

int desk_timeout(const struct desk *d)
{
	int64_t now = clock_monotonic_ms(), first = INT64_MAX;

	for (size_t k = 0; k < DESK_FLIGHTS_MAX; k++)
		if (d->flight[k].used && d->flight[k].until < first)
			first = d->flight[k].until;
	for (size_t k = 0; k < DESK_WAITERS_MAX; k++)
		if (d->waiter[k].used && d->waiter[k].until < first)
			first = d->waiter[k].until;
	if (first == INT64_MAX)
		return -1;
	return first <= now ? 0 : (int)(first - now);
}

void desk_close(struct desk *d)
{
	for (size_t k = 0; k < DESK_FLIGHTS_MAX; k++)
		if (d->flight[k].used)
			worker_end(&d->flight[k].w);
	cache_close(&d->cache);
}
