/* Tags: by them the owner of an asset, and nobody else but the service, finds the entries that concern it among the public leaves.
 * docs/protocol/ledger.md, "Tags". Pure.
 *
 * The owner's key comes of the agreement between its encryption key and the service's receive key, so both know it and nothing of it
 * travels. An asset's key comes of it and can be handed on alone: to an auditor of that asset. */
#pragma once
#include "base/secret.h"
#include "crypto/key.h"

#define TAG_LEN 32

/* mine is one of the two, theirs the other's public half; P-256 both. COFFER_E_INPUT for other keys. */
enum coffer_rc tag_owner_key(const struct privkey *mine, const struct pubkey *theirs, const uint8_t genesis[static 32], struct secret *out,
    struct err *e) NODISCARD;
/* path: "kbs:///...". */
void tag_asset_key(const struct secret *owner, struct span path, uint8_t out[static TAG_LEN]);
/* Of the i-th entry on the asset, from 0, with that key. */
void tag_of(const uint8_t asset_key[static TAG_LEN], uint64_t i, uint8_t out[static TAG_LEN]);
