/* The journal's entries as leaves of a Merkle tree (trust/ledger/), in the store: each entry's salt and public leaf, and the
 * hashes that lie in tiles. Leaf i is journal entry i and carries the root of the map (map.h) after it.
 *
 * table leaf: seq, salt (32), entry (a struct leaf); table node: hash of the complete subtree of 2^level leaves, for levels 0, 8,
 * 16...: what tiles consist of. All are written in the journal's transaction and computed again when it is opened. */
#pragma once
#include "cofferd/keep/map.h"
#include "trust/ledger/merkle.h"
#include "trust/ledger/tile.h"

struct tree {
	struct store          *store; /* borrowed */
	struct merkle_frontier f;
	struct map             map;        /* as the next entry will leave it: changed by map_set inside its transaction */
	unsigned               rule;       /* by which the map holds what it does (leaf.h): that of the newest leaf, or what the next begins */
	struct mhash           map_before; /* root in the newest leaf; zeros before the first */
};

struct tree_entry {
	int64_t     time;
	struct span record; /* what the leaf commits to: JCS, at most LEAF_RECORD_MAX */
	const uint8_t *tag; /* 32 bytes; NULL: a random one */
};

/* Draws the salt and writes leaf and nodes, inside a transaction. COFFER_E_LIMIT for a full tree or a record too long. */
enum coffer_rc tree_append(struct tree *t, const struct tree_entry *in, struct err *e) NODISCARD;

struct tree_stored { struct span salt, entry; };
/* The next stored leaf on top of t: it must be what entry and salt give, and the nodes that it completes must be those in the
 * store, and its map must begin where the one before ended. COFFER_E_DENIED (check "R12") otherwise. */
enum coffer_rc tree_check(struct tree *t, const struct tree_entry *in, const struct tree_stored *got, struct err *e) NODISCARD;
/* After the last: the store has no node besides, and the map is whole. */
enum coffer_rc tree_check_end(const struct tree *t, struct err *e) NODISCARD;

/* The stored hashes, made anew from the stored leaves, inside a transaction. */
enum coffer_rc tree_rebuild(struct store *s, struct err *e) NODISCARD;

void tree_head(const struct tree *t, struct merkle_head *out);

/* The content of a tile of the tree as it is: COFFER_E_NOTFOUND for one it does not have; a partial tile of an earlier size
 * is had. */
enum coffer_rc tree_tile(const struct tree *t, const struct tile *want, struct wr *out, struct err *e) NODISCARD;
