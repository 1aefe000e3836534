/* A guest's report in upstream's decoded form: the way back of snp_json.c. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/ghcb_certs.h"
#include "evidence/snp_report.h"

static void ints(struct json_wr *j, const char *name, struct span s)
{
	jw_name(j, name);
	jw_arr(j);
	for (size_t i = 0; i < s.n; i++)
		jw_u64(j, s.p[i]);
	jw_arr_end(j);
}

static void tcb(struct json_wr *j, const char *name, enum snp_gen g, const uint8_t raw[static 8])
{
	struct snp_tcb t = snp_tcb_unpack(g, raw);

	jw_name(j, name);
	jw_obj(j);
	jw_name(j, "fmc");
	if (g == SNP_TURIN)
		jw_u64(j, t.fmc);
	else
		jw_null(j);
	jw_m_u64(j, "bootloader", t.bootloader);
	jw_m_u64(j, "tee", t.tee);
	jw_m_u64(j, "snp", t.snp);
	jw_m_u64(j, "microcode", t.microcode);
	jw_obj_end(j);
}

static void build(struct json_wr *j, const char *name, uint8_t major, uint8_t minor, uint8_t number)
{
	jw_name(j, name);
	jw_obj(j);
	jw_m_u64(j, "major", major);
	jw_m_u64(j, "minor", minor);
	jw_m_u64(j, "build", number);
	jw_obj_end(j);
}

static void put_head(struct json_wr *j, const struct snp_report *r, enum snp_gen g)
{
	jw_m_u64(j, "version", r->version);
	jw_m_u64(j, "guest_svn", r->guest_svn);
	jw_m_u64(j, "policy", r->policy);
	ints(j, "family_id", SPAN(r->family_id));
	ints(j, "image_id", SPAN(r->image_id));
	jw_m_u64(j, "vmpl", r->vmpl);
	jw_m_u64(j, "sig_algo", r->sig_algo);
	tcb(j, "current_tcb", g, r->current_tcb);
	jw_m_u64(j, "plat_info", r->plat_info);
	jw_m_u64(j, "key_info", r->key_info);
	ints(j, "report_data", SPAN(r->report_data));
	ints(j, "measurement", SPAN(r->measurement));
	ints(j, "host_data", SPAN(r->host_data));
	ints(j, "id_key_digest", SPAN(r->id_key_digest));
	ints(j, "author_key_digest", SPAN(r->author_key_digest));
	ints(j, "report_id", SPAN(r->report_id));
	ints(j, "report_id_ma", SPAN(r->report_id_ma));
}

static void put_tail(struct json_wr *j, const struct snp_report *r, enum snp_gen g)
{
	tcb(j, "reported_tcb", g, r->reported_tcb);
	if (r->has_cpuid) {
		jw_m_u64(j, "cpuid_fam_id", r->cpuid_fam);
		jw_m_u64(j, "cpuid_mod_id", r->cpuid_mod);
		jw_m_u64(j, "cpuid_step", r->cpuid_step);
	}
	ints(j, "chip_id", SPAN(r->chip_id));
	tcb(j, "committed_tcb", g, r->committed_tcb);
	build(j, "current", r->current_major, r->current_minor, r->current_build);
	build(j, "committed", r->committed_major, r->committed_minor, r->committed_build);
	tcb(j, "launch_tcb", g, r->launch_tcb);
	if (r->version >= 5) {
		jw_m_u64(j, "launch_mit_vector", r->launch_mit);
		jw_m_u64(j, "current_mit_vector", r->current_mit);
	}
	jw_name(j, "signature");
	jw_obj(j);
	ints(j, "r", r->r);
	ints(j, "s", r->s);
	jw_obj_end(j);
}

static void put_certs(struct json_wr *j, const struct ghcb_certs *c)
{
	jw_name(j, "cert_chain");
	if (c->n == 0) {
		jw_null(j);
		return;
	}
	jw_arr(j);
	for (size_t i = 0; i < c->n; i++) {
		jw_obj(j);
		jw_m_text(j, "cert_type", c->of[i].type);
		ints(j, "data", c->of[i].data);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

/* A form that does not give back every byte that was signed would be refused elsewhere, with a worse reason. */
static enum coffer_rc same_bytes(struct span json, struct span report, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	uint8_t back[SNP_REPORT_LEN];

	TRY(json_parse(json, SNP_EVIDENCE_MAX, &doc, e));
	TRY(snp_report_from_json(json_get(json_root(doc), "attestation_report"), back, e));
	if (!span_eq(SPAN(back), report))
		return err_set(e, COFFER_E_INPUT, "snp: this report has bytes that its written form has no place for");
	return COFFER_OK;
}

enum coffer_rc snp_evidence_write(struct span report, struct span table, struct wr *json, struct err *e)
{
	struct ghcb_certs certs = { 0 };
	struct snp_report r;
	enum snp_gen g;
	struct json_wr j = jw_open(json, false);

	TRY(snp_report_parse(report, &r, e));
	g = snp_report_gen(&r);
	if (g == SNP_GEN_UNKNOWN && r.has_cpuid)
		return err_set(e, COFFER_E_INPUT, "snp: processor family 0x%x, model 0x%x is not known here", r.cpuid_fam, r.cpuid_mod);
	TRY(ghcb_certs_parse(table, &certs, e));
	jw_obj(&j);
	jw_name(&j, "attestation_report");
	jw_obj(&j);
	put_head(&j, &r, g);
	put_tail(&j, &r, g);
	jw_obj_end(&j);
	put_certs(&j, &certs);
	jw_obj_end(&j);
	TRY(wr_done(json, "evidence", e));
	return same_bytes(wr_span(json), report, e);
}
