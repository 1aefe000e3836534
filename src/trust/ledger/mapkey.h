/* What the ledger's map says (docs/protocol/ledger.md, "Map"): keys and values of statements, assets and uses of approvals. */
#pragma once
#include "base/rd.h"
#include "trust/ledger/merkle.h"

/* Of a logged statement. Which revocation by another party counts for whom is the decision's question. */
enum map_status {
	MAP_IN_FORCE = 1,
	MAP_SUPERSEDED = 2,
	MAP_REVOKED = 3,          /* by its issuer; final */
	MAP_REVOKED_BY_OTHER = 4, /* by another party, for its own assets or code: by rule 1 alone (leaf.h) */
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

/* By rule 2: all that a party said of something, one key for each of both, so that nobody's word changes what the map has of another's.
 * The value goes over every such statement in the order of the ledger, so that none can be left out; no key: it said nothing. */
enum map_said {
	SAID_AGAINST = 1, /* subject: a statement's id, or a thing's (thing.h): revocations and pauses of it, and what lifts these */
	SAID_MINIMUM = 2, /* SHA-256 of a platform's name: tcb statements */
	SAID_SELF = 3,    /* zeros: what it said of itself and of its keys */
};
void map_said_key(enum map_said kind, struct span party, const uint8_t subject[static 32], struct mhash *out);
/* From the value before (zeros: none) to that with one more statement, logged by entry `index`. */
void map_said_next(struct mhash *value, const uint8_t statement[static 32], uint64_t index);
