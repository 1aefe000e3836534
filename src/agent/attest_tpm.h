/* Evidence of the machine's TPM: its own key quotes its registers over what the agent's keys are bound to. */
#pragma once
#include "client/rcar.h"
#include "evidence/tpm_client.h"

struct attest_tpm {
	int		fd; /* -1 */
	struct tpm_link link;
	char		maker[5];
	struct wr	activated; /* what the service's credential gave, for the evidence that follows */
};
/* Opens the device. Says the registers of what was launched (4, 9, 11) on standard output, for whoever starts machines: nobody believes
 * them there. COFFER_E_NOTFOUND: no TPM. */
enum coffer_rc attest_tpm_open(struct attest_tpm *t, struct err *e) NODISCARD;
/* With a TPM that is open already (os/tpm.h); takes it whatever happens. */
enum coffer_rc attest_tpm_begin(struct attest_tpm *t, int fd, struct err *e) NODISCARD;
void attest_tpm_close(struct attest_tpm *t); /* CLEANUP-ready */

#define ATTEST_TPM_INIT 8 /* the register that holds the initdata's digest */
/* Extends it with the digest of the initdata and sees that this was the first thing in it since the machine started; says it. COFFER_E_DENIED
 * (check "initdata"). */
enum coffer_rc attest_tpm_init(const struct attest_tpm *t, struct span initdata, struct err *e) NODISCARD;

/* "tpm", or "swtpm" where an emulator of a TPM made it. The attester borrows t. */
struct attester attest_tpm_attester(struct attest_tpm *t);
