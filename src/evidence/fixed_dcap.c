/* TDX and SGX read again: quote, attestation key, quoting enclave, PCK, Intel's root. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap_quote.h"
#include "evidence/fixed_int.h"

static const uint8_t oid_sgx[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 }; /* 1.2.840.113741.1.13.1 */

/* Who may sign a quoting enclave: Intel's, as its signed QE identities name it. Other roots than Intel's have their own. */
static const uint8_t qe_signer_td[32] = { 0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17, 0x47, 0x4e, 0x34, 0xa7, 0xfc, 0x43, 0xed,
	0x03, 0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba, 0xbd, 0xdf, 0x63, 0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5 };
static const uint8_t qe_signer_sgx[32] = { 0x8c, 0x4f, 0x57, 0x75, 0xd7, 0x96, 0x50, 0x3e, 0x96, 0x13, 0x7f, 0x77, 0xc6, 0x8a, 0x82,
	0x9a, 0x00, 0x56, 0xac, 0x8d, 0xed, 0x70, 0x14, 0x0b, 0x08, 0x1b, 0x09, 0x44, 0x90, 0xc5, 0x7b, 0xff };

/* The member of the SGX extension with this last number: an OCTET STRING. */
static bool member(const struct der_cert *c, uint8_t last, struct span *out)
{
	struct span ext, list, item, oid;

	if (!der_cert_ext(c, SPAN(oid_sgx), &ext) || !der_next(&ext, 0x30, &list) || ext.n != 0)
		return false;
	while (list.n > 0) {
		if (!der_next(&list, 0x30, &item) || !der_next(&item, 0x06, &oid))
			return false;
		if (oid.n == sizeof(oid_sgx) + 1 && span_eq((struct span){ oid.p, sizeof(oid_sgx) }, SPAN(oid_sgx)) && oid.p[sizeof(oid_sgx)] == last)
			return der_next(&item, 0x04, out) && item.n == 0;
	}
	return false;
}

static enum coffer_rc machine(const struct der_cert *c, struct hw_facts *f, struct err *e)
{
	struct span ppid, fmspc;

	if (!member(c, 1, &ppid) || ppid.n != 16 || !member(c, 4, &fmspc) || fmspc.n != 6)
		return err_deny(e, "R2", "the PCK certificate names no platform");
	memcpy(f->chip, ppid.p, ppid.n);
	f->chip_n = ppid.n;
	for (size_t i = 0; i < fmspc.n; i++)
		(void)snprintf(f->product + 2 * i, 3, "%02x", fmspc.p[i]);
	return COFFER_OK;
}

/* AK signed by nobody but the quoting enclave's report, which the PCK signed. */
static enum coffer_rc check_signatures(const struct dcap_quote *q, const struct fixed_leaf *leaf, struct err *e)
{
	CLEANUP(vkey_freep) struct vkey *ak = NULL;
	const struct span qe_signer = q->is_td ? SPAN(qe_signer_td) : SPAN(qe_signer_sgx);
	uint8_t bound[64] = { 0 };
	struct hash_stream *h;

	TRY(vkey_ec(VKEY_P256, q->ak, &ak, e));
	if (!vkey_verify(ak, SIG_ECDSA_RAW, HASH_SHA256, q->signed_part, q->signature))
		return err_deny(e, "R2", "the quote's signature is not by its attestation key");
	h = hash_open(HASH_SHA256);
	hash_add(h, q->ak);
	hash_add(h, q->qe_auth);
	hash_end(h, bound);
	if (!span_eq(q->qe.report_data, SPAN(bound)))
		return err_deny(e, "R2", "the quoting enclave vouches for another attestation key");
	if (vkey_kind(leaf->key) != VKEY_P256 || !vkey_verify(leaf->key, SIG_ECDSA_RAW, HASH_SHA256, q->qe_report, q->qe_report_sig))
		return err_deny(e, "R2", "the quoting enclave's report is not signed by the platform's PCK");
	if (q->qe.attributes.p[0] >> 1 & 1)
		return err_deny(e, "R2", "the quoting enclave can be debugged: whoever holds the host may have its key");
	if (leaf->root->pinned && !span_eq(q->qe.mr_signer, qe_signer))
		return err_deny(e, "R2", "the quote is by an enclave that is not Intel's quoting enclave");
	return COFFER_OK;
}

static bool add_svns(struct hw_facts *f, struct span svn)
{
	char name[24];

	for (size_t i = 0; i < svn.n; i++) {
		(void)snprintf(name, sizeof(name), "tcb%02zu", i);
		if (!facts_add_svn(f, name, svn.p[i], svn.p[i]))
			return false;
	}
	return true;
}

bool fixed_td_facts(const struct td_report *t, struct hw_facts *f)
{
	static const char *const rtmr[] = { "rtmr_0", "rtmr_1", "rtmr_2", "rtmr_3" };
	bool ok = facts_add_reg(f, "mr_td", t->mr_td) && facts_add_reg(f, "mr_seam", t->mr_seam);

	for (size_t i = 0; i < 4; i++)
		ok = ok && facts_add_reg(f, rtmr[i], t->rtmr[i]);
	f->debug = t->td_attributes.p[0] != 0;          /* bits 0 to 7: under debug */
	f->migratable = t->td_attributes.p[3] >> 5 & 1; /* bit 29 */
	return ok && add_svns(f, t->tee_tcb_svn);
}

static enum coffer_rc judge_td(const struct dcap_quote *q, struct fixed_out *out, struct err *e)
{
	static const uint8_t production[8];

	if (!span_eq(q->td.seam_attributes, SPAN(production)))
		return err_deny(e, "R2", "the TDX module is not one for production");
	memcpy(out->report_data, q->td.report_data.p, 64);
	out->report_data_n = 64;
	memcpy(out->init_register, q->td.mr_config_id.p, 48);
	out->init_register_n = 48;
	return fixed_full(fixed_td_facts(&q->td, &out->facts), e);
}

static enum coffer_rc judge_enclave(const struct dcap_quote *q, struct fixed_out *out, struct err *e)
{
	const struct sgx_report *r = &q->sgx;

	memcpy(out->report_data, r->report_data.p, 64);
	out->report_data_n = 64;
	memcpy(out->init_register, r->config_id.p, 64);
	out->init_register_n = 64;
	out->facts.debug = r->attributes.p[0] >> 1 & 1;
	return fixed_full(facts_add_reg(&out->facts, "mr_enclave", r->mr_enclave) && facts_add_reg(&out->facts, "mr_signer", r->mr_signer) &&
	                      facts_add_svn(&out->facts, "isv_svn", r->isv_svn, r->isv_svn) && add_svns(&out->facts, r->cpu_svn), e);
}

static enum coffer_rc dcap(const struct fixed_in *in, bool td, struct fixed_out *out, struct err *e)
{
	struct fixed_leaf leaf = { 0 };
	struct dcap_quote q;
	enum coffer_rc rc;

	TRY(dcap_quote_parse(in->report, &q, e));
	if (q.is_td != td || q.key_type != 2)
		return err_deny(e, "R2", "the quote is not of a %s", td ? "trust domain" : "enclave");
	rc = fixed_path(in, &leaf, e);
	if (rc == COFFER_OK)
		rc = check_signatures(&q, &leaf, e);
	if (rc == COFFER_OK)
		rc = machine(&leaf.cert.d, &out->facts, e);
	if (rc == COFFER_OK)
		rc = td ? judge_td(&q, out, e) : judge_enclave(&q, out, e);
	vkey_free(leaf.key);
	out->root = leaf.root;
	return rc;
}

enum coffer_rc fixed_tdx(const struct fixed_in *in, struct fixed_out *out, struct err *e)
{
	return dcap(in, true, out, e);
}

enum coffer_rc fixed_sgx(const struct fixed_in *in, struct fixed_out *out, struct err *e)
{
	return dcap(in, false, out, e);
}
