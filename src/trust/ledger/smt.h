/* A sparse Merkle map: 32-byte keys to 32-byte values under one root, with proofs that a key has a value and that it has none.
 *
 * A subtree without keys is 32 zero bytes; one with a single key is that key's leaf, wherever it stands; any other is a node
 * over its halves by the next bit of the key, the first bit of the first byte being the topmost. So the root depends on the
 * content alone and not on the order of writing, and a path is as long as the keys make it, about log2 of their number.
 * Nothing is ever removed: a status or version is replaced.
 *
 *   leaf = SHA-256("coffer map leaf v1\0" || key || value)      node = SHA-256("coffer map node v1\0" || left || right)
 *
 * Whoever chooses keys can make a path of 256 steps at the cost of a like search: keys are SHA-256 of what they name. */
#pragma once
#include "trust/ledger/merkle.h"

#define SMT_DEPTH     256
#define SMT_PROOF_MAX (3 + SMT_DEPTH / 8 + SMT_DEPTH * 32 + 64) /* bytes */
#define SMT_RECORD    65 /* bytes of a stored node */

/* ---- proofs ---- */

enum smt_end {
	SMT_EMPTY = 0, /* the path ends where nothing is: absent */
	SMT_LEAF  = 1, /* at the key's leaf: present */
	SMT_OTHER = 2, /* at the leaf of another key: absent */
};

struct smt_proof {
	enum smt_end end;
	unsigned     depth;              /* siblings, 0..SMT_DEPTH */
	struct mhash sibling[SMT_DEPTH]; /* from the root downward; zeros where the sibling is empty */
	struct mhash other;              /* SMT_OTHER: the key there */
	struct mhash value;              /* SMT_LEAF, SMT_OTHER: the value there */
};

/* u8 end, u16 depth, then (depth + 7) / 8 bytes whose bit i (most significant first) is set when sibling i is not empty, those
 * siblings, and by end nothing, the value, or other key and value. Big endian. Read demands the one encoding, to the last byte:
 * no stray bit, no sibling of zeros, no end whose last sibling is empty (its parent would not exist). */
void smt_proof_write(const struct smt_proof *p, struct wr *w);
bool smt_proof_read(struct span s, struct smt_proof *out) NODISCARD; /* *out untouched on failure */

struct smt_answer {
	bool         present;
	struct mhash value; /* when present */
};

/* True only if under this root the key has the answer's value, or none. *out untouched otherwise. */
bool smt_verify(const struct mhash *root, const struct mhash *key, const struct smt_proof *p, struct smt_answer *out) NODISCARD;

/* ---- the map ---- */

/* Nodes by their hash. get must yield what put was given, COFFER_E_NOTFOUND when there is none; it is checked against the hash,
 * so a damaged or lying store is refused (COFFER_E_DENIED, check "map-node"), never followed. Old nodes stay valid: every
 * root there ever was can still be asked. */
struct smt_store {
	enum coffer_rc (*get)(void *ctx, const struct mhash *hash, uint8_t out[static SMT_RECORD], struct err *e);
	enum coffer_rc (*put)(void *ctx, const struct mhash *hash, const uint8_t record[static SMT_RECORD], struct err *e);
	void *ctx;
};

/* The hash that names a stored node; false for a kind that there is not. */
bool smt_record_hash(const uint8_t record[static SMT_RECORD], struct mhash *out) NODISCARD;

/* The proof for a key under a root; root zeros is the empty map. */
enum coffer_rc smt_prove(const struct smt_store *s, const struct mhash *root, const struct mhash *key, struct smt_proof *out,
    struct err *e) NODISCARD;

/* Sets key to value and puts the new nodes, children before parents; *root becomes the new root, only on success. */
enum coffer_rc smt_set(const struct smt_store *s, struct mhash *root, const struct mhash *key, const struct mhash *value,
    struct err *e) NODISCARD;
