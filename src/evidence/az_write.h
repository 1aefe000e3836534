/* Evidence of Azure's confidential VMs as their guests send it (upstream's version 1), and the two documents that the cloud's metadata service has for it:
 * the VCEK of the machine below (AMD), the quote of a TD (Intel). Both are the host's bytes: read here for their form, judged by who appraises.
 * Source: azure-cvm-tooling, az-snp-vtpm and az-tdx-vtpm, src/imds.rs. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "evidence/tpm_client.h"

#define AZ_EVIDENCE_MAX	 (256u << 10)
#define AZ_DOCUMENT_MAX	 (128u << 10)
#define AZ_HCL_MAX	 8192
#define AZ_TDREPORT_LEN	 ((size_t)1024)
#define AZ_QUOTE_MAX	 (64u << 10)

struct az_shown {
	bool	    td;
	struct span hcl;		/* the paravisor's report, as the TPM has it */
	struct span hardware;		/* DER of the VCEK, empty: whoever judges brings it; or the TD's quote */
	struct span message, signature; /* of the TPM's quote: TPMS_ATTEST, TPMT_SIGNATURE */
	uint8_t (*pcr)[32];		/* TPM_PCRS */
};
/* COFFER_E_INPUT: the signature is not RSASSA with SHA-256, or a TD has no quote. Nothing else of it is looked at. */
enum coffer_rc az_evidence_write(const struct az_shown *s, struct wr *json, struct err *e) NODISCARD;

/* {"vcekCert": PEM, ...}: the first certificate's DER into der (opened here). What else the document has is not read: who judges has AMD's own. */
enum coffer_rc az_vcek_read(struct span body, struct wr *der, struct err *e) NODISCARD;
/* What is asked for a TD's quote, and {"quote": base64url}. *quote is opened here. */
enum coffer_rc az_quote_ask(struct span tdreport, struct wr *json, struct err *e) NODISCARD;
enum coffer_rc az_quote_read(struct span body, struct wr *quote, struct err *e) NODISCARD;

/* Back out of such evidence: the VCEK's DER or the TD's quote that it has. COFFER_E_NOTFOUND: none. *out is opened here. */
enum coffer_rc az_hardware_read(struct span evidence, struct wr *out, struct err *e) NODISCARD;
