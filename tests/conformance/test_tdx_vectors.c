/* RTMR 1 and 2 against the log of a TD that QEMU and OVMF booted with a kernel: from the digests that the log records of kernel, load
 * options and initrd come the registers that it replays to. That these three are computed from files as a boot measures them is
 * shown in tests/e2e/test_measure.py. */
#include "evidence/eventlog_claims.h"
#include "evidence/measure_tdx.h"
#include "vec.h"

#define BOOT_SERVICES_APPLICATION 0x80000003u
#define EVENT_TAG 6u

static void take(const struct event *v, struct boot_digests *d, size_t *n_tags)
{
	if (v->reg == 2 && v->type == BOOT_SERVICES_APPLICATION)
		memcpy(d->image, v->d[0].digest.p, TDX_MEASUREMENT);
	if (v->reg == 3 && v->type == EVENT_TAG) {
		memcpy(*n_tags == 0 ? d->options : d->initrd, v->d[0].digest.p, TDX_MEASUREMENT);
		d->has_initrd = ++*n_tags == 2;
	}
}

static void registers_of_a_recorded_direct_boot_are_the_computed_ones(void)
{
	CLEANUP(wr_close) struct wr log = { 0 };
	struct boot_digests d = { 0 };
	struct eventlog_replay r;
	struct eventlog l;
	struct err e = { 0 };
	uint8_t rtmr[2][TDX_MEASUREMENT];
	size_t n_tags = 0;
	bool more = true;

	CHECK(vec_read("../eventlog/CCEL_data_ovmf", &log) && eventlog_open(wr_span(&log), &l, &e) == COFFER_OK);
	while (more) {
		struct event v;

		if (eventlog_next(&l, &v, &more, &e) != COFFER_OK)
			break;
		if (more && v.n_digests == 1)
			take(&v, &d, &n_tags);
	}
	CHECK(!more && n_tags == 2 && eventlog_replay(wr_span(&log), TPM_ALG_SHA384, &r, &e) == COFFER_OK);
	tdx_measure_direct(&d, rtmr[0], rtmr[1]);
	CHECK(memcmp(rtmr[0], r.reg[2], TDX_MEASUREMENT) == 0 && memcmp(rtmr[1], r.reg[3], TDX_MEASUREMENT) == 0);
	d.image[0] ^= 1;
	d.has_initrd = false;
	tdx_measure_direct(&d, rtmr[0], rtmr[1]);
	CHECK(memcmp(rtmr[0], r.reg[2], TDX_MEASUREMENT) != 0 && memcmp(rtmr[1], r.reg[3], TDX_MEASUREMENT) != 0);
}

/* With the entries that a guest's agent logged at run time, and a node that is shown in hex. */
static void claims_of_a_log_are_those_of_upstream(void)
{
	CLEANUP(wr_close) struct wr log = { 0 }, got = wr_open(1u << 20), a = wr_open(1u << 20), b = wr_open(1u << 20);
	CLEANUP(json_freep) struct json_doc *want = vec_json("../guest/aael/CCEL_AAEL_alibabacloud_out.json"), *own = NULL;
	struct err e = { 0 };

	CHECK(want && vec_read("../guest/aael/CCEL_AAEL_alibabacloud", &log));
	CHECK(eventlog_claims(wr_span(&log), TPM_ALG_SHA384, ~0u, &got, &e) == COFFER_OK && json_parse(wr_span(&got), 1u << 20, &own, &e) == COFFER_OK);
	json_canon(json_get(json_root(want), "uefi_event_logs"), &a);
	json_canon(json_root(own), &b);
	CHECK(wr_ok(&a) && wr_ok(&b) && a.n > 1000 && span_eq(wr_span(&a), wr_span(&b)));
}

int main(void)
{
	static const struct t_case cases[] = { T(registers_of_a_recorded_direct_boot_are_the_computed_ones),
		T(claims_of_a_log_are_those_of_upstream) };

	return vec_main("../eventlog/CCEL_data_ovmf", cases, sizeof(cases) / sizeof(cases[0]));
}
