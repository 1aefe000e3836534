/* A request on its way to its answer.
 *
 * A handler that needs `eval` asks (askeval.h); where the answer is not there yet it stops, having changed nothing, and the request waits. When eval
 * has answered, the handler runs again from its beginning, on what is in force by then, and an answer counts only for the very question that it was
 * given to: what was decided at entry N is written at entry M only if nothing that it used has changed since, and is decided again otherwise.
 * It runs as of the second in which it ran first, or that of the journal's newest entry where that is later. */
#pragma once
#include "cofferd/keep/keep.h"
#include "proto/eval.h"
#include "proto/fresh.h"

#define TURN_ASKS_MAX (FRESH_ITEMS_MAX + 2)
#define TURN_CHANGES_MAX 6 /* times that an answer came too late for its question; then the request is refused */
#define TURN_CROWD_MS 1000 /* of one owner's: then no more than EVAL_OWNER_WAITS of these wait */
#define TURN_MS 15000      /* of all its runs: what it is decided as of is no older, and who asked has gone by then */

struct ask {
	enum { ASK_NONE, ASK_SENT, ASK_ANSWERED } state;
	uint8_t   digest[32]; /* of the question */
	uint8_t   tag;
	struct wr said;
};

struct turn {
	uint32_t    id;          /* net's */
	uint8_t     type;
	struct wr   frame;       /* owned; body borrows it, or something else */
	struct span body;
	bool        may_wait;    /* else a question to eval is refused */
	/* of this run */
	bool        waits;       /* it stopped, for eval */
	bool        no_place;    /* among those that eval is asked; of this type */
	uint8_t     wants;
	char        by[PARTY_MAX]; /* for that: whose policy it is; "": strangers' evidence */
	bool        changed;     /* an answer was to another question */
	size_t      at;          /* questions */
	/* of all runs */
	unsigned    runs, changes;
	int64_t     since;       /* seconds: the first */
	int64_t     until_ms;    /* clock_monotonic_ms() */
	bool        counted;     /* its counter was higher than its session's, and is the session's now */
	size_t      sent;        /* questions without their answer */
	struct key_seen request, token; /* signatures that an earlier run verified */
	struct ask  ask[TURN_ASKS_MAX];
	/* the answer */
	uint8_t     rc;
	struct wr   reply;
};

void turn_clear(struct turn *t); /* wipes */

/* Runs the request, the first time as of k->now. False: it waits for eval, and runs again when that is worth while (turn_ready). Else rc and
 * reply are the answer; what they rest on is durable when the journal's group is. */
bool turn_run(struct keep *k, struct turn *t);
/* eval has answered all that was asked, or there is a place for what could not be; or it is to be refused, for it waits with too many of its owner's. */
bool turn_ready(const struct keep *k, const struct turn *t);
/* The answer becomes a refusal: a fault of ours, which `why` tells the log. */
void turn_fault(struct turn *t, const struct err *why);
