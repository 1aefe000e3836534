#include "cofferd/keep/askeval.h"

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

bool eval_has_place(const struct keep *k, uint8_t type)
{
	size_t all = 0, alike = 0;

	for (size_t i = 0; i < EVAL_JOBS_MAX; i++) {
		all += k->asked[i].turn != NULL;
		alike += k->asked[i].turn && k->asked[i].type == type;
	}
	return all < EVAL_JOBS_MAX && alike < EVAL_KIND_MAX;
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

static enum coffer_rc send(struct keep *k, uint8_t type, struct span request, struct err *e)
{
	struct asked *p = free_place(k);
	struct turn *t = k->turn;

	if (!p || !eval_has_place(k, type)) {
		t->no_place = true;
		t->wants = type;
		return must_wait(t, e);
	}
	*p = (struct asked){ .id = k->next_ask++, .type = type, .turn = t, .at = t->at - 1, .until = clock_monotonic_ms() + ANSWER_MS };
	t->ask[p->at].state = ASK_SENT;
	t->sent++;
	if (ipc_send_id(k->eval, (struct ipc_head){ type, p->id }, request, e) == COFFER_OK)
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

enum coffer_rc eval_ask(struct keep *k, uint8_t type, struct span request, uint8_t *tag, struct wr *said, struct err *e)
{
	struct turn *t = k->turn;
	uint8_t digest[32];
	struct ask *a;

	if (k->eval < 0)
		return absent(e);
	if (t->at == TURN_ASKS_MAX)
		return err_set(e, COFFER_E_BUG, "keep: one request asks eval more than %d things", TURN_ASKS_MAX);
	a = &t->ask[t->at++];
	digest_of(type, request, digest);
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
	return send(k, type, request, e);
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
