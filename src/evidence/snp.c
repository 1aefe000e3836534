/* What makes an SNP report good: a key of AMD's for this chip and this firmware signed it. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/driver.h"
#include "evidence/fixed.h"
#include "evidence/ints.h"
#include "evidence/needs.h"
#include "evidence/snp_vek.h"

#define JSON_MAX (256u << 10)
#define OUT_MAX (64u << 10)

struct snp {
	uint8_t           raw[SNP_REPORT_LEN];
	struct snp_report r;
	struct cert_list  certs;   /* that came with the evidence */
	struct anchors    roots;
	const struct cert *leaf;   /* borrowed */
	bool              signed_; /* the report, by the leaf's key */
	struct snp_vek    vek;
};

static void snp_clear(struct snp *s)
{
	certs_clear(&s->certs);
	anchors_clear(&s->roots);
}

/* ---- reading ---- */

static enum coffer_rc read_certs(const struct json *list, struct snp *s, struct err *e)
{
	if (!list || json_type(list) == JSON_NULL)
		return COFFER_OK;
	if (json_type(list) != JSON_ARRAY)
		return err_set(e, COFFER_E_INPUT, "snp: cert_chain is neither null nor a list");
	for (size_t i = 0; i < json_len(list); i++) {
		CLEANUP(wr_close) struct wr der = wr_open(64u << 10);
		struct span type;

		TRY(json_need_str(json_at(list, i), "cert_type", "cert_chain", &type, e));
		if (!ints_read(json_get(json_at(list, i), "data"), &der))
			return err_set(e, COFFER_E_INPUT, "snp: cert_chain: data is no list of bytes");
		if (!span_eq_str(type, "CRL"))
			TRY(certs_read(wr_span(&der), &s->certs, e));
	}
	return COFFER_OK;
}

static enum coffer_rc read_evidence(struct span in, struct snp *s, struct err *e)
{
	static const char *const names[] = { "attestation_report", "cert_chain", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *report = NULL;

	if (in.n == SNP_REPORT_LEN) {
		memcpy(s->raw, in.p, in.n);
		return snp_report_parse(SPAN(s->raw), &s->r, e);
	}
	if (in.n == 0 || in.p[0] != '{')
		return err_set(e, COFFER_E_INPUT, "snp: neither a report of %u bytes nor JSON", SNP_REPORT_LEN);
	TRY(json_parse(in, JSON_MAX, &doc, e));
	TRY(json_closed(json_root(doc), names, "snp evidence", e));
	TRY(json_need_obj(json_root(doc), "attestation_report", "snp evidence", &report, e));
	TRY(snp_report_from_json(report, s->raw, e));
	TRY(read_certs(json_get(json_root(doc), "cert_chain"), s, e));
	return snp_report_parse(SPAN(s->raw), &s->r, e);
}

/* ---- the signing key ---- */

static bool signs(const struct cert *c, const struct snp_report *r)
{
	uint8_t sig[96];

	for (size_t i = 0; i < 48; i++) {
		sig[i] = r->r.p[47 - i];
		sig[48 + i] = r->s.p[47 - i];
	}
	for (size_t i = 48; i < SNP_SIG_HALF; i++)
		if (r->r.p[i] != 0 || r->s.p[i] != 0)
			return false;
	return cert_key(c) && vkey_kind(cert_key(c)) == VKEY_P384 &&
	       vkey_verify(cert_key(c), SIG_ECDSA_RAW, HASH_SHA384, r->signed_part, SPAN(sig));
}

static bool is_vek(const struct cert *c)
{
	struct snp_vek v;
	struct err ignore = { 0 };

	return snp_vek_read(c, &v, &ignore) == COFFER_OK;
}

/* Of all certificates that came along: the one that signed it; else the first VEK there is, so that the refusal is about that
 * one. */
static void find_leaf(struct snp *s, const struct collateral *col)
{
	const struct cert_list *lists[] = { &s->certs, col ? &col->certs : NULL };

	for (size_t l = 0; l < 2; l++) {
		for (size_t i = 0; lists[l] && i < lists[l]->n; i++) {
			const struct cert *c = lists[l]->c[i];

			if (!is_vek(c))
				continue;
			s->signed_ = signs(c, &s->r);
			if (s->signed_ || !s->leaf)
				s->leaf = c;
			if (s->signed_)
				return;
		}
	}
}

static enum coffer_rc all_certs(const struct snp *s, const struct collateral *col, struct cert_list *out, struct err *e)
{
	TRY(certs_share(&s->certs, out, e));
	return col ? certs_share(&col->certs, out, e) : COFFER_OK;
}

static void check_chain(struct snp *s, const struct ev_in *in, struct ev_out *o)
{
	CLEANUP(certs_clear) struct cert_list between = { 0 };
	struct cert_rules rules = { .now = in->now, .crls = in->col ? &in->col->crls : NULL };
	struct err e = { 0 };
	enum coffer_rc rc = all_certs(s, in->col, &between, &e);

	if (rc == COFFER_OK)
		rc = snp_vek_read(s->leaf, &s->vek, &e);
	if (rc == COFFER_OK)
		rc = snp_vek_chain(s->leaf, &between, &s->roots, &rules, &s->vek, &e);
	if (rc == COFFER_OK)
		ev_part_path(o, &s->vek.path); /* its certificates die with `between` */
	(void)ev_need(o, "vek_chain", rc == COFFER_OK,
	    rc == COFFER_E_UPSTREAM ? VERDICT_COLLATERAL : strcmp(e.check, "validity") == 0 ? VERDICT_STALE : VERDICT_INVALID,
	    "a key signed by AMD's ASK or ASVK", rc == COFFER_OK ? s->vek.chain : e.msg);
}

/* ---- checks ---- */

static void tcb_text(struct snp_tcb t, char out[static 80])
{
	(void)snprintf(
	    out, 80, "fmc %u bootloader %u tee %u snp %u microcode %u", t.fmc, t.bootloader, t.tee, t.snp, t.microcode);
}

static bool tcb_eq(struct snp_tcb a, struct snp_tcb b)
{
	return snp_tcb_covers(a, b) && snp_tcb_covers(b, a);
}

/* The chip: a VCEK is one chip's. Reports that mask the chip id say so by zeros, and then the signature alone names the chip. */
static void check_chip(const struct snp *s, struct ev_out *o)
{
	static const uint8_t zero[64];
	bool masked = span_eq(SPAN(s->r.chip_id), SPAN(zero));
	bool eq = s->vek.hwid_n > 0 &&
		  span_eq((struct span){ s->vek.hwid, s->vek.hwid_n }, (struct span){ s->r.chip_id, s->vek.hwid_n });

	for (size_t i = s->vek.hwid_n; i < sizeof(s->r.chip_id); i++)
		eq = eq && s->r.chip_id[i] == 0;
	(void)ev_need(o, "vek_hwid_equals_chip_id", eq, s->vek.vlek || masked ? VERDICT_VALID : VERDICT_INVALID,
	    "the report's chip id",
	    eq		  ? "equal"
	    : s->vek.vlek ? "none: a VLEK is no chip's"
	    : masked	  ? "masked by the host"
			  : "another chip's");
}

static void check_key(const struct snp *s, struct ev_out *o)
{
	unsigned key = s->r.key_info >> 2 & 7;
	enum snp_gen gen = snp_report_gen(&s->r);
	char cert[80], report[80];

	(void)ev_need(o, "signing_key", key == (s->vek.vlek ? 1u : 0u), VERDICT_INVALID, s->vek.vlek ? "VLEK" : "VCEK",
	    key == 0 ? "VCEK" : key == 1 ? "VLEK" : "none");
	(void)ev_need(o, "generation", !s->r.has_cpuid || gen == s->vek.gen, VERDICT_INVALID, snp_gen_name(s->vek.gen),
	    s->r.has_cpuid ? snp_gen_name(gen) : "not reported");
	tcb_text(s->vek.tcb, cert);
	tcb_text(snp_tcb_unpack(s->vek.gen, s->r.reported_tcb), report);
	(void)ev_need(
	    o, "vek_tcb", tcb_eq(s->vek.tcb, snp_tcb_unpack(s->vek.gen, s->r.reported_tcb)), VERDICT_INVALID, cert, report);
	check_chip(s, o);
}

static void check_report(const struct snp *s, struct ev_out *o)
{
	char vmpl[16];

	(void)snprintf(vmpl, sizeof(vmpl), "%u", s->r.vmpl);
	(void)ev_need(o, "signature_algorithm", s->r.sig_algo == 1, VERDICT_INVALID, "1", s->r.sig_algo == 1 ? "1" : "another");
	(void)ev_need(o, "report_signature", s->r.sig_algo == 1 && s->signed_, VERDICT_INVALID,
	    "by the key of the certificate", s->signed_ ? "valid" : "not by that key");
	(void)ev_need(o, "vmpl", s->r.vmpl == 0, VERDICT_INVALID, "0", vmpl);
}

/* ---- claims ---- */

static void tcb_m(struct json_wr *j, const char *prefix, const struct snp_tcb *t)
{
	const struct { const char *name; uint8_t v; } part[] = {
		{ "bootloader", t->bootloader }, { "microcode", t->microcode }, { "snp", t->snp }, { "tee", t->tee } };
	char name[48];

	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(name, sizeof(name), "%s_tcb_%s", prefix, part[i].name);
		jw_m_u64(j, name, part[i].v);
	}
}

/* Upstream's names; committed_tcb_* and launch_tcb_* are ours. */
static void write_claims(const struct snp *s, struct wr *w)
{
	const struct snp_report *r = &s->r;
	struct snp_tcb rep = snp_tcb_unpack(s->vek.gen, r->reported_tcb), com = snp_tcb_unpack(s->vek.gen, r->committed_tcb),
		launch = snp_tcb_unpack(s->vek.gen, r->launch_tcb);
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_hex(&j, "chip_id", SPAN(r->chip_id));
	tcb_m(&j, "committed", &com);
	jw_m_hex(&j, "init_data", SPAN(r->host_data));
	tcb_m(&j, "launch", &launch);
	jw_m_hex(&j, "measurement", SPAN(r->measurement));
	jw_m_bool(&j, "platform_smt_enabled", r->plat_info & 1);
	jw_m_bool(&j, "platform_tsme_enabled", r->plat_info >> 1 & 1);
	jw_m_u64(&j, "policy_abi_major", r->policy >> 8 & 0xff);
	jw_m_u64(&j, "policy_abi_minor", r->policy & 0xff);
	jw_m_bool(&j, "policy_debug_allowed", r->policy >> 19 & 1);
	jw_m_bool(&j, "policy_migrate_ma", r->policy >> 18 & 1);
	jw_m_bool(&j, "policy_single_socket", r->policy >> 20 & 1);
	jw_m_bool(&j, "policy_smt_allowed", r->policy >> 16 & 1);
	jw_m_hex(&j, "report_data", SPAN(r->report_data));
	tcb_m(&j, "reported", &rep);
	jw_obj_end(&j);
}

static void tcb_value(struct json_wr *j, const char *name, struct snp_tcb t)
{
	jw_name(j, name);
	jw_obj(j);
	jw_m_u64(j, "bootloader", t.bootloader);
	jw_m_u64(j, "fmc", t.fmc);
	jw_m_u64(j, "microcode", t.microcode);
	jw_m_u64(j, "snp", t.snp);
	jw_m_u64(j, "tee", t.tee);
	jw_obj_end(j);
}

static void write_values(const struct snp *s, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_text(&j, "generation", snp_gen_name(s->vek.gen));
	jw_m_hex(&j, "hwid", (struct span){ s->vek.hwid, s->vek.hwid_n });
	jw_m_text(&j, "hwid_encoding", s->vek.hwid_raw ? "raw" : "octet-string");
	jw_m_text(&j, "signing_key", s->vek.vlek ? "VLEK" : "VCEK");
	tcb_value(&j, "tcb_ext", s->vek.tcb);
	jw_m_u64(&j, "version", s->r.version);
	jw_m_u64(&j, "vmpl", s->r.vmpl);
	jw_obj_end(&j);
}

static enum coffer_rc judge(struct snp *s, const struct ev_in *in, struct ev_out *out, struct err *e)
{
	TRY(ev_roots("amd", in->col, &s->roots, e));
	find_leaf(s, in->col);
	s->vek.gen = snp_report_gen(&s->r);
	if (!ev_need(out, "vek", s->leaf != NULL, VERDICT_COLLATERAL, "the VCEK or VLEK certificate for this chip and firmware",
		s->leaf ? "found" : "none")) {
		write_claims(s, &out->claims);
		return COFFER_OK;
	}
	check_chain(s, in, out);
	check_report(s, out);
	check_key(s, out);
	ev_bindings(out, in, SPAN(s->r.report_data), SPAN(s->r.host_data));
	write_claims(s, &out->claims);
	if (!in->no_values)
		write_values(s, &out->values);
	ev_part(&out->parts.report, SPAN(s->raw));
	if (!fixed_snp_facts(&s->r, s->vek.gen, &out->facts))
		return err_set(e, COFFER_E_BUG, "snp: facts do not fit");
	fixed_snp_chip((struct span){ s->vek.hwid, s->vek.hwid_n }, &s->r, s->vek.gen, &out->facts);
	return ev_done(out, e);
}

static enum coffer_rc appraise(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(snp_clear) struct snp s = { 0 };
	struct err bad = { 0 };

	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, &s, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	return judge(&s, in, out, e);
}

static bool looks_like(struct span evidence)
{
	CLEANUP(snp_clear) struct snp s = { 0 };
	struct err ignore = { 0 };

	return read_evidence(evidence, &s, &ignore) == COFFER_OK;
}

static enum coffer_rc needs(struct span evidence, struct needs *out, struct err *e)
{
	CLEANUP(snp_clear) struct snp s = { 0 };

	TRY(read_evidence(evidence, &s, e));
	needs_snp(&s.r, &s.certs, out);
	return COFFER_OK;
}

const struct tee_driver tee_snp = { "snp", "snp", "cpu", appraise, looks_like, needs };
