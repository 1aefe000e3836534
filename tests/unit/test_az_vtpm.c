/* Evidence of Azure's SNP guests made here: hardware report, paravisor's text, quote; and every joint between them cut. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed.h"
#include "evidence/hcl.h"
#include "evidence/needs.h"
#include "fmt/enc.h"
#include "tests/azkit.h"
#include "tests/t.h"

static enum verdict judge(struct azkit *r)
{
	struct collateral col = { 0 };
	struct ev_in in = { .evidence = wr_span(&r->json), .col = r->td ? &r->q.col : &col, .now = SNPKIT_NOW };
	struct err e = { 0 };
	uint8_t want[32];

	memset(want, 0xaa, 32);
	in.report_data = SPAN(want);
	col.roots = r->k.col.roots;
	ev_out_clear(&r->out);
	CHECK(tee_driver_find(span_of(r->td ? "az-tdx-vtpm" : "az-snp-vtpm"))->appraise(&in, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

static bool only(struct azkit *r, const char *id)
{
	return judge(r) == VERDICT_INVALID && evkit_only(&r->out, VERDICT_INVALID, id);
}

static void every_version_of_evidence_is_valid_and_claims_are_upstreams(void)
{
	for (int td = 0; td < 2; td++) {
		for (int version = 0; version <= 2; version++) {
			CLEANUP(json_freep) struct json_doc *d = NULL;
			struct err e = { 0 };
			struct azkit r;

			azkit_open(&r, td);
			r.version = version;
			azkit_make(&r);
			CHECK(judge(&r) == VERDICT_VALID);
			CHECK(json_parse(wr_span(&r.out.claims), 1u << 18, &d, &e) == COFFER_OK);
			CHECK(span_starts(json_str(json_get(json_get(json_root(d), "tpm"), "pcr03")), "0404"));
			CHECK(span_starts(json_str(json_get(json_root(d), "report_data")), "aaaa"));
			CHECK(td || span_eq_str(json_str(json_get(json_root(d), "policy_debug_allowed")), "false"));
			azkit_close(&r);
		}
	}
}

static void text_that_the_hardware_does_not_hold_is_refused(void)
{
	for (int td = 0; td < 2; td++) {
		struct azkit r;

		azkit_open(&r, td);
		azkit_make(&r);
		memcpy(memmem(r.text.p, r.text.n, "\"VM\"", 4), "\"WM\"", 4);
		azkit_hcl(&r);
		azkit_json(&r);
		CHECK(only(&r, "hw_report_data_binds_var_data"));
		azkit_close(&r);
	}
}

static void key_that_the_text_does_not_name_is_refused(void)
{
	struct azkit r;

	azkit_open(&r, false);
	r.named = evkit_rsa();
	azkit_make(&r);
	CHECK(only(&r, "quote_signature"));
	azkit_close(&r);
}

static void registers_nonce_and_user_data_are_bound(void)
{
	struct azkit r;

	azkit_open(&r, false);
	azkit_make(&r);
	r.pcr[5][0] ^= 1;
	azkit_json(&r);
	CHECK(only(&r, "pcr_digest"));
	r.pcr[5][0] ^= 1;
	r.user[40] = 1; /* behind the report data */
	azkit_make(&r);
	CHECK(judge(&r) == VERDICT_VALID); /* version 1 has none to judge */
	r.version = 2;
	azkit_make(&r);
	CHECK(only(&r, "user_data"));
	azkit_close(&r);
}

static void hardware_report_is_judged_as_by_its_own_driver(void)
{
	struct azkit r;

	azkit_open(&r, false);
	azkit_make(&r);
	r.k.report[0x90] ^= 1;
	azkit_hcl(&r);
	azkit_json(&r);
	CHECK(only(&r, "report_signature"));
	azkit_close(&r);
	azkit_open(&r, true);
	azkit_make(&r);
	r.q.quote.p[48 + 136] ^= 1;
	azkit_json(&r);
	CHECK(only(&r, "attestation_key_signature"));
	azkit_close(&r);
}

static void parts_that_are_missing_leave_a_verdict_all_the_same(void)
{
	struct cert *ask, *vek;
	struct azkit r;

	azkit_open(&r, false);
	azkit_make(&r);
	vek = r.k.col.certs.c[0];
	ask = r.k.col.roots.c[0];
	r.k.col.certs.c[0] = ask; /* a certificate that is no VCEK */
	azkit_json(&r);
	CHECK(judge(&r) == VERDICT_COLLATERAL && evkit_only(&r.out, VERDICT_COLLATERAL, "vek"));
	r.k.col.certs.c[0] = vek;
	r.pcr[0][0] ^= 1;
	r.msg.p[0] ^= 1; /* and a message that is none */
	azkit_json(&r);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	r.k.report[0x90] ^= 1;
	azkit_hcl(&r);
	azkit_json(&r);
	CHECK(judge(&r) == VERDICT_INVALID && evkit_fails(&r.out, "report_signature") && evkit_fails(&r.out, "form"));
	CHECK(span_eq_str(span_skip(wr_span(&r.out.claims), r.out.claims.n - 10), ",\"tpm\":{}}")); /* nobody's registers */
	azkit_close(&r);
}

static void report_of_the_other_hardware_is_malformed(void)
{
	struct azkit r;

	azkit_open(&r, false);
	azkit_make(&r);
	r.hcl.p[32 + 1184 + 8] = 4;
	azkit_json(&r);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	azkit_close(&r);
}

static void every_truncation_of_the_report_is_refused(void)
{
	struct err e = { 0 };
	struct azkit r;
	size_t used;

	azkit_open(&r, false);
	azkit_make(&r);
	used = r.hcl.n - 50;
	for (size_t n = 0; n < used; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct hcl h = { 0 };

		memcpy(exact, r.hcl.p, n);
		CHECK(hcl_parse((struct span){ exact, n }, &h, &e) == COFFER_E_INPUT && !h.ak);
	}
	r.hcl.p[r.hcl.n - 1] = 1; /* filling that is none */
	azkit_json(&r);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	azkit_close(&r);
}

static void text_without_its_form_is_refused(void)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"keys\":[]}",
		"{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\",\"e\":\"AQAB\",\"n\":\"AAAA\"}]}",
		"{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AAAA\"}]}",
		"{\"keys\":[{\"kid\":\"HCLEkPub\"}]}" };
	struct azkit r;

	azkit_open(&r, false);
	azkit_make(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hcl h = { 0 };
		struct err e = { 0 };

		wr_close(&r.text);
		r.text = wr_open(4096);
		wr_str(&r.text, bad[i]);
		azkit_hcl(&r);
		CHECK(hcl_parse(wr_span(&r.hcl), &h, &e) == COFFER_E_INPUT && !h.ak);
	}
	azkit_close(&r);
}

/* What is in it needs: the certificate of an SNP guest's key came along, that of a TD's platform names its own. */
static void evidence_needs_what_its_hardware_does(void)
{
	static const char *const want[2][4] = { { "amd/vcek/milan/cert_chain", "amd/vcek/milan/crl", NULL },
		{ "intel/tdx/tcb/", "intel/pckcrl/platform", "intel/tdx/qe", "intel/rootcrl" } };

	for (int td = 0; td < 2; td++) {
		struct needs n = { 0 };
		struct err e = { 0 };
		struct azkit r;

		azkit_open(&r, td);
		azkit_make(&r);
		CHECK(evidence_needs(span_of(td ? "az-tdx-vtpm" : "az-snp-vtpm"), wr_span(&r.json), &n, &e) == COFFER_OK && n.n == (td ? 4 : 2));
		for (size_t i = 0; i < n.n; i++) {
			char key[VENDOR_KEY_MAX];

			vendor_item_key(&n.item[i], key);
			CHECK(want[td][i] && span_starts(span_of(key), want[td][i]));
		}
		CHECK(evidence_needs(span_of(td ? "az-snp-vtpm" : "az-tdx-vtpm"), wr_span(&r.json), &n, &e) == COFFER_E_INPUT);
		azkit_close(&r);
	}
}

/* ---- the second reading: keep's, of what was handed on ---- */

static void second_reading(struct azkit *r, struct fixed_root *root, struct fixed_in *in)
{
	const struct cert_list *roots = r->td ? &r->q.col.roots : &r->k.col.roots;
	const struct ev_parts *p = &r->out.parts;
	static char name[64];

	CHECK(cert_subject_cn(roots->c[0], name, sizeof(name)));
	*root = (struct fixed_root){ .name = name, .key = cert_key(roots->c[0]) };
	*in = (struct fixed_in){ .platform = r->td ? "az-tdx-vtpm" : "az-snp-vtpm", .report = wr_span(&p->report), .key = wr_span(&p->key),
		.signature = wr_span(&p->signature), .registers = wr_span(&p->registers), .quote = wr_span(&p->quote), .n_path = p->n_path,
		.root = root, .n_roots = 1 };
	for (size_t i = 0; i < p->n_path; i++)
		in->path[i] = wr_span(&p->path[i]);
}

static bool denied(const struct fixed_in *in, const char *words)
{
	struct fixed_out got;
	struct err e = { 0 };
	enum coffer_rc rc = fixed_read(in, &got, &e);

	if (rc == COFFER_OK || !strstr(e.msg, words))
		printf("# %d: %s; wanted \"%s\"\n", (int)rc, e.msg, words);
	return rc != COFFER_OK && strstr(e.msg, words);
}

static bool same_facts(const struct hw_facts *a, const struct hw_facts *b)
{
	CLEANUP(wr_close) struct wr x = wr_open(FACTS_PACKED_MAX), y = wr_open(FACTS_PACKED_MAX);

	facts_write(&x, a);
	facts_write(&y, b);
	return wr_ok(&x) && span_eq(wr_span(&x), wr_span(&y));
}

static void what_is_handed_on_is_read_again(void)
{
	for (int td = 0; td < 2; td++) {
		struct fixed_root root;
		struct fixed_out got;
		struct fixed_in in;
		struct err e = { 0 };
		struct azkit r;

		azkit_open(&r, td);
		azkit_make(&r);
		CHECK(judge(&r) == VERDICT_VALID);
		second_reading(&r, &root, &in);
		CHECK(fixed_platform(in.platform) && fixed_read(&in, &got, &e) == COFFER_OK && strcmp(got.facts.platform, in.platform) == 0);
		CHECK(facts_reg(&got.facts, td ? "mr_td" : "measurement") && facts_reg(&got.facts, "pcr04")->v[0] == 5);
		CHECK(got.report_data_n == 32 && got.report_data[31] == 0xaa && got.init_register_n == 32 && got.init_register[0] == 9);
		CHECK(!facts_svn(&got.facts, "firmware") && facts_svn(&got.facts, td ? "tcb00" : "bootloader") && got.facts.chip_n > 0);
		got.facts.collateral = r.out.facts.collateral; /* hardware does not know it */
		CHECK(same_facts(&got.facts, &r.out.facts));
		azkit_close(&r);
	}
}

static void second_reading_refuses_each_joint_that_is_cut(void)
{
	for (int td = 0; td < 2; td++) {
		struct fixed_root root;
		struct fixed_in in, bent;
		struct azkit r, other;

		azkit_open(&r, td);
		azkit_open(&other, td); /* a machine of its own, whose text names another key */
		azkit_make(&r);
		azkit_make(&other);
		CHECK(judge(&r) == VERDICT_VALID);
		second_reading(&r, &root, &in);
		bent = in;
		bent.platform = td ? "az-snp-vtpm" : "az-tdx-vtpm";
		CHECK(denied(&bent, "other hardware"));
		bent = in;
		bent.n_path = 0;
		CHECK(denied(&bent, "no certificate"));
		bent = in;
		bent.key = wr_span(&other.hcl);
		CHECK(denied(&bent, td ? "digest" : "certificate's key"));
		bent = in;
		bent.report = wr_span(&other.msg);
		bent.signature.n = 0;
		CHECK(denied(&bent, ""));
		memcpy(memmem(r.out.parts.key.p, r.out.parts.key.n, "\"VM\"", 4), "\"WM\"", 4);
		CHECK(denied(&in, "digest"));
		memcpy(memmem(r.out.parts.key.p, r.out.parts.key.n, "\"WM\"", 4), "\"VM\"", 4);
		r.out.parts.registers.p[4 * 32] ^= 1;
		CHECK(denied(&in, "registers"));
		r.out.parts.registers.p[4 * 32] ^= 1;
		r.out.parts.signature.p[20] ^= 1;
		CHECK(denied(&in, "attestation key"));
		azkit_close(&other);
		azkit_close(&r);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(every_version_of_evidence_is_valid_and_claims_are_upstreams),
		T(text_that_the_hardware_does_not_hold_is_refused),
		T(key_that_the_text_does_not_name_is_refused),
		T(registers_nonce_and_user_data_are_bound),
		T(hardware_report_is_judged_as_by_its_own_driver),
		T(parts_that_are_missing_leave_a_verdict_all_the_same), T(report_of_the_other_hardware_is_malformed),
		T(every_truncation_of_the_report_is_refused),
		T(text_without_its_form_is_refused),
		T(evidence_needs_what_its_hardware_does), T(what_is_handed_on_is_read_again),
		T(second_reading_refuses_each_joint_that_is_cut),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
