/* The loop of `keep`: whatever requests are there are decided one after another, each on what those before it left, and become durable
 * together, with one sync. Only then do their answers leave. When the sync fails, all of them are refusals, and keep goes back to what is on
 * the disk (keep_forget).
 *
 * A request that waits for `eval` stands aside (turn.h); it is decided, and answered, in a later round. */
#pragma once
#include "cofferd/keep/keep.h"

#define SERVE_ROUND_MAX 64              /* requests of one round */
#define SERVE_ROUND_BYTES (16u << 20)   /* of their frames, and of their answers */
#define SERVE_ROUND_MS 5                /* then no more are taken */
#define SERVE_IDLE_MS 100               /* that nothing happens: then the store's log is taken over (store_tidy), */
#define SERVE_TIDY_IDLE 256             /* from so many pages on; */
#define SERVE_TIDY_MAX 4096             /* from so many on without waiting for that, as soon as a round's answers have left */
#define SERVE_ASIDE_MAX 64              /* that wait for eval */
#define SERVE_ASIDE_BYTES (32u << 20)   /* of their frames; of both, three quarters for what strangers can send */

struct turn;
struct serve {
	struct keep *k;
	int          net, parent;   /* borrowed */
	bool         had_eval;
	struct group group;
	struct turn *done[SERVE_ROUND_MAX + SERVE_ASIDE_MAX];
	struct turn *aside[SERVE_ASIDE_MAX]; /* by age */
	size_t       n_done, n_aside, aside_bytes;
	bool         untidy; /* the log could not be taken over: said once, and tried again when SERVE_TIDY_MAX wait */
};

/* From here on what k writes is durable only by serve_round. */
void serve_open(struct serve *s, struct keep *k, int net, int parent);
void serve_close(struct serve *s); /* CLEANUP-ready; what was not committed is undone */

/* Waits until there is something to do, and does one round. *go: whether there may be another; false once a peer has gone. COFFER_E_UPSTREAM: eval has
 * gone; who waited for it was told. COFFER_E_INPUT: a broken frame, or a number that waits already. After any failure keep ends. */
enum coffer_rc serve_round(struct serve *s, bool *go, struct err *e) NODISCARD;
