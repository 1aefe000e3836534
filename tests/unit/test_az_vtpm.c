/* Evidence of Azure's SNP guests made here: hardware report, paravisor's text, quote; and every joint between them cut. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/fixed.h"
#include "evidence/hcl.h"
#include "evidence/needs.h"
#include "fmt/enc.h"
#include "tests/dcapkit.h"
#include "tests/snpkit.h"
#include "tests/t.h"

struct rig {
	struct snpkit     k;
	struct dcapkit    q;        /* for a TD */
	bool              td;
	EVP_PKEY         *ak, *named; /* signs; is named in the text */
	struct wr         text, hcl, msg, sig, json;
	uint8_t           pcr[24][32], user[64];
	int               version;
	struct ev_out     out;
};

static void rig_open(struct rig *r, bool td)
{
	*r = (struct rig){ .td = td, .ak = evkit_rsa(), .version = 1 };
	r->named = r->ak;
	for (size_t i = 0; i < 24; i++)
		memset(r->pcr[i], (int)i + 1, 32);
	memset(r->user, 0xaa, 32);
	if (td)
		dcapkit_open(&r->q, 4, true);
	else
		snpkit_open(&r->k, &snpkit_good);
}

static void rig_close(struct rig *r)
{
	if (r->td)
		dcapkit_close(&r->q);
	else
		snpkit_close(&r->k);
	if (r->named != r->ak)
		EVP_PKEY_free(r->named);
	EVP_PKEY_free(r->ak);
	wr_close(&r->text);
	wr_close(&r->hcl);
	wr_close(&r->msg);
	wr_close(&r->sig);
	wr_close(&r->json);
	ev_out_clear(&r->out);
}

static void make_text(struct rig *r)
{
	BIGNUM *n = NULL;
	uint8_t mod[256];

	CHECK(EVP_PKEY_get_bn_param(r->named, "n", &n) == 1 && BN_bn2binpad(n, mod, 256) == 256);
	BN_free(n);
	wr_close(&r->text);
	r->text = wr_open(8192);
	wr_str(&r->text, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"");
	b64url_write(&r->text, SPAN(mod));
	wr_str(&r->text, "\"}],\"vm-configuration\":{\"vmUniqueId\":\"VM\"},\"user-data\":\"");
	hex_write(&r->text, SPAN(r->user));
	wr_str(&r->text, "\"}");
}

static void make_hcl(struct rig *r)
{
	static const uint8_t head[28], zero[1184];

	wr_close(&r->hcl);
	r->hcl = wr_open(8192);
	wr_str(&r->hcl, "HCLA");
	wr_put(&r->hcl, SPAN(head));
	wr_put(&r->hcl, r->td ? SPAN(zero) : SPAN(r->k.report));
	wr_le32(&r->hcl, (uint32_t)r->text.n + 20);
	wr_le32(&r->hcl, 1);
	wr_le32(&r->hcl, r->td ? 4 : 2);
	wr_le32(&r->hcl, 1);
	wr_le32(&r->hcl, (uint32_t)r->text.n);
	wr_put(&r->hcl, wr_span(&r->text));
	wr_put(&r->hcl, (struct span){ zero, 50 });
}

/* The hardware report holds the text's digest. */
static void bind_text(struct rig *r)
{
	uint8_t *data = r->td ? r->q.body + 520 : r->k.report + 0x50;

	make_text(r);
	memset(data, 0, 64);
	sha256(wr_span(&r->text), data);
	if (r->td)
		dcapkit_make(&r->q);
	else
		snpkit_sign(&r->k);
}

static void make_quote(struct rig *r)
{
	uint8_t nonce[32];

	memset(nonce, 0xaa, 32);
	wr_close(&r->msg);
	wr_close(&r->sig);
	r->msg = r->sig = wr_open(4096);
	evkit_tpm_message(&r->msg, SPAN(nonce), 0xffffff, 1, r->pcr[0]);
	evkit_sign_rsa(r->ak, wr_span(&r->msg), &r->sig);
}

static void bytes_m(struct json_wr *j, const char *name, struct span s, bool ints, void (*enc)(struct wr *w, struct span s))
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 17);

	jw_name(j, name);
	if (!ints) {
		enc(&w, s);
		jw_str(j, wr_span(&w));
		return;
	}
	jw_arr(j);
	for (size_t i = 0; i < s.n; i++)
		jw_u64(j, s.p[i]);
	jw_arr_end(j);
}

static void put_hw(struct rig *r, struct json_wr *j)
{
	CLEANUP(wr_close) struct wr pem = wr_open(1u << 16), b64 = wr_open(1u << 16);
	struct span vek;

	if (r->td) {
		bytes_m(j, "td_quote", wr_span(&r->q.quote), r->version == 0, b64url_write);
		return;
	}
	vek = cert_bytes(r->k.col.certs.c[0]);
	if (r->version > 0) {
		bytes_m(j, "vcek", vek, false, b64url_write);
		return;
	}
	b64_write(&b64, vek);
	wr_str(&pem, "-----BEGIN CERTIFICATE-----\n");
	for (struct span s = wr_span(&b64); s.n > 0; s = span_skip(s, 64)) {
		wr_put(&pem, (struct span){ s.p, s.n < 64 ? s.n : 64 });
		wr_str(&pem, "\n");
	}
	wr_str(&pem, "-----END CERTIFICATE-----\n");
	jw_m_str(j, "vcek", wr_span(&pem));
}

static void make_json(struct rig *r)
{
	bool old = r->version == 0;
	struct json_wr j;

	wr_close(&r->json);
	r->json = wr_open(1u << 18);
	j = jw_open(&r->json, false);
	jw_obj(&j);
	if (!old)
		jw_m_u64(&j, "version", (uint64_t)r->version);
	bytes_m(&j, old ? "report" : "hcl_report", wr_span(&r->hcl), old, b64url_write);
	put_hw(r, &j);
	jw_name(&j, old ? "quote" : "tpm_quote");
	jw_obj(&j);
	bytes_m(&j, "message", wr_span(&r->msg), old, hex_write);
	bytes_m(&j, "signature", wr_span(&r->sig), old, hex_write);
	jw_name(&j, "pcrs");
	jw_arr(&j);
	for (size_t i = 0; i < 24; i++) {
		CLEANUP(wr_close) struct wr hex = wr_open(128);

		hex_write(&hex, SPAN(r->pcr[i]));
		if (!old) {
			jw_str(&j, wr_span(&hex));
			continue;
		}
		jw_arr(&j);
		for (size_t k = 0; k < 32; k++)
			jw_u64(&j, r->pcr[i][k]);
		jw_arr_end(&j);
	}
	jw_arr_end(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
}

static void make(struct rig *r)
{
	bind_text(r);
	make_hcl(r);
	make_quote(r);
	make_json(r);
}

static enum verdict judge(struct rig *r)
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

static bool only(struct rig *r, const char *id)
{
	return judge(r) == VERDICT_INVALID && evkit_only(&r->out, VERDICT_INVALID, id);
}

static void every_version_of_evidence_is_valid_and_claims_are_upstreams(void)
{
	for (int td = 0; td < 2; td++) {
		for (int version = 0; version <= 2; version++) {
			CLEANUP(json_freep) struct json_doc *d = NULL;
			struct err e = { 0 };
			struct rig r;

			rig_open(&r, td);
			r.version = version;
			make(&r);
			CHECK(judge(&r) == VERDICT_VALID);
			CHECK(json_parse(wr_span(&r.out.claims), 1u << 18, &d, &e) == COFFER_OK);
			CHECK(span_starts(json_str(json_get(json_get(json_root(d), "tpm"), "pcr03")), "0404"));
			CHECK(span_starts(json_str(json_get(json_root(d), "report_data")), "aaaa"));
			CHECK(td || span_eq_str(json_str(json_get(json_root(d), "policy_debug_allowed")), "false"));
			rig_close(&r);
		}
	}
}

static void text_that_the_hardware_does_not_hold_is_refused(void)
{
	for (int td = 0; td < 2; td++) {
		struct rig r;

		rig_open(&r, td);
		make(&r);
		memcpy(memmem(r.text.p, r.text.n, "\"VM\"", 4), "\"WM\"", 4);
		make_hcl(&r);
		make_json(&r);
		CHECK(only(&r, "hw_report_data_binds_var_data"));
		rig_close(&r);
	}
}

static void key_that_the_text_does_not_name_is_refused(void)
{
	struct rig r;

	rig_open(&r, false);
	r.named = evkit_rsa();
	make(&r);
	CHECK(only(&r, "quote_signature"));
	rig_close(&r);
}

static void registers_nonce_and_user_data_are_bound(void)
{
	struct rig r;

	rig_open(&r, false);
	make(&r);
	r.pcr[5][0] ^= 1;
	make_json(&r);
	CHECK(only(&r, "pcr_digest"));
	r.pcr[5][0] ^= 1;
	r.user[40] = 1; /* behind the report data */
	make(&r);
	CHECK(judge(&r) == VERDICT_VALID); /* version 1 has none to judge */
	r.version = 2;
	make(&r);
	CHECK(only(&r, "user_data"));
	rig_close(&r);
}

static void hardware_report_is_judged_as_by_its_own_driver(void)
{
	struct rig r;

	rig_open(&r, false);
	make(&r);
	r.k.report[0x90] ^= 1;
	make_hcl(&r);
	make_json(&r);
	CHECK(only(&r, "report_signature"));
	rig_close(&r);
	rig_open(&r, true);
	make(&r);
	r.q.quote.p[48 + 136] ^= 1;
	make_json(&r);
	CHECK(only(&r, "attestation_key_signature"));
	rig_close(&r);
}

static void parts_that_are_missing_leave_a_verdict_all_the_same(void)
{
	struct cert *ask, *vek;
	struct rig r;

	rig_open(&r, false);
	make(&r);
	vek = r.k.col.certs.c[0];
	ask = r.k.col.roots.c[0];
	r.k.col.certs.c[0] = ask; /* a certificate that is no VCEK */
	make_json(&r);
	CHECK(judge(&r) == VERDICT_COLLATERAL && evkit_only(&r.out, VERDICT_COLLATERAL, "vek"));
	r.k.col.certs.c[0] = vek;
	r.pcr[0][0] ^= 1;
	r.msg.p[0] ^= 1; /* and a message that is none */
	make_json(&r);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	r.k.report[0x90] ^= 1;
	make_hcl(&r);
	make_json(&r);
	CHECK(judge(&r) == VERDICT_INVALID && evkit_fails(&r.out, "report_signature") && evkit_fails(&r.out, "form"));
	rig_close(&r);
}

static void report_of_the_other_hardware_is_malformed(void)
{
	struct rig r;

	rig_open(&r, false);
	make(&r);
	r.hcl.p[32 + 1184 + 8] = 4;
	make_json(&r);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
}

static void every_truncation_of_the_report_is_refused(void)
{
	struct err e = { 0 };
	struct rig r;
	size_t used;

	rig_open(&r, false);
	make(&r);
	used = r.hcl.n - 50;
	for (size_t n = 0; n < used; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct hcl h = { 0 };

		memcpy(exact, r.hcl.p, n);
		CHECK(hcl_parse((struct span){ exact, n }, &h, &e) == COFFER_E_INPUT && !h.ak);
	}
	r.hcl.p[r.hcl.n - 1] = 1; /* filling that is none */
	make_json(&r);
	CHECK(judge(&r) == VERDICT_MALFORMED);
	rig_close(&r);
}

static void text_without_its_form_is_refused(void)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"keys\":[]}",
		"{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\",\"e\":\"AQAB\",\"n\":\"AAAA\"}]}",
		"{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AAAA\"}]}",
		"{\"keys\":[{\"kid\":\"HCLEkPub\"}]}" };
	struct rig r;

	rig_open(&r, false);
	make(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hcl h = { 0 };
		struct err e = { 0 };

		wr_close(&r.text);
		r.text = wr_open(4096);
		wr_str(&r.text, bad[i]);
		make_hcl(&r);
		CHECK(hcl_parse(wr_span(&r.hcl), &h, &e) == COFFER_E_INPUT && !h.ak);
	}
	rig_close(&r);
}

/* What is in it needs: the certificate of an SNP guest's key came along, that of a TD's platform names its own. */
static void evidence_needs_what_its_hardware_does(void)
{
	static const char *const want[2][4] = { { "amd/vcek/milan/cert_chain", "amd/vcek/milan/crl", NULL },
		{ "intel/tdx/tcb/", "intel/pckcrl/platform", "intel/tdx/qe", "intel/rootcrl" } };

	for (int td = 0; td < 2; td++) {
		struct needs n = { 0 };
		struct err e = { 0 };
		struct rig r;

		rig_open(&r, td);
		make(&r);
		CHECK(evidence_needs(span_of(td ? "az-tdx-vtpm" : "az-snp-vtpm"), wr_span(&r.json), &n, &e) == COFFER_OK && n.n == (td ? 4 : 2));
		for (size_t i = 0; i < n.n; i++) {
			char key[VENDOR_KEY_MAX];

			vendor_item_key(&n.item[i], key);
			CHECK(want[td][i] && span_starts(span_of(key), want[td][i]));
		}
		CHECK(evidence_needs(span_of(td ? "az-snp-vtpm" : "az-tdx-vtpm"), wr_span(&r.json), &n, &e) == COFFER_E_INPUT);
		rig_close(&r);
	}
}

/* ---- the second reading: keep's, of what was handed on ---- */

static void second_reading(struct rig *r, struct fixed_root *root, struct fixed_in *in)
{
	const struct cert_list *roots = r->td ? &r->q.col.roots : &r->k.col.roots;
	const struct ev_parts *p = &r->out.parts;
	static char name[64];

	CHECK(cert_subject_cn(roots->c[0], name, sizeof(name)));
	*root = (struct fixed_root){ name, cert_key(roots->c[0]), false };
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
		struct rig r;

		rig_open(&r, td);
		make(&r);
		CHECK(judge(&r) == VERDICT_VALID);
		second_reading(&r, &root, &in);
		CHECK(fixed_platform(in.platform) && fixed_read(&in, &got, &e) == COFFER_OK && strcmp(got.facts.platform, in.platform) == 0);
		CHECK(facts_reg(&got.facts, td ? "mr_td" : "measurement") && facts_reg(&got.facts, "pcr04")->v[0] == 5);
		CHECK(got.report_data_n == 32 && got.report_data[31] == 0xaa && got.init_register_n == 32 && got.init_register[0] == 9);
		CHECK(!facts_svn(&got.facts, "firmware") && facts_svn(&got.facts, td ? "tcb00" : "bootloader") && got.facts.chip_n > 0);
		CHECK(same_facts(&got.facts, &r.out.facts));
		rig_close(&r);
	}
}

static void second_reading_refuses_each_joint_that_is_cut(void)
{
	for (int td = 0; td < 2; td++) {
		struct fixed_root root;
		struct fixed_in in, bent;
		struct rig r, other;

		rig_open(&r, td);
		rig_open(&other, td); /* a machine of its own, whose text names another key */
		make(&r);
		make(&other);
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
		rig_close(&other);
		rig_close(&r);
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
