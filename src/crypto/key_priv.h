/* Inside crypto/ only: the OpenSSL objects behind key.h, for the files that write
 * keys and certificates (pem.c, x509.c). */
#pragma once
#include <openssl/evp.h>

#include "base/own.h"
#include "crypto/key.h"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

/* Borrowed from k; NULL when the private half is elsewhere. */
EVP_PKEY *privkey_evp(const struct privkey *k);

/* Takes pkey on success only. COFFER_E_INPUT when it is neither Ed25519 nor P-256, or has no private part. */
enum coffer_rc privkey_adopt(EVP_PKEY *pkey, struct privkey **out, struct err *e) NODISCARD;

/* The caller frees; NULL when the point is not on the curve (or out of memory). */
EVP_PKEY *pubkey_evp(const struct pubkey *k) NODISCARD;

/* false when pkey is neither Ed25519 nor P-256. */
bool pubkey_from_evp(const EVP_PKEY *pkey, struct pubkey *out) NODISCARD;

/* ECDSA with SHA-256: the DER form to r||s and back. DER out must hold 72 bytes; returns its length. */
#define ECDSA_DER_MAX 72
bool   ecdsa_from_der(struct span der, uint8_t sig[static SIG_LEN]) NODISCARD;
size_t ecdsa_to_der(const uint8_t sig[static SIG_LEN], uint8_t der[static ECDSA_DER_MAX]);
