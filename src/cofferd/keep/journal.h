/* R12: the hash-chained journal (docs/protocol/service.md, "Journal entries"), and the
 * transaction in which an entry and what it describes become durable together.
 */
#pragma once
#include "cofferd/keep/mark.h"
#include "cofferd/keep/store.h"
#include "cofferd/keep/tree.h"
#include "base/wr.h"

/* Several transactions that become durable together, or not at all: while journal.group is set, each tx is a part of one transaction of the
 * store, and what it wrote is seen by those that follow before it is on the disk. Nothing that rests on it may leave the process
 * before group_commit has returned COFFER_OK. */
struct group {
	bool            open;    /* something was begun */
	bool            broken;  /* the transaction was undone under us, or part of it could not be */
	struct journal *before;  /* owned: the journal as it is on the disk; with open */
};

struct journal {
	struct store *store;     /* borrowed */
	struct group *group;     /* borrowed; NULL: each transaction alone */
	struct mark  *mark;      /* borrowed; NULL for a store in memory */
	uint8_t       mac_key[32];
	bool          any;       /* false: no entry yet; the other fields are then zero */
	uint64_t      seq;       /* of the newest entry */
	uint8_t       hash[32];
	int64_t       time;
	struct tree   tree;      /* of journal_entries leaves */
	bool          tagged;    /* the next entry has `tag` (tags.h) */
	uint8_t       tag[32];
};

/* What an entry's leaf commits to: {"data":{...},"time":"...","type":"..."}, JCS. data is the stored JCS object. */
void journal_record(const char *type, struct span data, int64_t time, struct wr *w);

/* Its place among the entries of all time: 0 before the first. */
static inline uint64_t journal_entries(const struct journal *j) { return j->any ? j->seq + 1 : 0; }

/* Reads the chain from its first entry: numbering, every hash, and that the newest is the one this
 * service wrote last (a MAC under mac_key in the same transaction); that each leaf of the tree is what entry and salt give, and
 * every stored hash of the tree. COFFER_E_DENIED (check "R12") otherwise.
 * A whole database put back from an old copy is not noticed here but by mark.h. */
enum coffer_rc journal_open(struct store *s, const uint8_t mac_key[static 32], struct journal *out, struct err *e) NODISCARD;

/* One transaction over store and journal head, or a group's part. CLEANUP(tx_end) undoes what was not committed. */
struct tx {
	struct journal *j; /* NULL when nothing is open */
	struct journal  before;
};
enum coffer_rc tx_begin(struct journal *j, struct tx *out, struct err *e) NODISCARD;
/* Returns once the bytes are on the disk, and raises the mark; of a group's part neither. */
enum coffer_rc tx_commit(struct tx *t, struct err *e) NODISCARD;
void           tx_end(struct tx *t);

/* Makes durable, with one sync, what the transactions since the last call wrote, and raises the mark. After a failure nothing of it is in the
 * store (all of it is where the mark alone could not be raised), and the journal is what the store has: whatever else memory knows of it is the
 * caller's to forget. */
enum coffer_rc group_commit(struct journal *j, struct err *e) NODISCARD;
void           group_drop(struct journal *j); /* undoes what was not committed */

/* Appends inside a transaction. data is a JCS object; the new head is in j->seq and j->hash. */
enum coffer_rc journal_append(struct journal *j, const char *type, struct span data, int64_t now, struct err *e) NODISCARD;
