/* Public keys of makers of evidence, and their signatures: what hardware, TPMs and vendors sign with.
 *
 * Parties sign with key.h. Nothing here reads a certificate: cert.h does, and is not for `keep`. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "crypto/hash.h"

struct vkey; /* opaque, immutable */

enum vkey_kind { VKEY_P256 = 1, VKEY_P384, VKEY_RSA, VKEY_SM2, VKEY_P521 };

/* EC: uncompressed point as x || y (64, 96 or 132 bytes); refused when it is not on the curve. */
enum coffer_rc vkey_ec(enum vkey_kind kind, struct span xy, struct vkey **out, struct err *e) NODISCARD;
/* RSA: big-endian modulus (2048 to 8192 bits) and exponent (odd, 3..2^32-1). */
enum coffer_rc vkey_rsa(struct span n, struct span exponent, struct vkey **out, struct err *e) NODISCARD;
/* DER SubjectPublicKeyInfo of one of those kinds, used to its last byte. */
enum coffer_rc vkey_spki(struct span der, struct vkey **out, struct err *e) NODISCARD;
void vkey_free(struct vkey *k); /* NULL is fine */
/* The same key for one more holder, who frees it too. */
struct vkey *vkey_share(const struct vkey *k);
static inline void vkey_freep(struct vkey **k) { vkey_free(*k); *k = NULL; }

enum vkey_kind vkey_kind(const struct vkey *k);
bool vkey_eq(const struct vkey *a, const struct vkey *b);
/* DER SubjectPublicKeyInfo, borrowed. */
struct span vkey_der(const struct vkey *k);

enum sig_scheme {
	SIG_ECDSA_RAW, /* r || s, each as long as the curve, big endian */
	SIG_ECDSA_DER, /* ECDSA-Sig-Value */
	SIG_RSASSA,    /* PKCS #1 v1.5 */
	SIG_RSAPSS,    /* salt as long as the digest, MGF1 with the same hash */
};
/* False for a wrong signature, a wrong length, or a scheme that is not the key's. */
bool vkey_verify(const struct vkey *k, enum sig_scheme s, enum hash_alg h, struct span msg, struct span sig) NODISCARD;
/* SM2 with SM3 (GM/T 0003.2, 0004; ISO/IEC 14888-3): r || s big endian, by the signer of that identifier (1 to 8191 bytes). False
 * for another kind of key too. */
bool vkey_verify_sm2(const struct vkey *k, struct span id, struct span msg, const uint8_t rs[static 64]) NODISCARD;
