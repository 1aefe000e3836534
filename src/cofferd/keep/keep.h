/* What the holder of keys and store holds: one of these a process. */
#pragma once
#include "cofferd/keep/journal.h"
#include "cofferd/keep/keys.h"
#include "cofferd/keep/registry.h"
#include "cofferd/keep/session.h"
#include "proto/keep_config.h"

#define KEEP_DENIALS_PER_MINUTE 600 /* written for requesters nobody vouches for; beyond, only counted */

struct keep {
	struct keep_keys  keys;
	struct secret     rest;       /* 32 bytes, derived from keys: seals assets at rest */
	struct store     *store;
	struct journal    journal;
	struct registry   registry;
	struct sessions  *sessions;
	int               eval;       /* socket to the process that judges policies; -1: none, and R10 denies */
	uint8_t           genesis[32];
	int64_t           now;        /* seconds; set before each request, never before the newest entry's time */
	struct {
		int64_t  minute;      /* now / 60 of the count below */
		unsigned denials;     /* written in this minute for strangers */
		uint64_t unwritten;   /* denials and failed attestations since the last summary entry */
		int64_t  summary;     /* when that was written */
	} noise;
};

/* Takes keys whatever happens. path: of the database, or ":memory:". Checks the genesis down to its signatures and our
 * ledger key, the store, the journal and the statements in it. COFFER_E_DENIED names the check. */
enum coffer_rc keep_open(const char *path, struct keep_keys *keys, const struct keep_config *c, int64_t now, struct keep *out,
    struct err *e) NODISCARD;
void keep_close(struct keep *k); /* CLEANUP-ready */

/* One request. The answer's body goes to reply (emptied first); the value is the frame's tag. For a failure the body is
 * a struct keep_refusal whose reason may be shown to anyone. Everything that an answer rests on is durable before this returns.
 */
enum coffer_rc keep_dispatch(struct keep *k, uint8_t type, struct span body, struct wr *reply);
