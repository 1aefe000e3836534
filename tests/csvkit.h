/* A maker of CSV reports for tests: Hygon's certificates and a report by SM2 keys made on the spot. */
#pragma once
#include "evidence/csv.h"
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
	struct ev_out     out;
};

/* A certificate of the chip: whose key, under which identifier, signed by whom, in which of the two places. */
struct csvkit_chip { EVP_PKEY *key, *signer; const char *id, *signer_id; uint32_t usage, signer_usage; };

void csvkit_open(struct csvkit *r);
void csvkit_remake(struct csvkit *r); /* everything good, HSK and CEK as collateral; not the JSON */
void csvkit_ca(struct csvkit *r);
void csvkit_chip(uint8_t *p, const struct csvkit_chip *c, size_t slot);
void csvkit_report(struct csvkit *r, uint32_t usage);
void csvkit_json(struct csvkit *r);
void csvkit_close(struct csvkit *r);
