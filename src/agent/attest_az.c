#include "agent/attest_az.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/az_write.h"
#include "net/http.h"

#define ASK_MS 10000

/* ---- the paravisor's report ---- */

static enum coffer_rc read_report(const struct tpm_link *l, struct wr *out, struct err *e)
{
	bool report = false, ak = false;

	TRY(tpm_has(l, ATTEST_AZ_REPORT, &report, e));
	if (!report)
		return err_set(e, COFFER_E_NOTFOUND, "no paravisor's report in the TPM (NV index 0x%08x)", ATTEST_AZ_REPORT);
	TRY(tpm_nv_read_owner(l, ATTEST_AZ_REPORT, AZ_HCL_MAX, out, e));
	if (!span_starts(wr_span(out), "HCLA"))
		return err_set(e, COFFER_E_NOTFOUND, "NV index 0x%08x of the TPM holds no paravisor's report", ATTEST_AZ_REPORT);
	TRY(tpm_has(l, ATTEST_AZ_AK, &ak, e));
	if (!ak)
		return err_set(e, COFFER_E_INPUT, "the TPM holds a paravisor's report and no key 0x%08x that it could be for", ATTEST_AZ_AK);
	return COFFER_OK;
}

enum coffer_rc attest_az_open(struct attest_az *a, struct attest_tpm *tpm, struct err *e)
{
	CLEANUP(wr_close) struct wr raw = { 0 };
	CLEANUP(hcl_clear) struct hcl h = { 0 };

	*a = (struct attest_az){ .tpm = tpm, .host = ATTEST_AZ_HOST, .port = ATTEST_AZ_PORT };
	TRY(read_report(&tpm->link, &raw, e));
	TRY(hcl_parse(wr_span(&raw), &h, e));
	a->type = (int)h.type;
	return COFFER_OK;
}

/* ---- the metadata service ---- */

static enum coffer_rc metadata(const struct attest_az *a, const struct http_req *q, struct http_res *res, struct err *e)
{
	CLEANUP(http_freep) struct http *h = NULL;
	struct http_opts o = { .host = a->host, .port = a->port, .timeout_ms = ASK_MS };

	TRY(http_new(&o, &h, e));
	TRY(http_do(h, q, AZ_DOCUMENT_MAX, res, e));
	if (res->status != 200)
		return err_set(e, COFFER_E_UPSTREAM, "the metadata service answers %s with %d", q->path, res->status);
	return COFFER_OK;
}

static enum coffer_rc get_vcek(const struct attest_az *a, struct wr *der, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct http_req q = { .method = "GET", .path = "/metadata/THIM/amd/certification", .headers = "Metadata: true\r\n" };

	TRY(metadata(a, &q, &res, e));
	return az_vcek_read(wr_span(&res.body), der, e);
}

static enum coffer_rc get_quote(const struct attest_az *a, struct span tdreport, struct wr *quote, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(2 * AZ_TDREPORT_LEN);
	struct http_req q = { .method = "POST", .path = "/acc/tdquote", .content_type = "application/json",
		.headers = "Metadata: true\r\nAccept: application/json\r\n" };

	TRY(az_quote_ask(tdreport, &body, e));
	q.body = wr_span(&body);
	if (metadata(a, &q, &res, e) != COFFER_OK)
		return err_wrap(e, "no quote of this TD");
	return az_quote_read(wr_span(&res.body), quote, e);
}

static enum coffer_rc hardware(struct attest_az *a, const struct hcl *h, struct wr *out, struct err *e)
{
	struct err why = { 0 };

	if (a->given.n > 0) {
		*out = wr_open(AZ_QUOTE_MAX);
		wr_put(out, a->given);
		return wr_done(out, "what was given of the hardware", e);
	}
	if (h->type == HCL_TDX)
		return get_quote(a, h->hw_report, out, e);
	a->silent = get_vcek(a, out, &why) != COFFER_OK;
	if (a->silent) {
		wr_close(out);
		(void)fprintf(stderr, "coffer-agent: no VCEK from the metadata service (%s): whoever judges this evidence has to get it from AMD\n", why.msg);
	}
	return COFFER_OK;
}

/* ---- evidence ---- */

struct parts { struct wr hcl, hw; struct tpm_quoted q; uint8_t pcr[TPM_PCRS][32]; };

static void parts_clear(struct parts *p)
{
	wr_close(&p->hcl);
	wr_close(&p->hw);
	tpm_quoted_clear(&p->q);
}

static enum coffer_rc evidence(
    void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json, struct err *e)
{
	CLEANUP(parts_clear) struct parts p = { 0 };
	CLEANUP(hcl_clear) struct hcl h = { 0 };
	struct attest_az *a = arg;
	const struct tpm_link *l = &a->tpm->link;

	(void)init_register; /* is in the TPM already */
	TRY(read_report(l, &p.hcl, e));
	TRY(hcl_parse(wr_span(&p.hcl), &h, e));
	if ((int)h.type != a->type)
		return err_deny(e, "platform", "the paravisor's report is of other hardware than before");
	TRY(hardware(a, &h, &p.hw, e));
	TRY(tpm_quote(l, ATTEST_AZ_AK, report_data, &p.q, e));
	TRY(tpm_read_pcrs(l, p.pcr, e));
	return az_evidence_write(&(struct az_shown){ h.type == HCL_TDX, wr_span(&p.hcl), wr_span(&p.hw), wr_span(&p.q.message),
		wr_span(&p.q.signature), p.pcr }, json, e);
}

struct attester attest_az_attester(struct attest_az *a)
{
	return (struct attester){ .tee = a->type == HCL_TDX ? "az-tdx-vtpm" : "az-snp-vtpm", .evidence = evidence, .arg = a };
}
