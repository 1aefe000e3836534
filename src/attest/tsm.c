#include "attest/tsm.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "evidence/dcap_quote.h"
#include "evidence/eventlog.h"
#include "evidence/snp_report.h"
#include "os/file.h"

static const struct { const char *provider, *tee, *where; } known[] = {
	[TSM_TEE_NONE] = { "", "", "" },
	[TSM_TEE_SNP] = { "sev_guest", "snp", "HOST_DATA" },
	[TSM_TEE_TDX] = { "tdx_guest", "tdx", "MRCONFIGID" },
};

enum coffer_rc attest_tsm_open(struct attest_tsm *t, const struct tsm_link *link, struct err *e)
{
	char name[TSM_PROVIDER];

	*t = (struct attest_tsm){ .link = *link, .ccel = ATTEST_TSM_CCEL };
	TRY(tsm_provider(link, name, e));
	for (size_t i = TSM_TEE_SNP; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i].provider) == 0)
			t->tee = (enum tsm_tee)i;
	if (t->tee == TSM_TEE_NONE)
		return err_deny(e, "tsm", "this machine's reports are made by %s, which are not known here", name);
	return COFFER_OK;
}

/* s is `want` with zeros behind. */
static bool padded(struct span s, struct span want)
{
	struct span rest = span_skip(s, want.n);

	if (s.n < want.n || !span_eq((struct span){ s.p, want.n }, want))
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] != 0)
			return false;
	return true;
}

/* What a report says that this guest has to agree with. Borrows the report, or r. */
struct told { struct span data, init; };

static enum coffer_rc read_snp(struct span report, struct snp_report *r, struct told *out, struct err *e)
{
	TRY(snp_report_parse(report, r, e));
	*out = (struct told){ SPAN(r->report_data), SPAN(r->host_data) };
	return COFFER_OK;
}

static enum coffer_rc read_tdx(struct span quote, struct told *out, struct err *e)
{
	struct dcap_quote q;

	TRY(dcap_quote_parse(quote, &q, e));
	if (!q.is_td)
		return err_set(e, COFFER_E_INPUT, "tdx: the quote is not of a TD");
	*out = (struct told){ q.td.report_data, q.td.mr_config_id };
	return COFFER_OK;
}

/* A report over `data` of a machine with this initdata. */
static enum coffer_rc report(
    const struct attest_tsm *t, struct span data, const uint8_t init[static 32], struct tsm_report *out, struct err *e)
{
	struct told told = { 0 };
	struct snp_report r;

	TRY(tsm_report(&t->link, known[t->tee].provider, data, out, e));
	TRY(t->tee == TSM_TEE_SNP ? read_snp(wr_span(&out->out), &r, &told, e) : read_tdx(wr_span(&out->out), &told, e));
	if (!padded(told.data, data))
		return err_deny(e, "tsm", "the report is not over what was asked");
	if (!t->any_init && !padded(told.init, (struct span){ init, 32 }))
		return err_deny(e, "initdata", "%s of this machine is not the digest of its initdata; whoever launches it puts it there",
		    known[t->tee].where);
	return COFFER_OK;
}

enum coffer_rc attest_tsm_init(const struct attest_tsm *t, struct span initdata, struct err *e)
{
	CLEANUP(tsm_report_clear) struct tsm_report r = { 0 };
	uint8_t digest[32];

	sha256(initdata, digest);
	return report(t, SPAN(digest), digest, &r, e); /* over a value that is no answer to anybody; it stays here */
}

static enum coffer_rc write_tdx(const struct attest_tsm *t, const struct tsm_report *r, struct wr *json, struct err *e)
{
	CLEANUP(wr_close) struct wr log = { 0 };
	enum coffer_rc rc = t->ccel ? file_read(t->ccel, EVENTLOG_MAX, &log, e) : COFFER_E_NOTFOUND;

	if (rc != COFFER_OK && rc != COFFER_E_NOTFOUND) /* firmware may keep none */
		return rc;
	return tdx_evidence_write(wr_span(&r->out), wr_span(&log), json, e);
}

static enum coffer_rc evidence(
    void *arg, struct span report_data, const uint8_t init_register[static 32], struct wr *json, struct err *e)
{
	CLEANUP(tsm_report_clear) struct tsm_report r = { 0 };
	const struct attest_tsm *t = arg;

	TRY(report(t, report_data, init_register, &r, e));
	if (t->tee == TSM_TEE_SNP)
		return snp_evidence_write(wr_span(&r.out), wr_span(&r.aux), json, e);
	return write_tdx(t, &r, json, e);
}

struct attester attest_tsm_attester(struct attest_tsm *t)
{
	return (struct attester){ .tee = known[t->tee].tee, .evidence = evidence, .arg = t };
}
