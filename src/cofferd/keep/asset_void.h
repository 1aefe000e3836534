/* Which statements about an asset are void (asset_chain.h), of those that are logged. What was logged before any that a dead key signed stands: admission saw to that. */
#pragma once
#include "cofferd/keep/registry.h"
#include "trust/asset_chain.h"

/* That many are looked at from the first on that a dead key signed; who wrote more since has to be waited out by another path. */
#define ASSET_CHAIN_MAX 4096

/* Those up to the one with this id, it included; where it is none about an asset *out is empty. *stands: that one does. COFFER_E_LIMIT. */
enum coffer_rc asset_up_to(
    const struct registry *r, const uint8_t id[static 32], struct asset_chain *out, bool *stands, struct err *e) NODISCARD;
/* Where more are to be looked at than may be it is. */
enum coffer_rc asset_void(const struct registry *r, const uint8_t id[static 32], bool *yes, struct err *e) NODISCARD;
