#include "evidence/sample.h"

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

static enum coffer_rc read_report_data(struct span text, struct sample_evidence *s, struct err *e)
{
	CLEANUP(wr_close) struct wr raw = wr_open(SAMPLE_REPORT_DATA_MAX);

	if (!b64_read(text, &raw) || !wr_ok(&raw) || raw.n == 0)
		return err_set(e, COFFER_E_INPUT, "sample evidence: report_data is not base64 of 1 to 64 bytes");
	memcpy(s->report_data, raw.p, raw.n);
	s->report_data_n = raw.n;
	return COFFER_OK;
}

static enum coffer_rc read_register(const struct json *v, struct sample_evidence *s, struct err *e)
{
	struct span hex = json_str(json_get(v, "init_data"));

	if (!json_get(v, "init_data"))
		return COFFER_OK;
	if (hex.n != 2 * sizeof(s->init_register) || !hex_fixed(hex, s->init_register, sizeof(s->init_register)))
		return err_set(e, COFFER_E_INPUT, "sample evidence: init_data is not a hex SHA-256");
	s->has_register = true;
	return COFFER_OK;
}

enum coffer_rc sample_parse(const struct json *v, struct sample_evidence *out, struct err *e)
{
	static const char *const names[] = { "svn", "report_data", "init_data", "cc_eventlog", NULL };
	static const char where[] = "sample evidence";
	struct sample_evidence s = { 0 };
	const struct json *log = NULL;
	struct span text;

	TRY(json_closed(v, names, where, e));
	TRY(json_need_str(v, "svn", where, &s.svn, e));
	if (s.svn.n == 0 || s.svn.n > SAMPLE_SVN_MAX)
		return err_set(e, COFFER_E_INPUT, "sample evidence: svn has a strange length");
	TRY(json_need_str(v, "report_data", where, &text, e));
	TRY(read_report_data(text, &s, e));
	TRY(read_register(v, &s, e));
	log = json_get(v, "cc_eventlog");
	if (log && json_type(log) != JSON_NULL && json_type(log) != JSON_STRING)
		return err_set(e, COFFER_E_INPUT, "sample evidence: cc_eventlog is not text");
	*out = s;
	return COFFER_OK;
}

enum coffer_rc sample_write(struct span report_data, const uint8_t *init_register, struct wr *json, struct err *e)
{
	if (report_data.n == 0 || report_data.n > SAMPLE_REPORT_DATA_MAX)
		return err_set(e, COFFER_E_LIMIT, "sample evidence: report data has %zu bytes, 1 to 64 fit", report_data.n);
	wr_str(json, "{\"svn\":\"1\",\"report_data\":\"");
	b64_write(json, report_data);
	if (init_register) {
		wr_str(json, "\",\"init_data\":\"");
		hex_write(json, (struct span){ init_register, 32 });
	}
	wr_str(json, "\"}");
	return wr_done(json, "sample evidence", e);
}
