/* A maker of SNP reports for tests: an ASK, a VEK and a report, by keys made on the spot. */
#pragma once
#include "evidence/snp_report.h"
#include "tests/evkit.h"

#define SNPKIT_NOW INT64_C(1800000000)

/* How the certificate departs from the report's own. */
struct snpkit_vek { const char *issuer; uint8_t bootloader, snp, microcode, chip; bool no_hwid, octets, late, vlek, rsa; int64_t from, until; };
/* from, until: of both certificates, 0: as evkit's. vlek: a cloud's key, and the report says so; rsa: the ASK is as AMD's (RSA-4096, PSS), which takes long to make. */
extern const struct snpkit_vek snpkit_good;

struct snpkit {
	EVP_PKEY         *ask, *vek;
	uint8_t           report[SNP_REPORT_LEN];
	struct collateral col; /* the ASK as root, the VEK as certificate */
};

void snpkit_open(struct snpkit *k, const struct snpkit_vek *v);
void snpkit_sign(struct snpkit *k); /* again, after the report was changed */
/* Upstream's evidence JSON, report decoded and VCEK beside it. Of the 26 members beside the signature (the 27th) the one at `skip` is
 * left out (SIZE_MAX: none); `extra` is added (NULL: nothing). */
void snpkit_json(const struct snpkit *k, size_t skip, const char *extra, struct wr *w);
void snpkit_close(struct snpkit *k);
void snpkit_put32(uint8_t *p, uint32_t v);
