/* Reading a ledger's entries in their order: what each must have from the one before it. */
#pragma once
#include "trust/ledger/leaf.h"

struct ledger_follow {
	struct merkle_frontier f;    /* of the entries so far */
	struct leaf            last; /* the newest; zeros before the first */
};

/* The next entry on top. COFFER_E_DENIED:
 *   ledger-entry  it is no leaf, is at another place, or is older than the one before it
 *   ledger-map    its map does not begin where that of the one before ended: what is in force was changed without an entry
 * *l is untouched on failure. */
enum coffer_rc follow_add(struct ledger_follow *l, struct span entry, struct err *e) NODISCARD;
