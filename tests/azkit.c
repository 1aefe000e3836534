#include "tests/azkit.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/enc.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

void azkit_open(struct azkit *r, bool td)
{
	*r = (struct azkit){ .td = td, .ak = evkit_rsa(), .version = 1 };
	r->named = r->ak;
	for (size_t i = 0; i < 24; i++)
		memset(r->pcr[i], (int)i + 1, 32);
	memset(r->user, 0xaa, 32);
	if (td)
		dcapkit_open(&r->q, 4, true);
	else
		snpkit_open(&r->k, &snpkit_good);
}

void azkit_close(struct azkit *r)
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

void azkit_text(struct azkit *r)
{
	BIGNUM *n = NULL;
	uint8_t mod[256];

	must(EVP_PKEY_get_bn_param(r->named, "n", &n) == 1 && BN_bn2binpad(n, mod, 256) == 256);
	BN_free(n);
	wr_close(&r->text);
	r->text = wr_open(8192);
	wr_str(&r->text, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"");
	b64url_write(&r->text, SPAN(mod));
	wr_str(&r->text, "\"}],\"vm-configuration\":{\"vmUniqueId\":\"VM\"},\"user-data\":\"");
	hex_write(&r->text, SPAN(r->user));
	wr_str(&r->text, "\"}");
}

void azkit_hcl(struct azkit *r)
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
void azkit_bind(struct azkit *r)
{
	uint8_t *data = r->td ? r->q.body + 520 : r->k.report + 0x50;

	azkit_text(r);
	memset(data, 0, 64);
	sha256(wr_span(&r->text), data);
	if (r->td)
		dcapkit_make(&r->q);
	else
		snpkit_sign(&r->k);
}

void azkit_quote(struct azkit *r)
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

static void put_hw(struct azkit *r, struct json_wr *j)
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

void azkit_json(struct azkit *r)
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

void azkit_make(struct azkit *r)
{
	azkit_bind(r);
	azkit_hcl(r);
	azkit_quote(r);
	azkit_json(r);
}
