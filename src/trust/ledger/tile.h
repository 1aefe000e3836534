/* Tiles: how a tree and its entries lie as static files (C2SP tlog-tiles).
 *
 * Paths are relative to the log's prefix: tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>]. Names, contents and where a hash
 * lies are here; files and HTTP are the caller's. Tiles are believed by nobody: whatever is computed from them is
 * compared with the root of a checkpoint. */
#pragma once
#include "trust/ledger/merkle.h"

#define TILE_WIDTH     256                /* hashes or entries of a full tile */
#define TILE_BYTES     ((size_t)TILE_WIDTH * 32)
#define TILE_LEVEL_MAX 63                 /* tlog-tiles, "Merkle Tree"; a tree of MERKLE_SIZE_MAX ends at level 7 */
#define TILE_N_MAX     ((UINT64_C(1) << 55) - 1) /* the last tile of MERKLE_SIZE_MAX leaves */
#define TILE_PATH_MAX  64                 /* bytes of a path with its NUL */
#define TILE_ENTRY_MAX 65535              /* bytes of one entry */

struct tile {
	bool     entries; /* an entry bundle; level is then 0 */
	unsigned level;   /* 0..TILE_LEVEL_MAX */
	uint64_t n;       /* its place in the level, 0..TILE_N_MAX */
	unsigned width;   /* hashes or entries in it, 1..TILE_WIDTH; less than TILE_WIDTH is a partial tile */
};

/* The whole text must be the one spelling of a path: no more zeros than the digits need, no empty element, no ".." */
bool tile_path_read(struct span s, struct tile *out) NODISCARD; /* *out untouched on failure */
void tile_path(const struct tile *t, char out[static TILE_PATH_MAX]);

/* The tile in which the subtree hash (level, index) of a tree of `size` lies, or from which it is computed; false when that
 * subtree is not whole inside the tree. */
bool tile_of(unsigned level, uint64_t index, uint64_t size, struct tile *out) NODISCARD;

struct subtree {
	unsigned level;
	uint64_t index;
};
/* A subtree's hash out of the content of the tile that tile_of named. COFFER_E_INPUT when the content is not t->width hashes, or
 * the subtree is not in it. */
enum coffer_rc tile_hash(const struct tile *t, struct span content, struct subtree at, struct mhash *out,
    struct err *e) NODISCARD;

/* ---- reading a tree out of tiles ---- */

/* The tile that was read last at each level: neighbouring questions, as those of one proof, ask for the same few. */
struct tile_cache {
	struct { struct tile t; bool full; uint8_t b[32 * TILE_WIDTH]; } of[8]; /* width 0: none */
};

struct tile_source {
	/* Puts the content of a tile into out, which has room for TILE_BYTES. May hand out the full tile for a partial one. */
	enum coffer_rc (*fetch)(void *ctx, const struct tile *t, struct wr *out, struct err *e);
	void    *ctx;
	uint64_t size; /* of the tree; partial tiles are asked for with the width this size gives them */
	struct tile_cache *cache; /* borrowed, zero at first; NULL: every hash fetches its tile */
};
/* A merkle_read; ctx is a struct tile_source. */
enum coffer_rc tile_read(void *ctx, unsigned level, uint64_t index, struct mhash *out, struct err *e) NODISCARD;

/* ---- writing ---- */

/* The tiles that a tree of `to` leaves has and one of `from` had not, in the order in which they may become visible: entries,
 * then hash tiles upward. A tile that grew comes with its new width. from <= to <= MERKLE_SIZE_MAX. */
struct tile_iter {
	uint64_t from, to;
	unsigned level; /* private from here */
	uint64_t n;
	bool     hashes;
};
struct tile_iter tile_new(uint64_t from, uint64_t to);
bool tile_next(struct tile_iter *it, struct tile *out) NODISCARD;

/* ---- entry bundles: u16 big-endian length, then the entry, for each ---- */

/* COFFER_E_LIMIT for an entry over TILE_ENTRY_MAX. */
enum coffer_rc tile_entry_add(struct wr *bundle, struct span entry, struct err *e) NODISCARD;
/* Exactly `width` entries and nothing behind them, borrowed; false otherwise. */
bool tile_entries_read(struct span bundle, unsigned width, struct span out[static TILE_WIDTH]) NODISCARD;
