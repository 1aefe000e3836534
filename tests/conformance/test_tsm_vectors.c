/* Genuine reports, handed over as the kernel would: what the guest's attester makes of them is valid to the driver that judges them. */
#include <string.h>

#include "agent/probe.h"
#include "cli/selftest/bundle.h"
#include "evidence/dcap_quote.h"
#include "evidence/evidence.h"
#include "evidence/snp_report.h"
#include "tests/evkit.h"
#include "vec.h"

struct kernel { const char *provider; struct span out, aux; unsigned gen; };

static enum coffer_rc make(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return COFFER_OK;
}

static void drop(void *arg)
{
	(void)arg;
}

static enum coffer_rc put(void *arg, const char *attribute, struct span s, struct err *e)
{
	struct kernel *k = arg;

	(void)attribute;
	(void)s;
	(void)e;
	k->gen++;
	return COFFER_OK;
}

static enum coffer_rc get(void *arg, const char *attribute, size_t max, struct wr *out, struct err *e)
{
	struct kernel *k = arg;

	*out = wr_open(max);
	if (strcmp(attribute, "provider") == 0)
		wr_fmt(out, "%s\n", k->provider);
	else if (strcmp(attribute, "generation") == 0)
		wr_fmt(out, "%u\n", k->gen);
	else
		wr_put(out, strcmp(attribute, "outblob") == 0 ? k->out : k->aux);
	return wr_done(out, attribute, e);
}

/* With the report's own data and register: what the machine that made it would have been asked. */
static enum coffer_rc evidence(struct kernel *k, const char *ccel, struct span data, struct span init, struct wr *json, struct err *e)
{
	struct tsm_link l = { make, drop, get, put, k };
	struct attester a;
	struct attest_tsm t;

	TRY(attest_tsm_open(&t, &l, e));
	t.ccel = ccel;
	a = attest_tsm_attester(&t);
	*json = wr_open(SNP_EVIDENCE_MAX);
	return a.evidence(a.arg, data, init.p, json, e);
}

static void table(struct wr *w, struct span der, bool vlek)
{
	static const uint8_t guid[2][16] = {
		{ 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd },
		{ 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1 },
	};

	*w = wr_open(1u << 16);
	wr_put(w, SPAN(guid[vlek]));
	wr_le32(w, 48);
	wr_le32(w, (uint32_t)der.n);
	for (size_t i = 0; i < 24; i++)
		wr_u8(w, 0);
	wr_put(w, der);
}

/* fails: the check that does, of a report of a lower privilege level; NULL: valid. */
static void snp(const char *report_name, const char *vek_name, bool vlek, const char *fails, struct wr *json)
{
	CLEANUP(wr_close) struct wr report = { 0 }, vek = { 0 }, aux = { 0 };
	struct ev_out out = { 0 };
	struct snp_report r;
	struct kernel k = { .provider = "sev_guest" };
	struct err e = { 0 };

	CHECK(vec_read(report_name, &report) && vec_read(vek_name, &vek));
	CHECK(snp_report_parse(wr_span(&report), &r, &e) == COFFER_OK);
	table(&aux, wr_span(&vek), vlek);
	k.out = wr_span(&report);
	k.aux = wr_span(&aux);
	CHECK(evidence(&k, "/nowhere", SPAN(r.report_data), SPAN(r.host_data), json, &e) == COFFER_OK);
	struct ev_in in = { .evidence = wr_span(json), .now = -1, .report_data = SPAN(r.report_data), .init_data = SPAN(r.host_data) };
	CHECK(tee_driver_find(span_of("snp"))->appraise(&in, &out, &e) == COFFER_OK);
	CHECK(out.verdict == (fails ? VERDICT_INVALID : VERDICT_VALID) && (!fails || evkit_fails(&out, fails)));
	CHECK(!evkit_fails(&out, "vek_chain") && !evkit_fails(&out, "report_signature"));
	ev_out_clear(&out);
}

static void snp_reports_of_milan_and_genoa_are_valid(void)
{
	struct wr json = { 0 };

	snp("../snp/milan-v2/report.bin", "../snp/milan-v2/vcek.der", false, NULL, &json);
	wr_close(&json);
	snp("../snp/milan-v3-vlek/report.bin", "../snp/milan-v3-vlek/vlek.der", true, "vmpl", &json);
	wr_close(&json);
	snp("../snp/genoa-v3-e2e/report.bin", "../snp/genoa-v3-e2e/vcek.der", false, NULL, &json);
	wr_close(&json);
}

/* Upstream's attester wrote the same of the same bytes, but for the members that this version of the report has not (null there). */
static void written_form_is_that_of_upstreams_attester(void)
{
	CLEANUP(json_freep) struct json_doc *mine = NULL, *theirs = vec_json("../snp/genoa-v3-e2e/evidence.json");
	CLEANUP(wr_close) struct wr json = { 0 };
	const struct json *a, *b;
	struct err e = { 0 };

	snp("../snp/genoa-v3-e2e/report.bin", "../snp/genoa-v3-e2e/vcek.der", false, NULL, &json);
	CHECK(json_parse(wr_span(&json), SNP_EVIDENCE_MAX, &mine, &e) == COFFER_OK && theirs);
	a = json_get(json_root(mine), "attestation_report");
	b = theirs ? json_get(json_root(theirs), "attestation_report") : NULL;
	for (size_t i = 0; i < json_len(b); i++) {
		CLEANUP(wr_close) struct wr x = wr_open(1u << 16), y = wr_open(1u << 16);
		struct json_wr jx = jw_open(&x, false), jy = jw_open(&y, false);
		CLEANUP(freep) char *name = span_dup(json_name(b, i));
		const struct json *v = json_get(a, name);

		if (!v && json_type(json_at(b, i)) == JSON_NULL)
			continue;
		CHECK(v != NULL);
		if (!v)
			continue;
		jw_value(&jx, v);
		jw_value(&jy, json_at(b, i));
		CHECK(wr_ok(&x) && wr_ok(&y) && span_eq(wr_span(&x), wr_span(&y)));
	}
}

static void quote_of_a_td_and_its_log_are_genuine_and_agree(void)
{
	CLEANUP(wr_close) struct wr quote = { 0 }, json = { 0 };
	CLEANUP(freep) char *ccel = vec_path("../tdx/gce-cos113/ccel_data.bin");
	struct ev_out out = { 0 };
	struct dcap_quote q;
	struct kernel k = { .provider = "tdx_guest" };
	struct err e = { 0 };

	CHECK(vec_read("../tdx/gce-cos113/quote.dat", &quote) && dcap_quote_parse(wr_span(&quote), &q, &e) == COFFER_OK);
	k.out = wr_span(&quote);
	CHECK(evidence(&k, ccel, q.td.report_data, q.td.mr_config_id, &json, &e) == COFFER_OK);
	struct ev_in in = { .evidence = wr_span(&json), .now = -1, .report_data = q.td.report_data, .init_data = q.td.mr_config_id };
	CHECK(tee_driver_find(span_of("tdx"))->appraise(&in, &out, &e) == COFFER_OK);
	CHECK(out.verdict == VERDICT_COLLATERAL); /* nobody brought any; what the quote and its log say by themselves holds */
	CHECK(!evkit_fails(&out, "attestation_key_signature") && !evkit_fails(&out, "ccel_replay") && !evkit_fails(&out, "report_data"));
	ev_out_clear(&out);
}

/* What coffer-probe finds, through a bundle and out of it again. data: the report's own, which the machine that made it was asked for. */
static struct bundle *probed(struct kernel *k, const char *ccel, struct span data)
{
	static const char *const none[] = { NULL };
	struct tsm_link l = { make, drop, get, put, k };
	struct probe p = { .tsm = &l, .tpm = -1, .ccel = ccel, .log = "/nowhere", .no_tpm = { .rc = COFFER_E_NOTFOUND, .msg = "no TPM" } };
	CLEANUP(wr_close) struct wr json = wr_open(PROBE_MAX), text = wr_open(BUNDLE_MAX);
	CLEANUP(bundle_freep) struct bundle *b = calloc(1, sizeof(*b));
	struct bundle *again = calloc(1, sizeof(*again));
	struct err e = { 0 };

	CHECK(probe_write(&p, (struct span){ data.p, 48 }, &json, &e) == COFFER_OK);
	CHECK(bundle_read_probe(wr_span(&json), b, &e) == COFFER_OK && b->n_items == 1 && b->n_absent == 2 && strcmp(b->absent[0].why, "no TPM") == 0);
	CHECK(span_eq(wr_span(&b->item[0].report_data), (struct span){ data.p, 48 }));
	wr_close(&b->item[0].report_data);
	b->item[0].report_data = wr_open(64);
	wr_put(&b->item[0].report_data, data);
	CHECK(bundle_write(b, none, &text, &e) == COFFER_OK && bundle_read(wr_span(&text), again, &e) == COFFER_OK && again->n_items == 1);
	CHECK(span_eq(wr_span(&again->item[0].evidence), wr_span(&b->item[0].evidence)));
	return again;
}

static void what_a_probe_finds_is_the_same_out_of_its_bundle(void)
{
	CLEANUP(wr_close) struct wr report = { 0 }, vek = { 0 }, aux = { 0 }, quote = { 0 };
	CLEANUP(bundle_freep) struct bundle *snp_b = NULL, *tdx_b = NULL;
	CLEANUP(freep) char *ccel = vec_path("../tdx/gce-cos113/ccel_data.bin");
	struct kernel k = { .provider = "sev_guest" };
	struct ev_out out = { 0 };
	struct snp_report r;
	struct dcap_quote q;
	struct err e = { 0 };

	CHECK(vec_read("../snp/genoa-v3-e2e/report.bin", &report) && vec_read("../snp/genoa-v3-e2e/vcek.der", &vek));
	CHECK(snp_report_parse(wr_span(&report), &r, &e) == COFFER_OK);
	table(&aux, wr_span(&vek), false);
	k.out = wr_span(&report);
	k.aux = wr_span(&aux);
	snp_b = probed(&k, "/nowhere", SPAN(r.report_data));
	struct ev_in in = { .evidence = wr_span(&snp_b->item[0].evidence), .now = -1, .report_data = wr_span(&snp_b->item[0].report_data) };
	CHECK(tee_driver_find(span_of(snp_b->item[0].platform))->appraise(&in, &out, &e) == COFFER_OK && out.verdict == VERDICT_VALID);
	ev_out_clear(&out);

	CHECK(vec_read("../tdx/gce-cos113/quote.dat", &quote) && dcap_quote_parse(wr_span(&quote), &q, &e) == COFFER_OK);
	k = (struct kernel){ .provider = "tdx_guest", .out = wr_span(&quote) };
	tdx_b = probed(&k, ccel, q.td.report_data);
	in.evidence = wr_span(&tdx_b->item[0].evidence);
	in.report_data = wr_span(&tdx_b->item[0].report_data);
	CHECK(tee_driver_find(span_of(tdx_b->item[0].platform))->appraise(&in, &out, &e) == COFFER_OK && out.verdict == VERDICT_COLLATERAL);
	CHECK(!evkit_fails(&out, "attestation_key_signature") && !evkit_fails(&out, "ccel_replay") && !evkit_fails(&out, "report_data"));
	ev_out_clear(&out);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(snp_reports_of_milan_and_genoa_are_valid),
		T(written_form_is_that_of_upstreams_attester),
		T(quote_of_a_td_and_its_log_are_genuine_and_agree),
		T(what_a_probe_finds_is_the_same_out_of_its_bundle),
	};

	return vec_main("../snp/milan-v2/report.bin", cases, sizeof(cases) / sizeof(cases[0]));
}
