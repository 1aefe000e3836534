/* R12: the hash-chained journal (docs/protocol/service.md, "Journal entries"), and the
 * transaction in which an entry and what it describes become durable together.
 */
#pragma once
#include "cofferd/keep/mark.h"
#include "cofferd/keep/store.h"
#include "cofferd/keep/tree.h"
#include "base/wr.h"

struct journal {
	struct store *store;     /* borrowed */
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

/* One transaction over store and journal head. CLEANUP(tx_end) undoes what was not committed. */
struct tx {
	struct journal *j; /* NULL when nothing is open */
	struct journal  before;
};
enum coffer_rc tx_begin(struct journal *j, struct tx *out, struct err *e) NODISCARD;
enum coffer_rc tx_commit(struct tx *t, struct err *e) NODISCARD; /* returns once the bytes are on the disk, and raises the mark */
void           tx_end(struct tx *t);

/* Appends inside a transaction. data is a JCS object; the new head is in j->seq and j->hash. */
enum coffer_rc journal_append(struct journal *j, const char *type, struct span data, int64_t now, struct err *e) NODISCARD;
