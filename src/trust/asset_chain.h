/* Whose word an asset goes by: its statements one after the other, as the ledger has them. Pure: `keep` and whoever reads a receipt come to the same.
 *
 * A statement is void where one that it names signed with keys alone that were dead by then (party_life.h), or where, without such signatures, it has not those who decided
 * before: k of the `of` of the newest before it that is not void, and where it is about the same version, which may be the others' too, k of the `of` of the newest before it.
 * Else who stole a key of one of them could so be rid of the rest.
 *
 * Not checked here: serials, and that it is its owner's. */
#pragma once
#include "trust/parties.h"
#include "trust/statement.h"

struct asset_chain {
	bool              has_last, has_stands;
	struct asset_body last, stands; /* the newest; the newest that is not void. Their policies are gone */
	uint8_t           last_id[32], stands_id[32];
};
struct asset_said { const uint8_t *id; const struct dsse *env; const struct asset_body *body; int64_t logged; };
/* *x comes next. false: it is void. */
bool asset_chain_next(struct asset_chain *c, const struct parties *p, const struct asset_said *x);
/* ... of which it is known that it stands. */
void asset_chain_stands(struct asset_chain *c, const struct asset_said *x);
/* How many of those that `was` names signed what was logged then, with what was not dead by then. */
uint64_t asset_agreed(const struct asset_body *was, const struct parties *p, const struct dsse *env, int64_t logged);
