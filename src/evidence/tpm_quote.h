/* TPM 2.0 structures that a quote comes in: bytes -> struct. No crypto but what is named.
 * Spec: TCG "Trusted Platform Module Library", Part 2: TPMS_ATTEST (10.12.12), TPMT_SIGNATURE (11.3.4), TPMT_PUBLIC (12.2.4). */
#pragma once
#include "crypto/vkey.h"

#define TPM_ALG_SHA1 0x0004
#define TPM_ALG_SHA256 0x000b
#define TPM_ALG_SHA384 0x000c
#define TPM_ALG_SHA512 0x000d
#define TPM_PCRS 24
#define TPM_SELECTIONS_MAX 4

/* False for an algorithm that is none of those four. */
bool tpm_hash(uint16_t alg, enum hash_alg *out) NODISCARD;

struct tpm_attest { /* a quote */
	struct span qualified_signer, extra_data, pcr_digest; /* borrowed */
	uint64_t    clock, firmware;
	uint32_t    reset_count, restart_count;
	bool        safe;
	struct { uint16_t alg; uint32_t pcrs; } sel[TPM_SELECTIONS_MAX]; /* bit i: PCR i */
	size_t      n_sel;
};
/* Demands magic, type quote, the last byte, PCRs below 24, at least one selection. COFFER_E_INPUT. */
enum coffer_rc tpm_attest_parse(struct span in, struct tpm_attest *out, struct err *e) NODISCARD;

struct tpm_sig { bool rsa; enum hash_alg hash; struct span a, b; }; /* RSASSA: a; ECDSA: a = r, b = s */
enum coffer_rc tpm_sig_parse(struct span in, struct tpm_sig *out, struct err *e) NODISCARD;
/* False for a signature of another kind of key too. */
bool tpm_sig_verify(const struct vkey *k, const struct tpm_sig *s, struct span msg) NODISCARD;

struct tpm_public {
	struct vkey *key;        /* owned */
	uint32_t     attributes; /* TPMA_OBJECT */
	uint8_t      name[2 + HASH_MAX];
	size_t       name_n;     /* algorithm and digest of the public area */
};
#define TPM_RESTRICTED (1u << 16)
#define TPM_SIGN (1u << 18)
#define TPM_DECRYPT (1u << 17)
#define TPM_FIXED_TPM (1u << 1)
#define TPM_FIXED_PARENT (1u << 4)
#define TPM_ORIGIN (1u << 5) /* sensitiveDataOrigin: the TPM itself made the private part */
/* TPMT_PUBLIC of an RSA or P-256/P-384 key, used to its last byte. tpm_public_clear when done. */
enum coffer_rc tpm_public_parse(struct span in, struct tpm_public *out, struct err *e) NODISCARD;
void tpm_public_clear(struct tpm_public *p);

/* The digest that a quote over exactly these selections must hold; pcr[bank in the order of sel][index]. value.n must be the
 * bank's digest length for every selected PCR (false otherwise). */
struct tpm_bank { uint16_t alg; struct span value[TPM_PCRS]; };
bool tpm_pcr_digest(const struct tpm_attest *a, const struct tpm_bank *bank, size_t n_banks, enum hash_alg h,
    uint8_t out[static HASH_MAX]) NODISCARD;

/* PCR 8 of a bank after the guest extended it once with the init-data's digest (tpm.c). False: no bank that is known, or a digest
 * of another length than the bank's. */
bool tpm_init_pcr(uint16_t alg, struct span digest, uint8_t out[static HASH_MAX], size_t *n) NODISCARD;
