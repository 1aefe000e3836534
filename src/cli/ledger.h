/* A reader of the service's ledger: its checkpoint, opened under the genesis' key, its tiles, and the last head this party saw. */
#pragma once
#include "cli/home.h"
#include "client/heads.h"
#include "trust/ledger/leaf.h"
#include "trust/witnesses.h"

struct ledger {
	struct home          h;
	struct service_conn *conn;
	const struct parties *all;    /* of conn; with what the founders amended */
	struct genesis_policy policy; /* the founders', as last amended: the log's key, its witnesses, how many must have signed */
	struct wr            note;   /* the checkpoint as fetched */
	struct ledger_seen   seen;   /* borrows note */
	struct tile_source   tiles;  /* of seen's tree */
	struct heads_tiles   of;     /* what tiles reads from */
};

void ledger_end(struct ledger *l); /* CLEANUP-ready */

/* Fetches the checkpoint. COFFER_E_DENIED with checkpoint_open's checks when it is not the log's of this genesis. *l must not be
 * moved afterwards. */
enum coffer_rc ledger_open(const struct cli *c, struct ledger *l, struct err *e) NODISCARD;

/* Compares it with the checkpoint kept in the party's folder (ledger-<genesis>.checkpoint), reads every entry since then, and
 * keeps the new one. *from: size of the kept tree, 0 for none. COFFER_E_DENIED:
 *   ledger-rollback  the tree is smaller than the one seen before
 *   ledger-fork      it does not continue the one seen before; the other head is put beside as ledger-<genesis>.forked
 *   ledger-entry     an entry is no leaf, is at another place, or is older than the one before it
 *   ledger-map       its map does not continue that of the entry before
 *   ledger-tiles     tiles and entries do not give the root that is signed */
enum coffer_rc ledger_follow(struct ledger *l, uint64_t *from, struct err *e) NODISCARD;

/* Every entry of seen's tree, in order, read anew: together they give its root, or COFFER_E_DENIED as in ledger_follow. */
typedef enum coffer_rc (*ledger_leaf)(const struct leaf *leaf, void *arg, struct err *e);
enum coffer_rc ledger_leaves(struct ledger *l, ledger_leaf each, void *arg, struct err *e) NODISCARD;
/* Whether the tree continues the head in another party's file, which must open as ledger_open's does. *size: of it. COFFER_E_DENIED as
 * ledger_follow: ledger-rollback, ledger-fork. */
enum coffer_rc ledger_compare(struct ledger *l, const char *file, uint64_t *size, struct err *e) NODISCARD;

/* The proof of one leaf in seen's tree, checked (COFFER_E_DENIED, check "ledger-inclusion"), and its entry's bytes. */
struct ledger_proved { struct merkle_proof path; uint8_t entry[LEAF_MAX]; size_t entry_n; };
enum coffer_rc ledger_prove(struct ledger *l, uint64_t index, struct ledger_proved *out, struct err *e) NODISCARD;
