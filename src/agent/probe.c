#include "agent/probe.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap_quote.h"
#include "evidence/eventlog.h"
#include "evidence/snp_report.h"
#include "fmt/json.h"
#include "os/file.h"
#include "proto/rcar_tpm.h"

/* One platform's: its evidence, or why there is none. */
struct found { const char *platform; struct wr evidence, log, ek; bool there; struct err why; };
struct all { struct found of[3]; };

static void all_clear(struct all *a)
{
	for (size_t i = 0; i < sizeof(a->of) / sizeof(a->of[0]); i++) {
		wr_close(&a->of[i].evidence);
		wr_close(&a->of[i].log);
		wr_close(&a->of[i].ek);
	}
}

/* ---- the processor ---- */

static enum coffer_rc td_evidence(const struct probe *p, struct span quote, struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr log = { 0 };
	enum coffer_rc rc = file_read(p->ccel, EVENTLOG_MAX, &log, e);

	if (rc != COFFER_OK && rc != COFFER_E_NOTFOUND)
		return rc;
	return tdx_evidence_write(quote, wr_span(&log), out, e);
}

/* Whatever this machine was launched with: HOST_DATA and MRCONFIGID are no guest's here. */
static enum coffer_rc of_processor(const struct probe *p, struct span data, struct found *f, struct err *e)
{
	CLEANUP(tsm_report_clear) struct tsm_report r = { 0 };
	struct attest_tsm t;

	f->platform = "snp, tdx";
	TRY(attest_tsm_open(&t, p->tsm, e));
	f->platform = t.tee == TSM_TEE_SNP ? "snp" : "tdx";
	TRY(tsm_report(p->tsm, t.tee == TSM_TEE_SNP ? "sev_guest" : "tdx_guest", data, &r, e));
	f->evidence = wr_open(SNP_EVIDENCE_MAX + 2 * EVENTLOG_MAX);
	if (t.tee == TSM_TEE_SNP)
		return snp_evidence_write(wr_span(&r.out), wr_span(&r.aux), &f->evidence, e);
	return td_evidence(p, wr_span(&r.out), &f->evidence, e);
}

/* ---- the TPM ---- */

static enum coffer_rc of_attester(const struct attester *a, struct span data, struct found *f, struct err *e)
{
	static const uint8_t none[32];

	f->platform = a->tee;
	f->evidence = wr_open(1u << 20);
	return a->evidence(a->arg, data, none, &f->evidence, e);
}

static enum coffer_rc of_paravisor(const struct probe *p, struct attest_tpm *t, struct span data, struct found *f, struct err *e)
{
	struct err ignore = { 0 };
	struct attest_az az;
	struct attester a;

	f->platform = "az-snp-vtpm, az-tdx-vtpm";
	TRY(attest_az_open(&az, t, e));
	a = attest_az_attester(&az);
	TRY(of_attester(&a, data, f, e));
	if (file_read(p->log, EVENTLOG_MAX, &f->log, &ignore) != COFFER_OK)
		wr_close(&f->log);
	return COFFER_OK;
}

static enum coffer_rc of_tpm(struct attest_tpm *t, struct span data, struct found *f, struct err *e)
{
	struct attester a = attest_tpm_attester(t);
	struct err ignore = { 0 };

	if (tpm_nv_read(&t->link, TPM_EK_CERT_RSA, KEEP_EK_MAX, &f->ek, &ignore) != COFFER_OK)
		wr_close(&f->ek);
	data.n = data.n < 32 ? data.n : 32; /* as the attester cuts it, and the verifier wants it */
	return of_attester(&a, data, f, e);
}

/* ---- all ---- */

static void settle(struct found *f, enum coffer_rc rc)
{
	f->there = rc == COFFER_OK && wr_ok(&f->evidence) && f->evidence.n > 0;
}

static void look(struct probe *p, struct span data, struct all *a)
{
	CLEANUP(attest_tpm_close) struct attest_tpm t = { .fd = -1 };
	struct found *f = a->of;
	enum coffer_rc rc;

	settle(&f[0], of_processor(p, data, &f[0], &f[0].why));
	f[1].platform = "az-snp-vtpm, az-tdx-vtpm";
	f[2].platform = "tpm";
	if (p->tpm < 0) {
		f[1].why = f[2].why = p->no_tpm;
		return;
	}
	rc = attest_tpm_begin(&t, p->tpm, &f[2].why);
	p->tpm = -1;
	if (rc != COFFER_OK) {
		f[1].why = f[2].why;
		return;
	}
	settle(&f[1], of_paravisor(p, &t, data, &f[1], &f[1].why));
	settle(&f[2], of_tpm(&t, data, &f[2], &f[2].why));
}

static void put_found(struct json_wr *j, const struct found *f, struct span data)
{
	bool cut = strcmp(f->platform, "tpm") == 0 || strcmp(f->platform, "swtpm") == 0;

	jw_obj(j);
	jw_m_text(j, "platform", f->platform);
	jw_m_hex(j, "report-data", (struct span){ data.p, cut && data.n > 32 ? 32 : data.n });
	jw_m_str(j, "evidence", wr_span(&f->evidence));
	if (f->log.n > 0)
		jw_m_b64(j, "event-log", wr_span(&f->log));
	if (f->ek.n > 0)
		jw_m_b64(j, "ek-certificate", wr_span(&f->ek));
	jw_obj_end(j);
}

static void put_absent(struct json_wr *j, const struct found *f)
{
	jw_obj(j);
	jw_m_text(j, "platform", f->platform);
	jw_m_text(j, "why", f->why.msg);
	jw_obj_end(j);
}

enum coffer_rc probe_write(struct probe *p, struct span report_data, struct wr *json, struct err *e)
{
	CLEANUP(all_clear) struct all a = { 0 };
	struct json_wr j = jw_open(json, false);

	if (report_data.n == 0 || report_data.n > TPM_NONCE_MAX)
		return err_set(e, COFFER_E_BUG, "probe: report data of %zu bytes", report_data.n);
	look(p, report_data, &a);
	jw_obj(&j);
	jw_m_u64(&j, "version", 1);
	for (int there = 1; there >= 0; there--) {
		jw_name(&j, there ? "evidence" : "absent");
		jw_arr(&j);
		for (size_t i = 0; i < sizeof(a.of) / sizeof(a.of[0]); i++) {
			if (there && a.of[i].there)
				put_found(&j, &a.of[i], report_data);
			if (!there && !a.of[i].there)
				put_absent(&j, &a.of[i]);
		}
		jw_arr_end(&j);
	}
	jw_obj_end(&j);
	return wr_done(json, "what was found", e);
}
