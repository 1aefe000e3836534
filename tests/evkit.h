/* Makers of evidence for tests: certificates and signatures by keys made on the spot. OpenSSL is used directly, as the makers
 * do. */
#pragma once
#include <openssl/evp.h>

#include "base/wr.h"
#include "crypto/cert.h"
#include "evidence/evidence.h"

struct evkit_ext { const char *oid; struct span value; bool critical; };

struct evkit_cert {
	const char *cn;
	EVP_PKEY   *key;          /* its public key */
	const char *issuer_cn;
	EVP_PKEY   *issuer_key;
	bool        ca;
	int         pathlen;      /* < 0: none */
	bool        no_cert_sign; /* a CA without keyCertSign */
	bool        pss;          /* issuer_key is RSA: signed as AMD does, RSASSA-PSS with a salt of 48 bytes */
	int64_t     not_before, not_after; /* 0, 0: 2020 to 2049 */
	long        serial;
	const struct evkit_ext *ext;
	size_t      n_ext;
};

EVP_PKEY *evkit_ec(const char *group);          /* "P-256", "P-384" */
EVP_PKEY *evkit_rsa(void);                      /* 2048 bits */
EVP_PKEY *evkit_rsa_ca(void);                   /* 4096 bits: slow to make */
void      evkit_cert(const struct evkit_cert *c, struct wr *der); /* appends */
void      evkit_pem(struct wr *w, const struct wr *der); /* appends one certificate */
/* ECDSA as r || s big endian, `half` bytes each. */
void      evkit_sign(EVP_PKEY *k, const char *md, struct span msg, uint8_t *rs, size_t half);
void      evkit_sign_rsa(EVP_PKEY *k, struct span msg, struct wr *sig); /* RSASSA, SHA-256 */
void      evkit_xy(EVP_PKEY *k, uint8_t *xy, size_t half);
void      evkit_spki(EVP_PKEY *k, struct wr *der);
/* A revocation list of issuer that names n serials. */
void evkit_crl(const char *issuer_cn, EVP_PKEY *issuer, const long *serial, size_t n, int64_t from, int64_t to, struct wr *der);

/* The certificates of one DER text as the roots or certificates of a collateral set. */
void      evkit_add(struct cert_list *l, const struct wr *der);

/* Event logs: the Spec ID event for these banks (TPM_ALG_), and an event whose digests are the data's own. */
void      evkit_log_head(struct wr *w, const uint16_t *alg, size_t n);
void      evkit_log_event(struct wr *w, uint32_t reg, uint32_t type, const uint16_t *alg, size_t n, struct span data);
/* What extending a register does. */
void      evkit_extend(enum hash_alg h, uint8_t *reg, struct span digest);
/* A quote's message over the selected SHA-256 PCRs; of two banks, the second is an empty SHA-1 selection.
 * pcr: 24 values of 32 bytes. */
void      evkit_tpm_message(struct wr *w, struct span nonce, uint32_t select, size_t banks, const uint8_t *pcr);
/* What every test of a driver asks: whether the check is there and fails; whether it is the only one that does. */
bool      evkit_fails(const struct ev_out *o, const char *id);
bool      evkit_only(const struct ev_out *o, enum verdict v, const char *id);
