/* Cases that are a part of evidence: an event log, a signing key's certificate, a quote's message, a TPM's files one by one. The
 * same library code judges them, one link of the whole. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/evidence_case.h"
#include "cli/evidence_measure.h"
#include "evidence/corim.h"
#include "evidence/dcap_quote.h"
#include "evidence/eventlog_claims.h"
#include "evidence/hcl.h"
#include "evidence/rim.h"
#include "evidence/snp_vek.h"
#include "fmt/enc.h"

#define OUT_MAX (1u << 20)

struct part { const struct case_run *r; struct case_files *files; const struct ev_in *in; };

static const struct { const char *name; uint16_t alg; } banks[] = {
	{ "sha1", TPM_ALG_SHA1 }, { "sha256", TPM_ALG_SHA256 }, { "sha384", TPM_ALG_SHA384 }, { "sha512", TPM_ALG_SHA512 } };
#define N_BANKS (sizeof(banks) / sizeof(banks[0]))

static struct span file_of(const struct part *p, const char *name)
{
	struct wr *w = case_file(p->files, span_of(name));

	return w ? wr_span(w) : (struct span){ 0 };
}

static void hex_m(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

/* ---- event logs ---- */

static enum coffer_rc canonical(const struct json *v, struct wr *w, struct err *e)
{
	json_canon(v, w);
	return wr_done(w, "event", e);
}

static enum coffer_rc same_event(const struct json *want, const struct json *got, size_t i, struct err *e)
{
	CLEANUP(wr_close) struct wr a = wr_open(OUT_MAX), b = wr_open(OUT_MAX);

	TRY(canonical(want, &a, e));
	TRY(canonical(got, &b, e));
	return span_eq(wr_span(&a), wr_span(&b)) ? COFFER_OK : err_deny(e, "event_log", "event %zu is not as listed", i);
}

/* What another parser made of the same log: every event's register, digests, data and details. */
static enum coffer_rc same_listing(struct span log, uint16_t alg, struct span listing, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL, *own = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(OUT_MAX);
	const struct json *want, *got;

	TRY(json_parse(listing, EVIDENCE_FILE_MAX, &doc, e));
	TRY(eventlog_claims(log, alg, ~0u, &w, e));
	TRY(json_parse(wr_span(&w), OUT_MAX, &own, e));
	want = json_get(json_root(doc), "uefi_event_logs");
	got = json_root(own);
	for (size_t i = 0; i < json_len(got); i++)
		TRY(same_event(json_at(want, i), json_at(got, i), i, e));
	return json_len(got) == json_len(want)
	    ? COFFER_OK : err_deny(e, "event_log", "%zu events, %zu listed", json_len(got), json_len(want));
}

static enum coffer_rc judge_log(const struct part *p, struct ev_out *o, struct err *e)
{
	struct span name = json_str(json_get(json_get(p->r->c, "expect"), "algorithm")), listing = file_of(p, "expected_json");
	struct eventlog_replay rep = { 0 };
	struct json_wr j = jw_open(&o->values, false);
	uint16_t alg = 0;
	char reg[8];

	for (size_t i = 0; i < N_BANKS; i++)
		alg = span_eq_str(name, banks[i].name) ? banks[i].alg : alg;
	if (alg == 0)
		return err_set(e, COFFER_E_NOTFOUND, "the case names no bank");
	TRY(eventlog_replay(file_of(p, "log"), alg, &rep, e));
	if (listing.n > 0)
		TRY(same_listing(file_of(p, "log"), alg, listing, e));
	jw_obj(&j);
	jw_m_str(&j, "algorithm", name);
	jw_m_u64(&j, "events", rep.events - 1); /* the Spec ID event is no event of the boot */
	jw_name(&j, "replayed");
	jw_obj(&j);
	for (size_t i = 0; i < EVENTLOG_REGS; i++) {
		(void)snprintf(reg, sizeof(reg), "%zu", i);
		if (rep.extended >> i & 1)
			hex_m(&j, reg, (struct span){ rep.reg[i], hash_len(rep.hash) });
	}
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

/* ---- signing keys of SNP ---- */

/* Where the case is about another issuer than the right one, that one's key alone is offered: does it verify, whatever the names
 * say? */
static bool signed_by_an_ask(const struct cert *c, const struct anchors *roots)
{
	char issuer[CERT_CN_MAX] = "";

	(void)!cert_issuer_cn(c, issuer, sizeof(issuer));
	for (size_t i = 0; i < roots->n_keys; i++)
		if (span_starts(span_of(roots->key[i].cn), "SEV-") && !span_starts(span_of(roots->key[i].cn), "SEV-VLEK-") &&
		    cert_signed_by_key(c, issuer, roots->key[i].key))
			return true;
	return false;
}

static void vek_values(const struct snp_vek *v, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	hex_m(&j, "hwid", (struct span){ v->hwid, v->hwid_n });
	jw_m_text(&j, "hwid_encoding", v->hwid_raw ? "raw" : "octet-string");
	jw_name(&j, "tcb_ext");
	jw_obj(&j);
	jw_m_u64(&j, "bootloader", v->tcb.bootloader);
	jw_m_u64(&j, "fmc", v->tcb.fmc);
	jw_m_u64(&j, "microcode", v->tcb.microcode);
	jw_m_u64(&j, "snp", v->tcb.snp);
	jw_m_u64(&j, "tee", v->tcb.tee);
	jw_obj_end(&j);
	jw_obj_end(&j);
}

static enum coffer_rc judge_vek(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(anchors_clear) struct anchors roots = { 0 };
	CLEANUP(cert_freep) struct cert *c = NULL;
	struct cert_rules rules = { .now = p->in->now };
	struct snp_vek v;
	struct err bad = { 0 };
	bool holds;

	TRY(ev_roots("amd", p->in->col, &roots, e));
	TRY(cert_der(file_of(p, "vek"), &c, e));
	TRY(snp_vek_read(c, &v, e));
	vek_values(&v, &o->values);
	if (json_get(json_get(p->r->c, "expect"), "verdict")) {
		holds = signed_by_an_ask(c, &roots);
		(void)ev_need(
		    o, "vek_issuer", holds, VERDICT_INVALID, "the offered issuer's key", holds ? "it is" : "not by that key");
		return COFFER_OK;
	}
	holds = snp_vek_chain(c, &p->in->col->certs, &roots, &rules, &v, &bad) == COFFER_OK;
	(void)ev_need(o, "vek_chain", holds, VERDICT_INVALID, "a key signed by AMD's ASK or ASVK", holds ? v.chain : bad.msg);
	return wr_done(&o->values, "values", e);
}

/* ---- TPM ---- */

static enum coffer_rc judge_message(const struct part *p, struct ev_out *o, struct err *e)
{
	struct json_wr j = jw_open(&o->values, false);
	struct tpm_attest a;
	char select[8];

	TRY(tpm_attest_parse(file_of(p, "message"), &a, e));
	(void)snprintf(
	    select, sizeof(select), "%02x%02x%02x", a.sel[0].pcrs & 0xff, a.sel[0].pcrs >> 8 & 0xff, a.sel[0].pcrs >> 16 & 0xff);
	jw_obj(&j);
	hex_m(&j, "extraData", a.extra_data);
	hex_m(&j, "pcrDigest", a.pcr_digest);
	jw_m_text(&j, "pcr_select", select);
	hex_m(&j, "qualifiedSigner", a.qualified_signer);
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

static void b64_m(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_FILE_MAX);

	b64_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static struct span bank_file(const struct part *p, const char *bank, const char *what)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s.%s", bank, what);
	return file_of(p, name);
}

/* The evidence that an attester would have made of a bank's files. */
static enum coffer_rc compose(const struct part *p, const char *bank, const struct tpm_public *ak, struct wr *w, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *pcrs = NULL;
	struct json_wr j = jw_open(w, false);

	TRY(json_parse(bank_file(p, bank, "pcrs.json"), OUT_MAX, &pcrs, e));
	jw_obj(&j);
	b64_m(&j, "ak_public", vkey_der(ak->key));
	if (file_of(p, "ak_cert.der").n > 0)
		b64_m(&j, "ak_cert", file_of(p, "ak_cert.der"));
	if (file_of(p, "event_log.bin").n > 0)
		b64_m(&j, "event_log", file_of(p, "event_log.bin"));
	jw_name(&j, "tpm_quote");
	jw_obj(&j);
	b64_m(&j, "message", bank_file(p, bank, "attest.bin"));
	jw_name(&j, "pcrs");
	jw_value(&j, json_root(pcrs));
	b64_m(&j, "signature", bank_file(p, bank, "sig.bin"));
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "evidence", e);
}

/* Of several appraisals: a check holds when it holds in each. */
static void merge(struct ev_out *all, const struct ev_out *one)
{
	for (size_t i = 0; i < one->n; i++) {
		size_t k = 0;

		while (k < all->n && strcmp(all->check[k].id, one->check[i].id) != 0)
			k++;
		if (k == all->n)
			(void)ev_need(all, one->check[i].id, one->check[i].holds, one->check[i].otherwise, one->check[i].expected,
			    one->check[i].found);
		else if (!one->check[i].holds)
			all->check[k] = one->check[i];
	}
	all->verdict = all->verdict == VERDICT_VALID ? one->verdict : all->verdict;
}

static enum coffer_rc judge_bank(
    const struct part *p, const char *bank, const struct tpm_public *ak, struct json_wr *values, struct ev_out *o, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_FILE_MAX);
	CLEANUP(ev_out_clear) struct ev_out one = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct ev_in in = *p->in;

	TRY(compose(p, bank, ak, &w, e));
	in.evidence = wr_span(&w);
	TRY(tee_driver_find(span_of("tpm"))->appraise(&in, &one, e));
	merge(o, &one);
	if (one.values.n == 0)
		return COFFER_OK;
	TRY(json_parse(wr_span(&one.values), OUT_MAX, &doc, e));
	jw_name(values, bank);
	jw_value(values, json_root(doc));
	return COFFER_OK;
}

static enum coffer_rc judge_tpm_files(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(tpm_public_clear) struct tpm_public ak = { 0 };
	struct json_wr j = jw_open(&o->values, false);

	TRY(tpm_public_parse(file_of(p, "ak_tpmt_public.bin"), &ak, e));
	jw_obj(&j);
	for (size_t i = 0; i < N_BANKS; i++)
		if (bank_file(p, banks[i].name, "attest.bin").n > 0)
			TRY(judge_bank(p, banks[i].name, &ak, &j, o, e));
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

/* ---- Azure ---- */

/* One link: the paravisor's text against the TD quote's report data. */
static enum coffer_rc judge_binding(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(hcl_clear) struct hcl h = { 0 };
	struct dcap_quote q;
	bool holds;

	TRY(hcl_parse(file_of(p, "hcl"), &h, e));
	TRY(dcap_quote_parse(file_of(p, "td_quote"), &q, e));
	holds = q.is_td && hcl_bound(&h, q.td.report_data);
	(void)ev_need(o, "hw_report_data_binds_var_data", holds, VERDICT_INVALID, "SHA-256 of the paravisor's text",
	    holds ? "equal" : "another digest");
	return COFFER_OK;
}

static void b64url_m(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_FILE_MAX);

	b64url_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

/* The quote as attesters write it, from their JSON or from the TPM's own structures. */
static enum coffer_rc put_quote(const struct part *p, struct json_wr *j, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	bool whole = file_of(p, "quote_json").n > 0;
	struct tpm_sig sig;

	TRY(json_parse(file_of(p, whole ? "quote_json" : "pcrs"), OUT_MAX, &doc, e));
	jw_name(j, "tpm_quote");
	if (whole) {
		jw_value(j, json_root(doc));
		return COFFER_OK;
	}
	TRY(tpm_sig_parse(file_of(p, "tpmt_signature"), &sig, e));
	jw_obj(j);
	hex_m(j, "message", file_of(p, "tpms_attest"));
	jw_name(j, "pcrs");
	jw_value(j, json_root(doc));
	hex_m(j, "signature", sig.a);
	jw_obj_end(j);
	return COFFER_OK;
}

static void date(struct json_wr *j, int64_t t)
{
	char text[CLOCK_TEXT_LEN], out[CLOCK_TEXT_LEN + 8];

	clock_text(t, text);
	(void)snprintf(out, sizeof(out), "%.19s+00:00", text); /* as manifests write it */
	jw_text(j, out);
}

static enum coffer_rc aik_values(const struct cert *c, struct wr *values, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(OUT_MAX);
	struct json_wr j = jw_open(&w, false);
	char cn[CERT_CN_MAX] = "", issuer[CERT_CN_MAX + 3];
	int64_t from, to;

	TRY(json_parse(wr_span(values), OUT_MAX, &doc, e));
	(void)!cert_issuer_cn(c, cn, sizeof(cn));
	(void)snprintf(issuer, sizeof(issuer), "CN=%s", cn);
	cert_dates(c, &from, &to);
	jw_obj(&j);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		jw_namen(&j, json_name(json_root(doc), i));
		jw_value(&j, json_at(json_root(doc), i));
	}
	jw_m_text(&j, "aik_issuer", issuer);
	jw_name(&j, "aik_validity");
	jw_arr(&j);
	date(&j, from);
	date(&j, to);
	jw_arr_end(&j);
	jw_obj_end(&j);
	TRY(wr_done(&w, "values", e));
	wr_close(values);
	*values = w;
	w = (struct wr){ 0 };
	return COFFER_OK;
}

/* The certificate that the cloud gives the same key. */
static enum coffer_rc judge_aik(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(hcl_clear) struct hcl h = { 0 };
	CLEANUP(cert_freep) struct cert *c = NULL;
	bool same;

	if (file_of(p, "aik").n == 0 || o->values.n == 0)
		return COFFER_OK;
	TRY(hcl_parse(file_of(p, "hcl"), &h, e));
	TRY(cert_der(file_of(p, "aik"), &c, e));
	same = cert_key(c) && vkey_eq(cert_key(c), h.ak);
	(void)ev_need(
	    o, "aik", same, VERDICT_INVALID, "a certificate of the text's attestation key", same ? "it is" : "another key's");
	return aik_values(c, &o->values, e);
}

/* The evidence that an attester would have made of the files. */
static enum coffer_rc judge_az_files(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(certs_clear) struct cert_list vcek = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_FILE_MAX);
	struct ev_in in = *p->in;
	struct json_wr j = jw_open(&w, false);

	if (file_of(p, "quote_json").n == 0 && file_of(p, "tpms_attest").n == 0)
		return judge_binding(p, o, e);
	jw_obj(&j);
	jw_m_u64(&j, "version", 1);
	b64url_m(&j, "hcl_report", file_of(p, "hcl"));
	TRY(put_quote(p, &j, e));
	if (file_of(p, "td_quote").n > 0) {
		b64url_m(&j, "td_quote", file_of(p, "td_quote"));
	} else {
		TRY(certs_read(file_of(p, "vcek"), &vcek, e));
		b64url_m(&j, "vcek", cert_bytes(vcek.c[0]));
	}
	jw_obj_end(&j);
	TRY(wr_done(&w, "evidence", e));
	in.evidence = wr_span(&w);
	wr_close(&o->values); /* the driver opens its own */
	TRY(tee_driver_find(json_str(json_get(p->r->c, "tee")))->appraise(&in, o, e));
	return judge_aik(p, o, e);
}

static enum coffer_rc judge_launches(const struct part *p, struct ev_out *o, struct err *e)
{
	wr_close(&o->values);
	return case_snp_launches(p->r, file_of(p, "cases"), o, e);
}

/* ---- reference values ---- */

/* Each value by its place in the text. */
static enum coffer_rc judge_corim(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(corim_clear) struct corim c = { 0 };
	struct json_wr j = jw_open(&o->values, false);
	char name[32];

	TRY(corim_read(file_of(p, "corim"), NULL, &c, e));
	jw_obj(&j);
	for (size_t i = 0; i < c.n; i++) {
		(void)snprintf(name, sizeof(name), "rvs[%zu].name", i);
		jw_m_text(&j, name, c.v[i].name);
		(void)snprintf(name, sizeof(name), "rvs[%zu].value", i);
		hex_m(&j, name, c.v[i].bytes[0]);
	}
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

/* ---- devices, as their maker's tools list them ---- */

static enum coffer_rc put_devices(struct span list, struct json_wr *j, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;

	if (list.n == 0)
		return COFFER_OK;
	TRY(json_parse(list, EVIDENCE_FILE_MAX, &doc, e));
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *d = json_at(json_root(doc), i);

		jw_obj(j);
		jw_m_str(j, "arch", json_str(json_get(d, "arch")));
		jw_m_str(j, "certificate", json_str(json_get(d, "certificate")));
		jw_m_str(j, "evidence", json_str(json_get(d, "evidence")));
		jw_obj_end(j);
	}
	return COFFER_OK;
}

static enum coffer_rc judge_devices(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVIDENCE_FILE_MAX);
	struct ev_in in = *p->in;
	struct json_wr j = jw_open(&w, false);

	jw_obj(&j);
	jw_name(&j, "device_evidence_list");
	jw_arr(&j);
	TRY(put_devices(file_of(p, "gpus"), &j, e));
	TRY(put_devices(file_of(p, "switches"), &j, e));
	jw_arr_end(&j);
	jw_obj_end(&j);
	TRY(wr_done(&w, "evidence", e));
	in.evidence = wr_span(&w);
	wr_close(&o->values); /* the driver opens its own */
	return tee_driver_find(span_of("nvidia"))->appraise(&in, o, e);
}

/* ---- reference manifests ---- */

static void day(struct json_wr *j, int64_t t)
{
	char text[CLOCK_TEXT_LEN];

	clock_text(t, text);
	jw_str(j, (struct span){ (const uint8_t *)text, 10 });
}

static enum coffer_rc rim_values(const struct rim *r, struct ev_out *o, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct json_wr j = jw_open(&o->values, false);

	TRY(json_parse(wr_span(&r->values), OUT_MAX, &doc, e));
	jw_obj(&j);
	jw_m_text(&j, "colloquialVersion", r->version);
	jw_name(&j, "leaf_validity");
	jw_arr(&j);
	day(&j, r->from);
	day(&j, r->to);
	jw_arr_end(&j);
	jw_name(&j, "trustee_extracted_reference_values");
	jw_value(&j, json_root(doc));
	jw_obj_end(&j);
	return wr_done(&o->values, "values", e);
}

static enum coffer_rc judge_rim(const struct part *p, struct ev_out *o, struct err *e)
{
	CLEANUP(anchors_clear) struct anchors roots = { 0 };
	CLEANUP(rim_clear) struct rim r = { 0 };
	struct err bad = { 0 };
	enum coffer_rc rc;

	TRY(ev_roots("nvidia-rim", p->in->col, &roots, e));
	rc = rim_read(file_of(p, "rim"), &roots, p->in->now, &r, &bad);
	(void)ev_need(o, "rim_signature", rc == COFFER_OK, VERDICT_INVALID, "signed on a path to NVIDIA's RIM root",
	    rc == COFFER_OK ? "valid" : bad.msg);
	return rc == COFFER_OK ? rim_values(&r, o, e) : COFFER_OK;
}

/* As a reference value service is given it. */
static enum coffer_rc judge_rim_payload(const struct part *p, struct ev_out *o, struct err *e)
{
	struct json_wr j = jw_open(&o->values, false);
	struct err bad = { 0 };
	enum coffer_rc rc;

	jw_obj(&j);
	jw_name(&j, "trustee_extracted_reference_values");
	rc = rim_reference_values(file_of(p, "payload"), NULL, -1, &j, &bad);
	jw_obj_end(&j);
	(void)ev_need(o, "rim_signature", rc == COFFER_OK, VERDICT_INVALID, "signed on a path to NVIDIA's RIM root",
	    rc == COFFER_OK ? "valid" : bad.msg);
	return rc == COFFER_OK ? wr_done(&o->values, "values", e) : COFFER_OK;
}

/* ---- which part ---- */

/* alone: false where the file makes it a case of parts whatever else is there. */
static const struct {
	const char *tee, *file;
	bool        alone;
	enum coffer_rc (*judge)(const struct part *p, struct ev_out *o, struct err *e);
} parts[] = {
	{ "eventlog", "log", true, judge_log }, { "snp", "vek", true, judge_vek }, { "snp", "cases", true, judge_launches }, { "tpm", "message", true, judge_message },
	{ "tpm", "ak_tpmt_public.bin", true, judge_tpm_files },
	{ "rvps-corim", "corim", true, judge_corim }, { "nvidia", "gpus", true, judge_devices },
	{ "rvps-swid", "rim", true, judge_rim }, { "rvps-swid", "payload", true, judge_rim_payload },
	{ "az-snp-vtpm", "hcl", false, judge_az_files }, { "az-tdx-vtpm", "hcl", false, judge_az_files } };

bool case_is_part(const struct case_run *r, struct case_files *files, bool whole)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (span_eq_str(json_str(json_get(r->c, "tee")), parts[i].tee) && case_file(files, span_of(parts[i].file)))
			return !whole || !parts[i].alone;
	return false;
}

enum coffer_rc case_part(
    const struct case_run *r, struct case_files *files, const struct ev_in *in, struct ev_out *o, struct err *e)
{
	const struct part p = { r, files, in };

	o->values = wr_open(OUT_MAX);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (span_eq_str(json_str(json_get(r->c, "tee")), parts[i].tee) && file_of(&p, parts[i].file).n > 0)
			return parts[i].judge(&p, o, e);
	return case_words(r, files, in, o, e);
}
