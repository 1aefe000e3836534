/* The wire to `keep`: one request, one reply, one at a time, whatever thread asks. */
#pragma once
#include <pthread.h>

#include "proto/keep.h"

struct keeper {
	int             fd;
	pthread_mutex_t lock;
	bool            dead; /* under lock: a torn frame or a closed peer; nothing more is asked */
};

enum coffer_rc keeper_init(struct keeper *k, int fd, struct err *e) NODISCARD;
bool           keeper_dead(struct keeper *k);

struct answer {
	struct wr           body;    /* of a success; owned */
	struct keep_refusal refusal; /* of a failure that keep itself explained; else zero */
};
void answer_clear(struct answer *a); /* CLEANUP-ready; wipes */

/* COFFER_OK when keep said so. Otherwise its code, with check and reason in *e; COFFER_E_UPSTREAM when keep is gone. */
enum coffer_rc keeper_ask(struct keeper *k, enum keep_type t, const struct wr *req, struct answer *out, struct err *e) NODISCARD;
