/* What makes a DCAP quote good, SGX's and TDX's alike: attestation key → quoting enclave → PCK → Intel's root, and Intel's
 * signed word on the firmware. */
#pragma once
#include "evidence/dcap_tcb.h"
#include "evidence/evidence.h"

struct dcap {
	struct dcap_quote      q;
	struct cert_list       chain;  /* that came in the quote */
	struct anchors         roots;
	struct dcap_collateral col;
	struct crl_list        crls;   /* of the collateral, files and documents alike; borrowed: not cleared */
	struct pck             pck;
	bool                   has_pck, pck_platform; /* signed by the Platform CA */
	struct tcb_standing    tcb;
	enum tcb_status        qe, converged;
	bool                   judged;  /* TCB info and QE identity were there and signed */
	int64_t                earliest_issue, latest_issue, earliest_expiry;
	bool                   expired;
};
void dcap_clear(struct dcap *d); /* CLEANUP-ready */

/* Quote parsed already. Records: attestation_key_signature, qe_report_binds_ak, pck, qe_report_signature_by_pck, pck_chain,
 * revocation_lists, pck_revoked, collateral, tcb_info_signature, qe_identity_signature, collateral_age, fmspc, platform_tcb,
 * tdx_module, qe_identity, qe_tcb, converged_status. The status itself (OutOfDate and so on) refuses nothing but Revoked: that
 * is for policies, which find it in the claims. */
enum coffer_rc dcap_judge(struct dcap *d, const struct ev_in *in, struct ev_out *o, struct err *e) NODISCARD;

/* Upstream's collateral claims, in order of their names, into an open object. */
void dcap_claims(const struct dcap *d, struct json_wr *j);
/* {"fmspc", "tcb_status", ...} for show and tests, into an open object. */
void dcap_values(const struct dcap *d, struct json_wr *j);

