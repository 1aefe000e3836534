/* What the holder of keys and store holds: one of these a process. */
#pragma once
#include "cofferd/keep/journal.h"
#include "cofferd/keep/kept.h"
#include "cofferd/keep/keys.h"
#include "cofferd/keep/registry.h"
#include "cofferd/keep/session.h"
#include "proto/keep_config.h"

#define KEEP_REFUSALS_PER_MINUTE 60 /* of one party's statements */
#define KEEP_STATEMENTS_PER_HOUR 1000 /* of one party, but for those that hold something back: those have no number */
#define KEEP_DENIALS_PER_MINUTE 600 /* written for requesters nobody vouches for; beyond, only counted */

struct keep {
	struct keep_keys  keys;
	struct secret     rest;       /* 32 bytes, derived from keys: seals assets at rest */
	struct store     *store;
	struct mark      *mark;       /* NULL in memory */
	struct journal    journal;
	struct registry   registry;
	struct sessions  *sessions;
	struct witnessed *witnessed; /* replies that wait for the ledger's witnesses; NULL: none are wanted */
	struct vendor_roots *roots;   /* whom evidence must lead to */
	int               eval;       /* socket to the process that judges evidence and policies; -1: none, and R2 and R10 deny */
	uint8_t           genesis[32];
	char              id[PARTY_MAX]; /* of this service; "" when not told */
	uint8_t           tls[32];       /* with id */
	struct kept_limits kept;      /* of what guests showed, in the store */
	int64_t           now;        /* seconds; set before each request, never before the newest entry's time */
	struct {
		int64_t  minute;      /* now / 60 of the count below */
		unsigned denials;     /* written in this minute for strangers */
		uint64_t unwritten;   /* denials and failed attestations since the last summary entry */
		int64_t  summary;     /* when that was written */
		int64_t  refusals_minute;
		uint32_t refusals[PARTIES_MAX]; /* written in that minute for statements of each party */
		int64_t  hour;
		uint32_t statements[PARTIES_MAX]; /* of each party, admitted in that hour */
	} noise;
};

/* Once for a service: writes keys, an empty store and its mark into dir. COFFER_E_DENIED when one of them is there. */
enum coffer_rc keep_found(const struct keep_keys *keys, const char *dir, struct err *e) NODISCARD;

/* COFFER_E_NOTFOUND when keys, store or mark are missing: never made anew in silence, because with the journal all
 * revocations would be forgotten. The sentence names what is missing and how it is mended. */
enum coffer_rc keep_look(const char *dir, struct err *e) NODISCARD;

/* For the operator who lost the newest store and has none but an old copy: enters the loss into the journal (type
 * "restored") and sets the mark to it. COFFER_E_INPUT when nothing is lost. *from, *to: numbers of the lost entries. */
enum coffer_rc keep_accept(const char *dir, int64_t now, uint64_t *from, uint64_t *to, struct err *e) NODISCARD;

/* Of a store that is not in use. Everything a start checks but the genesis' signatures, and what guests showed (showing.h). With repair, the tree's hashes and the map's
 * nodes are computed again from the entries where one of them is damaged, and kept only if then everything holds: entries, leaves,
 * statements and counts are never mended. COFFER_E_DENIED (check "R12") names the first damage that stays. */
struct fsck_found { uint64_t entries; bool mended; char damage[480]; /* what was mended */ };
enum coffer_rc keep_fsck(const char *dir, bool repair, struct fsck_found *out, struct err *e) NODISCARD;

/* Takes keys whatever happens. dir: with what keep_found made; NULL for an empty store in memory. Checks the genesis down
 * to its signatures and our ledger key, the store, the journal, that it is the newest, and the statements in it.
 * COFFER_E_DENIED names the check. */
enum coffer_rc keep_open(const char *dir, struct keep_keys *keys, const struct keep_config *c, int64_t now, struct keep *out,
    struct err *e) NODISCARD;
void keep_close(struct keep *k); /* CLEANUP-ready */

/* One request. The answer's body goes to reply (emptied first); the value is the frame's tag. For a failure the body is
 * a struct keep_refusal whose reason may be shown to anyone. Everything that an answer rests on is durable before this returns.
 */
enum coffer_rc keep_dispatch(struct keep *k, uint8_t type, struct span body, struct wr *reply);
