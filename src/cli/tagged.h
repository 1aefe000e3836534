/* The public leaves' tags held against what the service tells an owner. Pure. */
#pragma once
#include "trust/ledger/tag.h"
#include "trust/name.h"

struct tagged { uint8_t tag[TAG_LEN]; uint64_t index; };
struct told { uint64_t index; char type[16]; char asset[ASSET_PATH_MAX]; bool tagged; };

void tagged_sort(struct tagged *leaf, size_t n);

struct tagged_ask {
	const struct tagged *leaf; /* sorted */
	size_t               n_leaves;
	struct told         *told; /* by index, rising; those with tags of the asset are marked */
	size_t               n_told;
};
/* Every leaf with a tag of the asset's is told of, and as about it. COFFER_E_DENIED: check "ledger-withheld" where one is not told of,
 * "ledger-tags" where it is told to be about another asset. Not found: entries that the service gave no such tag. */
enum coffer_rc tagged_hold(const struct tagged_ask *q, const struct asset_path *p, const struct secret *owner, struct err *e) NODISCARD;
