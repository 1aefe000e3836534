#include "tests/tpmguest.h"

#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/tpm_seed.h"
#include "evidence/tpm_credential.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define GOOD (TPM_RESTRICTED | TPM_SIGN | TPM_FIXED_TPM | TPM_FIXED_PARENT | TPM_ORIGIN | 1u << 6)
#define QUOTED (1u << 0 | 1u << 4 | 1u << 8 | 1u << 11)

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

static void sized(struct wr *w, struct span s)
{
	wr_be16(w, (uint16_t)s.n);
	wr_put(w, s);
}

static void renew(struct wr *w, size_t max)
{
	wr_close(w);
	*w = wr_open(max);
}

static void write_public(struct tpmguest *t)
{
	uint8_t xy[64];

	evkit_xy(t->ak, xy, 32);
	renew(&t->ak_public, 1024);
	wr_be16(&t->ak_public, 0x0023); /* ECC */
	wr_be16(&t->ak_public, TPM_ALG_SHA256);
	wr_be32(&t->ak_public, t->attributes);
	wr_be16(&t->ak_public, 0);      /* policy */
	wr_be16(&t->ak_public, 0x0010); /* no symmetric algorithm */
	wr_be16(&t->ak_public, 0x0018); /* ECDSA */
	wr_be16(&t->ak_public, TPM_ALG_SHA256);
	wr_be16(&t->ak_public, 0x0003); /* P-256 */
	wr_be16(&t->ak_public, 0x0010); /* no KDF */
	sized(&t->ak_public, (struct span){ xy, 32 });
	sized(&t->ak_public, (struct span){ xy + 32, 32 });
}

void tpmguest_ak(struct tpmguest *t)
{
	struct evkit_cert c = { .cn = "AK", .issuer_cn = "Maker", .issuer_key = t->maker, .pathlen = -1 };

	EVP_PKEY_free(t->ak);
	c.key = t->ak = evkit_ec("P-256");
	renew(&t->ak_cert, 1u << 16);
	evkit_cert(&c, &t->ak_cert);
	write_public(t);
}

static void make(struct tpmguest *t, bool below)
{
	static const uint8_t for_ek[] = { 0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x01 };
	struct evkit_ext ext[] = { { "2.5.29.37", SPAN(for_ek), false } };
	struct evkit_cert up = { .cn = "Maker", .issuer_cn = "Maker", .ca = true, .pathlen = -1 };
	struct evkit_cert c = { .cn = "EK", .issuer_cn = "Maker", .pathlen = -1, .ext = ext, .n_ext = 1 };

	struct evkit_cert top = { .cn = "Top", .issuer_cn = "Top", .ca = true, .pathlen = -1 };

	*t = (struct tpmguest){ .maker = evkit_ec("P-384"), .ek = evkit_rsa(), .root = wr_open(1u << 16), .ek_cert = wr_open(1u << 16),
		.top = wr_open(1u << 16), .attributes = GOOD, .quoted = QUOTED };
	up.key = up.issuer_key = c.issuer_key = t->maker;
	if (below) {
		up.issuer_cn = "Top";
		up.issuer_key = top.key = top.issuer_key = evkit_ec("P-384");
		evkit_cert(&top, &t->top);
	}
	c.key = t->ek;
	evkit_cert(&up, &t->root);
	evkit_cert(&c, &t->ek_cert);
	tpmguest_ak(t);
	EVP_PKEY_free(top.key);
}

void tpmguest_open(struct tpmguest *t)
{
	make(t, false);
}

void tpmguest_open_below(struct tpmguest *t)
{
	make(t, true);
}

void tpmguest_close(struct tpmguest *t)
{
	struct wr *own[] = { &t->root, &t->top, &t->ek_cert, &t->ak_public, &t->ak_cert, &t->credential, &t->seed, &t->shown };

	EVP_PKEY_free(t->maker);
	EVP_PKEY_free(t->ek);
	EVP_PKEY_free(t->ak);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		wr_close(own[i]);
	*t = (struct tpmguest){ 0 };
}

struct keep_tpm tpmguest_request(const struct tpmguest *t)
{
	return (struct keep_tpm){ .ek_cert = wr_span(&t->ek_cert), .ak_public = wr_span(&t->ak_public) };
}

/* ---- TPM2_ActivateCredential ---- */

static bool open_seed(EVP_PKEY *k, struct span in, uint8_t seed[static 32])
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
	uint8_t buf[256];
	size_t n = sizeof(buf);

	if (in.n != 258 || EVP_PKEY_decrypt_init(c) != 1 || EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set0_rsa_oaep_label(c, OPENSSL_memdup("IDENTITY", 9), 9) != 1 ||
	    EVP_PKEY_decrypt(c, buf, &n, in.p + 2, 256) != 1 || n != 32)
		return false;
	memcpy(seed, buf, 32);
	return true;
}

static bool integrity(struct span mac, struct span inner, struct span name, const uint8_t seed[static 32])
{
	CLEANUP(wr_close) struct wr both = wr_open(256);
	uint8_t key[32], got[32];

	wr_put(&both, inner);
	wr_put(&both, name);
	tpm_kdfa((struct span){ seed, 32 }, "INTEGRITY", (struct tpm_context){ 0 }, key, 32);
	hmac_sha256(SPAN(key), wr_span(&both), got);
	return span_eq(mac, SPAN(got));
}

static bool decrypt(struct span inner, struct span name, const uint8_t seed[static 32], struct wr *out)
{
	static const uint8_t iv[16];
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t key[16], plain[64];
	int n = 0;

	tpm_kdfa((struct span){ seed, 32 }, "STORAGE", (struct tpm_context){ .u = name }, key, 16);
	if (inner.n > sizeof(plain) || EVP_DecryptInit_ex(c, EVP_aes_128_cfb128(), NULL, key, iv) != 1 ||
	    EVP_DecryptUpdate(c, plain, &n, inner.p, (int)inner.n) != 1 || n < 2)
		return false;
	wr_put(out, (struct span){ plain + 2, (size_t)n - 2 });
	return wr_ok(out);
}

bool tpmguest_activate(const struct tpmguest *t, struct span credential, struct span seed, struct wr *out)
{
	CLEANUP(tpm_public_clear) struct tpm_public ak = { 0 };
	struct rd r = rd_open(credential);
	struct span mac, inner, name;
	uint8_t key[32];
	struct err e = { 0 };

	(void)rd_be16(&r);
	(void)rd_be16(&r);
	mac = rd_span(&r, 32);
	inner = rd_span(&r, r.n);
	if (!rd_done(&r) || tpm_public_parse(wr_span(&t->ak_public), &ak, &e) != COFFER_OK || !open_seed(t->ek, seed, key))
		return false;
	name = (struct span){ ak.name, ak.name_n };
	return integrity(mac, inner, name, key) && decrypt(inner, name, key, out);
}

void tpmguest_challenged(void *arg, const struct keep_auth_rep *rep)
{
	struct tpmguest *t = arg;

	renew(&t->credential, 1024);
	renew(&t->seed, 1024);
	renew(&t->shown, 64);
	wr_put(&t->credential, rep->credential);
	wr_put(&t->seed, rep->secret);
	(void)!tpmguest_activate(t, rep->credential, rep->secret, &t->shown);
}

/* ---- evidence ---- */

static void b64_m(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 17);

	b64_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static void write_quote(const struct tpmguest *t, struct span nonce, const uint8_t *pcr, struct json_wr *j)
{
	CLEANUP(wr_close) struct wr msg = wr_open(4096), sig = wr_open(256);
	uint8_t rs[64];

	evkit_tpm_message(&msg, nonce, t->quoted, 1, pcr);
	evkit_sign(t->ak, "SHA256", wr_span(&msg), rs, 32);
	wr_be16(&sig, 0x0018);
	wr_be16(&sig, TPM_ALG_SHA256);
	sized(&sig, (struct span){ rs, 32 });
	sized(&sig, (struct span){ rs + 32, 32 });
	b64_m(j, "message", wr_span(&msg));
	b64_m(j, "signature", wr_span(&sig));
	jw_name(j, "pcrs");
	jw_arr(j);
	for (size_t i = 0; i < TPM_PCRS; i++) {
		CLEANUP(wr_close) struct wr hex = wr_open(64);

		hex_write(&hex, (struct span){ pcr + 32 * i, 32 });
		jw_str(j, wr_span(&hex));
	}
	jw_arr_end(j);
}

void tpmguest_evidence(void *arg, struct span report_data, const uint8_t *init_register, struct wr *json)
{
	const struct tpmguest *t = arg;
	CLEANUP(wr_close) struct wr spki = wr_open(1024);
	struct json_wr j = jw_open(json, false);
	uint8_t pcr[TPM_PCRS][32] = { 0 };

	memset(pcr[0], t->firmware, sizeof(pcr[0]));
	if (init_register)
		evkit_extend(HASH_SHA256, pcr[8], (struct span){ init_register, 32 });
	evkit_spki(t->ak, &spki);
	jw_obj(&j);
	b64_m(&j, "ak_public", wr_span(&spki));
	if (t->with_ak_cert)
		b64_m(&j, "ak_cert", wr_span(&t->ak_cert));
	if (t->shown.n > 0)
		b64_m(&j, "activated", wr_span(&t->shown));
	jw_name(&j, "tpm_quote");
	jw_obj(&j);
	write_quote(t, (struct span){ report_data.p, 32 }, pcr[0], &j);
	jw_obj_end(&j);
	jw_obj_end(&j);
}
