/* Whether a public key is written in the one form that each has: what is compared by its bytes must not come in two. Without X.509, so
 * that `keep` asks it too. Form only: whether the point is on its curve, or the modulus any good, is asked where a signature is verified. */
#pragma once
#include "base/rd.h"

#define SPKI_PEM_MAX 4096 /* bytes of the text; RSA of 8192 bits takes 1.5 KiB */

/* DER SubjectPublicKeyInfo of P-256, P-384 (named curve, uncompressed point), Ed25519 or RSA of 2048 to 8192 bits, as OpenSSL and Go
 * write it. Spec: RFC 5280 4.1.2.7, RFC 3279, RFC 5480, RFC 8410. */
bool spki_plain(struct span der) NODISCARD;

/* The PEM text of one such key and nothing else: 64 characters of base64 in each line but the last, the newline at its end optional. id:
 * SHA-256 of the DER. */
bool spki_pem_id(struct span pem, uint8_t id[static 32]) NODISCARD;
