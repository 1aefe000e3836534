/* The ledger's map (trust/ledger/smt.h) in the store: statuses of statements, versions of assets, uses of approvals.
 *
 * table mapnode: hash (32), record (SMT_RECORD). Nodes are written in the transaction of the entry that changes the map and never
 * removed, so that each earlier root can be asked. */
#pragma once
#include "cofferd/keep/store.h"
#include "trust/ledger/smt.h"

struct map {
	struct store *store; /* borrowed */
	struct mhash  root;  /* zeros: empty */
};

/* Inside the transaction, before the entry that it belongs to is appended. */
enum coffer_rc map_set(struct map *m, const struct mhash *key, const struct mhash *value, struct err *e) NODISCARD;

/* Under any root that the map once had. */
enum coffer_rc map_prove(const struct map *m, const struct mhash *root, const struct mhash *key, struct smt_proof *out,
    struct err *e) NODISCARD;

/* Under the present root the key has this value. COFFER_E_DENIED (check "R12") otherwise; `what` names it. */
enum coffer_rc map_demand(const struct map *m, const struct mhash *key, const struct mhash *value, const char *what,
    struct err *e) NODISCARD;

/* Each stored node is what its hash names, and what it and the root name is stored. COFFER_E_DENIED (check "R12") otherwise. */
enum coffer_rc map_check(const struct map *m, struct err *e) NODISCARD;
