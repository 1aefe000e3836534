/* Keys: Ed25519 and P-256 for signing, P-256 for receiving sealed messages.
 *
 * Public keys are plain data (struct pubkey) so that statements can carry and
 * compare them. Private keys stay inside OpenSSL objects behind struct privkey and
 * are wiped by it; they leave only as PKCS#8, encrypted, or as a raw scalar into a
 * struct secret for `keep`'s own sealed file. A key whose private half is elsewhere (in a
 * token, on another machine) is a struct privkey too: it signs, and does nothing else.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/wr.h"

enum key_kind { KEY_ED25519 = 1, KEY_P256 = 2 };

struct pubkey {
	enum key_kind kind;
	uint8_t       x[32]; /* Ed25519: the public key; P-256: big-endian X */
	uint8_t       y[32]; /* P-256: big-endian Y; Ed25519: zero */
};

struct privkey; /* opaque */

bool pubkey_eq(const struct pubkey *a, const struct pubkey *b); /* public data */

/* RFC 7638 JWK thumbprint, SHA-256. */
void pubkey_thumbprint(const struct pubkey *k, uint8_t out[static 32]);

enum coffer_rc privkey_new(enum key_kind kind, struct privkey **out, struct err *e) NODISCARD;
void           privkey_free(struct privkey *k);
static inline void privkey_freep(struct privkey **k) { privkey_free(*k); *k = NULL; }
const struct pubkey *privkey_public(const struct privkey *k);

/* How a key signs whose private half is elsewhere. sign gives what key_sign gives, and need not check it: each signature is
 * verified under pub before anybody gets it (COFFER_E_DENIED, check "key", when it is another key's). */
struct key_elsewhere {
	enum coffer_rc (*sign)(void *arg, const struct pubkey *pub, struct span msg, uint8_t sig[static 64], struct err *e);
	void (*end)(void *arg); /* NULL: nothing to end */
};
/* Takes arg on success only. Such a key has no raw form, no file and no key agreement: COFFER_E_INPUT there. */
enum coffer_rc privkey_elsewhere(const struct pubkey *pub, const struct key_elsewhere *how, void *arg, struct privkey **out,
    struct err *e) NODISCARD;

/* 32 raw bytes (Ed25519 seed or P-256 scalar, big endian). */
enum coffer_rc privkey_from_raw(enum key_kind kind, struct span raw, struct privkey **out, struct err *e) NODISCARD;
enum coffer_rc privkey_to_raw(const struct privkey *k, struct secret *out, struct err *e) NODISCARD;

/* Signatures: 64 bytes; P-256 as r||s (JOSE form) with SHA-256, Ed25519 as RFC 8032. */
#define SIG_LEN 64
enum coffer_rc key_sign(const struct privkey *k, struct span msg, uint8_t sig[static SIG_LEN], struct err *e) NODISCARD;
/* The same over a SHA-256 that another library has made. COFFER_E_INPUT unless the key is P-256. */
enum coffer_rc key_sign_digest(const struct privkey *k, const uint8_t digest[static 32], uint8_t sig[static SIG_LEN],
    struct err *e) NODISCARD;
/* false for a wrong signature, a point off the curve, or any length but 64. */
bool           key_verify(const struct pubkey *k, struct span msg, struct span sig) NODISCARD;
/* The same for who asks again and again: *seen holds, by its digest, the last signature that was good, with its key and its message, and only
 * what is that to the byte is good without being verified. Begins as { 0 }. */
struct key_seen { bool any; uint8_t digest[32]; };
bool           key_verify_seen(const struct pubkey *k, struct span msg, struct span sig, struct key_seen *seen) NODISCARD;

/* P-256 ECDH: X coordinate of the shared point. COFFER_E_INPUT for a point off the curve. */
enum coffer_rc key_ecdh(const struct privkey *k, const struct pubkey *peer, uint8_t z[static 32], struct err *e) NODISCARD;
