/* The wire to `fetch`. Any number of threads ask at once; each waits for its own answer alone. */
#pragma once
#include <pthread.h>

#include "proto/fetch.h"

#define COLLATERAL_ASKED_MAX 48

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
void collateral_end(struct collateral_wire *c); /* nobody waits for fetch any more, in whatever thread */

struct collateral_doc { struct wr bytes; struct fetch_reply r; }; /* r borrows bytes */
void collateral_doc_clear(struct collateral_doc *d); /* CLEANUP-ready */

struct collateral_want {
	struct vendor_item item;
	uint32_t           max_age;     /* seconds */
	int64_t            deadline_ms; /* clock_monotonic_ms(); one that has passed asks without waiting; at most FETCH_WAIT_MAX from now */
};
/* Waits until the deadline at most, and a second for fetch to say that it has passed. COFFER_OK: the document. COFFER_E_LIMIT: pending,
 * ask again later. COFFER_E_NOTFOUND: unavailable, with the reason. COFFER_E_UPSTREAM: fetch is gone. No signature of it is checked
 * yet. */
enum coffer_rc collateral_get(
    struct collateral_wire *c, const struct collateral_want *w, struct collateral_doc *out, struct err *e) NODISCARD;

/* A witness's answer, by its number in the genesis: COFFER_OK with any status, *out borrows doc. COFFER_E_NOTFOUND: it did not answer, with
 * the reason; else as above. Nothing of it is checked. */
struct witness_post { uint8_t witness; struct span body; uint32_t wait_ms; };
enum coffer_rc witness_post(struct collateral_wire *c, const struct witness_post *p, struct collateral_doc *doc,
    struct fetch_posted *out, struct err *e) NODISCARD;
