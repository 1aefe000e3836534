/* The Merkle tree of the ledger: RFC 6962 section 2.1 hashes, RFC 9162 sections 2.1.3 and 2.1.4 proofs, SHA-256.
 *
 * Pure arithmetic over hashes: nothing here reads a file or believes a signature. A proof that holds says something about
 * the root it was checked against and nothing about where that root came from (checkpoint.h does). */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define MERKLE_SIZE_MAX  INT64_MAX /* leaves of one tree */
#define MERKLE_LEVELS    63        /* a complete subtree of level l has 2^l leaves, l < MERKLE_LEVELS */
#define MERKLE_PROOF_MAX 64        /* hashes of one proof */

struct mhash { uint8_t b[32]; };

bool mhash_eq(const struct mhash *a, const struct mhash *b); /* public data */

void merkle_empty(struct mhash *out);                    /* root of no leaves: SHA-256 of nothing */
void merkle_leaf(struct span entry, struct mhash *out);  /* SHA-256(0x00 || entry) */
void merkle_node(const struct mhash *left, const struct mhash *right, struct mhash *out); /* SHA-256(0x01 || left || right) */

/* The root over n leaf hashes, n <= MERKLE_SIZE_MAX. O(n). */
void merkle_root(const struct mhash *leaves, size_t n, struct mhash *out);

struct merkle_proof {
	size_t       n; /* hashes used of h */
	struct mhash h[MERKLE_PROOF_MAX];
};

/* True only if the leaf with this hash is at `index` (from 0) of the tree of `size` leaves with that root. The proof's length
 * must be exactly what index and size demand. False for an index outside the tree and a size over MERKLE_SIZE_MAX. */
bool merkle_included(uint64_t index, uint64_t size, const struct mhash *leaf, const struct merkle_proof *p,
    const struct mhash *root) NODISCARD;

struct merkle_head {
	uint64_t     size;
	struct mhash root;
};

/* True only if the tree of head b begins with all leaves of head a, in their order. Sizes may be equal (then so must be the
 * roots, and the proof is empty); a may be empty (root merkle_empty, proof empty). False when a is larger. */
bool merkle_consistent(const struct merkle_head *a, const struct merkle_head *b, const struct merkle_proof *p) NODISCARD;

/* ---- making proofs ---- */

/* The hash of the complete subtree number `index` of `level`: over leaves [index << level, (index + 1) << level). Asked only
 * for subtrees that lie whole inside the tree. */
typedef enum coffer_rc (*merkle_read)(void *ctx, unsigned level, uint64_t index, struct mhash *out, struct err *e);

struct merkle_source {
	merkle_read read;
	void       *ctx;
};

/* COFFER_E_NOTFOUND for an index outside the tree (or a larger than b), COFFER_E_LIMIT for a size over MERKLE_SIZE_MAX, or what
 * the source said. What comes out is as true as the source: whoever hands it on checks it against the root first. */
enum coffer_rc merkle_prove(const struct merkle_source *s, uint64_t index, uint64_t size, struct merkle_proof *out,
    struct err *e) NODISCARD;
enum coffer_rc merkle_prove_consistent(const struct merkle_source *s, uint64_t a, uint64_t b, struct merkle_proof *out,
    struct err *e) NODISCARD;
enum coffer_rc merkle_source_root(const struct merkle_source *s, uint64_t size, struct mhash *out, struct err *e) NODISCARD;

/* ---- the writer's side: what must be remembered to append ---- */

struct merkle_frontier {
	uint64_t     size;
	struct mhash top[MERKLE_LEVELS]; /* [l] is meaningful where bit l of size is set: the complete subtree of that level */
};

/* Adds one leaf in O(log n). done[l] is then the subtree of level l that this leaf completed, for l from 0 to the returned
 * count less one; done[0] is the leaf. 0 when the tree is full: nothing was added. */
size_t merkle_append(struct merkle_frontier *f, const struct mhash *leaf, struct mhash done[static MERKLE_LEVELS]) NODISCARD;
void   merkle_frontier_root(const struct merkle_frontier *f, struct mhash *out);

/* u64 size, then the subtrees of its set bits from the largest down; big endian. Read demands the exact length; it cannot know
 * whether the hashes are right (compare the root with a checkpoint). *out is untouched on failure. */
void merkle_frontier_write(const struct merkle_frontier *f, struct wr *w);
bool merkle_frontier_read(struct span s, struct merkle_frontier *out) NODISCARD;
