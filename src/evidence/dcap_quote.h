/* Intel DCAP quotes: SGX version 3, TDX versions 4 and 5. Bytes -> struct, form only.
 * Spec: Intel "SGX ECDSA Quote Library" and "TDX DCAP Quoting Library" API references, quote formats. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define QUOTE_MAX (64u << 10)
#define SGX_REPORT_LEN 384
#define TD_REPORT10_LEN 584
#define TD_REPORT15_LEN 648

struct sgx_report { /* of an enclave; the quoting enclave's too */
	struct span cpu_svn, attributes, mr_enclave, mr_signer, config_id, isv_ext_prod_id, isv_family_id, report_data; /* borrowed */
	uint32_t    misc_select;
	uint16_t    isv_prod_id, isv_svn, config_svn;
};
enum coffer_rc sgx_report_parse(struct span in, struct sgx_report *out, struct err *e) NODISCARD;

struct td_report {
	struct span tee_tcb_svn, mr_seam, mrsigner_seam, seam_attributes, td_attributes, xfam;
	struct span mr_td, mr_config_id, mr_owner, mr_owner_config;
	struct span rtmr[4], report_data;
	struct span tee_tcb_svn2, mr_servicetd; /* version 1.5; empty otherwise */
};

struct dcap_quote {
	uint16_t    version;     /* 3, 4, 5 */
	uint16_t    key_type;    /* 2: ECDSA P-256 */
	uint32_t    tee_type;    /* 0 SGX, 0x81 TDX */
	struct span header;      /* 48 bytes */
	struct span head4, vendor_id, user_data; /* header: bytes 8..12, 12..28, 28..48 */
	uint16_t    body_type;   /* version 5: 1 SGX, 2 TD 1.0, 3 TD 1.5; 0 otherwise */
	struct span body;
	bool        is_td;
	struct sgx_report sgx;
	struct td_report  td;
	struct span signed_part; /* header and body as signed */
	struct span signature, ak; /* 64 bytes each: r || s, x || y */
	struct span qe_report, qe_report_sig, qe_auth;
	struct sgx_report qe;
	uint16_t    cert_type;   /* 5: PEM chain */
	struct span cert_data;
	struct span trailing;    /* bytes behind the signature data: not signed, not believed */
};
/* COFFER_E_INPUT. *out borrows in. */
enum coffer_rc dcap_quote_parse(struct span in, struct dcap_quote *out, struct err *e) NODISCARD;

/* A TD's quote and its CCEL log (empty: none is sent) as upstream's evidence. COFFER_E_INPUT: no quote of a TD. Whether the log replays is for who
 * judges. */
enum coffer_rc tdx_evidence_write(struct span quote, struct span ccel, struct wr *json, struct err *e) NODISCARD;
