/* A maker of CCA tokens for tests, by keys made on the spot. */
#pragma once
#include "evidence/cca_token.h"
#include "tests/cosekit.h"
#include "tests/evkit.h"

/* Claims as encoded values, so that a test may write what it likes. */
#define CCAKIT_CLAIMS 16
struct ccakit_claims { struct { int64_t key; struct wr value; } c[CCAKIT_CLAIMS]; size_t n; };
void       ccakit_drop(struct ccakit_claims *c, int64_t key);
struct wr *ccakit_set(struct ccakit_claims *c, int64_t key); /* an empty place to write the encoded value to */
void       ccakit_write(const struct ccakit_claims *c, struct wr *out); /* the map */

struct ccakit {
	EVP_PKEY            *cpak, *rak;
	bool                 second;      /* the second profile, under tag 907; else the first, under 399 */
	struct ccakit_claims platform, realm;
	struct wr            store;       /* the trust anchor store, col's only JSON */
	struct collateral    col;
};

void ccakit_open(struct ccakit *k, bool second);
void ccakit_bind(struct ccakit *k);                    /* the platform's challenge, after the realm's key was changed */
void ccakit_anchor(struct ccakit *k, EVP_PKEY *key);   /* the store again, with this key (P-384) */
void ccakit_token(const struct ccakit *k, struct wr *out); /* signs both and appends the collection */
void ccakit_close(struct ccakit *k);
