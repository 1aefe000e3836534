/* The certificates of SNP signing keys: VCEK (a chip's) and VLEK (a cloud's). Spec: AMD 57230 "VCEK Certificate and KDS
 * Interface". */
#pragma once
#include "crypto/cert.h"
#include "evidence/snp_report.h"

struct snp_vek {
	enum snp_gen   gen;       /* by the issuer's name; proven by snp_vek_chain */
	bool           vlek;
	struct snp_tcb tcb;       /* what firmware the key is derived for */
	uint8_t        hwid[64];  /* VCEK: chip id (Turin: 8 bytes, the rest zero) */
	size_t         hwid_n;    /* 0: none */
	bool           hwid_raw;  /* the extension holds the bytes themselves, not an OCTET STRING */
	char           chain[32]; /* "milan:ask", "milan:asvk", ... */
	struct cert_path path;    /* that snp_vek_chain went; borrows the certificates */
};

/* Reads the AMD extensions, and from the issuer's name what kind of key it says it is. Form only.
 * COFFER_E_INPUT where one that every VEK has is missing or malformed. */
enum coffer_rc snp_vek_read(const struct cert *c, struct snp_vek *out, struct err *e) NODISCARD;

/* That it was signed by one of AMD's keys (pinned, or certificates that lead to one): fills chain and path. COFFER_E_DENIED;
 * COFFER_E_UPSTREAM where a revocation list is wanted and missing. */
enum coffer_rc snp_vek_chain(const struct cert *c, const struct cert_list *between, const struct anchors *roots,
    const struct cert_rules *rules, struct snp_vek *vek, struct err *e) NODISCARD;
