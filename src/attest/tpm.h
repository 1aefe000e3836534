/* Evidence of the machine's TPM: its own key quotes its registers over what the asker's keys are bound to. For the guest's agent and for
 * the trust service's own machine. */
#pragma once
#include "attest/attester.h"
#include "evidence/tpm_client.h"

struct attest_tpm {
	int		fd; /* -1 */
	struct tpm_link link;
	char		maker[5];
	bool		no_log; /* evidence goes without the firmware's event log, which only root can read */
	struct wr	activated; /* what the service's credential gave, for the evidence that follows */
};
/* With a TPM that is open already (os/tpm.h); takes it whatever happens. */
enum coffer_rc attest_tpm_begin(struct attest_tpm *t, int fd, struct err *e) NODISCARD;
void attest_tpm_close(struct attest_tpm *t); /* CLEANUP-ready */

/* "tpm", or "swtpm" where an emulator of a TPM made it. The attester borrows t. */
struct attester attest_tpm_attester(struct attest_tpm *t);
