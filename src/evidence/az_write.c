#include "evidence/az_write.h"

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define TPM_ALG_RSASSA 0x0014

/* ---- evidence ---- */

/* With padding, as upstream's reader wants it. */
static void put_b64url(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(s.n / 3 * 4 + 8);

	b64url_write(&w, s);
	while (w.n % 4 != 0 && wr_ok(&w))
		wr_u8(&w, '=');
	jw_m_str(j, name, wr_span(&w));
	if (!wr_ok(&w))
		j->w->bad = true;
}

/* A TPMT_SIGNATURE's bytes. */
static enum coffer_rc rsassa(struct span signature, struct span *out, struct err *e)
{
	struct rd r = rd_open(signature);
	uint16_t alg = rd_be16(&r), hash = rd_be16(&r);
	struct span s = rd_span(&r, rd_be16(&r));

	if (!rd_done(&r) || alg != TPM_ALG_RSASSA || hash != TPM_ALG_SHA256 || s.n == 0)
		return err_set(e, COFFER_E_INPUT, "az: the TPM's signature is not RSASSA with SHA-256");
	*out = s;
	return COFFER_OK;
}

static void put_quote(struct json_wr *j, const struct az_shown *s, struct span signature)
{
	jw_name(j, "tpm_quote");
	jw_obj(j);
	jw_m_hex(j, "signature", signature);
	jw_m_hex(j, "message", s->message);
	jw_name(j, "pcrs");
	jw_arr(j);
	for (size_t i = 0; i < TPM_PCRS; i++) {
		char hex[HEX32_LEN];

		hex32(s->pcr[i], hex);
		jw_text(j, hex);
	}
	jw_arr_end(j);
	jw_obj_end(j);
}

enum coffer_rc az_evidence_write(const struct az_shown *s, struct wr *json, struct err *e)
{
	struct json_wr j = jw_open(json, false);
	struct span signature;

	TRY(rsassa(s->signature, &signature, e));
	if (s->td && s->hardware.n == 0)
		return err_set(e, COFFER_E_INPUT, "az: a TD without its quote");
	jw_obj(&j);
	jw_m_u64(&j, "version", 1);
	put_quote(&j, s, signature);
	put_b64url(&j, "hcl_report", s->hcl);
	if (s->hardware.n > 0)
		put_b64url(&j, s->td ? "td_quote" : "vcek", s->hardware);
	jw_obj_end(&j);
	return wr_done(json, "evidence", e);
}

/* ---- the metadata service's documents ---- */

static enum coffer_rc text_of(struct span body, const char *name, struct json_doc **doc, struct span *out, struct err *e)
{
	TRY(json_parse(body, AZ_DOCUMENT_MAX, doc, e));
	*out = json_str(json_get(json_root(*doc), name));
	return out->n > 0 ? COFFER_OK : err_set(e, COFFER_E_INPUT, "az: the answer has no \"%s\"", name);
}

enum coffer_rc az_vcek_read(struct span body, struct wr *der, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(certs_clear) struct cert_list l = { 0 };
	struct span pem, first;

	TRY(text_of(body, "vcekCert", &doc, &pem, e));
	TRY(certs_read(pem, &l, e));
	if (l.n == 0)
		return err_set(e, COFFER_E_INPUT, "az: no certificate in \"vcekCert\"");
	first = cert_bytes(l.c[0]);
	*der = wr_open(AZ_DOCUMENT_MAX);
	wr_put(der, first);
	return wr_done(der, "certificate", e);
}

enum coffer_rc az_quote_ask(struct span tdreport, struct wr *json, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(2 * AZ_TDREPORT_LEN);
	struct json_wr j = jw_open(json, false);

	if (tdreport.n != AZ_TDREPORT_LEN)
		return err_set(e, COFFER_E_BUG, "az: a TD's report of %zu bytes", tdreport.n);
	b64url_write(&w, tdreport);
	jw_obj(&j);
	jw_m_str(&j, "report", wr_span(&w));
	jw_obj_end(&j);
	return wr_ok(&w) ? wr_done(json, "request", e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

/* With padding or without. */
static enum coffer_rc read_b64url(struct span s, struct wr *out, struct err *e)
{
	if (s.n % 4 == 0 && s.n > 0 && s.p[s.n - 1] == '=')
		s.n -= s.p[s.n - 2] == '=' ? 2 : 1;
	*out = wr_open(AZ_QUOTE_MAX);
	if (!b64url_read(s, out) || !wr_ok(out) || out->n == 0)
		return err_set(e, COFFER_E_INPUT, "az: the quote is not base64url of at most %u bytes", AZ_QUOTE_MAX);
	return COFFER_OK;
}

enum coffer_rc az_quote_read(struct span body, struct wr *quote, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span s;

	TRY(text_of(body, "quote", &doc, &s, e));
	return read_b64url(s, quote, e);
}

enum coffer_rc az_hardware_read(struct span evidence, struct wr *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *v;

	TRY(json_parse(evidence, AZ_EVIDENCE_MAX, &doc, e));
	v = json_get(json_root(doc), "vcek");
	v = v ? v : json_get(json_root(doc), "td_quote");
	if (!v)
		return err_set(e, COFFER_E_NOTFOUND, "az: the evidence has nothing of its hardware");
	return read_b64url(json_str(v), out, e);
}
