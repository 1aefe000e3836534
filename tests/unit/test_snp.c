/* SNP reports made and signed here: what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/snpkit.h"
#include "tests/t.h"

#define NOW SNPKIT_NOW

struct rig { struct snpkit k; struct ev_out out; };

static void rig_open(struct rig *r, const struct snpkit_vek *v)
{
	*r = (struct rig){ 0 };
	snpkit_open(&r->k, v);
}

static void rig_close(struct rig *r)
{
	snpkit_close(&r->k);
	ev_out_clear(&r->out);
}

static enum verdict judge_bound(struct rig *r, struct span data, struct span init)
{
	struct ev_in in = { .evidence = SPAN(r->k.report), .col = &r->k.col, .now = NOW, .report_data = data, .init_data = init };
	struct err e = { 0 };

	ev_out_clear(&r->out);
	CHECK(tee_driver_find(span_of("snp"))->appraise(&in, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

static enum verdict judge(struct rig *r)
{
	return judge_bound(r, (struct span){ 0 }, (struct span){ 0 });
}

static bool fails(const struct rig *r, const char *id)
{
	return evkit_fails(&r->out, id);
}

/* Of all checks only `id` fails. */
static bool only(struct rig *r, enum verdict v, const char *id)
{
	return judge(r) == v && evkit_only(&r->out, v, id);
}

static void report_of_a_known_chip_is_valid_and_its_claims_are_read(void)
{
	struct rig r;
	struct json_doc *d = NULL;
	struct err e = { 0 };

	rig_open(&r, &snpkit_good);
	CHECK(judge(&r) == VERDICT_VALID);
	CHECK(json_parse(wr_span(&r.out.claims), 1u << 20, &d, &e) == COFFER_OK);
	CHECK(span_starts(json_str(json_get(json_root(d), "measurement")), "3e3e3e") &&
	      span_starts(json_str(json_get(json_root(d), "init_data")), "1d1d"));
	json_free(d);
	rig_close(&r);
}

static void hardware_id_in_an_octet_string_is_the_same(void)
{
	struct snpkit_vek v = snpkit_good;
	struct rig r;

	v.octets = true;
	rig_open(&r, &v);
	CHECK(judge(&r) == VERDICT_VALID);
	rig_close(&r);
}

static void key_of_another_chip_firmware_or_generation_is_refused(void)
{
	struct snpkit_vek v = snpkit_good;
	struct rig r;

	v.chip = 0xc2;
	rig_open(&r, &v);
	CHECK(only(&r, VERDICT_INVALID, "vek_hwid_equals_chip_id"));
	rig_close(&r);
	v = snpkit_good;
	v.snp = 25;
	rig_open(&r, &v);
	CHECK(only(&r, VERDICT_INVALID, "vek_tcb"));
	rig_close(&r);
	v = snpkit_good;
	v.issuer = "SEV-Genoa";
	rig_open(&r, &v);
	CHECK(only(&r, VERDICT_INVALID, "generation"));
	rig_close(&r);
	v = snpkit_good;
	v.issuer = "Somebody";
	rig_open(&r, &v);
	CHECK(judge(&r) == VERDICT_INVALID && fails(&r, "vek_chain"));
	rig_close(&r);
	v = snpkit_good;
	v.no_hwid = true;
	rig_open(&r, &v);
	CHECK(judge(&r) == VERDICT_INVALID && fails(&r, "vek_chain"));
	rig_close(&r);
}

static void vlek_is_no_chips_and_must_be_said_in_the_report(void)
{
	struct snpkit_vek v = snpkit_good;
	struct rig r;

	v.issuer = "SEV-VLEK-Milan";
	v.no_hwid = true;
	rig_open(&r, &v);
	CHECK(only(&r, VERDICT_INVALID, "signing_key") == false && fails(&r, "signing_key")); /* nor is it the chip's */
	snpkit_put32(r.k.report + 0x48, 1u << 2);
	snpkit_sign(&r.k);
	CHECK(judge(&r) == VERDICT_VALID);
	rig_close(&r);
}

static void expired_or_missing_key_is_stale_or_collateral(void)
{
	struct snpkit_vek v = snpkit_good;
	struct rig r;

	v.late = true;
	rig_open(&r, &v);
	CHECK(only(&r, VERDICT_STALE, "vek_chain"));
	certs_clear(&r.k.col.certs);
	CHECK(judge(&r) == VERDICT_COLLATERAL && fails(&r, "vek"));
	rig_close(&r);
}

static void root_that_nobody_brought_is_not_trusted(void)
{
	struct rig r;

	rig_open(&r, &snpkit_good);
	certs_clear(&r.k.col.roots);
	CHECK(only(&r, VERDICT_INVALID, "vek_chain"));
	rig_close(&r);
}

static void privilege_level_and_algorithm_are_demanded(void)
{
	struct rig r;

	rig_open(&r, &snpkit_good);
	snpkit_put32(r.k.report + 0x30, 1);
	snpkit_sign(&r.k);
	CHECK(only(&r, VERDICT_INVALID, "vmpl"));
	snpkit_put32(r.k.report + 0x30, 0);
	snpkit_put32(r.k.report + 0x34, 2);
	snpkit_sign(&r.k);
	CHECK(judge(&r) == VERDICT_INVALID && fails(&r, "signature_algorithm"));
	rig_close(&r);
}

static void bindings_are_judged_with_zero_padding_only(void)
{
	uint8_t d[64], init[32];
	struct rig r;

	memset(d, 0xd1, 64);
	memset(init, 0x1d, 32);
	rig_open(&r, &snpkit_good);
	CHECK(judge_bound(&r, SPAN(d), SPAN(init)) == VERDICT_VALID);
	CHECK(judge_bound(&r, (struct span){ d, 48 }, SPAN(init)) == VERDICT_INVALID && fails(&r, "report_data"));
	d[63] ^= 1;
	CHECK(judge_bound(&r, SPAN(d), SPAN(init)) == VERDICT_INVALID && fails(&r, "report_data"));
	init[0] ^= 1;
	CHECK(judge_bound(&r, (struct span){ 0 }, SPAN(init)) == VERDICT_INVALID && fails(&r, "init_data"));
	memset(r.k.report + 0x50 + 48, 0, 16);
	snpkit_sign(&r.k);
	CHECK(judge_bound(&r, (struct span){ d, 48 }, (struct span){ 0 }) == VERDICT_VALID);
	rig_close(&r);
}

/* Every byte: what is signed changes the verdict, and so does the signature; what is neither must be zero. */
static void every_byte_of_the_report_counts(void)
{
	struct rig r;

	rig_open(&r, &snpkit_good);
	for (size_t i = 0; i < SNP_REPORT_LEN; i++) {
		r.k.report[i] ^= 1;
		CHECK(judge(&r) != VERDICT_VALID);
		r.k.report[i] ^= 1;
	}
	CHECK(judge(&r) == VERDICT_VALID);
	rig_close(&r);
}

static void every_other_length_is_malformed(void)
{
	struct rig r;

	rig_open(&r, &snpkit_good);
	for (size_t n = 0; n < SNP_REPORT_LEN; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct snp_report rep = { .version = 77 };
		struct err e = { 0 };

		memcpy(exact, r.k.report, n);
		CHECK(snp_report_parse((struct span){ exact, n }, &rep, &e) == COFFER_E_INPUT && rep.version == 77);
	}
	rig_close(&r);
}

static void reserved_bytes_must_be_zero_and_versions_known(void)
{
	static const size_t mbz[] = { 0x4c, 0x18b, 0x19f, 0x1eb, 0x1ef, 0x1f8, 0x208, 0x29f, 0x330, 0x49f };
	struct snp_report rep;
	struct err e = { 0 };
	struct rig r;

	rig_open(&r, &snpkit_good);
	for (size_t i = 0; i < sizeof(mbz) / sizeof(mbz[0]); i++) {
		r.k.report[mbz[i]] = 1;
		CHECK(snp_report_parse(SPAN(r.k.report), &rep, &e) == COFFER_E_INPUT);
		r.k.report[mbz[i]] = 0;
	}
	r.k.report[0] = 5;
	r.k.report[0x1f8] = 1; /* version 5 has mitigation vectors there */
	CHECK(snp_report_parse(SPAN(r.k.report), &rep, &e) == COFFER_OK && rep.launch_mit == 1);
	r.k.report[0] = 6;
	CHECK(snp_report_parse(SPAN(r.k.report), &rep, &e) == COFFER_E_INPUT);
	r.k.report[0] = 1;
	CHECK(snp_report_parse(SPAN(r.k.report), &rep, &e) == COFFER_E_INPUT);
	rig_close(&r);
}

/* ---- upstream's decoded form ---- */

static enum verdict judge_json(struct rig *r, size_t skip, const char *extra)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 18);
	struct collateral col = { .roots = r->k.col.roots };
	struct ev_in in = { .col = &col, .now = NOW };
	struct err e = { 0 };

	snpkit_json(&r->k, skip, extra, &w);
	CHECK(wr_ok(&w));
	in.evidence = wr_span(&w);
	ev_out_clear(&r->out);
	CHECK(tee_driver_find(span_of("snp"))->appraise(&in, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

static void decoded_form_is_packed_back_into_what_was_signed(void)
{
	const size_t all = 26; /* members beside the signature */
	struct rig r;

	rig_open(&r, &snpkit_good);
	r.k.report[0x1e8] = 3;
	r.k.report[0x1e9] = 4;
	r.k.report[0x1ec] = 5;
	snpkit_put32(r.k.report + 0x40, 0x23);
	snpkit_sign(&r.k);
	CHECK(judge_json(&r, all + 1, NULL) == VERDICT_VALID);
	for (size_t i = 0; i <= all; i++)
		CHECK(judge_json(&r, i, NULL) == VERDICT_MALFORMED);
	CHECK(judge_json(&r, all + 1, "surprise") == VERDICT_MALFORMED);
	r.k.report[0x90] ^= 1;
	CHECK(judge_json(&r, all + 1, NULL) == VERDICT_INVALID && fails(&r, "report_signature"));
	rig_close(&r);
}

static void revoked_key_is_refused(void)
{
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16);
	long serial = 7;
	struct err e = { 0 };
	struct rig r;

	rig_open(&r, &snpkit_good);
	evkit_crl("SEV-Milan", r.k.ask, &serial, 1, NOW - 10, NOW + 10, &der);
	CHECK(crl_read(wr_span(&der), &r.k.col.crls.c[0], &e) == COFFER_OK);
	r.k.col.crls.n = 1;
	CHECK(only(&r, VERDICT_INVALID, "vek_chain"));
	crls_clear(&r.k.col.crls);
	rig_close(&r);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(report_of_a_known_chip_is_valid_and_its_claims_are_read),
		T(hardware_id_in_an_octet_string_is_the_same),
		T(key_of_another_chip_firmware_or_generation_is_refused),
		T(vlek_is_no_chips_and_must_be_said_in_the_report),
		T(expired_or_missing_key_is_stale_or_collateral),
		T(root_that_nobody_brought_is_not_trusted),
		T(privilege_level_and_algorithm_are_demanded),
		T(bindings_are_judged_with_zero_padding_only),
		T(every_byte_of_the_report_counts),
		T(every_other_length_is_malformed),
		T(reserved_bytes_must_be_zero_and_versions_known),
		T(decoded_form_is_packed_back_into_what_was_signed),
		T(revoked_key_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
