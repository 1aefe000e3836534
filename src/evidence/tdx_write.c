/* A TD's evidence as its guest sends it. */
#include "base/own.h"
#include "evidence/dcap_quote.h"
#include "evidence/eventlog.h"
#include "fmt/enc.h"
#include "fmt/json.h"

static void put_b64(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(s.n / 3 * 4 + 8);

	b64_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
	if (!wr_ok(&w))
		j->w->bad = true;
}

enum coffer_rc tdx_evidence_write(struct span quote, struct span ccel, struct wr *json, struct err *e)
{
	struct json_wr j = jw_open(json, false);
	struct dcap_quote q;

	TRY(dcap_quote_parse(quote, &q, e));
	if (!q.is_td)
		return err_set(e, COFFER_E_INPUT, "tdx: the quote is not of a TD");
	if (ccel.n > EVENTLOG_MAX)
		return err_set(e, COFFER_E_LIMIT, "tdx: an event log of %zu bytes", ccel.n);
	jw_obj(&j);
	put_b64(&j, "quote", quote);
	if (ccel.n > 0)
		put_b64(&j, "cc_eventlog", ccel);
	jw_obj_end(&j);
	return wr_done(json, "evidence", e);
}
