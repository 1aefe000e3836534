/* The wire to `fetch`. Any number of threads ask at once; each waits for its own answer alone. */
#pragma once
#include <pthread.h>

#include "proto/fetch.h"

#define COLLATERAL_ASKED_MAX 32

struct collateral_asked { uint32_t id; bool used, done, left; struct wr body; };

struct collateral_wire {
	int             fd;
	pthread_mutex_t lock;
	pthread_cond_t  news;    /* an answer has come, or its reader has stopped reading */
	bool            reading; /* some thread reads for all */
	bool            dead;    /* a torn frame or a closed peer: nothing more is asked */
	uint32_t        next_id;
	struct collateral_asked asked[COLLATERAL_ASKED_MAX];
};
enum coffer_rc collateral_init(struct collateral_wire *c, int fd, struct err *e) NODISCARD;
bool collateral_dead(struct collateral_wire *c);

struct collateral_doc { struct wr bytes; struct fetch_reply r; }; /* r borrows bytes */
void collateral_doc_clear(struct collateral_doc *d); /* CLEANUP-ready */

/* Waits until clock_monotonic_ms() is deadline_ms at most (and at most FETCH_WAIT_MAX); a deadline that has passed asks without
 * waiting. COFFER_OK: the document. COFFER_E_LIMIT: pending, ask again later. COFFER_E_NOTFOUND: unavailable, with the reason.
 * COFFER_E_UPSTREAM: fetch is gone. No signature of it is checked yet. */
enum coffer_rc collateral_get(struct collateral_wire *c, const struct vendor_item *i, uint32_t max_age, int64_t deadline_ms,
    struct collateral_doc *out, struct err *e) NODISCARD;
