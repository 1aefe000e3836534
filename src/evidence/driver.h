/* Inside evidence/ only: each platform's driver, and the vendors' pinned certificates. */
#pragma once
#include "evidence/evidence.h"
#include "evidence/pinned.h"

extern const struct tee_driver tee_sample, tee_snp, tee_tpm, tee_swtpm, tee_tdx, tee_sgx, tee_az_snp, tee_az_tdx, tee_cca, tee_csv, tee_nvidia;
