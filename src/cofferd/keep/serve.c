#include "cofferd/keep/serve.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/turn.h"
#include "cofferd/keep/witnessed.h"
#include "os/ipc.h"

static void turn_free(struct turn *t)
{
	if (!t)
		return;
	turn_clear(t);
	free(t);
}
DEFINE_CLEANUP(struct turn *, turn_free)

void serve_open(struct serve *s, struct keep *k, int net, int parent)
{
	*s = (struct serve){ .k = k, .net = net, .parent = parent, .had_eval = k->eval >= 0 };
	k->journal.group = &s->group;
	k->waiting = (struct waiting){ s->aside, &s->n_aside };
}

void serve_close(struct serve *s)
{
	if (!s->k)
		return;
	for (size_t i = 0; i < s->n_done; i++)
		turn_free(s->done[i]);
	for (size_t i = 0; i < s->n_aside; i++)
		turn_free(s->aside[i]);
	group_drop(&s->k->journal);
	s->k->journal.group = NULL;
	s->k->waiting = (struct waiting){ NULL, NULL };
	*s = (struct serve){ .k = NULL };
}

/* ---- what waits ---- */

static bool by_strangers(uint8_t type)
{
	return type == KEEP_ATTEST || type == KEEP_AUTH;
}

static bool may_wait(const struct serve *s, const struct turn *t)
{
	size_t n = 0, bytes = 0, n_max = SERVE_ASIDE_MAX, bytes_max = SERVE_ASIDE_BYTES;

	for (size_t i = 0; i < s->n_aside; i++) {
		if (by_strangers(t->type) && !by_strangers(s->aside[i]->type))
			continue;
		n++;
		bytes += s->aside[i]->frame.n;
	}
	if (by_strangers(t->type)) {
		n_max = n_max / 4 * 3;
		bytes_max = bytes_max / 4 * 3;
	}
	return n < n_max && s->n_aside < SERVE_ASIDE_MAX && t->frame.n <= bytes_max && bytes <= bytes_max - t->frame.n;
}

/* Takes it over. */
static void run(struct serve *s, struct turn *t)
{
	if (turn_run(s->k, t))
		s->done[s->n_done++] = t;
	else
		s->aside[s->n_aside++] = t;
}

/* Of those that are ready the first whose owner has fewest questions under way. */
static struct turn *next_ready(struct serve *s)
{
	size_t at = s->n_aside, fewest = SIZE_MAX;
	struct turn *t;

	for (size_t i = 0; i < s->n_aside; i++) {
		const struct turn *x = s->aside[i];
		size_t n = x->no_place && x->by[0] ? eval_under_way(s->k, x->by) : 0;

		if (n >= fewest || !turn_ready(s->k, x))
			continue;
		fewest = n;
		at = i;
	}
	if (at == s->n_aside)
		return NULL;
	t = s->aside[at];
	s->n_aside--;
	memmove(&s->aside[at], &s->aside[at + 1], (s->n_aside - at) * sizeof(struct turn *));
	return t;
}

/* Each once: who has to wait again goes to the end. */
static void run_aside(struct serve *s)
{
	for (size_t left = s->n_aside; left > 0; left--) {
		struct turn *t = next_ready(s);

		if (!t)
			return;
		run(s, t);
	}
}

/* ---- what comes ---- */

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static bool waits_already(const struct serve *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_done; i++)
		if (s->done[i]->id == id)
			return true;
	for (size_t i = 0; i < s->n_aside; i++)
		if (s->aside[i]->id == id)
			return true;
	return false;
}

static enum coffer_rc receive(const struct serve *s, struct turn *t, struct err *e)
{
	struct ipc_head h;

	TRY(ipc_recv_id(s->net, KEEP_FRAME_MAX, &h, &t->frame, e));
	if (waits_already(s, h.id))
		return err_set(e, COFFER_E_INPUT, "keep: net sent request %u twice", (unsigned)h.id);
	t->id = h.id;
	t->type = h.tag;
	t->body = wr_span(&t->frame);
	t->may_wait = may_wait(s, t);
	return COFFER_OK;
}

static enum coffer_rc take(struct serve *s, size_t *bytes, struct err *e)
{
	CLEANUP(turn_freep) struct turn *t = calloc(1, sizeof(*t));
	int64_t now;

	if (!t)
		return err_set(e, COFFER_E_SYSTEM, "keep: out of memory");
	TRY(receive(s, t, e));
	*bytes += t->frame.n;
	now = clock_now();
	s->k->now = now > s->k->journal.time ? now : s->k->journal.time;
	run(s, MOVE(t));
	return COFFER_OK;
}

static bool round_is_full(const struct serve *s, size_t bytes)
{
	for (size_t i = 0; i < s->n_done; i++)
		bytes += s->done[i]->reply.n;
	return bytes > SERVE_ROUND_BYTES;
}

static enum coffer_rc take_all(struct serve *s, struct err *e)
{
	int64_t until = clock_monotonic_ms() + SERVE_ROUND_MS;
	size_t bytes = 0;

	for (size_t n = 0; n < SERVE_ROUND_MAX && readable(s->net) && !round_is_full(s, bytes); n++) {
		TRY(take(s, &bytes, e));
		if (clock_monotonic_ms() >= until)
			break;
	}
	return COFFER_OK;
}

/* ---- what leaves ---- */

/* Nothing of this round is to be known, to anybody. */
static enum coffer_rc go_back(struct serve *s, const struct err *why, struct err *e)
{
	for (size_t i = 0; i < s->n_done; i++)
		turn_fault(s->done[i], why);
	return keep_forget(s->k, e);
}

static enum coffer_rc send_all(struct serve *s, struct err *e)
{
	enum coffer_rc rc = COFFER_OK;

	for (size_t i = 0; i < s->n_done; i++) {
		struct turn *t = s->done[i];

		if (rc == COFFER_OK)
			rc = wr_done(&t->reply, "reply", e);
		if (rc == COFFER_OK)
			rc = ipc_send_id(s->net, (struct ipc_head){ t->rc, t->id }, wr_span(&t->reply), e);
		turn_free(t);
	}
	s->n_done = 0;
	return rc;
}

/* Whom `fetch` may post to. Where the parent is gone the next round sees it. */
static enum coffer_rc tell_addresses(struct serve *s, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(KEEP_READY_MAX);
	struct err ignore = { 0 };

	TRY(witnessed_addresses(s->k, &w, e));
	(void)!ipc_send(s->parent, KEEP_ADDRESSES, wr_span(&w), &ignore);
	s->k->addresses_new = false;
	return COFFER_OK;
}

/* A request that comes meanwhile waits some milliseconds; those of this round do not. */
static void tidy(struct serve *s)
{
	struct err e = { 0 };
	bool failed = store_tidy(s->k->store, &e) != COFFER_OK;

	if (failed && !s->untidy)
		(void)fprintf(stderr, "cofferd-keep: %s\n", e.msg);
	s->untidy = failed;
}

static enum coffer_rc end_round(struct serve *s, struct err *e)
{
	struct err why = { 0 };
	enum coffer_rc rc = COFFER_OK;

	if (group_commit(&s->k->journal, &why) != COFFER_OK)
		rc = go_back(s, &why, e);
	if (rc == COFFER_OK && s->k->addresses_new)
		rc = tell_addresses(s, e);
	TRY(send_all(s, rc == COFFER_OK ? e : &why));
	if (rc == COFFER_OK && store_waiting(s->k->store) >= SERVE_TIDY_MAX)
		tidy(s);
	return rc;
}

/* ---- a round ---- */

enum { AT_NET, AT_PARENT, AT_EVAL, AT_ALL };

static void look_at_eval(struct serve *s)
{
	for (size_t i = 0; i < EVAL_JOBS_MAX && s->k->eval >= 0 && readable(s->k->eval); i++)
		eval_take(s->k);
	(void)eval_time_left(s->k);
}

/* Without eval nobody is decided any more who needs it; keep ends when they know. */
static enum coffer_rc eval_ended(struct serve *s, struct err *e)
{
	run_aside(s);
	TRY(end_round(s, e));
	return err_set(e, COFFER_E_UPSTREAM, "eval is gone or does not answer");
}

static int time_left(struct serve *s)
{
	int ms = eval_time_left(s->k);

	return s->n_aside > EVAL_OWNER_WAITS && (ms < 0 || ms > TURN_CROWD_MS) ? TURN_CROWD_MS : ms;
}

/* Until there is something to do; where nothing comes for a while, and nothing is under way, the store's log is taken over. False: a signal. */
static bool wait_for_any(struct serve *s, struct pollfd p[static AT_ALL])
{
	int ms = time_left(s), n;
	bool idle = ms < 0 && !s->untidy && store_waiting(s->k->store) >= SERVE_TIDY_IDLE;

	n = poll(p, AT_ALL, idle ? SERVE_IDLE_MS : ms);
	if (n == 0 && idle)
		tidy(s);
	return n >= 0;
}

enum coffer_rc serve_round(struct serve *s, bool *go, struct err *e)
{
	struct pollfd p[AT_ALL] = { { .fd = s->net, .events = POLLIN }, { .fd = s->parent, .events = POLLIN }, { .fd = s->k->eval, .events = POLLIN } };
	enum coffer_rc rc = COFFER_OK;

	*go = true;
	if (!wait_for_any(s, p))
		return COFFER_OK;
	*go = !p[AT_PARENT].revents;
	if (!*go)
		return COFFER_OK;
	look_at_eval(s);
	run_aside(s);
	if (p[AT_NET].revents)
		rc = take_all(s, e);
	if (rc != COFFER_OK && rc != COFFER_E_UPSTREAM)
		return rc;
	*go = rc == COFFER_OK; /* else net has gone: what it was not told is durable all the same */
	if (!*go)
		return group_commit(&s->k->journal, e);
	if (s->k->eval < 0 && s->had_eval)
		return eval_ended(s, e);
	return end_round(s, e);
}
