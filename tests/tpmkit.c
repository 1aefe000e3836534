#include "tests/tpmkit.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

#define BITS 0x000081u /* PCR 0 and 7 */

void tpmkit_open(struct tpmkit *r, bool ec)
{
	static const uint8_t nonce[32] = { 0xaa, 0xbb };

	*r = (struct tpmkit){ .ak = ec ? evkit_ec("P-256") : evkit_rsa(), .ca = evkit_ec("P-384"), .select = BITS, .banks = 1,
		.nonce = SPAN(nonce) };
	r->signer = r->ak;
	r->ak_cert = wr_open(1u << 16);
	r->log = wr_open(1u << 16);
	for (size_t i = 0; i < TPM_PCRS; i++)
		memset(r->pcr[i], (int)(i + 1), 32);
	memcpy(r->given, r->pcr, sizeof(r->pcr));
}

void tpmkit_close(struct tpmkit *r)
{
	if (r->signer != r->ak)
		EVP_PKEY_free(r->signer);
	EVP_PKEY_free(r->ak);
	EVP_PKEY_free(r->ca);
	wr_close(&r->msg);
	wr_close(&r->sig);
	wr_close(&r->ak_cert);
	wr_close(&r->log);
	wr_close(&r->json);
	wr_close(&r->shown);
	certs_clear(&r->col.roots);
	ev_out_clear(&r->out);
}

static void sized(struct wr *w, struct span s)
{
	wr_be16(w, (uint16_t)s.n);
	wr_put(w, s);
}

void tpmkit_message(struct tpmkit *r)
{
	wr_close(&r->msg);
	r->msg = wr_open(4096);
	evkit_tpm_message(&r->msg, r->nonce, r->select, r->banks, r->pcr[0]);
}

void tpmkit_sign(struct tpmkit *r)
{
	CLEANUP(wr_close) struct wr raw = wr_open(1024);
	uint8_t rs[64];

	wr_close(&r->sig);
	r->sig = wr_open(2048);
	if (EVP_PKEY_is_a(r->signer, "RSA")) {
		wr_be16(&r->sig, 0x0014);
		wr_be16(&r->sig, TPM_ALG_SHA256);
		evkit_sign_rsa(r->signer, wr_span(&r->msg), &raw);
		sized(&r->sig, wr_span(&raw));
		return;
	}
	evkit_sign(r->signer, "SHA256", wr_span(&r->msg), rs, 32);
	wr_be16(&r->sig, 0x0018);
	wr_be16(&r->sig, TPM_ALG_SHA256);
	for (size_t i = 0; i < 2; i++) { /* as TPMs do: without leading zeros */
		struct span half = { rs + 32 * i, 32 };

		while (half.n > 1 && half.p[0] == 0)
			half = span_skip(half, 1);
		sized(&r->sig, half);
	}
}

static void b64_m(struct json_wr *j, const char *name, const struct wr *v)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 18);

	b64_write(&w, wr_span(v));
	jw_m_str(j, name, wr_span(&w));
}

void tpmkit_json(struct tpmkit *r)
{
	CLEANUP(wr_close) struct wr ak = wr_open(4096);
	struct json_wr j;

	wr_close(&r->json);
	r->json = wr_open(1u << 19);
	j = jw_open(&r->json, false);
	evkit_spki(r->ak, &ak);
	jw_obj(&j);
	b64_m(&j, "ak_public", &ak);
	if (r->with_cert)
		b64_m(&j, "ak_cert", &r->ak_cert);
	if (r->shown.n > 0)
		b64_m(&j, "activated", &r->shown);
	if (r->with_log)
		b64_m(&j, "event_log", &r->log);
	jw_name(&j, "tpm_quote");
	jw_obj(&j);
	b64_m(&j, "message", &r->msg);
	b64_m(&j, "signature", &r->sig);
	jw_name(&j, "pcrs");
	jw_arr(&j);
	for (size_t i = 0; i < TPM_PCRS; i++) {
		CLEANUP(wr_close) struct wr hex = wr_open(256);

		hex_write(&hex, SPAN(r->given[i]));
		jw_str(&j, wr_span(&hex));
	}
	jw_arr_end(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
}

void tpmkit_make(struct tpmkit *r)
{
	tpmkit_message(r);
	tpmkit_sign(r);
	tpmkit_json(r);
}

void tpmkit_certify(struct tpmkit *r, EVP_PKEY *subject, int64_t until)
{
	CLEANUP(wr_close) struct wr root = wr_open(1u << 16);
	struct evkit_cert ca = {
		.cn = "Maker", .issuer_cn = "Maker", .key = r->ca, .issuer_key = r->ca, .ca = true, .pathlen = -1
	};
	struct evkit_cert c = { .cn = "AK",
		.issuer_cn = "Maker",
		.key = subject,
		.issuer_key = r->ca,
		.pathlen = -1,
		.not_before = TPMKIT_NOW - 9,
		.not_after = until };

	wr_close(&r->ak_cert);
	r->ak_cert = wr_open(1u << 16);
	evkit_cert(&ca, &root);
	evkit_cert(&c, &r->ak_cert);
	certs_clear(&r->col.roots);
	evkit_add(&r->col.roots, &root);
	r->with_cert = true;
}
