/* What Intel's service would send, judged for one fixed platform; the first byte says whether it is a TD. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "evidence/dcap_tcb.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void judge(const struct dcap_collateral *c, bool td)
{
	static const uint8_t svn[16] = { 4, 1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 }, zero[64], attributes[16] = { 0x11 };
	struct pck pck = { .fmspc = { 0xb0, 0xc0, 0x6f }, .pce_svn = 11 };
	struct dcap_quote q = { .is_td = td };
	struct tcb_standing s = { 0 };
	enum tcb_status qe = TCB_NONE;
	struct err e = { 0 };

	memset(pck.comp, 5, sizeof(pck.comp));
	q.td.tee_tcb_svn = (struct span){ svn, 16 };
	q.td.mrsigner_seam = (struct span){ zero, 48 };
	q.td.seam_attributes = (struct span){ zero, 8 };
	q.qe.attributes = (struct span){ attributes, 16 };
	q.qe.mr_signer = (struct span){ zero, 32 };
	if (c->tcb_info.present && tcb_info_judge(&c->tcb_info, &pck, &q, &s, &e) == COFFER_OK && s.matched &&
	    s.status > TCB_REVOKED)
		abort();
	if (c->qe_identity.present && qe_identity_judge(&c->qe_identity, &q, &qe, &e) == COFFER_OK &&
	    tcb_converge(&s, qe) > TCB_NONE)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEANUP(dcap_collateral_clear) struct dcap_collateral c = { 0 };
	const struct pck pck = { 0 };
	const struct dcap_wanted w = { .td = n > 0 && (p[0] & 1), .pck = n > 0 && (p[0] & 2) ? &pck : NULL, .now = 1800000000 };
	struct err e = { 0 };

	if (n == 0)
		return 0;
	for (int twice = 0; twice < 2; twice++) /* the second is weighed against the first */
		if (dcap_collateral_add(&c, (struct span){ p + 1, n - 1 }, &w, &e) != COFFER_OK && e.rc == COFFER_OK)
			abort();
	judge(&c, p[0] & 1);
	return 0;
}
