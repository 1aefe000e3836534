#include "cofferd/net/attested.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "os/ipc.h"

enum coffer_rc attested_init(struct attested_wire *w, int fd, struct err *e)
{
	*w = (struct attested_wire){ .fd = fd, .answer_ms = ATTESTED_ANSWER_MS };
	if (pthread_mutex_init(&w->asking, NULL) != 0 || pthread_mutex_init(&w->lock, NULL) != 0)
		return err_set(e, COFFER_E_SYSTEM, "attest: no mutex");
	return COFFER_OK;
}

void attested_end(struct attested_wire *w)
{
	(void)pthread_mutex_lock(&w->lock);
	w->dead = true;
	if (w->fd >= 0)
		(void)shutdown(w->fd, SHUT_RDWR); /* who reads wakes up */
	(void)pthread_mutex_unlock(&w->lock);
}

bool attested_grant(struct attested_wire *w, int64_t now_ms)
{
	int64_t from = w->spent_until > now_ms ? w->spent_until : now_ms;

	if (from + ATTESTED_EACH_MS - now_ms > (int64_t)ATTESTED_BURST * ATTESTED_EACH_MS)
		return false;
	w->spent_until = from + ATTESTED_EACH_MS;
	return true;
}

/* A description is kept by attest and costs its TPM nothing. */
static enum coffer_rc enter(struct attested_wire *w, bool quote, struct err *e)
{
	enum coffer_rc rc = COFFER_OK;

	(void)pthread_mutex_lock(&w->lock);
	if (w->dead)
		rc = err_set(e, COFFER_E_UPSTREAM, "attest is gone");
	else if (w->waiting >= ATTESTED_WAITING_MAX || (quote && !attested_grant(w, clock_monotonic_ms())))
		rc = err_set(e, COFFER_E_LIMIT, "this machine is asked for evidence too often; ask again in some seconds");
	else
		w->waiting++;
	(void)pthread_mutex_unlock(&w->lock);
	return rc;
}

static void leave(struct attested_wire *w, bool torn)
{
	(void)pthread_mutex_lock(&w->lock);
	w->waiting--;
	w->dead = w->dead || torn;
	(void)pthread_mutex_unlock(&w->lock);
}

/* One of the answers that are owed, which come in the order of the questions. */
static enum coffer_rc hear(struct attested_wire *w, uint8_t *tag, struct wr *said, bool *torn, struct err *e)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	if (poll(&p, 1, w->answer_ms) != 1) {
		(void)fprintf(stderr, "cofferd-net: attest does not answer within %d ms\n", w->answer_ms);
		return err_set(e, COFFER_E_UPSTREAM, "attest does not answer");
	}
	*torn = ipc_recv(w->fd, SELF_REPLY_MAX + 1024, tag, said, e) != COFFER_OK;
	w->owed -= !*torn;
	return *torn ? e->rc : COFFER_OK;
}

static enum coffer_rc exchange(struct attested_wire *w, const struct self_question *q, uint8_t *tag, struct wr *said, bool *torn, struct err *e)
{
	CLEANUP(wr_close) struct wr frame = wr_open(SELF_FRAME_MAX);

	while (w->owed > 0) {
		CLEANUP(wr_close) struct wr late = { 0 };

		TRY(hear(w, tag, &late, torn, e));
	}
	if (q)
		self_frame_write(&frame, q);
	TRY(wr_done(&frame, "question to attest", e));
	*torn = ipc_send(w->fd, q ? SELF_EVIDENCE : SELF_DESCRIBE, wr_span(&frame), e) != COFFER_OK;
	if (*torn)
		return e->rc;
	w->owed++;
	return hear(w, tag, said, torn, e);
}

/* What attest says of a failure is of its own making; a fault of the machine's is for the log. */
static enum coffer_rc failed(uint8_t tag, const struct wr *said, struct err *e)
{
	enum coffer_rc rc = tag <= COFFER_E_BUG ? (enum coffer_rc)tag : COFFER_E_BUG;
	struct span s = wr_span(said);

	(void)err_set(e, rc, "%.*s", (int)(s.n > 200 ? 200 : s.n), (const char *)s.p);
	if (rc == COFFER_E_DENIED)
		(void)snprintf(e->check, sizeof(e->check), "attest");
	return rc;
}

enum coffer_rc attested_ask(struct attested_wire *w, const struct self_question *q, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr said = { 0 };
	bool torn = false;
	enum coffer_rc rc;
	uint8_t tag = 0;

	if (w->fd < 0)
		return err_set(e, COFFER_E_NOTFOUND, "this service does not attest itself");
	TRY(enter(w, q != NULL, e));
	(void)pthread_mutex_lock(&w->asking);
	rc = exchange(w, q, &tag, &said, &torn, e);
	(void)pthread_mutex_unlock(&w->asking);
	leave(w, torn);
	if (rc != COFFER_OK)
		return err_set(e, COFFER_E_UPSTREAM, "attest is gone or does not answer");
	if (tag != COFFER_OK)
		return failed(tag, &said, e);
	*out = said;
	said = (struct wr){ 0 };
	return COFFER_OK;
}
