/* Reports of NVIDIA's devices made and signed here: what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/nvkit.h"
#include "tests/t.h"

static const uint8_t nonce[32] = { 7, 8, 9 };

struct rig {
	struct nvkit k;
	struct wr list;
	struct json_wr j;
	struct ev_out out;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .list = wr_open(1u << 20) };
	nvkit_open(&r->k);
	r->j = jw_open(&r->list, false);
	jw_obj(&r->j);
	jw_name(&r->j, "device_evidence_list");
	jw_arr(&r->j);
}

static void rig_close(struct rig *r)
{
	nvkit_close(&r->k);
	wr_close(&r->list);
	ev_out_clear(&r->out);
}

static void add(struct rig *r, const char *arch, const struct nvkit_how *how)
{
	CLEANUP(wr_close) struct wr report = wr_open(8192), pem = wr_open(16384);

	nvkit_device(&r->k, how, SPAN(nonce), &report, &pem);
	nvkit_item(&r->j, arch, wr_span(&report), wr_span(&pem));
}

static enum verdict appraise(struct rig *r, struct span evidence, struct span data)
{
	struct ev_in in = { .evidence = evidence, .col = &r->k.col, .now = NVKIT_NOW, .report_data = data };
	struct err e = { 0 };

	ev_out_clear(&r->out);
	CHECK(tee_driver_find(span_of("nvidia"))->appraise(&in, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

static enum verdict judge(struct rig *r)
{
	jw_arr_end(&r->j);
	jw_obj_end(&r->j);
	return appraise(r, wr_span(&r->list), SPAN(nonce));
}

/* One device that departs by `how`: only that check fails. */
static bool one_fails(struct nvkit_how how, enum verdict v, const char *id)
{
	struct rig r;
	bool ok;

	rig_open(&r);
	add(&r, how.ls10 ? "LS10" : "HOPPER", &how);
	ok = judge(&r) == v && evkit_only(&r.out, v, id);
	rig_close(&r);
	return ok;
}

static bool claim_is(const struct rig *r, const char *name, bool want)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };
	bool b;

	return json_parse(wr_span(&r->out.claims), 1u << 20, &d, &e) == COFFER_OK &&
	       json_bool(json_get(json_root(d), name), &b) && b == want;
}

static void good_devices_are_valid_and_named_as_upstream_names_them(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };
	const struct json *config;
	struct rig r;

	rig_open(&r);
	add(&r, "HOPPER", &(struct nvkit_how){ 0 });
	CHECK(judge(&r) == VERDICT_VALID);
	CHECK(json_parse(wr_span(&r.out.claims), 1u << 20, &d, &e) == COFFER_OK);
	config = json_get(json_root(d), "config");
	CHECK(span_eq_str(json_str(json_get(config, "vbios_version")), "96.00.9f.00.01"));
	CHECK(span_eq_str(json_str(json_get(config, "driver_version")), "550.1"));
	CHECK(span_eq_str(json_str(json_get(json_root(d), "arch")), "Hopper"));
	CHECK(span_starts(json_str(json_get(json_get(json_root(d), "measurements"), "2")), "a2a2"));
	CHECK(json_len(json_get(json_root(d), "devices")) == 1);
	rig_close(&r);
	rig_open(&r);
	add(&r, "LS10", &(struct nvkit_how){ .ls10 = true, .id = 1 });
	add(&r, "Hopper", &(struct nvkit_how){ 0 });
	CHECK(judge(&r) == VERDICT_VALID);
	rig_close(&r);
}

static void every_departure_fails_its_own_check(void)
{
	CHECK(one_fails((struct nvkit_how){ .other_fwid = true }, VERDICT_INVALID, "fwid"));
	CHECK(one_fails((struct nvkit_how){ .no_fwid = true }, VERDICT_INVALID, "fwid"));
	CHECK(one_fails((struct nvkit_how){ .no_fwid = true, .ls10 = true }, VERDICT_INVALID, "fwid"));
	CHECK(one_fails((struct nvkit_how){ .other_signer = true }, VERDICT_INVALID, "report_signature"));
	CHECK(one_fails((struct nvkit_how){ .swapped = true }, VERDICT_INVALID, "device_chain"));
	CHECK(one_fails((struct nvkit_how){ .no_middle = true }, VERDICT_INVALID, "device_chain"));
	CHECK(one_fails((struct nvkit_how){ .extra = true }, VERDICT_INVALID, "device_chain"));
	CHECK(one_fails((struct nvkit_how){ .other_root = true }, VERDICT_INVALID, "device_chain"));
	CHECK(one_fails((struct nvkit_how){ .late = true }, VERDICT_STALE, "device_chain"));
}

static void a_kind_that_is_not_the_reports_is_refused(void)
{
	struct rig r;

	rig_open(&r);
	add(&r, "LS10", &(struct nvkit_how){ 0 });
	CHECK(judge(&r) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "architecture"));
	rig_close(&r);
	rig_open(&r);
	add(&r, "BLACKWELL", &(struct nvkit_how){ 0 });
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
	rig_open(&r);
	CHECK(judge(&r) == VERDICT_MALFORMED); /* no device at all */
	rig_close(&r);
}

static void nonce_is_the_first_32_bytes_of_the_report_data(void)
{
	uint8_t data[48] = { 7, 8, 9 };
	struct rig r;

	data[40] = 1; /* behind the nonce */
	rig_open(&r);
	add(&r, "HOPPER", &(struct nvkit_how){ 0 });
	CHECK(judge(&r) == VERDICT_VALID);
	CHECK(appraise(&r, wr_span(&r.list), SPAN(data)) == VERDICT_VALID);
	data[31] = 1;
	CHECK(
	    appraise(&r, wr_span(&r.list), SPAN(data)) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "report_data"));
	CHECK(appraise(&r, wr_span(&r.list), (struct span){ data, 2 }) == VERDICT_INVALID);
	CHECK(appraise(&r, wr_span(&r.list), (struct span){ data, 3 }) == VERDICT_VALID);
	rig_close(&r);
}

static void same_device_twice_is_refused(void)
{
	CLEANUP(wr_close) struct wr report = wr_open(8192), pem = wr_open(16384);
	struct rig r;

	rig_open(&r);
	nvkit_device(&r.k, &(struct nvkit_how){ 0 }, SPAN(nonce), &report, &pem);
	nvkit_item(&r.j, "HOPPER", wr_span(&report), wr_span(&pem));
	nvkit_item(&r.j, "HOPPER", wr_span(&report), wr_span(&pem));
	CHECK(judge(&r) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "distinct"));
	rig_close(&r);
}

static void machine(struct rig *r, size_t gpus, uint8_t switches, struct nvkit_how gpu)
{
	rig_open(r);
	for (size_t i = 0; i < gpus; i++)
		add(r, "HOPPER", &gpu);
	for (uint8_t i = 0; i < switches; i++)
		add(r, "LS10", &(struct nvkit_how){ .ls10 = true, .id = (uint8_t)(i + 1) });
	CHECK(judge(r) == VERDICT_VALID);
}

static void ppcie_is_complete_with_eight_gpus_that_list_their_four_switches(void)
{
	static const struct {
		size_t gpus;
		uint8_t switches;
		struct nvkit_how gpu;
		bool complete;
	} c[] = { { 8, 4, { .n_switches = 4, .protected_pcie = true }, true },
		{ 7, 4, { .n_switches = 4, .protected_pcie = true }, false },
		{ 8, 3, { .n_switches = 3, .protected_pcie = true }, false }, { 8, 4, { .n_switches = 4 }, false },
		{ 8, 4, { .n_switches = 3, .protected_pcie = true }, false },
		{ 8, 4, { .n_switches = 5, .protected_pcie = true }, false } };
	struct rig r;

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		machine(&r, c[i].gpus, c[i].switches, c[i].gpu);
		CHECK(claim_is(&r, "ppcie_complete", c[i].complete));
		rig_close(&r);
	}
}

static void raw_report_is_exact_and_every_byte_of_it_counts(void)
{
	CLEANUP(wr_close) struct wr report = wr_open(8192), pem = wr_open(16384);
	struct spdm_report s;
	struct err e = { 0 };
	struct rig r;

	rig_open(&r);
	nvkit_device(&r.k, &(struct nvkit_how){ 0 }, SPAN(nonce), &report, &pem);
	CHECK(appraise(&r, wr_span(&report), SPAN(nonce)) == VERDICT_COLLATERAL); /* whose it is nobody says */
	evkit_add(&r.k.col.certs, &pem);
	CHECK(appraise(&r, wr_span(&report), SPAN(nonce)) == VERDICT_VALID);
	for (size_t i = 0; i < report.n; i++) {
		report.p[i] ^= 1;
		CHECK(appraise(&r, wr_span(&report), SPAN(nonce)) != VERDICT_VALID);
		report.p[i] ^= 1;
	}
	for (size_t n = 0; n < report.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		if (!exact)
			abort();
		memcpy(exact, report.p, n);
		CHECK(spdm_report_parse((struct span){ exact, n }, &s, &e) == COFFER_E_INPUT);
		free(exact);
	}
	wr_u8(&report, 0);
	CHECK(appraise(&r, wr_span(&report), SPAN(nonce)) == VERDICT_VALID); /* a transport's padding */
	report.p[report.n - 1] = 1;
	CHECK(appraise(&r, wr_span(&report), SPAN(nonce)) == VERDICT_MALFORMED);
	report.p[report.n - 1] = 0;
	wr_u8(&report, 0);
	CHECK(appraise(&r, wr_span(&report), SPAN(nonce)) == VERDICT_MALFORMED);
	rig_close(&r);
}

int main(void)
{
	const struct t_case cases[] = {
		T(good_devices_are_valid_and_named_as_upstream_names_them),
		T(every_departure_fails_its_own_check),
		T(a_kind_that_is_not_the_reports_is_refused),
		T(nonce_is_the_first_32_bytes_of_the_report_data),
		T(same_device_twice_is_refused),
		T(ppcie_is_complete_with_eight_gpus_that_list_their_four_switches),
		T(raw_report_is_exact_and_every_byte_of_it_counts),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
