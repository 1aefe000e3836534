#include "cofferd/net/clerk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "trust/ledger/witness.h"

#define STACK_BYTES (512u << 10) /* of a witness's thread */

struct desk {
	struct clerk *clerk;
	pthread_t     thread;
	uint8_t       number;
	uint64_t      round; /* the last that it took up */
	bool          busy;
	char          why[200]; /* its last failure; "" when it signed */
};

struct clerk {
	struct keeper          *keep;
	struct collateral_wire *wire;
	pthread_mutex_t         lock;
	pthread_cond_t          news;
	struct clerk_waiter    *first;
	struct desk             desk[KEEP_WITNESSES_MAX];
	pthread_t               rounds;
	size_t                  n; /* witnesses that have a thread; it never falls */
	bool                    running, stopped;
	uint64_t                round, missing; /* number of the one under way; whom it wants */
	bool                    enough;
};

/* ---- asking one witness ---- */

static enum coffer_rc question(struct clerk *c, const struct keep_witness_req *m, struct answer *out, struct err *e)
{
	CLEANUP(wr_close) struct wr req = wr_open(64);

	answer_clear(out);
	keep_witness_req_write(&req, m);
	return keeper_ask(c->keep, KEEP_WITNESS, &req, out, e);
}

static enum coffer_rc post(struct clerk *c, uint8_t i, const struct answer *what, struct collateral_doc *doc,
    struct fetch_posted *out, struct err *e)
{
	collateral_doc_clear(doc);
	return witness_post(c->wire, &(struct witness_post){ i, wr_span(&what->body), CLERK_POST_MS }, doc, out, e);
}

static enum coffer_rc hand_in(struct clerk *c, uint8_t i, struct span lines, struct keep_round_rep *out, struct err *e)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	CLEANUP(wr_close) struct wr req = wr_open(KEEP_COSIGN_MAX + 64);

	if (lines.n > KEEP_COSIGN_MAX)
		return err_set(e, COFFER_E_LIMIT, "its answer is too long");
	keep_cosign_req_write(&req, &(struct keep_cosign_req){ i, lines });
	TRY(keeper_ask(c->keep, KEEP_COSIGN, &req, &a, e));
	return keep_round_rep_read(wr_span(&a.body), out, e);
}

/* A witness that has another size says so, once. */
static enum coffer_rc ask(struct clerk *c, uint8_t i, struct keep_round_rep *out, struct err *e)
{
	CLEANUP(collateral_doc_clear) struct collateral_doc doc = { 0 };
	CLEANUP(answer_clear) struct answer a = { 0 };
	struct keep_witness_req m = { .witness = i };
	struct fetch_posted got;

	TRY(question(c, &m, &a, e));
	TRY(post(c, i, &a, &doc, &got, e));
	if (got.status == 409 && witness_size_read(got.body, &m.size)) {
		m.told = true;
		TRY(question(c, &m, &a, e));
		TRY(post(c, i, &a, &doc, &got, e));
	}
	if (got.status == 409)
		return err_set(e, COFFER_E_DENIED, "it has seen another ledger of this size (409)");
	if (got.status == 422)
		return err_set(e, COFFER_E_DENIED, "what it has seen is not continued (422)");
	if (got.status != 200)
		return err_set(e, COFFER_E_DENIED, "it answered %u", (unsigned)got.status);
	return hand_in(c, i, got.body, out, e);
}

/* Once for each new reason: a witness that is down would fill the log. */
static void note_why(struct desk *d, const char *why)
{
	if (why[0] && strncmp(d->why, why, sizeof(d->why) - 1) != 0)
		(void)fprintf(stderr, "cofferd-net: witness %u of the ledger does not sign: %s\n", d->number + 1u, why);
	(void)snprintf(d->why, sizeof(d->why), "%.*s", (int)sizeof(d->why) - 1, why);
}

static bool wanted(const struct desk *d)
{
	return d->round != d->clerk->round && (d->clerk->missing >> d->number & 1);
}

static void *witness_thread(void *arg)
{
	struct desk *d = arg;
	struct clerk *c = d->clerk;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stopped) {
		struct keep_round_rep rep = { 0 };
		struct err e = { 0 };
		enum coffer_rc rc;

		if (!wanted(d)) {
			(void)pthread_cond_wait(&c->news, &c->lock);
			continue;
		}
		d->round = c->round;
		d->busy = true;
		(void)pthread_mutex_unlock(&c->lock);
		rc = ask(c, d->number, &rep, &e);
		(void)pthread_mutex_lock(&c->lock);
		d->busy = false;
		if (!c->stopped)
			note_why(d, rc == COFFER_OK ? "" : e.msg);
		if (rc == COFFER_OK && rep.size == 0)
			c->enough = true;
		(void)pthread_cond_broadcast(&c->news);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- rounds; under the lock ---- */

static bool nobody_left(const struct clerk *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (wanted(&c->desk[i]) || (c->desk[i].busy && c->desk[i].round == c->round))
			return false;
	return true;
}

/* Wakes those whom `which` names. */
enum which { TIMED_OUT, ROUND_GOOD, ROUND_OVER, ALL };

static void wake(struct clerk *c, enum which which)
{
	struct clerk_waiter **at = &c->first;
	int64_t now = clock_monotonic_ms();

	while (*at) {
		struct clerk_waiter *w = *at;
		bool go = which == ALL || w->until <= now || (w->in_round && (which == ROUND_GOOD || (which == ROUND_OVER && w->once)));

		if (!go) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->wake(w->arg); /* *w is not ours any more */
	}
}

static void wait_until(struct clerk *c, int64_t ms)
{
	struct timespec t;

	for (const struct clerk_waiter *w = c->first; w; w = w->next)
		if (w->until < ms)
			ms = w->until;
	t = (struct timespec){ .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000L };
	(void)pthread_cond_timedwait(&c->news, &c->lock, &t);
}

/* A thread for each witness that there was none before. Without one the witness is not asked, and its signature is missing. */
static void hire(struct clerk *c, size_t n)
{
	pthread_attr_t a;
	bool ok = pthread_attr_init(&a) == 0 && pthread_attr_setstacksize(&a, STACK_BYTES) == 0;

	for (; ok && c->n < n; c->n += ok) {
		struct desk *d = &c->desk[c->n];

		d->clerk = c;
		d->number = (uint8_t)c->n;
		ok = pthread_create(&d->thread, &a, witness_thread, d) == 0;
	}
	if (!ok)
		(void)fprintf(stderr, "cofferd-net: no thread to ask witness %zu of the ledger\n", c->n + 1);
}

static enum coffer_rc begin(struct clerk *c, struct keep_round_rep *out, struct err *e)
{
	CLEANUP(answer_clear) struct answer a = { 0 };
	CLEANUP(wr_close) struct wr none = wr_open(1);

	TRY(keeper_ask(c->keep, KEEP_ROUND, &none, &a, e));
	return keep_round_rep_read(wr_span(&a.body), out, e);
}

static void one_round(struct clerk *c)
{
	struct keep_round_rep rep = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc;

	for (struct clerk_waiter *w = c->first; w; w = w->next)
		w->in_round = true;
	(void)pthread_mutex_unlock(&c->lock);
	rc = begin(c, &rep, &e);
	(void)pthread_mutex_lock(&c->lock);
	c->round++;
	c->missing = rep.missing;
	c->enough = rc != COFFER_OK || rep.size == 0; /* without keep nobody has to wait */
	if (c->n < rep.n)
		hire(c, rep.n);
	(void)pthread_cond_broadcast(&c->news);
	while (!c->stopped && !c->enough && !nobody_left(c) && c->first) {
		wait_until(c, clock_monotonic_ms() + CLERK_WAIT_MS);
		wake(c, TIMED_OUT);
	}
	wake(c, c->enough ? ROUND_GOOD : ROUND_OVER);
}

static void *round_thread(void *arg)
{
	struct clerk *c = arg;

	(void)pthread_mutex_lock(&c->lock);
	while (!c->stopped) {
		int64_t again;

		if (!c->first) {
			(void)pthread_cond_wait(&c->news, &c->lock);
			continue;
		}
		one_round(c);
		again = clock_monotonic_ms() + CLERK_RETRY_MS;
		while (!c->stopped && !c->enough && c->first && clock_monotonic_ms() < again) {
			wait_until(c, again);
			wake(c, TIMED_OUT);
		}
	}
	(void)pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- from outside ---- */

static enum coffer_rc start_rounds(struct clerk *c, struct err *e)
{
	pthread_attr_t a;

	c->running = pthread_attr_init(&a) == 0 && pthread_attr_setstacksize(&a, STACK_BYTES) == 0 &&
	    pthread_create(&c->rounds, &a, round_thread, c) == 0;
	return c->running ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "witnesses: no thread");
}

enum coffer_rc clerk_start(struct keeper *keep, struct collateral_wire *wire, struct clerk **out, struct err *e)
{
	struct clerk *c = calloc(1, sizeof(*c));
	pthread_condattr_t a;
	enum coffer_rc rc;

	*out = NULL;
	if (!c || pthread_condattr_init(&a) != 0 || pthread_condattr_setclock(&a, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&c->news, &a) != 0 || pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return err_set(e, COFFER_E_SYSTEM, "witnesses: no memory or mutex");
	}
	c->keep = keep;
	c->wire = wire;
	rc = start_rounds(c, e);
	if (rc != COFFER_OK) {
		clerk_free(c);
		return rc;
	}
	*out = c;
	return COFFER_OK;
}

void clerk_stop(struct clerk *c)
{
	if (!c)
		return;
	(void)pthread_mutex_lock(&c->lock);
	c->stopped = true;
	wake(c, ALL);
	(void)pthread_cond_broadcast(&c->news);
	(void)pthread_mutex_unlock(&c->lock);
}

void clerk_free(struct clerk *c)
{
	if (!c)
		return;
	clerk_stop(c);
	if (c->running) /* first: it hires */
		(void)pthread_join(c->rounds, NULL);
	for (size_t i = 0; i < c->n; i++)
		(void)pthread_join(c->desk[i].thread, NULL);
	(void)pthread_cond_destroy(&c->news);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

bool clerk_wait(struct clerk *c, struct clerk_waiter *w)
{
	bool ok;

	(void)pthread_mutex_lock(&c->lock);
	ok = !c->stopped;
	if (ok) {
		w->until = clock_monotonic_ms() + CLERK_WAIT_MS;
		w->in_round = false;
		w->next = c->first;
		c->first = w;
		(void)pthread_cond_broadcast(&c->news);
	}
	(void)pthread_mutex_unlock(&c->lock);
	return ok;
}

void clerk_reason(struct clerk *c, char *out, size_t n)
{
	size_t at = 0;

	out[0] = 0;
	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n && at < n; i++) {
		const struct desk *d = &c->desk[i];
		const char *why = d->why[0] ? d->why : d->busy ? "it has not answered yet" : "";
		int k = why[0] ? snprintf(out + at, n - at, "%switness %zu: %s", at ? "; " : "", i + 1, why) : 0;

		at = k < 0 ? n : at + (size_t)k;
	}
	(void)pthread_mutex_unlock(&c->lock);
}
