/* Credential of a TPM in the KBS protocol's extra-params (docs/protocol/service.md): ours, for tee tpm and swtpm. Form only. */
#pragma once
#include "proto/rcar_json.h"

struct rcar_tpm { struct wr ek_cert, ak_public, chain[KEEP_EK_CHAIN_MAX]; size_t n_chain; }; /* empty: none was asked for */
void rcar_tpm_clear(struct rcar_tpm *t); /* CLEANUP-ready */

/* extra-params of a request, whatever it is: without a member "tpm" (or with null) nothing is asked for. Closed schema below it.
 * COFFER_E_INPUT, also for another platform than tpm and swtpm. */
enum coffer_rc rcar_tpm_read(const struct json *extra_params, enum tee_kind tee, struct rcar_tpm *out, struct err *e) NODISCARD;

/* The auth request of who asks for one. */
void rcar_tpm_request_write(struct wr *w, const char *tee, const struct rcar_tpm *t);

/* Challenge with a credential: TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET. */
struct rcar_credential { struct span credential, secret; };
void rcar_tpm_challenge_write(struct wr *w, const uint8_t nonce[static 32], const struct rcar_credential *c);
#define RCAR_CREDENTIAL_MAX 512 /* bytes of either */
struct rcar_tpm_answer { struct wr credential, secret; };
void rcar_tpm_answer_clear(struct rcar_tpm_answer *a); /* CLEANUP-ready */
/* The credential in a challenge. COFFER_E_INPUT: none, or of another form. */
enum coffer_rc rcar_tpm_answer_read(struct span challenge, struct rcar_tpm_answer *out, struct err *e) NODISCARD;
