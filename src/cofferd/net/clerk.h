/* Carries the ledger's heads to its witnesses and their answers to keep, for whomever waits (proto/keep.h, KEEP_ROUND).
 *
 * One round is under way at a time, for all that came before it began; who comes later waits for the next. Witnesses are asked at
 * once, a thread each, so that a dead one delays a round only when it is needed. Nothing here is believed by keep. */
#pragma once
#include "cofferd/net/collateral.h"
#include "cofferd/net/keeper.h"

#define CLERK_WAIT_MS 10000 /* of one that waits */
#define CLERK_POST_MS 8000  /* of one question to a witness */
#define CLERK_RETRY_MS 500  /* between rounds that did not get enough */

/* A request that waits. wake is called once, from another thread, when its entry is covered, or its time is over, or the
 * service ends; what came of it is asked of keep. */
struct clerk_waiter {
	void (*wake)(void *arg);
	void *arg;
	bool  once;                  /* after one round, whatever came of it */
	/* private */
	struct clerk_waiter *next;
	int64_t until;
	bool    in_round;
};

struct clerk;
/* Whether there are witnesses, and how many, keep says with each round: an amendment's are asked from the next one on. The wires must live as long. */
enum coffer_rc clerk_start(struct keeper *keep, struct collateral_wire *wire, struct clerk **out, struct err *e) NODISCARD;
/* Wakes all; then nobody can wait any more. */
void clerk_stop(struct clerk *c);
void clerk_free(struct clerk *c); /* joins its threads */

/* False once it is stopped: wake is not called. */
bool clerk_wait(struct clerk *c, struct clerk_waiter *w) NODISCARD;
/* Why witnesses did not sign, as far as is known: a printable sentence. */
void clerk_reason(struct clerk *c, char *out, size_t n);
