/* COSE_Sign1 messages and COSE_Key (RFC 9052, RFC 9053): what vendors sign CBOR with. Verifying only.
 *
 * The algorithm is the one of the protected header and fits one kind of key. Detached payloads, external data, critical headers
 * (label 2) and a label in both headers are refused. Nothing here says whose key it is: chains are the caller's (cert.h). */
#pragma once
#include "crypto/vkey.h"
#include "fmt/cbor.h"

#define COSE_MAX (1u << 20)
#define COSE_X5_MAX 8

/* Borrows the message. */
struct cose_sign1 {
	struct span protected_bytes, payload, signature;
	struct cbor protected, unprotected; /* maps */
	int64_t     alg;                    /* one of those that cose_sign1_verify knows */
	struct span x5[COSE_X5_MAX];        /* x5chain (RFC 9360, label 33) of either header: DER, leaf first */
	size_t      n_x5;
	bool        x5_protected;
};

/* With or without tag 18, used to its last byte. COFFER_E_INPUT, COFFER_E_LIMIT; *out untouched on failure. */
enum coffer_rc cose_sign1_parse(struct span in, struct cose_sign1 *out, struct err *e) NODISCARD;
/* ES256 with P-256, ES384 with P-384, ES512 with P-521; PS256, PS384, PS512 with RSA. False for a wrong signature or a key that
 * is not the algorithm's. */
bool cose_sign1_verify(const struct cose_sign1 *m, const struct vkey *k) NODISCARD;

/* kty EC2 (2) on P-256, P-384, P-521, x and y as byte strings of the curve's length. A private part is refused, and so is an
 * algorithm (label 3) that is not the curve's. */
enum coffer_rc cose_key_read(struct span in, struct vkey **out, struct err *e) NODISCARD;
