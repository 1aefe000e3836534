/* Intel TDX: a quote of a TD, and the event log that its runtime registers were made by. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/dcap.h"
#include "evidence/driver.h"
#include "evidence/eventlog_claims.h"
#include "evidence/fixed.h"
#include "evidence/ints.h"
#include "evidence/needs.h"

#define JSON_MAX ((size_t)EVENTLOG_MAX * 2)
#define OUT_MAX (256u << 10)
#define LOG_CLAIM_MAX (192u << 10) /* the claim of a longer log is left out: a policy that wants it does not affirm */
#define RTMRS 4
#define RTMR_BITS 0x1eu            /* CCEL index 1.. is RTMR 0.. */

struct tdx { struct wr raw, log; struct dcap d; struct span replayed; /* the log, where it replays to the quote */ };

static void tdx_clear(struct tdx *t)
{
	wr_close(&t->raw);
	wr_close(&t->log);
	dcap_clear(&t->d);
}

static enum coffer_rc read_json(struct span in, struct tdx *t, struct err *e)
{
	static const char *const names[] = { "quote", "cc_eventlog", NULL };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	const struct json *root, *log;

	TRY(json_parse(in, JSON_MAX, &doc, e));
	root = json_root(doc);
	TRY(json_closed(root, names, "tdx evidence", e));
	TRY(b64_need(root, "quote", "tdx evidence", QUOTE_MAX, &t->raw, e));
	log = json_get(root, "cc_eventlog");
	return log && json_type(log) != JSON_NULL ? b64_need(root, "cc_eventlog", "tdx evidence", EVENTLOG_MAX, &t->log, e) : COFFER_OK;
}

static enum coffer_rc read_evidence(struct span in, struct tdx *t, struct err *e)
{
	if (in.n > 0 && in.p[0] == '{') {
		TRY(read_json(in, t, e));
	} else {
		t->raw = wr_open(QUOTE_MAX);
		wr_put(&t->raw, in);
		if (!wr_ok(&t->raw))
			return err_set(e, COFFER_E_LIMIT, "tdx: the quote has more than %u bytes", QUOTE_MAX);
	}
	TRY(dcap_quote_parse(wr_span(&t->raw), &t->d.q, e));
	if (!t->d.q.is_td)
		return err_set(e, COFFER_E_INPUT, "tdx: the quote is not of a TD");
	return COFFER_OK;
}

/* Beside the quote, or among the collateral. */
static struct span find_log(const struct tdx *t, const struct ev_in *in)
{
	struct span log = wr_span(&t->log);
	struct err ignore = { 0 };

	for (size_t i = 0; log.n == 0 && in->col && i < in->col->n_other; i++) {
		struct eventlog l;

		if (eventlog_open(in->col->other[i], &l, &ignore) == COFFER_OK)
			log = in->col->other[i];
	}
	return log;
}

/* A log must replay to all four registers: one that it does not extend is still zero, as the TDX module starts it. Else a log cut
 * after its first event would prove anything. CCEL index 1.. is RTMR 0.. */
static void check_log(const struct ev_in *in, struct tdx *t, struct ev_out *o)
{
	struct span log = find_log(t, in);
	struct eventlog_replay p;
	struct err bad = { 0 };
	char found[64] = "all four";
	bool ok = true;

	if (log.n == 0)
		return;
	if (eventlog_replay(log, TPM_ALG_SHA384, &p, &bad) != COFFER_OK) {
		(void)ev_need(o, "ccel_replay", false, VERDICT_MALFORMED, "a well-formed CCEL log", bad.msg);
		return;
	}
	for (size_t i = 0; i < RTMRS && ok; i++) {
		ok = span_eq((struct span){ p.reg[i + 1], 48 }, t->d.q.td.rtmr[i]);
		if (!ok)
			(void)snprintf(found, sizeof(found), "RTMR %zu %s", i,
			    p.extended >> (i + 1) & 1 ? "differs from the log" : "is not zero, and the log does not extend it");
	}
	(void)ev_need(o, "ccel_replay", ok, VERDICT_INVALID, "a log that replays to the quoted RTMRs", found);
	t->replayed = ok ? log : (struct span){ 0 };
}

/* ---- claims ---- */

static void put_body(const struct td_report *t, const char *rtmr, struct json_wr *j)
{
	jw_m_hex(j, "mr_config_id", t->mr_config_id);
	jw_m_hex(j, "mr_owner", t->mr_owner);
	jw_m_hex(j, "mr_owner_config", t->mr_owner_config);
	jw_m_hex(j, "mr_seam", t->mr_seam);
	if (t->mr_servicetd.n > 0)
		jw_m_hex(j, "mr_servicetd", t->mr_servicetd);
	jw_m_hex(j, "mr_td", t->mr_td);
	jw_m_hex(j, "mrsigner_seam", t->mrsigner_seam);
	jw_m_hex(j, "report_data", t->report_data);
	for (size_t i = 0; i < 4; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "%s%zu", rtmr, i);
		jw_m_hex(j, name, t->rtmr[i]);
	}
	jw_m_hex(j, "seam_attributes", t->seam_attributes);
	jw_m_hex(j, "td_attributes", t->td_attributes);
	jw_m_hex(j, "tee_tcb_svn", t->tee_tcb_svn);
	if (t->tee_tcb_svn2.n > 0)
		jw_m_hex(j, "tee_tcb_svn2", t->tee_tcb_svn2);
	jw_m_hex(j, "xfam", t->xfam);
}

static void le16(struct json_wr *j, const char *name, uint16_t v)
{
	const uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	jw_m_hex(j, name, SPAN(b));
}

static void put_quote(const struct dcap_quote *q, struct json_wr *j)
{
	const uint8_t tee[4] = { (uint8_t)q->tee_type, (uint8_t)(q->tee_type >> 8), (uint8_t)(q->tee_type >> 16),
		(uint8_t)(q->tee_type >> 24) };
	const uint8_t size[4] = { (uint8_t)q->body.n, (uint8_t)(q->body.n >> 8), 0, 0 };

	jw_obj(j);
	jw_name(j, "body");
	jw_obj(j);
	put_body(&q->td, "rtmr_", j);
	jw_obj_end(j);
	jw_name(j, "header");
	jw_obj(j);
	le16(j, "att_key_type", q->key_type);
	jw_m_hex(j, "reserved", q->head4);
	jw_m_hex(j, "tee_type", SPAN(tee));
	jw_m_hex(j, "user_data", q->user_data);
	jw_m_hex(j, "vendor_id", q->vendor_id);
	le16(j, "version", q->version);
	jw_obj_end(j);
	if (q->version == 5) {
		jw_m_hex(j, "size", SPAN(size));
		le16(j, "type", q->body_type);
	}
	jw_obj_end(j);
}

static bool attribute(const struct td_report *t, unsigned bit)
{
	return t->td_attributes.p[bit / 8] >> (bit % 8) & 1;
}

/* The last member: large, and not there where it would be too large. */
static void put_log(struct span log, struct wr *w)
{
	CLEANUP(wr_close) struct wr list = wr_open(LOG_CLAIM_MAX);
	struct err ignore = { 0 };

	if (log.n == 0 || eventlog_claims(log, TPM_ALG_SHA384, RTMR_BITS, &list, &ignore) != COFFER_OK)
		return;
	wr_str(w, ",\"uefi_event_logs\":");
	wr_put(w, wr_span(&list));
}

static void write_claims(const struct tdx *t, struct wr *w)
{
	const struct td_report *td = &t->d.q.td;
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	dcap_claims(&t->d, &j);
	jw_m_hex(&j, "init_data", td->mr_config_id);
	jw_name(&j, "quote");
	put_quote(&t->d.q, &j);
	jw_m_hex(&j, "report_data", td->report_data);
	jw_name(&j, "td_attributes");
	jw_obj(&j);
	jw_m_bool(&j, "debug", attribute(td, 0));
	jw_m_bool(&j, "key_locker", attribute(td, 31));
	jw_m_bool(&j, "perfmon", attribute(td, 63));
	jw_m_bool(&j, "protection_keys", attribute(td, 30));
	jw_m_bool(&j, "septve_disable", attribute(td, 28));
	jw_obj_end(&j);
	put_log(t->replayed, w);
	jw_obj_end(&j);
}

static void write_values(const struct tdx *t, struct wr *w)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	if (t->d.q.version == 5)
		jw_m_u64(&j, "body_type", t->d.q.body_type);
	put_body(&t->d.q.td, "rtmr", &j);
	dcap_values(&t->d, &j);
	jw_m_u64(&j, "tee", t->d.q.tee_type);
	jw_m_hex(&j, "user_data", t->d.q.user_data);
	jw_obj_end(&j);
}

static void put_machine(const struct pck *p, struct hw_facts *f)
{
	for (size_t i = 0; i < sizeof(p->fmspc); i++)
		(void)snprintf(f->product + 2 * i, 3, "%02x", p->fmspc[i]);
	memcpy(f->chip, p->ppid, sizeof(p->ppid));
	f->chip_n = sizeof(p->ppid);
}

static enum coffer_rc appraise(const struct ev_in *in, struct ev_out *out, struct err *e)
{
	CLEANUP(tdx_clear) struct tdx t = { 0 };
	struct err bad = { 0 };

	ev_begin(out, OUT_MAX);
	if (read_evidence(in->evidence, &t, &bad) != COFFER_OK) {
		ev_malformed(out, &bad);
		return COFFER_OK;
	}
	TRY(dcap_judge(&t.d, in, out, e));
	check_log(in, &t, out);
	ev_bindings(out, in, t.d.q.td.report_data, t.d.q.td.mr_config_id);
	write_claims(&t, &out->claims);
	if (!in->no_values)
		write_values(&t, &out->values);
	ev_part(&out->parts.report, wr_span(&t.raw));
	if (!fixed_td_facts(&t.d.q.td, &out->facts))
		return err_set(e, COFFER_E_BUG, "tdx: facts do not fit");
	out->facts.collateral = t.d.judged ? t.d.earliest_issue : 0;
	if (t.d.has_pck)
		put_machine(&t.d.pck, &out->facts);
	return ev_done(out, e);
}

static bool looks_like(struct span evidence)
{
	CLEANUP(tdx_clear) struct tdx t = { 0 };
	struct err ignore = { 0 };

	return read_evidence(evidence, &t, &ignore) == COFFER_OK;
}

static enum coffer_rc needs(struct span evidence, struct needs *out, struct err *e)
{
	CLEANUP(tdx_clear) struct tdx t = { 0 };

	TRY(read_evidence(evidence, &t, e));
	return needs_dcap(&t.d.q, out, e);
}

const struct tee_driver tee_tdx = { "tdx", "tdx", "cpu", appraise, looks_like, needs };
