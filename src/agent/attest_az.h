/* Evidence of one of Azure's confidential VMs: its TPM is the paravisor's, inside what the hardware protects, and keeps the paravisor's report (HCL), in
 * which the hardware vouches for the TPM's attestation key. Nothing is verified here; whoever appraises does (evidence/az_vtpm.c). */
#pragma once
#include "agent/attest_tpm.h"
#include "evidence/hcl.h"

#define ATTEST_AZ_REPORT 0x01400001u /* NV index of the report, read with the owner's empty password */
#define ATTEST_AZ_AK	 0x81000003u
#define ATTEST_AZ_HOST	 "169.254.169.254" /* the cloud's metadata service, as this machine's link has it */
#define ATTEST_AZ_PORT	 80

struct attest_az {
	int		   type; /* enum hcl_type; 0: no such machine */
	struct attest_tpm *tpm;	 /* borrowed */
	const char	  *host;
	uint16_t	   port;
	struct span	   given; /* borrowed: VCEK or TD quote that somebody else has asked for; empty: it is asked for here */
	bool		   silent; /* the last evidence left without a VCEK: nobody gave one. Whoever judges has to bring it */
};

/* Whether the machine of this TPM, which is open, is one. COFFER_E_NOTFOUND: it is not, and e says what is missing. What calls itself such a report and
 * cannot be read is COFFER_E_INPUT: a machine that spoils its own report does not become another platform by it. */
enum coffer_rc attest_az_open(struct attest_az *a, struct attest_tpm *tpm, struct err *e) NODISCARD;

/* "az-snp-vtpm" or "az-tdx-vtpm", version 1 of the evidence: report data, uncut, is the quote's nonce. Of AMD the VCEK is asked of the metadata service and left
 * out where it has none; of Intel the TD's quote is, and without it there is no evidence (COFFER_E_UPSTREAM). Neither is asked for what is
 * given: that is for a pod, whose network does not reach the metadata service. A TD's quote is then one of the same boot: what is fresh is the TPM's, by the key that the TD's
 * vouches for. The attester borrows a.
 * That initdata is this machine's is attest_tpm_init's to see: register 8 of the same TPM. */
struct attester attest_az_attester(struct attest_az *a);
