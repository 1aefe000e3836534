/* What the holder of keys and store holds: one of these a process. */
#pragma once
#include "cofferd/keep/journal.h"
#include "cofferd/keep/kept.h"
#include "cofferd/keep/keys.h"
#include "cofferd/keep/registry.h"
#include "cofferd/keep/session.h"
#include "proto/eval.h"
#include "proto/keep_config.h"

struct turn;
/* Owners' keys to their tags (tags.h), which never change for a pair of keys: those used last. */
#define KEEP_TAG_KEYS 16
struct tag_key { struct pubkey owner; struct secret key; }; /* key.p NULL: free */
/* A question to eval under way (askeval.h). */
struct asked { struct turn *turn; size_t at; uint32_t id; uint8_t type; char by[PARTY_MAX]; int64_t until; }; /* turn NULL: free; by: whose policy it is, or "" */
/* Who waits for eval, of serve.h. */
struct waiting { struct turn *const *turn; const size_t *n; };

#define KEEP_REFUSALS_PER_MINUTE 60 /* of one party's statements */
#define KEEP_STATEMENTS_PER_HOUR 1000 /* of one party, but for those that hold something back */
#define KEEP_BACK_AT_ONCE 20000       /* of those, by one party; then one in KEEP_BACK_MS */
#define KEEP_BACK_MS 1800
#define KEEP_DENIALS_PER_MINUTE 600 /* written for requesters nobody vouches for; beyond, only counted */

struct keep {
	struct keep_keys  keys;
	struct secret     rest;       /* 32 bytes, derived from keys: seals assets at rest */
	struct store     *store;
	struct mark      *mark;       /* NULL in memory */
	struct journal    journal;
	struct registry   registry;
	struct sessions  *sessions;
	uint32_t          sessions_max; /* of the configuration */
	struct witnessed *witnessed; /* replies that wait for the ledger's witnesses; NULL: none are wanted */
	bool              addresses_new; /* of witnesses: the parent is told when what named them is durable */
	struct vendor_roots *roots;   /* whom evidence must lead to: all that the genesis and its amendments ever named */
	const struct shipped *shipped; /* the policies that this program has */
	int               eval;       /* socket to the process that judges evidence and policies; -1: none, and R2 and R10 deny */
	struct asked      asked[EVAL_JOBS_MAX];
	uint32_t          next_ask;
	struct tag_key    tag_key[KEEP_TAG_KEYS];
	size_t            tag_key_next; /* whose place goes next */
	struct waiting    waiting;    /* NULL: nobody can */
	struct turn      *turn;       /* the request that is run now; borrowed */
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
		int64_t  back[2][PARTIES_MAX]; /* ms since 1970: until when what held back so far would have come at its pace; [1]: by the recovery quorum */
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

/* Of a store that is not in use. Everything a start checks but the genesis' signatures, what guests showed (showing.h), and the rows that no start
 * looks at (rows.h). With repair, what the entries give is computed again from them where anything is damaged: the tree's hashes, the map's nodes, by
 * what statements are found, counts, those rows; and kept only if then everything holds. Entries, leaves, statements and contents are never mended. COFFER_E_DENIED (check "R12") names
 * the first damage that stays. now: s since 1970. */
struct fsck_found { uint64_t entries; bool mended; char damage[ERR_MSG_MAX]; /* what was mended */ };
enum coffer_rc keep_fsck(const char *dir, bool repair, int64_t now, struct fsck_found *out, struct err *e) NODISCARD;

/* Takes keys whatever happens. dir: with what keep_found made; NULL for an empty store in memory. Checks the genesis down
 * to its signatures and our ledger key, the store, the journal, that it is the newest, and the statements in it.
 * COFFER_E_DENIED names the check. */
enum coffer_rc keep_open(const char *dir, struct keep_keys *keys, const struct keep_config *c, int64_t now, struct keep *out,
    struct err *e) NODISCARD;
void keep_close(struct keep *k); /* CLEANUP-ready */

/* What memory knows beyond the store goes, after a commit that failed: sessions, replies that wait, the parties as they were learned. Whoever
 * was attested attests again. After a failure of this, keep ends. */
/* Whom evidence must lead to, anew: the registry learned of an amendment. */
enum coffer_rc keep_roots(struct keep *k, struct err *e) NODISCARD;
enum coffer_rc keep_forget(struct keep *k, struct err *e) NODISCARD;

/* One request alone, for tests: waits for eval where it asks that. The answer's body goes to reply (emptied first); the value is the frame's tag.
 * For a failure the body is a struct keep_refusal whose reason may be shown to anyone. What an answer rests on is durable before this returns,
 * unless the journal has a group. */
enum coffer_rc keep_dispatch(struct keep *k, uint8_t type, struct span body, struct wr *reply);
