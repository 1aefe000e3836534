/* Hygon certificates and reports by SM2 keys made on the spot: what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tests/csvkit.h"
#include "tests/t.h"

static enum verdict judge(struct csvkit *r, struct span data, struct span init)
{
	struct ev_in in = { .col = &r->col, .now = -1, .report_data = data, .init_data = init };
	struct err e = { 0 };

	csvkit_json(r);
	in.evidence = wr_span(&r->json);
	ev_out_clear(&r->out);
	CHECK(csv_appraise(&in, &r->roots, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

static enum verdict plain(struct csvkit *r)
{
	return judge(r, (struct span){ 0 }, (struct span){ 0 });
}

static void report_is_good_with_the_chain_in_evidence_or_collateral(void)
{
	struct json_doc *d = NULL;
	struct err e = { 0 };
	uint64_t nodbg = 0;
	struct csvkit r;

	csvkit_open(&r);
	CHECK(plain(&r) == VERDICT_VALID);
	CHECK(json_parse(wr_span(&r.out.claims), 1u << 16, &d, &e) == COFFER_OK);
	CHECK(json_u64(json_get(json_get(json_root(d), "policy"), "nodbg"), &nodbg) && nodbg == 1);
	CHECK(span_eq_str(json_str(json_get(json_root(d), "serial_number")), "KPA0001"));
	CHECK(span_starts(json_str(json_get(json_root(d), "measure")), "3e3e3e3e"));
	json_free(d);
	r.col.n_other = 0;
	CHECK(plain(&r) == VERDICT_COLLATERAL && evkit_only(&r.out, VERDICT_COLLATERAL, "pek_chain"));
	r.in_evidence = true;
	CHECK(plain(&r) == VERDICT_VALID);
	r.flags = 0, r.magic = 1;
	CHECK(plain(&r) == VERDICT_VALID);
	r.flags = 1;
	CHECK(plain(&r) == VERDICT_MALFORMED && evkit_fails(&r.out, "form"));
	csvkit_close(&r);
}

static void bindings_are_judged_and_init_data_has_no_place(void)
{
	uint8_t want[64];
	struct csvkit r;

	csvkit_open(&r);
	memset(want, 0xda, 64);
	CHECK(judge(&r, SPAN(want), (struct span){ 0 }) == VERDICT_VALID);
	want[63] ^= 1;
	CHECK(judge(&r, SPAN(want), (struct span){ 0 }) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "report_data"));
	CHECK(judge(&r, (struct span){ 0 }, SPAN(want)) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "init_data"));
	csvkit_close(&r);
}

static void facts_are_the_measurement_and_the_policys_bits(void)
{
	const struct hw_facts *f;
	uint8_t measure[32];
	struct csvkit r;

	csvkit_open(&r);
	f = &r.out.facts;
	memset(measure, 0x3e, sizeof(measure));
	CHECK(plain(&r) == VERDICT_VALID && strcmp(f->platform, "csv") == 0 && f->product[0] == '\0' && f->chip_n == 0);
	CHECK(f->n_regs == 1 && facts_reg(f, "measure") && span_eq(SPAN(measure), (struct span){ f->reg[0].v, f->reg[0].n }));
	CHECK(!f->debug && f->migratable && f->smt && f->n_svns == 0 && r.out.report_data_n == 64 && r.out.init_register_n == 0);
	r.policy = 0x4c; /* may be debugged, may not be sent */
	csvkit_report(&r, CSV_PEK);
	CHECK(plain(&r) == VERDICT_VALID && f->debug && !f->migratable);
	csvkit_close(&r);
}

static void every_signed_byte_of_the_report_counts(void)
{
	struct csvkit r;

	csvkit_open(&r);
	for (size_t i = 0; i < CSV_SIGNED_LEN; i += 7) {
		r.page[i] ^= 1;
		CHECK(plain(&r) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "report_signature"));
		r.page[i] ^= 1;
	}
	csvkit_report(&r, CSV_CEK);
	CHECK(plain(&r) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "signature_kind"));
	csvkit_close(&r);
}

static bool chain_fails(struct csvkit *r)
{
	bool ok = plain(r) == VERDICT_INVALID && evkit_only(&r->out, VERDICT_INVALID, "pek_chain");

	csvkit_remake(r);
	return ok;
}

static void each_link_of_the_chain_is_demanded(void)
{
	struct csvkit r;
	uint8_t *cek = r.both + CSV_CA_LEN;

	csvkit_open(&r);
	r.both[40] ^= 1; /* HSK, signed */
	CHECK(chain_fails(&r));
	cek[436] ^= 1; /* CEK, signed */
	CHECK(chain_fails(&r));
	r.pek_cert[436] ^= 1;
	CHECK(chain_fails(&r));
	csvkit_chip(cek, &(struct csvkit_chip){ r.cek, r.hrk, "CEK", "HSK", CSV_CEK, CSV_HSK }, 0);
	CHECK(chain_fails(&r));
	csvkit_chip(cek, &(struct csvkit_chip){ r.cek, r.hsk, "CEK", "HRK", CSV_CEK, CSV_HSK }, 0); /* under another identifier */
	CHECK(chain_fails(&r));
	csvkit_chip(cek, &(struct csvkit_chip){ r.cek, r.hsk, "CEK", "HSK", CSV_PEK, CSV_HSK }, 0); /* of another use */
	CHECK(chain_fails(&r));
	csvkit_chip(r.pek_cert, &(struct csvkit_chip){ r.pek, r.cek, "PEK", "CEK", CSV_PEK, 0x1001 }, 1); /* as an owner's */
	CHECK(chain_fails(&r));
	csvkit_chip(r.pek_cert, &(struct csvkit_chip){ r.pek, r.cek, "PEK", "CEK", CSV_CEK, CSV_CEK }, 1);
	CHECK(chain_fails(&r));
	CHECK(plain(&r) == VERDICT_VALID);
	anchors_clear(&r.roots);
	CHECK(chain_fails(&r));
	csvkit_close(&r);
}

static void every_other_length_is_refused(void)
{
	struct csv_report p = { .policy = 77 };
	struct csv_cert c = { .usage = 77 };
	struct err e = { 0 };
	struct csvkit r;

	csvkit_open(&r);
	for (size_t n = 0; n <= CSV_CERT_LEN + 1; n++) {
		CLEANUP(freep) uint8_t *exact = calloc(1, n ? n : 1);

		memcpy(exact, r.pek_cert, n < CSV_CERT_LEN ? n : CSV_CERT_LEN);
		if (n < CSV_REPORT_LEN)
			CHECK(csv_report_parse((struct span){ exact, n }, &p, &e) == COFFER_E_INPUT && p.policy == 77);
		if (n != CSV_CERT_LEN)
			CHECK(csv_cert_parse((struct span){ exact, n }, &c, &e) == COFFER_E_INPUT && c.usage == 77);
	}
	CHECK(csv_cert_parse(SPAN(r.pek_cert), &c, &e) == COFFER_OK && c.usage == CSV_PEK && c.n_sigs == 1);
	csvkit_close(&r);
}

/* A byte of the certificate that makes its form wrong: curve, algorithm, a coordinate's and the signature's upper bytes, sizes. */
static void malformed_fields_are_refused(void)
{
	static const struct { size_t at; uint8_t v; } bad[] = { { 16, 2 }, { 12, 5 }, { 20 + 32, 1 }, { 92 + 71, 1 }, { 164, 0 },
		{ 164, 255 }, { 165, 1 }, { 1564 + 8 + 32, 1 } };
	struct csv_cert c = { .usage = 77 };
	struct csv_report p = { .policy = 77 };
	struct err e = { 0 };
	struct csvkit r;

	csvkit_open(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t was = r.pek_cert[bad[i].at];

		r.pek_cert[bad[i].at] = bad[i].v;
		CHECK(csv_cert_parse(SPAN(r.pek_cert), &c, &e) == COFFER_E_INPUT && c.usage == 77);
		r.pek_cert[bad[i].at] = was;
	}
	r.page[192 + 32] = 1;
	CHECK(csv_report_parse(SPAN(r.page), &p, &e) == COFFER_E_INPUT && p.policy == 77);
	csvkit_close(&r);
}

/* Each member renamed. */
static void evidence_of_another_form_is_malformed(void)
{
	static const char *const names[] = { "attestation_report", "data", "flags", "magic", "cert_chain", "pek", "uid_size", "sigs",
		"serial_number", "reserved2", "user_id" };
	struct csvkit r;

	csvkit_open(&r);
	csvkit_json(&r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct ev_in in = { .col = &r.col, .now = -1, .evidence = wr_span(&r.json) };
		uint8_t *at = memmem(r.json.p, r.json.n, names[i], strlen(names[i]));
		struct err e = { 0 };

		CHECK(at != NULL);
		at[0] ^= 1;
		ev_out_clear(&r.out);
		CHECK(csv_appraise(&in, &r.roots, &r.out, &e) == COFFER_OK && r.out.verdict == VERDICT_MALFORMED);
		at[0] ^= 1;
	}
	csvkit_close(&r);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(report_is_good_with_the_chain_in_evidence_or_collateral),
		T(bindings_are_judged_and_init_data_has_no_place),
		T(facts_are_the_measurement_and_the_policys_bits), T(every_signed_byte_of_the_report_counts),
		T(each_link_of_the_chain_is_demanded),
		T(every_other_length_is_refused),
		T(malformed_fields_are_refused),
		T(evidence_of_another_form_is_malformed),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
