/* Evidence that is no longer kept. It is the asset's owner who needs it, so it is the owner who lets it go: only what every release that
 * names it has been fetched of, whole, by the owner of its asset, and that long ago. The operator says when; nobody can be made to lose
 * what was not fetched. That is no protection from an operator who writes into the store: fsck names that.
 *
 * A prune is an entry of the journal (type "pruned") with how many and the SHA-256 of their digests in ascending order. */
#pragma once
#include "cofferd/keep/store.h"

struct prune_found {
	uint64_t pruned, bytes;  /* bytes: of the disk that are free for more evidence */
	uint64_t left;           /* releases before `until` that were not fetched so long ago: their evidence stays */
};

/* Of a store that is not in use: what its owners fetched until `until`. Nothing to prune: no entry. COFFER_E_DENIED (check "R12") for an old
 * copy of the store. */
enum coffer_rc keep_prune(const char *dir, int64_t until, int64_t now, struct prune_found *out, struct err *e) NODISCARD;

/* COFFER_E_NOTFOUND (check "evidence-pruned") when it was. */
enum coffer_rc prune_said(struct store *s, const uint8_t digest[static 32], struct err *e) NODISCARD;

/* What is said to be pruned is what the journal's entries say, and is gone. COFFER_E_DENIED (check "R12"). */
enum coffer_rc prune_check(struct store *s, struct err *e) NODISCARD;
