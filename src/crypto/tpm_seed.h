/* What a TPM's credential is protected with: key derivation, the mode of encryption, and how a seed is shared with the key that
 * alone can open it. SHA-256 and AES-128 throughout, as the default EK templates have them.
 *
 * Spec: TCG "Trusted Platform Module Library", Part 1: KDFa (11.4.10.2), KDFe (11.4.10.3), OAEP (B.4), ECDH (C.6). Callers are
 * whoever makes credentials (evidence/tpm_credential.h); nothing here knows what a TPM is asked. */
#pragma once
#include "crypto/key.h"
#include "crypto/vkey.h"

/* KDFa: SP 800-108 counter mode with HMAC-SHA256. Label without its NUL (which is added); n bytes, at most 8160. */
struct tpm_context { struct span u, v; };
void tpm_kdfa(struct span key, const char *label, struct tpm_context ctx, uint8_t *out, size_t n);
/* KDFe: SP 800-56A concatenation with SHA-256; z and the parties' X coordinates each as long as the curve. */
void tpm_kdfe(struct span z, const char *label, struct tpm_context ctx, uint8_t out[static 32]);

/* AES-128-CFB (feedback of a whole block), initial vector zero; a key is for one message. out holds in.n bytes. */
enum coffer_rc tpm_cfb(const uint8_t key[static 16], struct span in, uint8_t *out, struct err *e) NODISCARD;

#define TPM_RSA_SEED 256 /* bytes of the encrypted seed */
/* RSA-OAEP with SHA-256, the label with its NUL, and the caller's padding seed. COFFER_E_INPUT unless the key is RSA of 2048
 * bits. */
struct tpm_rsa_seed { const uint8_t *seed, *padding; }; /* 32 random bytes each, never used again */
enum coffer_rc tpm_seed_rsa(const struct vkey *k, const char *label, const struct tpm_rsa_seed *in,
    uint8_t out[static TPM_RSA_SEED], struct err *e) NODISCARD;
/* ECDH with a key made of the scalar (32 random bytes, never used again), then KDFe. COFFER_E_INPUT unless the key is P-256, and
 * for a scalar that is none (once in 2^32: draw another). */
struct tpm_ec_seed { struct pubkey ephemeral; uint8_t seed[32]; };
enum coffer_rc tpm_seed_ec(const struct vkey *k, const char *label, const uint8_t scalar[static 32], struct tpm_ec_seed *out,
    struct err *e) NODISCARD;
