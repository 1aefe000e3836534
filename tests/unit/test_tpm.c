/* TPM quotes made and signed here: what is good, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/eventlog.h"
#include "fmt/enc.h"
#include "tests/tpmkit.h"
#include "tests/t.h"

#define NOW TPMKIT_NOW

static const uint16_t sha256_bank[] = { TPM_ALG_SHA256 };

static enum verdict judge_bound(struct tpmkit *r, const char *platform, struct span data, struct span init)
{
	struct ev_in in = { .evidence = wr_span(&r->json), .col = &r->col, .now = NOW, .report_data = data, .init_data = init,
		.activation = r->want };
	struct err e = { 0 };

	ev_out_clear(&r->out);
	CHECK(tee_driver_find(span_of(platform))->appraise(&in, &r->out, &e) == COFFER_OK);
	return r->out.verdict;
}

static enum verdict judge(struct tpmkit *r, const char *platform)
{
	return judge_bound(r, platform, (struct span){ 0 }, (struct span){ 0 });
}

/* Refused by that check and no other; that nobody vouches for the AK is only said on swtpm. */
static bool only(struct tpmkit *r, const char *id)
{
	enum verdict v = judge(r, "swtpm");

	for (size_t i = 0; i < r->out.n; i++)
		if (!r->out.check[i].holds && strcmp(r->out.check[i].id, id) != 0 && strcmp(r->out.check[i].id, "ak") != 0)
			return false;
	return v == VERDICT_INVALID && evkit_fails(&r->out, id);
}

static void quotes_of_rsa_and_ecdsa_keys_are_verified_and_others_refused(void)
{
	for (int ec = 0; ec < 2; ec++) {
		struct tpmkit r;

		tpmkit_open(&r, ec);
		tpmkit_make(&r);
		CHECK(judge(&r, "swtpm") == VERDICT_VALID);
		r.signer = ec ? evkit_ec("P-256") : evkit_rsa();
		tpmkit_make(&r);
		CHECK(only(&r, "quote_signature"));
		EVP_PKEY_free(r.signer);
		r.signer = ec ? evkit_rsa() : evkit_ec("P-256"); /* a signature of the other kind */
		tpmkit_make(&r);
		CHECK(only(&r, "quote_signature"));
		tpmkit_close(&r);
	}
}

static void nonce_is_what_was_asked(void)
{
	uint8_t want[64] = { 0xaa, 0xbb };
	struct tpmkit r;

	tpmkit_open(&r, true);
	tpmkit_make(&r);
	CHECK(judge_bound(&r, "swtpm", (struct span){ want, 32 }, (struct span){ 0 }) == VERDICT_VALID);
	CHECK(judge_bound(&r, "swtpm", (struct span){ want, 64 }, (struct span){ 0 }) ==
	      VERDICT_VALID); /* cut to 32 as upstream's attester does */
	want[31] ^= 1;
	CHECK(judge_bound(&r, "swtpm", (struct span){ want, 32 }, (struct span){ 0 }) == VERDICT_INVALID &&
	      evkit_fails(&r.out, "report_data"));
	CHECK(judge_bound(&r, "swtpm", (struct span){ want, 64 }, (struct span){ 0 }) == VERDICT_INVALID &&
	      evkit_fails(&r.out, "report_data"));
	want[31] ^= 1;
	r.nonce = (struct span){ 0 };
	tpmkit_make(&r);
	CHECK(judge_bound(&r, "swtpm", (struct span){ want, 32 }, (struct span){ 0 }) == VERDICT_INVALID &&
	      evkit_fails(&r.out, "report_data"));
	tpmkit_close(&r);
}

static void only_selected_registers_are_claimed(void)
{
	struct json_doc *d = NULL;
	struct err e = { 0 };
	struct tpmkit r;

	tpmkit_open(&r, true);
	memset(r.given[3], 0xee, 32); /* not selected: whatever it says, nobody hears it */
	tpmkit_make(&r);
	CHECK(judge(&r, "swtpm") == VERDICT_VALID);
	CHECK(json_parse(wr_span(&r.out.claims), 1u << 16, &d, &e) == COFFER_OK);
	CHECK(json_get(json_root(d), "pcr00") && json_get(json_root(d), "pcr07") && !json_get(json_root(d), "pcr03") &&
	      !json_get(json_root(d), "init_data"));
	json_free(d);
	tpmkit_close(&r);
}

static void registers_changed_or_swapped_do_not_match_the_digest(void)
{
	struct tpmkit r;

	tpmkit_open(&r, true);
	memset(r.given[7], 0xee, 32);
	tpmkit_make(&r);
	CHECK(only(&r, "pcr_digest"));
	memcpy(r.given[7], r.pcr[0], 32);
	memcpy(r.given[0], r.pcr[7], 32);
	tpmkit_make(&r);
	CHECK(only(&r, "pcr_digest"));
	tpmkit_close(&r);
}

static void quote_over_two_banks_is_refused(void)
{
	struct tpmkit r;

	tpmkit_open(&r, true);
	r.banks = 2;
	tpmkit_make(&r);
	CHECK(judge(&r, "swtpm") == VERDICT_INVALID && evkit_fails(&r.out, "selection"));
	tpmkit_close(&r);
}

static void as_pem(struct span der, const char *behind, struct wr *pem)
{
	CLEANUP(wr_close) struct wr b64 = wr_open(8192);

	b64_write(&b64, der);
	wr_close(pem);
	*pem = wr_open(8192);
	wr_str(pem, "-----BEGIN PUBLIC KEY-----\n");
	for (struct span s = wr_span(&b64); s.n > 0; s = span_skip(s, s.n < 64 ? s.n : 64)) {
		wr_put(pem, (struct span){ s.p, s.n < 64 ? s.n : 64 });
		wr_str(pem, "\n");
	}
	wr_str(pem, "-----END PUBLIC KEY-----\n");
	wr_str(pem, behind);
}

static void ak_needs_a_certificate_or_registration_on_tpm_but_not_on_swtpm(void)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096), pem = { 0 };
	EVP_PKEY *other = evkit_ec("P-256");
	struct tpmkit r;

	tpmkit_open(&r, true);
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	CHECK(judge(&r, "swtpm") == VERDICT_VALID && evkit_fails(&r.out, "ak")); /* said, not judged */
	tpmkit_certify(&r, r.ak, NOW + 9);
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_VALID);
	tpmkit_certify(&r, r.ak, NOW - 1);
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_STALE && evkit_only(&r.out, VERDICT_STALE, "ak"));
	tpmkit_certify(&r, other, NOW + 9); /* another key's certificate */
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	tpmkit_certify(&r, r.ak, NOW + 9);
	certs_clear(&r.col.roots); /* nobody's root */
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	r.with_cert = false;
	evkit_spki(r.ak, &spki);
	r.col.other[0] = wr_span(&spki);
	r.col.n_other = 1;
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_VALID);
	as_pem(wr_span(&spki), "", &pem);
	r.col.other[0] = wr_span(&pem);
	CHECK(judge(&r, "tpm") == VERDICT_VALID);
	as_pem(wr_span(&spki), "more", &pem); /* a file of other things is no registration */
	r.col.other[0] = wr_span(&pem);
	CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	wr_close(&spki);
	spki = wr_open(4096);
	evkit_spki(other, &spki);
	as_pem(wr_span(&spki), "", &pem);
	r.col.other[0] = wr_span(&pem);
	CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	EVP_PKEY_free(other);
	tpmkit_close(&r);
}

/* root -> middle -> AK, the middle valid until then; only the root is trusted. */
static void make_hierarchy(struct tpmkit *r, EVP_PKEY *middle, int64_t until, struct wr *mid, struct wr *leaf)
{
	struct evkit_cert m = { .cn = "Middle",
		.issuer_cn = "Maker",
		.key = middle,
		.issuer_key = r->ca,
		.ca = true,
		.pathlen = -1,
		.not_before = NOW - 9,
		.not_after = until };
	struct evkit_cert c = { .cn = "AK", .issuer_cn = "Middle", .key = r->ak, .issuer_key = middle, .pathlen = -1 };

	tpmkit_certify(r, r->ak, NOW + 9); /* for its root */
	mid->n = leaf->n = 0;
	evkit_cert(&m, mid);
	evkit_cert(&c, leaf);
}

static void intermediates_beside_the_ak_certificate_are_used(void)
{
	CLEANUP(wr_close) struct wr mid = wr_open(1u << 16), leaf = wr_open(1u << 16);
	EVP_PKEY *middle = evkit_ec("P-384");

	for (int leaf_first = 0; leaf_first < 2; leaf_first++) {
		struct tpmkit r;

		tpmkit_open(&r, true);
		for (int late = 0; late < 2; late++) {
			make_hierarchy(&r, middle, NOW + (late ? -1 : 9), &mid, &leaf);
			r.ak_cert.n = 0;
			evkit_pem(&r.ak_cert, leaf_first ? &leaf : &mid);
			evkit_pem(&r.ak_cert, leaf_first ? &mid : &leaf);
			tpmkit_make(&r);
			(void)judge(&r, "tpm");
			CHECK(late ? evkit_only(&r.out, VERDICT_STALE, "ak") : r.out.verdict == VERDICT_VALID && r.out.parts.n_path >= 2);
		}
		make_hierarchy(&r, middle, NOW + 9, &mid, &leaf);
		certs_clear(&r.col.roots); /* what came along is never trusted by itself */
		r.ak_cert.n = 0;
		evkit_pem(&r.ak_cert, &leaf);
		evkit_pem(&r.ak_cert, &mid);
		tpmkit_make(&r);
		CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
		tpmkit_close(&r);
	}
	EVP_PKEY_free(middle);
}

static void activated_key_needs_no_certificate_and_the_secret_is_its_own(void)
{
	static const char *const platforms[] = { "tpm", "swtpm" };
	CLEANUP(wr_close) struct wr spki = wr_open(4096), other_spki = wr_open(4096);
	EVP_PKEY *other = evkit_ec("P-256");
	struct tpmkit r;

	tpmkit_open(&r, true);
	evkit_spki(r.ak, &spki);
	evkit_spki(other, &other_spki);
	tpmkit_certify(&r, r.ak, NOW + 9); /* does not help */
	for (size_t i = 0; i < 2; i++) {
		r.want = (struct ev_activation){ span_of("0123456789abcdef"), wr_span(&spki) };
		wr_close(&r.shown);
		r.shown = wr_open(64);
		tpmkit_make(&r);
		CHECK(judge(&r, platforms[i]) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
		wr_str(&r.shown, "0123456789abcdef");
		tpmkit_make(&r);
		CHECK(judge(&r, platforms[i]) == VERDICT_VALID && !evkit_fails(&r.out, "ak"));
		r.want.ak = wr_span(&other_spki); /* that TPM was asked about another key */
		CHECK(judge(&r, platforms[i]) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
		r.want = (struct ev_activation){ span_of("0123456789abcdeF"), wr_span(&spki) };
		CHECK(judge(&r, platforms[i]) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
		r.want.secret = span_of("0123456789abcde");
		CHECK(judge(&r, platforms[i]) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
		r.want = (struct ev_activation){ span_of(""), wr_span(&spki) }; /* wanted, whatever it is */
		CHECK(judge(&r, platforms[i]) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
		r.want = (struct ev_activation){ span_of("0123456789abcdef"), { 0 } };
		CHECK(judge(&r, platforms[i]) == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	}
	EVP_PKEY_free(other);
	tpmkit_close(&r);
}

/* As the service asks: whoever holds the secret compares it. */
static void activated_bytes_are_handed_on_to_who_holds_the_secret(void)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct tpmkit r;

	tpmkit_open(&r, true);
	evkit_spki(r.ak, &spki);
	tpmkit_certify(&r, r.ak, NOW + 9); /* does not help */
	r.want.ak = wr_span(&spki);
	r.shown = wr_open(64);
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	wr_str(&r.shown, "whatever it is");
	tpmkit_make(&r);
	CHECK(judge(&r, "tpm") == VERDICT_VALID && span_eq_str(wr_span(&r.out.parts.activated), "whatever it is"));
	spki.p[spki.n - 1] ^= 1;
	CHECK(judge(&r, "tpm") == VERDICT_INVALID && evkit_only(&r.out, VERDICT_INVALID, "ak"));
	tpmkit_close(&r);
}

static void log_must_replay_to_the_quoted_registers(void)
{
	uint8_t d[32];
	struct tpmkit r;

	tpmkit_open(&r, true);
	evkit_log_head(&r.log, sha256_bank, 1);
	evkit_log_event(&r.log, 0, 8, sha256_bank, 1, span_of("firmware"));
	evkit_log_event(&r.log, 3, 8, sha256_bank, 1, span_of("not quoted"));
	r.with_log = true;
	tpmkit_make(&r);
	CHECK(only(&r, "event_log"));
	memset(r.pcr[0], 0, 32);
	memset(r.pcr[7], 0, 32);
	sha256(span_of("firmware"), d);
	evkit_extend(HASH_SHA256, r.pcr[0], SPAN(d));
	memcpy(r.given, r.pcr, sizeof(r.pcr));
	tpmkit_make(&r);
	CHECK(judge(&r, "swtpm") == VERDICT_VALID);
	wr_u8(&r.log, 1);
	tpmkit_make(&r);
	CHECK(judge(&r, "swtpm") == VERDICT_MALFORMED && evkit_fails(&r.out, "event_log"));
	tpmkit_close(&r);
}

/* Whether the log holds for registers of these values: 0 stands for zeros. */
static bool log_holds(struct tpmkit *r, uint32_t select, uint8_t pcr0, uint8_t pcr7, uint8_t pcr8)
{
	r->select = select;
	memset(r->pcr[0], pcr0, 32);
	memset(r->pcr[7], pcr7, 32);
	memset(r->pcr[8], pcr8, 32);
	memcpy(r->given, r->pcr, sizeof(r->pcr));
	tpmkit_make(r);
	return judge(r, "swtpm") == VERDICT_VALID || !only(r, "event_log");
}

/* Cut after its first event it extends nothing: then the firmware's registers are as they start, or it is not their log. */
static void log_of_no_event_explains_only_registers_that_nobody_extended(void)
{
	struct tpmkit r;

	tpmkit_open(&r, true);
	evkit_log_head(&r.log, sha256_bank, 1);
	r.with_log = true;
	CHECK(!log_holds(&r, 0x81, 1, 8, 0));
	CHECK(!log_holds(&r, 0x81, 0, 8, 0));
	CHECK(!log_holds(&r, 0x81, 1, 0, 0));
	CHECK(log_holds(&r, 0x81, 0, 0, 0));
	CHECK(log_holds(&r, 0x01, 0, 8, 0)); /* not quoted: nobody's claim */
	CHECK(log_holds(&r, 0x181, 0, 0, 9) && log_holds(&r, 0x20081, 0, 0, 0)); /* whoever came later extended 8; 17 starts with ones */
	CHECK(!log_holds(&r, 0x100, 0, 0, 9)); /* it speaks of nothing that is quoted */
	evkit_log_event(&r.log, 8, 8, sha256_bank, 1, span_of("loader"));
	CHECK(!log_holds(&r, 0x181, 0, 0, 9)); /* now it is this log's */
	tpmkit_close(&r);
}

static void init_data_is_pcr_8_extended_once(void)
{
	uint8_t d[32];
	struct tpmkit r;

	tpmkit_open(&r, true);
	tpmkit_make(&r);
	memset(d, 0x1d, 32);
	CHECK(
	    judge_bound(&r, "swtpm", (struct span){ 0 }, SPAN(d)) == VERDICT_INVALID && evkit_fails(&r.out, "init_data_quoted"));
	r.select |= 0x100;
	tpmkit_make(&r);
	CHECK(judge_bound(&r, "swtpm", (struct span){ 0 }, SPAN(d)) == VERDICT_INVALID && evkit_fails(&r.out, "init_data"));
	memset(r.pcr[8], 0, 32);
	evkit_extend(HASH_SHA256, r.pcr[8], SPAN(d));
	memcpy(r.given, r.pcr, sizeof(r.pcr));
	tpmkit_make(&r);
	CHECK(judge_bound(&r, "swtpm", (struct span){ 0 }, SPAN(d)) == VERDICT_VALID);
	CHECK(judge_bound(&r, "swtpm", (struct span){ 0 }, (struct span){ d, 31 }) == VERDICT_INVALID &&
	      evkit_fails(&r.out, "init_data_quoted"));
	tpmkit_close(&r);
}

static void every_byte_of_message_and_signature_counts(void)
{
	for (int ec = 0; ec < 2; ec++) {
		struct tpmkit r;

		tpmkit_open(&r, ec);
		tpmkit_make(&r);
		for (size_t i = 0; i < r.msg.n + r.sig.n; i++) {
			uint8_t *p = i < r.msg.n ? &r.msg.p[i] : &r.sig.p[i - r.msg.n];

			*p ^= 1;
			tpmkit_json(&r);
			CHECK(judge(&r, "swtpm") != VERDICT_VALID);
			*p ^= 1;
		}
		tpmkit_json(&r);
		CHECK(judge(&r, "swtpm") == VERDICT_VALID);
		tpmkit_close(&r);
	}
}

static void every_truncation_of_a_structure_is_refused(void)
{
	struct tpmkit r;

	tpmkit_open(&r, true);
	tpmkit_make(&r);
	for (size_t n = 0; n < r.msg.n || n < r.sig.n; n++) {
		CLEANUP(freep) uint8_t *m = malloc(n ? n : 1), *s = malloc(n ? n : 1);
		struct tpm_attest a = { .n_sel = 77 };
		struct tpm_sig sig = { .hash = HASH_SHA384 };
		struct err e = { 0 };

		if (n < r.msg.n) {
			memcpy(m, r.msg.p, n);
			CHECK(tpm_attest_parse((struct span){ m, n }, &a, &e) == COFFER_E_INPUT && a.n_sel == 77);
		}
		if (n < r.sig.n) {
			memcpy(s, r.sig.p, n);
			CHECK(tpm_sig_parse((struct span){ s, n }, &sig, &e) == COFFER_E_INPUT && sig.hash == HASH_SHA384);
		}
	}
	wr_u8(&r.msg, 0);
	tpmkit_sign(&r);
	tpmkit_json(&r);
	CHECK(judge(&r, "swtpm") == VERDICT_MALFORMED);
	tpmkit_close(&r);
}

/* Each member renamed: missing under its name, unknown under the new one. */
static void evidence_of_another_form_is_malformed(void)
{
	static const char *const names[] = { "ak_public", "tpm_quote", "message", "signature", "pcrs" };
	struct tpmkit r;

	tpmkit_open(&r, true);
	tpmkit_make(&r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t *at = memmem(r.json.p, r.json.n, names[i], strlen(names[i]));

		CHECK(at != NULL);
		at[0] ^= 1;
		CHECK(judge(&r, "swtpm") == VERDICT_MALFORMED && evkit_fails(&r.out, "form"));
		at[0] ^= 1;
	}
	CHECK(judge(&r, "swtpm") == VERDICT_VALID);
	tpmkit_close(&r);
}

/* ---- public areas ---- */

static void sized(struct wr *w, struct span s)
{
	wr_be16(w, (uint16_t)s.n);
	wr_put(w, s);
}

static void public_area(EVP_PKEY *k, bool ec, struct wr *w)
{
	uint8_t xy[64], n[256];
	BIGNUM *bn = NULL;

	wr_be16(w, ec ? 0x0023 : 0x0001);
	wr_be16(w, TPM_ALG_SHA256);
	wr_be32(w, TPM_RESTRICTED | TPM_SIGN | TPM_FIXED_TPM);
	wr_be16(w, 0);      /* no policy */
	wr_be16(w, 0x0010); /* no symmetric */
	wr_be16(w, ec ? 0x0018 : 0x0014);
	wr_be16(w, TPM_ALG_SHA256);
	if (ec) {
		evkit_xy(k, xy, 32);
		wr_be16(w, 3);
		wr_be16(w, 0x0010);
		sized(w, (struct span){ xy, 32 });
		sized(w, (struct span){ xy + 32, 32 });
		return;
	}
	CHECK(EVP_PKEY_get_bn_param(k, "n", &bn) == 1 && BN_bn2binpad(bn, n, 256) == 256);
	BN_free(bn);
	wr_be16(w, 2048);
	wr_be32(w, 0);
	sized(w, SPAN(n));
}

static void public_areas_are_read_to_the_last_byte(void)
{
	for (int ec = 0; ec < 2; ec++) {
		CLEANUP(wr_close) struct wr w = wr_open(4096), spki = wr_open(4096);
		EVP_PKEY *k = ec ? evkit_ec("P-256") : evkit_rsa();
		struct tpm_public p = { 0 };
		struct err e = { 0 };

		public_area(k, ec, &w);
		evkit_spki(k, &spki);
		CHECK(tpm_public_parse(wr_span(&w), &p, &e) == COFFER_OK && span_eq(vkey_der(p.key), wr_span(&spki)));
		CHECK(
		    p.attributes == (TPM_RESTRICTED | TPM_SIGN | TPM_FIXED_TPM) && p.name_n == 34 && p.name[1] == TPM_ALG_SHA256);
		tpm_public_clear(&p);
		for (size_t n = 0; n < w.n; n++) {
			CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);

			memcpy(exact, w.p, n);
			CHECK(tpm_public_parse((struct span){ exact, n }, &p, &e) == COFFER_E_INPUT && !p.key);
		}
		wr_u8(&w, 0);
		CHECK(tpm_public_parse(wr_span(&w), &p, &e) == COFFER_E_INPUT && !p.key);
		EVP_PKEY_free(k);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(quotes_of_rsa_and_ecdsa_keys_are_verified_and_others_refused),
		T(nonce_is_what_was_asked),
		T(only_selected_registers_are_claimed),
		T(registers_changed_or_swapped_do_not_match_the_digest),
		T(quote_over_two_banks_is_refused),
		T(ak_needs_a_certificate_or_registration_on_tpm_but_not_on_swtpm),
		T(intermediates_beside_the_ak_certificate_are_used),
		T(activated_key_needs_no_certificate_and_the_secret_is_its_own), T(activated_bytes_are_handed_on_to_who_holds_the_secret),
		T(log_must_replay_to_the_quoted_registers),
		T(log_of_no_event_explains_only_registers_that_nobody_extended),
		T(init_data_is_pcr_8_extended_once),
		T(every_byte_of_message_and_signature_counts),
		T(every_truncation_of_a_structure_is_refused), T(evidence_of_another_form_is_malformed),
		T(public_areas_are_read_to_the_last_byte),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
