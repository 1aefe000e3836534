/* A TPM vouches for its attestation key: a secret is locked so that only the TPM that holds both the endorsement key (EK, which a
 * vendor's certificate names) and the very key of that name (AK) gives it out: TPM2_MakeCredential in software.
 *
 * Pure: randomness, time and certificates come from the caller. Who shows the secret has an AK that lives in the EK's TPM; that
 * the quote at hand is by that AK is for the driver to judge (struct ev_in, activation).
 * Spec: TCG "Trusted Platform Module Library", Part 1, 24 (credential protection), B.10.4 and C.6.4 (the secret "IDENTITY"). */
#pragma once
#include "evidence/evidence.h"
#include "evidence/tpm_quote.h"

/* An EK of the TCG's default templates: RSA of 2048 bits or P-256, SHA-256, AES-128-CFB. */
#define TPM_EK_PURPOSE "2.23.133.8.1" /* tcg-kp-EKCertificate */

/* The key of an EK certificate (DER) that leads to the collateral's roots or a pinned one: no CA, for endorsement, and for
 * encryption or agreement where it says so. Revoked only by lists at hand: most vendors keep none. COFFER_E_INPUT for bytes;
 * COFFER_E_DENIED with check "chain", "validity", "revoked" or "ek". */
enum coffer_rc tpm_ek_check(struct span der, const struct collateral *col, int64_t now, struct vkey **ek, struct err *e) NODISCARD;

/* That a public area is an attestation key's: made inside the TPM, bound to it and its parent, restricted, for signing alone,
 * and named with SHA-256. COFFER_E_DENIED with check "ak". */
enum coffer_rc tpm_ak_check(const struct tpm_public *ak, struct err *e) NODISCARD;

#define TPM_CREDENTIAL_SECRET 32 /* bytes at most: the digest of the EK's name algorithm */
struct tpm_credential_in {
	const struct vkey *ek;
	struct span        ak_name;    /* of tpm_public: algorithm and digest */
	struct span        secret;     /* 1 to 32 bytes */
	const uint8_t     *random;     /* 64 bytes, of this credential alone */
};
struct tpm_credential {
	uint8_t blob[2 + 2 + 32 + 2 + TPM_CREDENTIAL_SECRET]; /* TPM2B_ID_OBJECT */
	size_t  blob_n;
	uint8_t seed[2 + 256];                                /* TPM2B_ENCRYPTED_SECRET */
	size_t  seed_n;
};
/* COFFER_E_INPUT for an EK of another template, a name that is not SHA-256's, no secret or too much of it; and once in 2^32 for
 * random bytes that make no P-256 key. */
enum coffer_rc tpm_credential_make(const struct tpm_credential_in *in, struct tpm_credential *out, struct err *e) NODISCARD;
