/* Intel SGX: a version 3 quote of an enclave. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap.h"
#include "evidence/driver.h"
#include "evidence/needs.h"
#include "fmt/enc.h"

#define OUT_MAX (64u << 10)

struct sgx { struct wr raw; struct dcap d; };

static void sgx_clear(struct sgx *s)
{
	wr_close(&s->raw);
	dcap_clear(&s->d);
}

static enum coffer_rc read_evidence(struct span in, struct sgx *s, struct err *e)
{
	static const char *const names[] = { "quote", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct span text;

	s->raw = wr_open(QUOTE_MAX);
	if (in.n > 0 && in.p[0] == '{') {
		TRY(json_parse(in, (size_t)2 * QUOTE_MAX, &doc, e));
		TRY(json_closed(json_root(doc), names, "sgx evidence", e));
		TRY(json_need_str(json_root(doc), "quote", "sgx evidence", &text, e));
		if (!b64_read(text, &s->raw))
			return err_set(e, COFFER_E_INPUT, "sgx evidence: the quote is not base64");
	} else {
		wr_put(&s->raw, in);
	}
	if (!wr_ok(&s->raw))
		return err_set(e, COFFER_E_LIMIT, "sgx: the quote has more than %u bytes", QUOTE_MAX);
	TRY(dcap_quote_parse(wr_span(&s->raw), &s->d.q, e));
	if (s->d.q.is_td)
		return err_set(e, COFFER_E_INPUT, "sgx: the quote is of a TD");
	return COFFER_OK;
}

static void le(struct json_wr *j, const char *name, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	jw_m_hex(j, name, (struct span){ b, n });
}

static void put_body(const struct sgx_report *r, struct json_wr *j)
{
	jw_obj(j);
	jw_m_hex(j, "attributes.flags", (struct span){ r->attributes.p, 8 });
	jw_m_hex(j, "attributes.xfrm", (struct span){ r->attributes.p + 8, 8 });
	jw_m_hex(j, "config_id", r->config_id);
	le(j, "config_svn", r->config_svn, 2);
	jw_m_hex(j, "cpu_svn", r->cpu_svn);
	jw_m_hex(j, "isv_ext_prod_id", r->isv_ext_prod_id);
	jw_m_hex(j, "isv_family_id", r->isv_family_id);
	le(j, "isv_prod_id", r->isv_prod_id, 2);
	le(j, "isv_svn", r->isv_svn, 2);
	le(j, "misc_select", r->misc_select, 4);
	jw_m_hex(j, "mr_enclave", r->mr_enclave);
	jw_m_hex(j, "mr_signer", r->mr_signer);
	jw_m_hex(j, "report_data", r->report_data);
	jw_obj_end(j);
}

static void put_header(const struct dcap_quote *q, struct json_wr *j)
{
	jw_obj(j);
	jw_m_hex(j, "att_key_data_0", q->head4);
	le(j, "att_key_type", q->key_type, 2);
	jw_m_hex(j, "pce_svn", (struct span){ q->header.p + 10, 2 });
	jw_m_hex(j, "qe_svn", (struct span){ q->header.p + 8, 2 });
	jw_m_hex(j, "user_data", q->user_data);
	jw_m_hex(j, "vendor_id", q->vendor_id);
	le(j, "version", q->version, 2);
	jw_obj_end(j);
}

static void write_claims(const struct sgx *s, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_name(&j, "body");
	put_body(&s->d.q.sgx, &j);
	jw_name(&j, "header");
	put_header(&s->d.q, &j);
	jw_m_hex(&j, "init_data", s->d.q.sgx.config_id);
	dcap_claims(&s->d, &j);
	jw_m_hex(&j, "report_data", s->d.q.sgx.report_data);
	jw_obj_end(&j);
}

static void write_values(const struct sgx *s, struct wr *w)
{
	const struct sgx_report *r = &s->d.q.sgx;
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_hex(&j, "attributes", r->attributes);
	jw_m_hex(&j, "config_id", r->config_id);
	jw_m_u64(&j, "config_svn", r->config_svn);
	jw_m_hex(&j, "cpu_svn", r->cpu_svn);
	dcap_values(&s->d, &j);
	jw_m_u64(&j, "isv_prod_id", r->isv_prod_id);
	jw_m_u64(&j, "isv_svn", r->isv_svn);
	le(&j, "miscselect", r->misc_select, 4);
	jw_m_hex(&j, "mr_enclave", r->mr_enclave);
	jw_m_hex(&j, "mr_signer", r->mr_signer);
	jw_m_hex(&j, "report_data", r->report_data);
	jw_m_u64(&j, "tee", s->d.q.tee_type);
	jw_m_hex(&j, "user_data", s->d.q.user_data);
	jw_obj_end(&j);
}

static enum coffer_rc appraise(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(sgx_clear) struct sgx s = { 0 };
	struct err bad = { 0 };

	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, &s, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	TRY(dcap_judge(&s.d, in, out, e));
	ev_bindings(out, in, s.d.q.sgx.report_data, s.d.q.sgx.config_id);
	write_claims(&s, &out->claims);
	if (!in->no_values)
		write_values(&s, &out->values);
	ev_part(&out->parts.report, wr_span(&s.raw));
	out->facts.collateral = s.d.judged ? s.d.earliest_issue : 0;
	return ev_done(out, e);
}

static bool looks_like(struct span evidence)
{
	CLEANUP(sgx_clear) struct sgx s = { 0 };
	struct err ignore = { 0 };

	return read_evidence(evidence, &s, &ignore) == COFFER_OK;
}

static enum coffer_rc needs(struct span evidence, struct needs *out, struct err *e)
{
	CLEANUP(sgx_clear) struct sgx s = { 0 };

	TRY(read_evidence(evidence, &s, e));
	return needs_dcap(&s.d.q, out, e);
}

const struct tee_driver tee_sgx = { "sgx", "sgx", "cpu", appraise, looks_like, needs };
