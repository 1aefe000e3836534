/* A TPM vouches for its attestation key: a secret is locked so that only the TPM that holds both the endorsement key (EK, which a
 * vendor's certificate names) and the very key of that name (AK) gives it out: TPM2_MakeCredential in software.
 *
 * Pure: randomness and the EK come from the caller, who has seen to it that the EK is one (tpm_ek.h, fixed_ek of fixed.h: this file
 * reads no certificate, for `keep` links it). Who shows the secret has an AK that lives in the EK's TPM; that the quote at hand is by
 * that AK is for the driver to judge (struct ev_in, activation).
 * Spec: TCG "Trusted Platform Module Library", Part 1, 24 (credential protection), B.10.4 and C.6.4 (the secret "IDENTITY"). */
#pragma once
#include "evidence/tpm_quote.h"

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
