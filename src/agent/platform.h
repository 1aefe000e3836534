/* Which evidence this machine has, and that it was started with this initdata. */
#pragma once
#include "agent/attest_az.h"
#include "agent/attest_tpm.h"
#include "attest/tsm.h"

struct platform {
	struct attest_tpm tpm; /* fd -1: not by its TPM */
	struct attest_tsm tsm; /* TSM_TEE_NONE: not by its processor */
	struct attest_az  az;  /* type 0: its TPM is no paravisor's */
	struct tsm_files  files;
	const char	 *root; /* where the kernel makes reports: TSM_ROOT */
	struct span	  hardware; /* attest_az.given; borrowed */
	char		  why[ERR_MSG_MAX]; /* what it is not, and why, for the log */
};
#define PLATFORM_NONE { .tpm = { .fd = -1 }, .root = TSM_ROOT }

/* In this order: the processor's reports where the kernel makes any, a paravisor's report in the TPM, the TPM alone. Never another when the first there fails: what is there decides, and
 * a machine that hides its reports says "tpm", which an owner of data for snp does not accept. want: "auto", "snp", "tdx", "az-snp-vtpm", "az-tdx-vtpm", "tpm" (an
 * emulated one included); anything else than "auto" has to be what is found. COFFER_E_NOTFOUND: neither, or no reports where
 * those are wanted; COFFER_E_DENIED (check "platform"): not the one wanted. */
enum coffer_rc platform_open(struct platform *p, const char *want, struct err *e) NODISCARD;
void platform_close(struct platform *p); /* CLEANUP-ready */

/* Before anything of the initdata is read: attest_tsm_init or, of a paravisor's TPM too, attest_tpm_init. */
enum coffer_rc platform_init(const struct platform *p, struct span initdata, struct err *e) NODISCARD;
struct attester platform_attester(struct platform *p); /* borrows p */
