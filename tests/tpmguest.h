/* A TPM in software, for tests of who vouches for its key: an endorsement key (RSA) with a certificate by a maker of its own, an
 * attestation key (P-256), what TPM2_ActivateCredential and a quote give. */
#pragma once
#include "proto/keep.h"
#include "tests/evkit.h"

struct tpmguest {
	EVP_PKEY  *maker, *ek, *ak;
	struct wr  root, ek_cert, ak_public; /* DER, DER, TPMT_PUBLIC */
	struct wr  ak_cert;                  /* by the maker */
	struct wr  top;                      /* DER: who signed the root, where it is none */
	bool       with_ak_cert;
	uint32_t   attributes;               /* of ak_public */
	uint32_t   quoted;                   /* PCRs in the selection, bit i: PCR i; 0, 4, 8 and 11 to begin with */
	uint8_t    firmware;                 /* PCR 0 is this byte 32 times */
	struct wr  credential, seed;         /* of the last challenge */
	struct wr  shown;                    /* as "activated"; empty: the member is left out */
};
void tpmguest_open(struct tpmguest *t);
void tpmguest_open_below(struct tpmguest *t); /* its root is a CA that another, "Top", signed */
void tpmguest_close(struct tpmguest *t);
void tpmguest_ak(struct tpmguest *t); /* another attestation key in the same TPM, with t->attributes */

/* The request of an honest guest; borrows t. */
struct keep_tpm tpmguest_request(const struct tpmguest *t);
/* For struct kit_hw, arg being the TPM: keeps the challenge and shows what is in it; evidence with what t->shown then is. */
void tpmguest_challenged(void *arg, const struct keep_auth_rep *rep);
void tpmguest_evidence(void *arg, struct span report_data, const uint8_t *init_register, struct wr *json);
/* False: this TPM does not open it for its AK. Appends. */
bool tpmguest_activate(const struct tpmguest *t, struct span credential, struct span seed, struct wr *out) NODISCARD;
