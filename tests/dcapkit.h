/* A maker of DCAP quotes for tests: a root, a platform CA, a PCK, a quoting enclave and signed collateral, all by keys made on
 * the spot. dcapkit_open sets what is good; change fields, then dcapkit_make. */
#pragma once
#include "tests/evkit.h"

struct dcapkit {
	uint16_t version;              /* of the quote: 3, 4, 5 */
	bool     td;
	uint16_t body_type;            /* version 5 */
	uint8_t  body[648];
	size_t   body_n;
	uint8_t  qe[384];              /* report data is filled in */
	bool     qe_unbound;           /* the quoting enclave reports another key */
	EVP_PKEY *qe_signed_by;        /* instead of the PCK; borrowed */
	uint8_t  auth[8];
	uint8_t  trailing;             /* bytes behind the quote */
	bool     no_chain;             /* the quote says that its certification data is of another kind */
	/* PCK */
	uint8_t  fmspc[6], comp[16];
	uint16_t pce_svn;
	unsigned skip, twice;          /* member of the SGX extension left out, or written twice: 1..5, 0x201..0x212; 0: none */
	int64_t  pck_until, signer_until; /* end of certificates */
	long     revoked;              /* serial on the platform CA's list */
	bool     no_lists;
	/* collateral */
	const char *tcb_fmspc, *status, *signer_cn;
	unsigned    qe_signer, qe_svn; /* byte that the identity wants MRSIGNER filled with; level */
	int64_t     issued, next;
	int64_t     now, lists_for; /* DCAPKIT_NOW: certificates and lists begin shortly before; seconds that lists are good for */

	EVP_PKEY *root, *ca, *pck, *ak, *tcb;
	struct wr quote, tcb_info, qe_identity, list[2]; /* made; the documents as their service writes them; the two lists, DER */
	size_t    certs_at;            /* where the chain starts in the quote */
	struct collateral col;
};

#define DCAPKIT_NOW INT64_C(1800000000)

void dcapkit_open(struct dcapkit *k, uint16_t version, bool td);
void dcapkit_make(struct dcapkit *k);
/* A document with its signature, as Intel's service writes it; dcapkit_make calls it for both. */
void dcapkit_sign(struct dcapkit *k, const char *name, struct span body, struct wr *out);
void dcapkit_close(struct dcapkit *k);
