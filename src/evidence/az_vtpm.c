/* Azure's confidential VMs: hardware report → the paravisor's text → attestation key of the virtual TPM → quote. The hardware is
 * judged by the snp or tdx driver, the quote by the tpm driver, whose key is as good as registered when the hardware holds the
 * digest of the text that names it. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap_quote.h"
#include "evidence/driver.h"
#include "evidence/fixed.h"
#include "evidence/hcl.h"
#include "evidence/ints.h"
#include "evidence/needs.h"
#include "evidence/snp_report.h"
#include "evidence/tpm.h"
#include "fmt/enc.h"

#define JSON_MAX (256u << 10)
#define OUT_MAX (256u << 10)
#define PCRS 24

#define INIT_PCR 8

struct az {
	bool           td;
	uint64_t       version;       /* 0, 1, 2 */
	struct wr      hcl_raw, hw;   /* hw: VCEK, or the TD quote */
	struct wr      message, signature;
	uint8_t        pcr[PCRS][32];
	struct hcl     hcl;
	struct tpm_bank   bank;       /* of pcr */
	struct tpm_attest quoted;     /* the message; n_sel == 0: it is none */
	struct ev_out  hw_out, tpm_out;
};

static void az_clear(struct az *a)
{
	wr_close(&a->hcl_raw);
	wr_close(&a->hw);
	wr_close(&a->message);
	wr_close(&a->signature);
	hcl_clear(&a->hcl);
	ev_out_clear(&a->hw_out);
	ev_out_clear(&a->tpm_out);
}

/* ---- reading ---- */

/* With padding or without: attesters of both kinds exist. */
static bool b64url_padded(struct span s, struct wr *w)
{
	if (s.n % 4 == 0 && s.n > 0 && s.p[s.n - 1] == '=')
		s.n -= s.p[s.n - 2] == '=' ? 2 : 1;
	return b64url_read(s, w);
}

static enum coffer_rc bytes_m(
    const struct json *o, const char *name, bool (*read)(struct span s, struct wr *w), size_t max, struct wr *out, struct err *e)
{
	*out = wr_open(max);
	if (!read(json_str(json_get(o, name)), out) || !wr_ok(out) || out->n == 0)
		return err_set(
		    e, COFFER_E_INPUT, "az evidence: member \"%s\" is missing or not encoded bytes of at most %zu", name, max);
	return COFFER_OK;
}

static enum coffer_rc ints_m(const struct json *o, const char *name, size_t max, struct wr *out, struct err *e)
{
	*out = wr_open(max);
	if (!ints_read(json_get(o, name), out) || out->n == 0)
		return err_set(e, COFFER_E_INPUT, "az evidence: member \"%s\" is no list of at most %zu bytes", name, max);
	return COFFER_OK;
}

/* Version 0 writes bytes as lists of numbers, later ones in hex. */
static enum coffer_rc read_quote(const struct json *q, struct az *a, struct err *e)
{
	static const char *const names[] = { "signature", "message", "pcrs", NULL };
	const struct json *pcrs = json_get(q, "pcrs");
	bool old = a->version == 0;

	TRY(json_closed(q, names, "quote", e));
	TRY(old ? ints_m(q, "message", 2048, &a->message, e) : bytes_m(q, "message", hex_read, 2048, &a->message, e));
	TRY(old ? ints_m(q, "signature", 1024, &a->signature, e) : bytes_m(q, "signature", hex_read, 1024, &a->signature, e));
	if (json_type(pcrs) != JSON_ARRAY || json_len(pcrs) != PCRS)
		return err_set(e, COFFER_E_INPUT, "az evidence: pcrs are not a list of %d", PCRS);
	for (size_t i = 0; i < PCRS; i++)
		if (!(old ? ints_fixed(json_at(pcrs, i), a->pcr[i], 32) : hex_fixed(json_str(json_at(pcrs, i)), a->pcr[i], 32)))
			return err_set(e, COFFER_E_INPUT, "az evidence: PCR %zu is no SHA-256 digest", i);
	return COFFER_OK;
}

static enum coffer_rc read_old(const struct json *root, struct az *a, struct err *e)
{
	static const char *const names[] = { "report", "quote", "vcek", "td_quote", NULL };
	const char *hw = a->td ? "td_quote" : "vcek";
	struct span pem;

	TRY(json_closed(root, names, "az evidence", e));
	TRY(ints_m(root, "report", 8192, &a->hcl_raw, e));
	TRY(read_quote(json_get(root, "quote"), a, e));
	if (a->td)
		return ints_m(root, hw, 64u << 10, &a->hw, e);
	TRY(json_need_str(root, hw, "az evidence", &pem, e));
	a->hw = wr_open(64u << 10);
	wr_put(&a->hw, pem);
	return wr_done(&a->hw, "certificate", e);
}

static enum coffer_rc read_evidence(struct span in, struct az *a, struct err *e)
{
	static const char *const names[] = { "version", "tpm_quote", "hcl_report", "vcek", "td_quote", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *root;

	TRY(json_parse(in, JSON_MAX, &doc, e));
	root = json_root(doc);
	if (!json_get(root, "version")) {
		TRY(read_old(root, a, e));
		return hcl_parse(wr_span(&a->hcl_raw), &a->hcl, e);
	}
	TRY(json_closed(root, names, "az evidence", e));
	if (!json_u64(json_get(root, "version"), &a->version) || a->version < 1 || a->version > 2)
		return err_set(e, COFFER_E_INPUT, "az evidence: a version that is not known");
	TRY(bytes_m(root, "hcl_report", b64url_padded, 8192, &a->hcl_raw, e));
	TRY(read_quote(json_get(root, "tpm_quote"), a, e));
	if (a->td || json_get(root, "vcek")) /* a VCEK may be brought by who judges */
		TRY(bytes_m(root, a->td ? "td_quote" : "vcek", b64url_padded, 64u << 10, &a->hw, e));
	return hcl_parse(wr_span(&a->hcl_raw), &a->hcl, e);
}

/* ---- parts judged by their drivers ---- */

static void take_checks(struct ev_out *to, const struct ev_out *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (strcmp(from->check[i].id, "ak") != 0) /* the hardware vouches, or nobody */
			(void)ev_need(to, from->check[i].id, from->check[i].holds, from->check[i].otherwise,
			    from->check[i].expected, from->check[i].found);
}

/* RSASSA with SHA-256 is what this virtual TPM signs with. */
static enum coffer_rc judge_quote(struct az *a, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	CLEANUP(wr_close) struct wr sig = wr_open(2048);
	struct collateral col = { .other = { vkey_der(a->hcl.ak) }, .n_other = 1 };
	struct ev_in part = { .col = &col, .now = in->now, .report_data = in->report_data, .init_data = in->init_data,
		.no_values = true };
	struct tpm_given g = { .message = wr_span(&a->message), .ak = a->hcl.ak, .bank = &a->bank };

	wr_be16(&sig, 0x0014);
	wr_be16(&sig, TPM_ALG_SHA256);
	wr_be16(&sig, (uint16_t)a->signature.n);
	wr_put(&sig, wr_span(&a->signature));
	TRY(wr_done(&sig, "signature", e));
	g.signature = wr_span(&sig);
	for (size_t i = 0; i < PCRS; i++)
		a->bank.value[i] = SPAN(a->pcr[i]);
	TRY(tpm_judge(&g, &part, &a->tpm_out, e));
	take_checks(o, &a->tpm_out);
	/* A quote that could not be read left no claims. */
	return a->tpm_out.claims.n > 0 ? tpm_attest_parse(wr_span(&a->message), &a->quoted, e) : COFFER_OK;
}

static enum coffer_rc own_certs(const struct az *a, struct cert_list *out, struct err *e)
{
	return a->hw.n > 0 ? certs_read(wr_span(&a->hw), out, e) : COFFER_OK;
}

static enum coffer_rc judge_snp(struct az *a, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	CLEANUP(certs_clear) struct cert_list mine = { 0 };
	struct collateral col = in->col ? *in->col : (struct collateral){ 0 };
	struct ev_in part = { .evidence = a->hcl.hw_report, .col = &col, .now = in->now, .no_values = true };
	struct err bad = { 0 };
	struct snp_report r;

	if (a->hcl.type != HCL_SNP || snp_report_parse(a->hcl.hw_report, &r, &bad) != COFFER_OK ||
	    own_certs(a, &mine, &bad) != COFFER_OK) {
		(void)ev_need(o, "form", false, VERDICT_MALFORMED, "an SNP report and its VCEK",
		    bad.msg[0] ? bad.msg : "another kind of report");
		return COFFER_OK;
	}
	if (in->col)
		(void)!certs_share(&in->col->certs, &mine, &bad); /* the evidence's own come first; what is cut off may be missed, never
								     wrongly trusted */
	col.certs = mine;
	TRY(tee_snp.appraise(&part, &a->hw_out, e));
	take_checks(o, &a->hw_out);
	(void)ev_need(o, "hw_report_data_binds_var_data", hcl_bound(&a->hcl, SPAN(r.report_data)), VERDICT_INVALID,
	    "SHA-256 of the paravisor's text", hcl_bound(&a->hcl, SPAN(r.report_data)) ? "equal" : "another digest");
	return COFFER_OK;
}

static enum coffer_rc judge_tdx(struct az *a, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	struct ev_in part = { .evidence = wr_span(&a->hw), .col = in->col, .now = in->now, .no_values = true };
	struct dcap_quote q;
	struct err bad = { 0 };

	if (a->hcl.type != HCL_TDX || dcap_quote_parse(wr_span(&a->hw), &q, &bad) != COFFER_OK || !q.is_td) {
		(void)ev_need(o, "form", false, VERDICT_MALFORMED, "a TDX report and its quote",
		    bad.msg[0] ? bad.msg : "another kind of report");
		return COFFER_OK;
	}
	TRY(tee_tdx.appraise(&part, &a->hw_out, e));
	take_checks(o, &a->hw_out);
	(void)ev_need(o, "hw_report_data_binds_var_data", hcl_bound(&a->hcl, q.td.report_data), VERDICT_INVALID,
	    "SHA-256 of the paravisor's text", hcl_bound(&a->hcl, q.td.report_data) ? "equal" : "another digest");
	return COFFER_OK;
}

/* From version 2 on the text holds the report data too. */
static void judge_user_data(const struct az *a, const struct ev_in *in, struct ev_out *o)
{
	struct span want = in->report_data;
	bool ok = a->hcl.has_user_data && want.n <= 64 && span_eq(want, (struct span){ a->hcl.user_data, want.n });

	for (size_t i = want.n; ok && i < 64; i++)
		ok = a->hcl.user_data[i] == 0;
	if (a->version >= 2 && want.p)
		(void)ev_need(o, "user_data", ok, VERDICT_INVALID, "the report data, zeros behind", ok ? "equal" : "other bytes");
}

/* ---- claims ---- */

static bool own_name(struct span name)
{
	return span_eq_str(name, "report_data") || span_eq_str(name, "init_data") || span_eq_str(name, "chip_id");
}

/* As upstream's az-snp-vtpm writes them: everything is text, bytes in base64. */
static void as_text(struct json_wr *j, const struct json *v)
{
	CLEANUP(wr_close) struct wr raw = wr_open(4096), b64 = wr_open(8192);
	bool b;

	if (json_bool(v, &b)) {
		jw_text(j, b ? "true" : "false");
	} else if (json_type(v) == JSON_NUMBER) {
		jw_str(j, json_num(v));
	} else if (hex_read(json_str(v), &raw)) {
		b64_write(&b64, wr_span(&raw));
		jw_str(j, wr_span(&b64));
	} else {
		jw_value(j, v);
	}
}

static void put_hw(const struct az *a, const struct json *hw, struct json_wr *j)
{
	for (size_t i = 0; i < json_len(hw); i++) {
		if (own_name(json_name(hw, i)))
			continue;
		jw_namen(j, json_name(hw, i));
		if (a->td)
			jw_value(j, json_at(hw, i));
		else
			as_text(j, json_at(hw, i));
	}
}

static bool quoted(const struct az *a, size_t pcr)
{
	return a->quoted.sel[0].pcrs >> pcr & 1;
}

static enum coffer_rc write_claims(struct az *a, struct wr *w, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *hw = NULL;
	struct json_wr j = jw_open(w, false);

	if (a->hw_out.claims.n > 0)
		TRY(json_parse(wr_span(&a->hw_out.claims), OUT_MAX, &hw, e));
	jw_obj(&j);
	if (quoted(a, INIT_PCR))
		jw_m_hex(&j, "init_data", SPAN(a->pcr[INIT_PCR]));
	if (a->quoted.n_sel > 0)
		jw_m_hex(&j, "report_data", a->quoted.extra_data);
	put_hw(a, json_root(hw), &j);
	jw_name(&j, "tpm");
	jw_obj(&j);
	tpm_put_pcrs(&a->quoted, &a->bank, &j);
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "claims", e);
}

static void snp_values(const struct snp_report *r, struct json_wr *j)
{
	struct snp_tcb t = snp_tcb_unpack(snp_report_gen(r), r->reported_tcb);
	char policy[24];

	jw_m_hex(j, "measurement", SPAN(r->measurement));
	jw_m_hex(j, "snp_chip_id", SPAN(r->chip_id));
	jw_m_hex(j, "snp_measurement", SPAN(r->measurement));
	jw_name(j, "snp_reported_tcb");
	jw_obj(j);
	jw_m_u64(j, "bl", t.bootloader);
	jw_m_u64(j, "snp", t.snp);
	jw_m_u64(j, "tee", t.tee);
	jw_m_u64(j, "ucode", t.microcode);
	jw_obj_end(j);
	(void)snprintf(policy, sizeof(policy), "0x%llx", (unsigned long long)r->policy);
	jw_m_text(j, "snp_policy", policy);
	jw_m_u64(j, "snp_version", r->version);
	jw_m_u64(j, "snp_vmpl", r->vmpl);
}

static void put_hw_values(const struct az *a, struct json_wr *j)
{
	struct snp_report r;
	struct dcap_quote q;
	struct err ignore = { 0 };

	if (!a->td && snp_report_parse(a->hcl.hw_report, &r, &ignore) == COFFER_OK)
		snp_values(&r, j);
	if (!a->td || dcap_quote_parse(wr_span(&a->hw), &q, &ignore) != COFFER_OK)
		return;
	jw_m_hex(j, "td_attributes", q.td.td_attributes);
	jw_m_hex(j, "td_mr_td", q.td.mr_td);
	jw_m_hex(j, "xfam", q.td.xfam);
}

/* What the TPM's quote said, and the text's own words. */
static enum coffer_rc write_values(struct az *a, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	if (quoted(a, INIT_PCR))
		jw_m_hex(&j, "pcr08_init_data_claim", SPAN(a->pcr[INIT_PCR]));
	if (a->quoted.n_sel > 0)
		jw_m_hex(&j, "report_data_claim", a->quoted.extra_data);
	if (a->td && a->hw_out.facts.chip_n > 0) /* a PCK was there */
		jw_m_text(&j, "td_fmspc", a->hw_out.facts.product);
	if (a->quoted.n_sel > 0)
		tpm_put_values(&a->quoted, &a->bank, &j);
	jw_m_u64(&j, "evidence_version", a->version);
	put_hw_values(a, &j);
	jw_m_hex(&j, "var_data_sha256", SPAN(a->hcl.digest));
	jw_m_text(&j, "user_data", a->hcl.user_hex);
	jw_m_text(&j, "var_data_user_data", a->hcl.user_hex);
	jw_m_text(&j, "vm_id", a->hcl.vm_id);
	jw_obj_end(&j);
	return wr_done(w, "values", e);
}

/* Of both halves: the hardware's own, and every PCR that the quote covers. */
static enum coffer_rc put_facts(const struct az *a, struct ev_out *out, struct err *e)
{
	const struct tpm_attest *q = &a->quoted;

	if (q->n_sel == 0 || q->extra_data.n > sizeof(out->report_data))
		return COFFER_OK; /* malformed: there is a check that says so */
	out->facts = a->hw_out.facts;
	(void)snprintf(out->facts.platform, sizeof(out->facts.platform), "%s", a->td ? "az-tdx-vtpm" : "az-snp-vtpm");
	if (!fixed_pcr_facts(q->sel[0].pcrs, a->pcr[0], sizeof(a->pcr[0]), &out->facts))
		return err_set(e, COFFER_E_BUG, "az-vtpm: facts do not fit");
	if (q->extra_data.n > 0)
		memcpy(out->report_data, q->extra_data.p, q->extra_data.n);
	out->report_data_n = q->extra_data.n;
	if (quoted(a, INIT_PCR)) {
		memcpy(out->init_register, a->pcr[INIT_PCR], sizeof(a->pcr[0]));
		out->init_register_n = sizeof(a->pcr[0]);
	}
	return COFFER_OK;
}

/* What both drivers left is handed on; the paravisor's report instead of the key that it names. */
static void put_parts(struct az *a, struct ev_parts *p)
{
	struct ev_parts *hw = &a->hw_out.parts, *tpm = &a->tpm_out.parts;

	ev_part(&p->report, wr_span(&tpm->report));
	ev_part(&p->signature, wr_span(&tpm->signature));
	ev_part(&p->registers, wr_span(&tpm->registers));
	ev_part(&p->key, wr_span(&a->hcl_raw));
	if (a->td)
		ev_part(&p->quote, wr_span(&a->hw));
	p->n_path = hw->n_path;
	for (size_t i = 0; i < hw->n_path; i++)
		ev_part(&p->path[i], wr_span(&hw->path[i]));
}

static enum coffer_rc appraise(const struct ev_in *in, bool td, struct ev_out *out, struct err *e)
{
	CLEANUP(az_clear) struct az a = { .td = td };
	struct err bad = { 0 };

	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, &a, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	TRY(td ? judge_tdx(&a, in, out, e) : judge_snp(&a, in, out, e));
	TRY(judge_quote(&a, in, out, e));
	judge_user_data(&a, in, out);
	if (out->verdict == VERDICT_MALFORMED)
		return COFFER_OK;
	TRY(write_claims(&a, &out->claims, e));
	TRY(put_facts(&a, out, e));
	put_parts(&a, &out->parts);
	return in->no_values ? COFFER_OK : write_values(&a, &out->values, e);
}

static enum coffer_rc appraise_snp(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	return appraise(in, false, out, e);
}

static enum coffer_rc appraise_tdx(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	return appraise(in, true, out, e);
}

static bool reads(struct span evidence, bool td)
{
	CLEANUP(az_clear) struct az a = { .td = td };
	struct err ignore = { 0 };

	return read_evidence(evidence, &a, &ignore) == COFFER_OK && a.hcl.type == (td ? HCL_TDX : HCL_SNP);
}

static bool looks_like_snp(struct span evidence)
{
	return reads(evidence, false);
}

static bool looks_like_tdx(struct span evidence)
{
	return reads(evidence, true);
}

static enum coffer_rc needs_of_snp(struct span evidence, struct needs *out, struct err *e)
{
	CLEANUP(az_clear) struct az a = { 0 };
	CLEANUP(certs_clear) struct cert_list came = { 0 };
	struct snp_report r;

	TRY(read_evidence(evidence, &a, e));
	if (a.hcl.type != HCL_SNP)
		return err_set(e, COFFER_E_INPUT, "az evidence: the hardware's report is no SNP report");
	TRY(snp_report_parse(a.hcl.hw_report, &r, e));
	TRY(own_certs(&a, &came, e));
	needs_snp(&r, &came, out);
	return COFFER_OK;
}

static enum coffer_rc needs_of_tdx(struct span evidence, struct needs *out, struct err *e)
{
	CLEANUP(az_clear) struct az a = { .td = true };
	struct dcap_quote q;

	TRY(read_evidence(evidence, &a, e));
	TRY(dcap_quote_parse(wr_span(&a.hw), &q, e));
	if (!q.is_td)
		return err_set(e, COFFER_E_INPUT, "az evidence: the quote is not of a TD");
	return needs_dcap(&q, out, e);
}

const struct tee_driver tee_az_snp = { "az-snp-vtpm", "az-snp-vtpm", "cpu", appraise_snp, looks_like_snp, needs_of_snp };
const struct tee_driver tee_az_tdx = { "az-tdx-vtpm", "az-tdx-vtpm", "cpu", appraise_tdx, looks_like_tdx, needs_of_tdx };
