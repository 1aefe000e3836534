/* The wire to `attest`: one question at a time, few that wait, and no more a minute than a TPM bears. */
#pragma once
#include <pthread.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "proto/self.h"

#define ATTESTED_WAITING_MAX 4   /* questions under way and waiting; more are refused at once */
#define ATTESTED_BURST 16        /* quotes one after another; then one each ATTESTED_EACH_MS */
#define ATTESTED_EACH_MS 1000
#define ATTESTED_ANSWER_MS 20000 /* who asked waits no longer; a late answer is read away before the next question */

struct attested_wire {
	int             fd; /* -1: this service does not attest itself */
	pthread_mutex_t asking; /* held during an exchange */
	pthread_mutex_t lock;   /* over what follows */
	unsigned        waiting;
	int             answer_ms;   /* ATTESTED_ANSWER_MS */
	unsigned        owed;        /* answers that are still to come; changed while asking is held */
	int64_t         spent_until; /* when the last quote granted will have been paid for, ms */
	bool            dead;
};
enum coffer_rc attested_init(struct attested_wire *w, int fd, struct err *e) NODISCARD;
void           attested_end(struct attested_wire *w); /* nobody waits for attest any more, in whatever thread */

/* Whether a quote may be asked for now, and then it is counted. Pure but for w, which the caller has alone. */
bool attested_grant(struct attested_wire *w, int64_t now_ms) NODISCARD;

/* The answer for the client, JSON. COFFER_E_NOTFOUND: not here; COFFER_E_LIMIT: too many at once; COFFER_E_UPSTREAM: attest is gone; else
 * what it says. q NULL: the description. */
enum coffer_rc attested_ask(struct attested_wire *w, const struct self_question *q, struct wr *out, struct err *e) NODISCARD;
