/* The dozen commands that a guest gives to its TPM 2.0, and their answers: bytes of the host's making, read as such.
 *
 * Sessions are passwords (empty ones) but for activating a credential, whose endorsement key asks for a policy. Nothing is
 * encrypted on the way: who listens between guest and TPM holds the machine, and is answered by the platform or not at all
 * (docs/evidence.md, tpm and swtpm).
 * Spec: TCG "Trusted Platform Module Library" 1.59, Part 3; EK templates L-1: "EK Credential Profile for TPM Family 2.0", B.3.3. */
#pragma once
#include "evidence/tpm_quote.h"
#include "base/wr.h"

#define TPM_RESPONSE_MAX 4096
#define TPM_NONCE_MAX	 48 /* bytes that a TPM takes whose largest digest is SHA-384's, as Azure's and swtpm's is */
#define TPM_EK_CERT_RSA	 0x01c00002u /* NV index of the certificate of the EK of template L-1 */

/* One command to the TPM, its answer back: at most TPM_RESPONSE_MAX bytes into a writer that is opened anew; none where it did not come in time. */
struct tpm_link {
	enum coffer_rc (*transact)(void *arg, struct span command, struct wr *response, struct err *e);
	void *arg;
};

/* All: COFFER_E_INPUT for an answer that is none; COFFER_E_DENIED (check "tpm") for an error of the TPM's, with its number; COFFER_E_UPSTREAM where no answer came
 * in time, though what only reads is asked again. */

/* Extends a register of the SHA-256 bank. COFFER_E_UPSTREAM: the register says whether it was done. */
enum coffer_rc tpm_extend(const struct tpm_link *l, uint32_t pcr, const uint8_t digest[static 32], struct err *e) NODISCARD;
/* All registers of the SHA-256 bank. COFFER_E_DENIED too where the TPM leaves some out (no such bank). */
enum coffer_rc tpm_read_pcrs(const struct tpm_link *l, uint8_t out[static TPM_PCRS][32], struct err *e) NODISCARD;
/* Four letters that the maker has: "IBM " for swtpm. */
enum coffer_rc tpm_maker(const struct tpm_link *l, char out[static 5], struct err *e) NODISCARD;
/* A whole NV index with the index' own, empty password; at most `max` bytes. */
enum coffer_rc tpm_nv_read(const struct tpm_link *l, uint32_t index, size_t max, struct wr *out, struct err *e) NODISCARD;
/* The same with the owner's empty password. */
enum coffer_rc tpm_nv_read_owner(const struct tpm_link *l, uint32_t index, size_t max, struct wr *out, struct err *e) NODISCARD;
/* Whether the TPM has an NV index, or a key that stays, of this number. */
enum coffer_rc tpm_has(const struct tpm_link *l, uint32_t handle, bool *out, struct err *e) NODISCARD;

struct tpm_key {
	uint32_t handle;
	uint8_t	 pub[512]; /* TPMT_PUBLIC */
	size_t	 pub_n;
};
enum tpm_template { TPM_MAKE_AK, TPM_MAKE_EK }; /* P-256, ECDSA with SHA-256, restricted; RSA 2048 of template L-1 */
/* In the endorsement hierarchy, where quotes name the firmware as it is. Flush it when done. */
enum coffer_rc tpm_make_key(const struct tpm_link *l, enum tpm_template t, struct tpm_key *out, struct err *e) NODISCARD;
enum coffer_rc tpm_flush(const struct tpm_link *l, uint32_t handle, struct err *e) NODISCARD;

struct tpm_quoted { struct wr message, signature; }; /* TPMS_ATTEST, TPMT_SIGNATURE */
void tpm_quoted_clear(struct tpm_quoted *q); /* CLEANUP-ready */
/* Over all 24 registers of the SHA-256 bank; nonce: at most TPM_NONCE_MAX bytes. The signature is not verified here. */
enum coffer_rc tpm_quote(const struct tpm_link *l, uint32_t ak, struct span nonce, struct tpm_quoted *out, struct err *e) NODISCARD;

/* Opens a credential (TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET) that was made for this AK and EK: out gets at most 32 bytes.
 * COFFER_E_DENIED: it was made for others. */
struct tpm_credential_of { uint32_t ak, ek; struct span credential, secret; };
enum coffer_rc tpm_activate(const struct tpm_link *l, const struct tpm_credential_of *c, struct wr *out, struct err *e) NODISCARD;
