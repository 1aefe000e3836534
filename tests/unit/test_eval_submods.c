/* What a token says of devices: one submod each, by its kind. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "judge/submods.h"
#include "tests/t.h"

static struct json_doc *submods(const char *nvidia, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVAL_SUBMODS_MAX);
	const struct appraise_device found[] = { { tee_driver_find(span_of("sample")), VERDICT_VALID, span_of("{\"svn\":\"1\"}") },
		{ tee_driver_find(span_of("nvidia")), VERDICT_VALID, span_of(nvidia) } };
	const struct eval_evidence_req q = { .now = 1800000000, .references = span_of("{\"sample_accepted\":true,\"svn\":\"1\"}") };
	struct json_doc *doc = NULL;

	if (submods_write(&q, found, 2, &w, e) != COFFER_OK || json_parse(wr_span(&w), EVAL_SUBMODS_MAX, &doc, e) != COFFER_OK)
		return NULL;
	return doc;
}

static bool says(const struct json_doc *d, const char *submod, const char *status)
{
	return span_eq_str(json_str(json_get(json_get(json_root(d), submod), "ear.status")), status);
}

static void each_device_has_its_submod_and_a_whole_machine_one(void)
{
	static const char all[] = "{\"devices\":[{\"arch\":\"HOPPER\"},{\"arch\":\"LS10\"},{\"arch\":\"HOPPER\"}],\"ppcie_complete\":true}";
	struct err e = { 0 };
	CLEANUP(json_freep) struct json_doc *d = submods(all, &e);

	CHECK(d && json_len(json_root(d)) == 5 && says(d, "cpu0", "affirming"));
	CHECK(d && json_get(json_root(d), "gpu0") && json_get(json_root(d), "gpu1") && json_get(json_root(d), "switch0") && json_get(json_root(d), "ppcie0"));
	CHECK(d && !says(d, "gpu0", "affirming") && json_len(json_get(json_get(json_root(d), "gpu0"), "coffer.not-affirming")) > 0);
	CHECK(d && json_len(json_get(json_get(json_root(d), "cpu0"), "coffer.not-affirming")) == 0);
}

static void machine_that_is_not_complete_has_none_and_claims_without_devices_refuse(void)
{
	struct err e = { 0 };
	CLEANUP(json_freep) struct json_doc *d = submods("{\"arch\":\"HOPPER\",\"devices\":[{\"arch\":\"HOPPER\"}],\"ppcie_complete\":false}", &e);
	CLEANUP(json_freep) struct json_doc *none = submods("{\"arch\":\"HOPPER\"}", &e);

	CHECK(d && json_len(json_root(d)) == 2 && json_get(json_root(d), "gpu0") && !none);
}

static void compiled_once_says_the_same(void)
{
	struct err e = { 0 };
	CLEANUP(json_freep) struct json_doc *before = submods("{\"devices\":[{\"arch\":\"HOPPER\"}],\"ppcie_complete\":false}", &e);
	CLEANUP(json_freep) struct json_doc *after = NULL;
	CLEANUP(wr_close) struct wr a = wr_open(EVAL_SUBMODS_MAX), b = wr_open(EVAL_SUBMODS_MAX);
	struct json_wr ja = jw_open(&a, false), jb = jw_open(&b, false);

	submods_warm();
	after = submods("{\"devices\":[{\"arch\":\"HOPPER\"}],\"ppcie_complete\":false}", &e);
	CHECK(before && after);
	if (!before || !after)
		return;
	jw_value(&ja, json_root(before));
	jw_value(&jb, json_root(after));
	CHECK(a.n > 100 && span_eq(wr_span(&a), wr_span(&b)));
}

/* A TD with an event log of n bytes. */
static struct json_doc *with_log(size_t n, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(EVAL_SUBMODS_MAX), claims = wr_open(EVAL_SUBMODS_MAX * 2);
	const struct eval_evidence_req q = { .now = 1800000000 };
	struct appraise_device td = { tee_driver_find(span_of("tdx")), VERDICT_VALID, { 0 } };
	struct json_doc *doc = NULL;

	wr_str(&claims, "{\"report_data\":\"00\",\"tcb_status\":\"UpToDate\",\"uefi_event_logs\":[0");
	for (size_t i = 0; i < n; i += 24)
		wr_str(&claims, ",{\"digests\":[{\"a\":\"b\"}]}");
	wr_str(&claims, "]}");
	td.claims = wr_span(&claims);
	if (submods_write(&q, &td, 1, &w, e) != COFFER_OK || json_parse(wr_span(&w), EVAL_SUBMODS_MAX, &doc, e) != COFFER_OK)
		return NULL;
	return doc;
}

static void log_that_is_too_long_for_tokens_is_left_out_of_them(void)
{
	for (size_t i = 0; i < 3; i++) {
		static const size_t size[] = { 24, 48u << 10, 180u << 10 };
		struct err e = { 0 };
		CLEANUP(json_freep) struct json_doc *d = with_log(size[i], &e);
		const struct json *seen = json_get(json_get(json_root(d), "cpu0"), "ear.veraison.annotated-evidence"), *td = json_get(seen, "tdx");

		CHECK(d && span_eq_str(json_str(json_get(td, "tcb_status")), "UpToDate") && span_eq_str(json_str(json_get(seen, "report_data")), "00"));
		CHECK(json_len(json_get(td, "uefi_event_logs")) == (i < 2 ? 1 + (size[i] + 23) / 24 : 0));
		CHECK(i < 2 || (json_len(td) == 1 && json_get(json_get(json_root(d), "cpu0"), "ear.status")));
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(each_device_has_its_submod_and_a_whole_machine_one),
		T(machine_that_is_not_complete_has_none_and_claims_without_devices_refuse), T(compiled_once_says_the_same),
		T(log_that_is_too_long_for_tokens_is_left_out_of_them) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
