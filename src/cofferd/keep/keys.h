/* The service's own keys, in one file that only `keep` opens.
 *
 * keep.keys, mode 0600: "COFFERK2" || receive || reply || token (P-256 scalars, 32 bytes each) || ledger
 * (Ed25519 seed, 32 bytes: what signed notes are made with) || storage key (32). The storage key seals assets at rest, so that a copy of keep.db alone tells nothing.
 */
#pragma once
#include "base/secret.h"
#include "crypto/key.h"

struct keep_keys {
	struct privkey *receive, *reply, *token, *ledger;
	struct secret   storage; /* 32 bytes */
};

/* Draws fresh keys; nothing is written. Release with keys_clear. */
enum coffer_rc keys_new(struct keep_keys *out, struct err *e) NODISCARD;
void           keys_clear(struct keep_keys *k); /* CLEANUP-ready */

/* COFFER_E_DENIED (check "keys") when the file is there already: keys are never replaced silently. */
enum coffer_rc keys_save(const struct keep_keys *k, const char *dir, struct err *e) NODISCARD;

/* COFFER_E_DENIED (check "keys") when others than the owner may read the file; COFFER_E_INPUT for any other layout. */
enum coffer_rc keys_load(const char *dir, struct keep_keys *out, struct err *e) NODISCARD;

/* {"ledger-key":JWK,"receive":JWK,"reply":JWK,"token":JWK}, JCS. */
void keys_public(const struct keep_keys *k, struct wr *w);

#define KEYS_USE_JOURNAL "coffer journal head v1"
#define KEYS_USE_MAP "coffer ledger map v1"
/* 32 bytes derived from the storage key for one named use. */
void keys_derive(const struct keep_keys *k, const char *use, uint8_t out[static 32]);
/* The key that assets lie under (assets.h). COFFER_E_SYSTEM. */
enum coffer_rc keys_rest(const struct keep_keys *k, struct secret *out, struct err *e) NODISCARD;
