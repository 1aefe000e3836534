/* Inside evidence/ only: each platform's driver, and the vendors' pinned certificates. */
#pragma once
#include "evidence/evidence.h"

extern const struct tee_driver tee_sample, tee_snp, tee_tpm, tee_swtpm, tee_tdx, tee_sgx, tee_az_snp, tee_az_tdx, tee_nvidia;

/* A pinned key: who it is, and what it is. n: hex of the RSA modulus (exponent 65537) or of an EC point x || y. */
struct pinned { const char *cn; enum vkey_kind kind; const char *n; const char *spki_sha256; };
extern const struct pinned roots_amd[], roots_intel[], roots_google[], roots_nvidia[], roots_nvidia_rim[]; /* ends with a NULL cn */
