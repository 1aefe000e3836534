/* Azure's evidence as a guest writes it, and the metadata service's documents. With a TPM that works: tests/e2e/test_azure.py. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/az_write.h"
#include "fmt/enc.h"
#include "fmt/json.h"
#include "tests/azkit.h"
#include "tests/t.h"

static void signature_of(const struct azkit *k, uint16_t alg, uint16_t hash, struct wr *w)
{
	*w = wr_open(1024);
	wr_be16(w, alg);
	wr_be16(w, hash);
	wr_be16(w, (uint16_t)k->sig.n);
	wr_put(w, wr_span(&k->sig));
}

static enum coffer_rc written(struct azkit *k, struct span hardware, struct span signature, struct wr *json, struct err *e)
{
	*json = wr_open(AZ_EVIDENCE_MAX);
	return az_evidence_write(&(struct az_shown){ k->td, wr_span(&k->hcl), hardware, wr_span(&k->msg), signature, k->pcr }, json, e);
}

static enum verdict judged(struct azkit *k, struct span json, const struct collateral *col)
{
	uint8_t nonce[32];
	struct err e = { 0 };
	struct ev_in in = { .evidence = json, .col = col, .now = SNPKIT_NOW, .report_data = SPAN(nonce) };

	memset(nonce, 0xaa, sizeof(nonce));
	ev_out_clear(&k->out);
	CHECK(tee_driver_find(span_of(k->td ? "az-tdx-vtpm" : "az-snp-vtpm"))->appraise(&in, &k->out, &e) == COFFER_OK);
	return k->out.verdict;
}

static void evidence_is_what_the_driver_takes_with_a_certificate_and_without(void)
{
	CLEANUP(wr_close) struct wr sig = { 0 }, json = { 0 }, bare = { 0 }, back = { 0 }, none = { 0 };
	struct collateral roots;
	struct azkit k;
	struct err e = { 0 };

	azkit_open(&k, false);
	azkit_make(&k);
	signature_of(&k, 0x14, TPM_ALG_SHA256, &sig);
	roots = k.k.col;
	roots.certs = (struct cert_list){ 0 };
	CHECK(written(&k, cert_bytes(k.k.col.certs.c[0]), wr_span(&sig), &json, &e) == COFFER_OK);
	CHECK(judged(&k, wr_span(&json), &roots) == VERDICT_VALID);
	CHECK(written(&k, (struct span){ 0 }, wr_span(&sig), &bare, &e) == COFFER_OK);
	CHECK(judged(&k, wr_span(&bare), &roots) == VERDICT_COLLATERAL);
	CHECK(judged(&k, wr_span(&bare), &k.k.col) == VERDICT_VALID);
	CHECK(az_hardware_read(wr_span(&json), &back, &e) == COFFER_OK && span_eq(wr_span(&back), cert_bytes(k.k.col.certs.c[0])));
	CHECK(az_hardware_read(wr_span(&bare), &none, &e) == COFFER_E_NOTFOUND);
	for (size_t n = 0; n < json.n; n += 7)
		CHECK(az_hardware_read((struct span){ json.p, n }, &none, &e) == COFFER_E_INPUT && none.n == 0);
	azkit_close(&k);
}

static void td_s_evidence_is_what_the_driver_takes_and_needs_its_quote(void)
{
	CLEANUP(wr_close) struct wr sig = { 0 }, json = { 0 }, none = { 0 };
	struct azkit k;
	struct err e = { 0 };

	azkit_open(&k, true);
	azkit_make(&k);
	signature_of(&k, 0x14, TPM_ALG_SHA256, &sig);
	CHECK(written(&k, wr_span(&k.q.quote), wr_span(&sig), &json, &e) == COFFER_OK);
	CHECK(judged(&k, wr_span(&json), &k.q.col) == VERDICT_VALID);
	CHECK(written(&k, (struct span){ 0 }, wr_span(&sig), &none, &e) == COFFER_E_INPUT && none.n == 0);
	azkit_close(&k);
}

static void signature_of_another_kind_or_cut_is_refused(void)
{
	struct azkit k;
	struct err e = { 0 };

	azkit_open(&k, false);
	azkit_make(&k);
	for (size_t i = 0; i < 3; i++) {
		CLEANUP(wr_close) struct wr sig = { 0 }, json = { 0 };

		signature_of(&k, i == 0 ? 0x16 : 0x14, i == 1 ? 0x000c : TPM_ALG_SHA256, &sig);
		for (size_t n = 0; n < sig.n + (i < 2); n++) {
			wr_close(&json);
			CHECK(written(&k, (struct span){ 0 }, (struct span){ sig.p, n }, &json, &e) == COFFER_E_INPUT && json.n == 0);
		}
	}
	azkit_close(&k);
}

static void thim(const struct azkit *k, struct wr *w)
{
	CLEANUP(wr_close) struct wr pem = wr_open(1u << 16);
	struct json_wr j;

	*w = wr_open(1u << 16);
	j = jw_open(w, false);
	wr_str(&pem, "-----BEGIN CERTIFICATE-----\n");
	b64_write(&pem, cert_bytes(k->k.col.certs.c[0]));
	wr_str(&pem, "\n-----END CERTIFICATE-----\n");
	jw_obj(&j);
	jw_m_str(&j, "vcekCert", wr_span(&pem));
	jw_m_text(&j, "tcbm", "00");
	jw_obj_end(&j);
}

static void certificate_is_read_and_every_cut_of_its_document_is_refused(void)
{
	CLEANUP(wr_close) struct wr doc = { 0 }, der = { 0 };
	struct azkit k;
	struct err e = { 0 };

	azkit_open(&k, false);
	thim(&k, &doc);
	CHECK(az_vcek_read(wr_span(&doc), &der, &e) == COFFER_OK && span_eq(wr_span(&der), cert_bytes(k.k.col.certs.c[0])));
	for (size_t n = 0; n < doc.n; n++) {
		struct wr out = { 0 };

		CHECK(az_vcek_read((struct span){ doc.p, n }, &out, &e) != COFFER_OK && out.n == 0);
	}
	azkit_close(&k);
}

static void quote_is_read_with_padding_and_without(void)
{
	static const struct { const char *text; size_t n; } good[] = { { "AA==", 1 }, { "AA", 1 }, { "AAA=", 2 }, { "AAAA", 3 }, { "-_-_", 3 } };
	static const char *const bad[] = { "", "=", "==", "A", "AA=", "AAAA=", "AAAA====", "+/+/", "A A=" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CLEANUP(freep) char *doc = str_fmt("{\"quote\":\"%s\"}", good[i].text);
		CLEANUP(wr_close) struct wr out = { 0 };
		struct err e = { 0 };

		CHECK(az_quote_read(span_of(doc), &out, &e) == COFFER_OK && out.n == good[i].n);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(freep) char *doc = str_fmt("{\"quote\":\"%s\"}", bad[i]);
		CLEANUP(wr_close) struct wr out = { 0 };
		struct err e = { 0 };

		CHECK(az_quote_read(span_of(doc), &out, &e) == COFFER_E_INPUT);
	}
}

static void a_td_s_report_is_asked_for_as_a_whole(void)
{
	static const uint8_t report[AZ_TDREPORT_LEN];
	CLEANUP(wr_close) struct wr json = wr_open(4096);
	struct err e = { 0 };

	CHECK(az_quote_ask(SPAN(report), &json, &e) == COFFER_OK && span_starts(wr_span(&json), "{\"report\":\"AAAA") && json.n == 12 + 1366 + 1);
	CHECK(az_quote_ask((struct span){ report, 1023 }, &json, &e) == COFFER_E_BUG);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(evidence_is_what_the_driver_takes_with_a_certificate_and_without),
		T(td_s_evidence_is_what_the_driver_takes_and_needs_its_quote),
		T(signature_of_another_kind_or_cut_is_refused),
		T(certificate_is_read_and_every_cut_of_its_document_is_refused),
		T(quote_is_read_with_padding_and_without),
		T(a_td_s_report_is_asked_for_as_a_whole),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
