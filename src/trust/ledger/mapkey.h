/* What the ledger's map says (docs/protocol/ledger.md, "Map"): keys and values of statements, assets and uses of approvals. */
#pragma once
#include "base/rd.h"
#include "trust/ledger/merkle.h"

/* Of a logged statement. Which revocation by another party counts for whom is the decision's question. */
enum map_status {
	MAP_IN_FORCE = 1,
	MAP_SUPERSEDED = 2,
	MAP_REVOKED = 3,          /* by its issuer; final */
	MAP_REVOKED_BY_OTHER = 4, /* by another party, for its own assets or code */
};

void map_status_key(const uint8_t statement[static 32], struct mhash *out);
/* index: of the entry that set it. */
void map_status_value(enum map_status status, uint64_t index, struct mhash *out);

/* The tag key keeps others from guessing a path: 32 bytes. blind is what a receipt shows of it. */
void map_asset_blind(const uint8_t tag_key[static 32], struct span path, uint8_t blind[static 32]);
void map_asset_key(const uint8_t blind[static 32], struct mhash *out);
/* content: the salted digest of the asset's statement. Version 0 and zeros: deleted. */
void map_asset_value(uint64_t version, const uint8_t content[static 32], struct mhash *out);

void map_uses_key(const uint8_t statement[static 32], struct mhash *out);
void map_uses_value(const uint8_t salt[static 32], uint64_t count, struct mhash *out);
