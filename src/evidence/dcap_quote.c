#include "evidence/dcap_quote.h"

#include "base/str.h"

#define HEADER_LEN 48
#define TEE_SGX 0
#define TEE_TDX 0x81

static void read_sgx(struct rd *r, struct sgx_report *s)
{
	s->cpu_svn = rd_span(r, 16);
	s->misc_select = rd_le32(r);
	(void)rd_span(r, 12);
	s->isv_ext_prod_id = rd_span(r, 16);
	s->attributes = rd_span(r, 16);
	s->mr_enclave = rd_span(r, 32);
	(void)rd_span(r, 32);
	s->mr_signer = rd_span(r, 32);
	(void)rd_span(r, 32);
	s->config_id = rd_span(r, 64);
	s->isv_prod_id = rd_le16(r);
	s->isv_svn = rd_le16(r);
	s->config_svn = rd_le16(r);
	(void)rd_span(r, 42);
	s->isv_family_id = rd_span(r, 16);
	s->report_data = rd_span(r, 64);
}

enum coffer_rc sgx_report_parse(struct span in, struct sgx_report *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct sgx_report s = { 0 };

	read_sgx(&r, &s);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "dcap: an enclave report of %zu bytes", in.n);
	*out = s;
	return COFFER_OK;
}

static void read_td(struct rd *r, struct td_report *t, bool v15)
{
	t->tee_tcb_svn = rd_span(r, 16);
	t->mr_seam = rd_span(r, 48);
	t->mrsigner_seam = rd_span(r, 48);
	t->seam_attributes = rd_span(r, 8);
	t->td_attributes = rd_span(r, 8);
	t->xfam = rd_span(r, 8);
	t->mr_td = rd_span(r, 48);
	t->mr_config_id = rd_span(r, 48);
	t->mr_owner = rd_span(r, 48);
	t->mr_owner_config = rd_span(r, 48);
	for (size_t i = 0; i < 4; i++)
		t->rtmr[i] = rd_span(r, 48);
	t->report_data = rd_span(r, 64);
	if (v15) {
		t->tee_tcb_svn2 = rd_span(r, 16);
		t->mr_servicetd = rd_span(r, 48);
	}
}

static void read_header(struct rd *r, struct dcap_quote *q)
{
	q->version = rd_le16(r);
	q->key_type = rd_le16(r);
	if (q->version == 3)
		q->head4 = rd_span(r, 4);
	else
		q->tee_type = rd_le32(r);
	if (q->version != 3)
		q->head4 = rd_span(r, 4);
	else
		(void)rd_span(r, 4); /* QE and PCE versions */
	q->vendor_id = rd_span(r, 16);
	q->user_data = rd_span(r, 20);
	rd_at(r, HEADER_LEN);
}

/* What the body is: by version and kind, in version 5 by its own type and size. */
static size_t body_len(struct rd *r, struct dcap_quote *q)
{
	uint32_t size;

	if (q->version == 3)
		return SGX_REPORT_LEN;
	if (q->version == 4)
		return q->tee_type == TEE_TDX ? TD_REPORT10_LEN : SGX_REPORT_LEN;
	q->body_type = rd_le16(r);
	size = rd_le32(r);
	if ((q->body_type == 1 && size == SGX_REPORT_LEN && q->tee_type == TEE_SGX) ||
	    (q->body_type == 2 && size == TD_REPORT10_LEN && q->tee_type == TEE_TDX) ||
	    (q->body_type == 3 && size == TD_REPORT15_LEN && q->tee_type == TEE_TDX))
		return size;
	r->bad = true;
	return 0;
}

static void read_body(struct rd *r, struct dcap_quote *q)
{
	struct rd b;

	q->body = rd_span(r, body_len(r, q));
	q->is_td = q->tee_type == TEE_TDX;
	b = rd_open(q->body);
	if (q->is_td)
		read_td(&b, &q->td, q->body_type == 3);
	else
		read_sgx(&b, &q->sgx);
	if (!rd_done(&b))
		r->bad = true;
}

/* QE report, its signature by the PCK, what else it binds, and the PCK's certificates. Exactly n bytes. */
static void read_qe(struct rd *r, struct dcap_quote *q)
{
	q->qe_report = rd_span(r, SGX_REPORT_LEN);
	q->qe_report_sig = rd_span(r, 64);
	q->qe_auth = rd_span(r, rd_le16(r));
	q->cert_type = rd_le16(r);
	q->cert_data = rd_span(r, rd_le32(r));
}

static void read_signature(struct span in, struct rd *r, struct dcap_quote *q)
{
	struct rd s = rd_open(in);

	q->signature = rd_span(&s, 64);
	q->ak = rd_span(&s, 64);
	if (q->version == 3) {
		read_qe(&s, q);
	} else {
		struct rd inner;

		if (rd_le16(&s) != 6) /* QE report certification data */
			s.bad = true;
		inner = rd_open(rd_span(&s, rd_le32(&s)));
		read_qe(&inner, q);
		if (!rd_done(&inner))
			s.bad = true;
	}
	if (!rd_done(&s))
		r->bad = true;
}

enum coffer_rc dcap_quote_parse(struct span in, struct dcap_quote *out, struct err *e)
{
	struct dcap_quote q = { 0 };
	struct rd r = rd_open(in);

	if (in.n > QUOTE_MAX)
		return err_set(e, COFFER_E_LIMIT, "dcap: the quote has more than %u bytes", QUOTE_MAX);
	read_header(&r, &q);
	if (rd_ok(&r) && (q.version < 3 || q.version > 5 || q.key_type != 2 || (q.tee_type != TEE_SGX && q.tee_type != TEE_TDX)))
		return err_set(e, COFFER_E_INPUT,
		    "dcap: version %u, key type %u, TEE type 0x%x: not a kind of quote that is known", q.version, q.key_type,
		    q.tee_type);
	read_body(&r, &q);
	q.header = (struct span){ in.p, HEADER_LEN };
	q.signed_part = (struct span){ in.p, r.off };
	read_signature(rd_span(&r, rd_le32(&r)), &r, &q);
	if (!rd_ok(&r) || sgx_report_parse(q.qe_report, &q.qe, e) != COFFER_OK)
		return err_set(e, COFFER_E_INPUT, "dcap: the quote is malformed near byte %zu", r.off);
	q.trailing = (struct span){ r.p, r.n };
	*out = q;
	return COFFER_OK;
}
