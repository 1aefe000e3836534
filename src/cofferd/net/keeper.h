/* The wire to `keep`. Any number of threads ask at once, and each waits for its own answer alone: questions and answers have a number
 * (proto/keep.h). What one thread asks in sequence is decided in sequence, since it waits for the answer; between threads the order
 * is that in which keep reads. An answer to what nobody asked, or a second one, ends the wire, and with it the service. */
#pragma once
#include <pthread.h>

#include "proto/keep.h"

#define KEEPER_ASKED_MAX 64

struct keeper_asked {
	uint32_t       id;
	bool           used, waits, done; /* waits: its thread does, on news */
	uint8_t        tag;
	struct wr      body;
	pthread_cond_t news;
};

struct keeper {
	int             fd;
	pthread_mutex_t sending; /* one frame at a time; never taken with `lock` held, which the reader needs */
	pthread_mutex_t lock;    /* of what follows */
	bool            reading; /* some thread reads for all */
	bool            dead;    /* a torn frame, a wrong number or a closed peer: nothing more is asked */
	uint32_t        next_id;
	struct keeper_asked asked[KEEPER_ASKED_MAX];
};

enum coffer_rc keeper_init(struct keeper *k, int fd, struct err *e) NODISCARD;
bool           keeper_dead(struct keeper *k);

struct answer {
	struct wr           body;    /* of a success; owned */
	struct keep_refusal refusal; /* of a failure that keep itself explained; else zero */
};
void answer_clear(struct answer *a); /* CLEANUP-ready; wipes */

/* COFFER_OK when keep said so. Otherwise its code, with check and reason in *e; COFFER_E_UPSTREAM when keep is gone, for all that wait;
 * COFFER_E_LIMIT when KEEPER_ASKED_MAX do. */
enum coffer_rc keeper_ask(struct keeper *k, enum keep_type t, const struct wr *req, struct answer *out, struct err *e) NODISCARD;
