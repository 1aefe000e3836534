/* Key files. Private keys are encrypted PKCS#8 (PBES2, scrypt N=2^15, AES-256-CBC);
 * public keys SubjectPublicKeyInfo PEM, as cosign, skopeo and openssl read them. */
#pragma once
#include "crypto/key.h"

/* An empty pass means an unencrypted PKCS#8 file; callers must have been told so. */
enum coffer_rc pem_write_private(const struct privkey *k, struct span pass, struct wr *w, struct err *e) NODISCARD;
enum coffer_rc pem_read_private(struct span pem, struct span pass, struct privkey **out, struct err *e) NODISCARD;
enum coffer_rc pem_write_public(const struct pubkey *k, struct wr *w, struct err *e) NODISCARD;
enum coffer_rc pem_read_public(struct span pem, struct pubkey *out, struct err *e) NODISCARD; /* Ed25519, P-256 only */
/* Of any kind: its DER SubjectPublicKeyInfo, appended. COFFER_E_INPUT. */
enum coffer_rc pem_public_der(struct span pem, struct wr *der, struct err *e) NODISCARD;

/* Verifies with any PEM public key that cosign accepts: ECDSA P-256/P-384 (DER
 * signature, SHA-256/SHA-384), RSA >= 2048 (PKCS#1 v1.5, SHA-256), Ed25519.
 * COFFER_E_INPUT for a bad key, COFFER_E_DENIED (check "signature") for a wrong signature. */
enum coffer_rc pem_verify(struct span pem, struct span msg, struct span sig, struct err *e) NODISCARD;

/* Signs as cosign does: P-256 gives a DER ECDSA signature over SHA-256; Ed25519 the raw 64 bytes. */
enum coffer_rc pem_style_sign(const struct privkey *k, struct span msg, struct wr *sig, struct err *e) NODISCARD;
