/* Threads that answer requests, so that one that waits (for keep, a vendor or an appraisal) holds up nobody: the threads of the HTTP
 * library only read and write.
 *
 * What may wait long for reasons that its sender chooses is `slow`: half of the threads never take it. */
#pragma once
#include <pthread.h>
#include <stdbool.h>

#include "base/err.h"

#define POOL_THREADS 24

struct pool_job {
	void (*run)(void *arg);
	void *arg;
	bool  slow;
	struct pool_job *next; /* private */
};

struct pool; /* opaque */
/* At most POOL_THREADS; 1 takes nothing slow. */
enum coffer_rc pool_start(size_t threads, struct pool **out, struct err *e) NODISCARD;
/* job stays the caller's, who must not use it before it has run. False once the pool ends: it does not run. */
bool pool_add(struct pool *p, struct pool_job *job) NODISCARD;
/* Runs what was added and takes no more; joins its threads. */
void pool_stop(struct pool *p);
void pool_free(struct pool *p); /* when nobody adds any more */
