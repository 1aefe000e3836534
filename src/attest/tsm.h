/* Evidence of the platform itself, SEV-SNP or TDX, through the kernel's configfs-tsm (os/tsm.h): the guest agent's, and that of the trust service
 * about its own machine. */
#pragma once
#include "attest/attester.h"
#include "os/tsm.h"

enum tsm_tee { TSM_TEE_NONE, TSM_TEE_SNP, TSM_TEE_TDX };
struct attest_tsm {
	enum tsm_tee	tee;
	struct tsm_link link;
	const char     *ccel; /* file of the TD's event log; NULL: evidence goes without */
	bool		any_init; /* this machine has no initdata: whatever its launcher put into the register */
};
#define ATTEST_TSM_CCEL "/sys/firmware/acpi/tables/data/CCEL"

/* By who makes reports here. COFFER_E_NOTFOUND: nobody does; COFFER_E_DENIED (check "tsm"): somebody who is not known here. */
enum coffer_rc attest_tsm_open(struct attest_tsm *t, const struct tsm_link *link, struct err *e) NODISCARD;

/* That the platform's own report, asked for now, holds the initdata's digest where its launcher had to put it: HOST_DATA, or MRCONFIGID with zeros
 * behind. COFFER_E_DENIED (check "initdata"): it holds something else or nothing; (check "tsm"): the report is not over what was asked. No signature is
 * verified. Of snp the report comes from the firmware under a key that the guest has for it. Of tdx it is a quote, which the host's quoting service hands
 * over: a host could make one up, and with it pass this check, but not the service's (R2, R6), which the same initdata has to face. */
enum coffer_rc attest_tsm_init(const struct attest_tsm *t, struct span initdata, struct err *e) NODISCARD;

/* "snp" or "tdx". Each evidence is compared with the initdata as above before it leaves, unless any_init. The attester borrows t. */
struct attester attest_tsm_attester(struct attest_tsm *t);
