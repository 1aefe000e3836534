/* The guest's TPM as the agent meets it: what was launched is said, and initdata measured. */
#pragma once
#include "attest/tpm.h"

/* Opens the device. Says the registers of what was launched (4, 9, 11) on standard output, for whoever starts machines: nobody believes
 * them there. COFFER_E_NOTFOUND: no TPM. */
enum coffer_rc attest_tpm_open(struct attest_tpm *t, struct err *e) NODISCARD;

#define ATTEST_TPM_INIT 8 /* the register that holds the initdata's digest */
/* Extends it with the digest of the initdata and sees that this was the first thing in it since the machine started; says it. COFFER_E_DENIED
 * (check "initdata"). */
enum coffer_rc attest_tpm_init(const struct attest_tpm *t, struct span initdata, struct err *e) NODISCARD;
