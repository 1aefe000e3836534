/* Tags of entries about assets: who owns one finds its entries in the public ledger (trust/ledger/tag.h). */
#pragma once
#include "cofferd/keep/keep.h"

/* The next entry, in the transaction that is open, is about this asset: it gets the owner's next tag. Where the owner has no encryption key
 * it has a random one, as all others. */
enum coffer_rc tags_next(struct keep *k, const struct asset_path *p, struct err *e) NODISCARD;
/* tag_owner_key of this service and that owner: two keys, one secret, agreed on once. Borrowed, good until the next call. COFFER_E_INPUT as there. */
enum coffer_rc tags_owner_key(struct keep *k, const struct pubkey *owner, const struct secret **out, struct err *e) NODISCARD;
void           tags_clear(struct keep *k); /* the keys to tags that were kept */
