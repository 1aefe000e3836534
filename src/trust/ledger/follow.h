/* Reading a ledger's entries in their order: what each must have from the one before it. */
#pragma once
#include "trust/ledger/leaf.h"

struct ledger_follow {
	struct merkle_frontier f;    /* of the entries so far */
	struct leaf            last; /* the newest; zeros before the first */
};

/* The next entry on top. COFFER_E_DENIED:
 *   ledger-entry  it is no leaf, is at another place, or is older than the one before it, in time or form
 *   ledger-map    its map does not begin where that of the one before ended: what is in force was changed without an entry
 * *l is untouched on failure. */
enum coffer_rc follow_add(struct ledger_follow *l, struct span entry, struct err *e) NODISCARD;

/* A head that was seen; who saw it is for the refusal to say ("this party saw"). */
struct seen_head { struct merkle_head head; const char *what; };

/* Whether the tree of `now` begins with the one of `old`; the proof is made of s, which reads the tree of `now` and is believed in
 * nothing. Equal heads ask nothing of it. COFFER_E_DENIED:
 *   ledger-rollback  it is smaller
 *   ledger-fork      it does not continue it, or has its size and another root
 * or what s said. That both heads are signed is the caller's to know. */
enum coffer_rc follow_head(const struct merkle_source *s, const struct seen_head *old, const struct merkle_head *now, struct err *e) NODISCARD;
