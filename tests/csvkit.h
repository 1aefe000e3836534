/* A maker of Hygon's certificates and CSV reports for tests, by SM2 keys made on the spot. Change it, then make it again. */
#pragma once
#include "evidence/csv_report.h"
#include "tests/evkit.h"

struct csvkit {
	EVP_PKEY         *hrk, *hsk, *cek, *pek;
	uint8_t           page[4096], both[CSV_CA_LEN + CSV_CERT_LEN], pek_cert[CSV_CERT_LEN];
	uint8_t           magic, flags;
	bool              in_evidence; /* HSK and CEK */
	uint32_t          policy;      /* 0: ES and CSV3, no debugging */
	struct wr         json;
	struct anchors    roots;
	struct collateral col;
};

/* A CEK or a PEK: its key, who signed it, and of what usage. */
struct csvkit_chip { EVP_PKEY *key, *signer; const char *id, *signer_id; uint32_t usage, signer_usage; };

void csvkit_open(struct csvkit *r);
void csvkit_close(struct csvkit *r);
void csvkit_remake(struct csvkit *r);                 /* everything as it should be */
void csvkit_ca(struct csvkit *r);                     /* the HSK */
void csvkit_chip(uint8_t *p, const struct csvkit_chip *c, size_t slot); /* a certificate, signed in that slot */
void csvkit_report(struct csvkit *r, uint32_t usage); /* signed by the PEK */
void csvkit_json(struct csvkit *r);                   /* the evidence into r->json */
