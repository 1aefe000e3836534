#include "cofferd/keep/askeval.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/turn.h"
#include "crypto/hash.h"
#include "os/ipc.h"

#define ANSWER_MS 10000 /* eval ends its children long before; past this it is gone */

bool eval_waits(const struct keep *k)
{
	return k->turn->waits;
}

size_t eval_under_way(const struct keep *k, const char *by)
{
	size_t n = 0;

	for (size_t i = 0; i < EVAL_JOBS_MAX; i++)
		n += k->asked[i].turn && strcmp(k->asked[i].by, by) == 0;
	return n;
}

bool eval_has_place(const struct keep *k, uint8_t type, const char *by)
{
	size_t all = 0, alike = 0, places;

	for (size_t i = 0; i < EVAL_JOBS_MAX; i++) {
		all += k->asked[i].turn != NULL;
		alike += k->asked[i].turn && k->asked[i].type == type;
	}
	if (all == EVAL_JOBS_MAX || alike >= EVAL_KIND_MAX)
		return false;
	places = EVAL_JOBS_MAX - (all - alike);
	if (places > EVAL_KIND_MAX)
		places = EVAL_KIND_MAX;
	return !by[0] || places < 2 || eval_under_way(k, by) < places - 1;
}

bool eval_crowds(const struct keep *k, const struct turn *t)
{
	int64_t first = t->until_ms;
	size_t before = 0;

	if (!t->no_place || !t->by[0] || !k->waiting.turn)
		return false;
	for (size_t i = 0; i < *k->waiting.n; i++) {
		const struct turn *o = k->waiting.turn[i];

		if (o == t || strcmp(o->by, t->by) != 0)
			continue;
		before += o->until_ms < t->until_ms || (o->until_ms == t->until_ms && o->id < t->id);
		first = o->until_ms < first ? o->until_ms : first;
	}
	return before >= EVAL_OWNER_WAITS && clock_monotonic_ms() >= first - TURN_MS + TURN_CROWD_MS;
}

void eval_gone(struct keep *k)
{
	k->eval = -1;
	for (size_t i = 0; i < EVAL_JOBS_MAX; i++) {
		if (!k->asked[i].turn)
			continue;
		k->asked[i].turn->ask[k->asked[i].at].state = ASK_NONE;
		k->asked[i].turn->sent--;
		k->asked[i].turn = NULL;
	}
}

/* ---- asking ---- */

static void digest_of(uint8_t type, struct span request, uint8_t out[static 32])
{
	uint8_t both[33] = { type };

	sha256(request, both + 1);
	sha256(SPAN(both), out);
}

static struct asked *free_place(struct keep *k)
{
	for (size_t i = 0; i < EVAL_JOBS_MAX; i++)
		if (!k->asked[i].turn)
			return &k->asked[i];
	return NULL;
}

static enum coffer_rc absent(struct err *e)
{
	return err_set(e, COFFER_E_UPSTREAM, "evidence cannot be appraised now: eval is not there, or does not answer");
}

static enum coffer_rc must_wait(struct turn *t, struct err *e)
{
	t->waits = true;
	return err_set(e, COFFER_E_UPSTREAM, "it waits for eval");
}

/* No place for it yet. */
static enum coffer_rc stand_aside(struct keep *k, struct turn *t, uint8_t type, struct err *e)
{
	t->no_place = true;
	t->wants = type;
	return eval_crowds(k, t) ? err_set(e, COFFER_E_LIMIT, "as many requests wait for a policy of %s as may, since it takes long; ask again", t->by)
				 : must_wait(t, e);
}

static enum coffer_rc send(struct keep *k, const struct eval_question *x, struct err *e)
{
	struct asked *p = free_place(k);
	struct turn *t = k->turn;

	(void)snprintf(t->by, sizeof(t->by), "%s", x->by ? x->by : "");
	if (!p || !eval_has_place(k, x->type, t->by))
		return stand_aside(k, t, x->type, e);
	*p = (struct asked){ .id = k->next_ask++, .type = x->type, .turn = t, .at = t->at - 1, .until = clock_monotonic_ms() + ANSWER_MS };
	memcpy(p->by, t->by, sizeof(p->by));
	t->ask[p->at].state = ASK_SENT;
	t->sent++;
	if (ipc_send_id(k->eval, (struct ipc_head){ x->type, p->id }, x->request, e) == COFFER_OK)
		return must_wait(t, e);
	eval_gone(k);
	return absent(e);
}

static enum coffer_rc answered(const struct ask *a, uint8_t *tag, struct wr *said, struct err *e)
{
	wr_close(said);
	*said = wr_open(a->said.n);
	wr_put(said, wr_span(&a->said));
	*tag = a->tag;
	return wr_done(said, "answer of eval", e);
}

enum coffer_rc eval_ask(struct keep *k, const struct eval_question *x, uint8_t *tag, struct wr *said, struct err *e)
{
	struct turn *t = k->turn;
	uint8_t digest[32];
	struct ask *a;

	if (k->eval < 0)
		return absent(e);
	if (t->at == TURN_ASKS_MAX)
		return err_set(e, COFFER_E_BUG, "keep: one request asks eval more than %d things", TURN_ASKS_MAX);
	a = &t->ask[t->at++];
	digest_of(x->type, x->request, digest);
	if (a->state != ASK_NONE && span_eq(SPAN(a->digest), SPAN(digest)))
		return a->state == ASK_ANSWERED ? answered(a, tag, said, e) : must_wait(t, e);
	if (a->state == ASK_SENT) /* a turn runs again when nothing is under way, or in the very same state */
		return must_wait(t, e);
	t->changed = t->changed || a->state == ASK_ANSWERED;
	wr_close(&a->said);
	*a = (struct ask){ .state = ASK_NONE };
	if (!t->may_wait)
		return err_set(e, COFFER_E_LIMIT, "as many requests wait to be appraised as can be held; ask again");
	if (t->changes >= TURN_CHANGES_MAX)
		return err_set(e, COFFER_E_LIMIT, "what the answer rests on changed each time before it could be given; ask again");
	memcpy(a->digest, digest, sizeof(a->digest));
	return send(k, x, e);
}

/* ---- answers ---- */

static struct asked *find(struct keep *k, uint32_t id)
{
	for (size_t i = 0; i < EVAL_JOBS_MAX; i++)
		if (k->asked[i].turn && k->asked[i].id == id)
			return &k->asked[i];
	return NULL;
}

void eval_take(struct keep *k)
{
	CLEANUP(wr_close) struct wr said = { 0 };
	struct ipc_head h = { 0 };
	struct err ignore = { 0 };
	struct asked *p = NULL;
	struct ask *a;

	if (ipc_recv_id(k->eval, EVAL_REPLY_MAX, &h, &said, &ignore) == COFFER_OK)
		p = find(k, h.id);
	if (!p || (p->type == EVAL_RELEASE && said.n > EVAL_REASON_MAX)) {
		eval_gone(k);
		return;
	}
	a = &p->turn->ask[p->at];
	a->state = ASK_ANSWERED;
	a->tag = h.tag;
	a->said = said;
	said = (struct wr){ 0 };
	p->turn->sent--;
	*p = (struct asked){ .turn = NULL };
}

int eval_time_left(struct keep *k)
{
	int64_t now = clock_monotonic_ms(), ms = -1;

	for (size_t i = 0; i < EVAL_JOBS_MAX; i++) {
		int64_t left = k->asked[i].until - now;

		if (!k->asked[i].turn)
			continue;
		if (left <= 0) {
			eval_gone(k);
			return 0;
		}
		if (ms < 0 || left < ms)
			ms = left;
	}
	return (int)ms;
}
