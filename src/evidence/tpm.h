/* A TPM's quote judged by who took it out of other evidence: as the driver "tpm" judges its own (tpm.c), without its JSON. */
#pragma once
#include "evidence/evidence.h"
#include "evidence/tpm_quote.h"

struct tpm_given { /* borrowed */
	struct span        message, signature;       /* TPMS_ATTEST, TPMT_SIGNATURE */
	const struct vkey *ak;
	const struct tpm_bank *bank;              /* values of all registers; of which bank the quote says */
};
/* Members "pcr00" ... of the registers that the quote covers, in hex, into an open object. */
void tpm_put_pcrs(const struct tpm_attest *a, const struct tpm_bank *bank, struct json_wr *j);
/* What the driver's values are: the quote's own fields and those registers. */
void tpm_put_values(const struct tpm_attest *a, const struct tpm_bank *bank, struct json_wr *j);

/* The checks, claims, values and parts of "tpm": no certificate, no event log, no credential. in->evidence is not read. Errors are
 * those of a driver's appraise. */
enum coffer_rc tpm_judge(const struct tpm_given *g, const struct ev_in *in, struct ev_out *out, struct err *e) NODISCARD;
