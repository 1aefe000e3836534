/* A maker of TPM quotes for tests: an attestation key, its certificate, a quote and upstream's evidence of it, by keys made on the
 * spot. */
#pragma once
#include "evidence/tpm_quote.h"
#include "tests/evkit.h"

#define TPMKIT_NOW INT64_C(1800000000)

struct tpmkit {
	EVP_PKEY         *ak, *signer, *ca;
	struct wr         msg, sig, ak_cert, log, json;
	uint8_t           pcr[TPM_PCRS][32], given[TPM_PCRS][32]; /* quoted; said in the evidence */
	uint32_t          select;
	size_t            banks;       /* selections in the quote */
	struct span       nonce;
	bool              with_cert, with_log;
	struct ev_activation want;     /* of the appraiser */
	struct wr         shown;       /* in the evidence when not empty */
	struct collateral col;
	struct ev_out     out;
};

void tpmkit_open(struct tpmkit *r, bool ec); /* an AK of P-256, else of RSA; nothing made yet */
void tpmkit_message(struct tpmkit *r);
void tpmkit_sign(struct tpmkit *r);
void tpmkit_json(struct tpmkit *r);
void tpmkit_make(struct tpmkit *r);          /* the three one after another */
/* A certificate of the key by the CA, which becomes a root. */
void tpmkit_certify(struct tpmkit *r, EVP_PKEY *subject, int64_t until);
void tpmkit_close(struct tpmkit *r);
