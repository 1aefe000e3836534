#include "tests/evkit.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "evidence/tpm_quote.h"
#include "fmt/enc.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

EVP_PKEY *evkit_ec(const char *group)
{
	EVP_PKEY *k = EVP_EC_gen(group);

	must(k != NULL);
	return k;
}

EVP_PKEY *evkit_rsa(void)
{
	EVP_PKEY *k = EVP_RSA_gen(2048);

	must(k != NULL);
	return k;
}

EVP_PKEY *evkit_rsa_ca(void)
{
	EVP_PKEY *k = EVP_RSA_gen(4096);

	must(k != NULL);
	return k;
}

static void name(X509_NAME *n, const char *cn)
{
	must(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0) == 1);
}

static void add_ca(X509 *x, const struct evkit_cert *c)
{
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	ASN1_BIT_STRING *ku = ASN1_BIT_STRING_new();

	must(bc && ku);
	bc->ca = 0xff; /* what DER writes for TRUE */
	if (c->pathlen >= 0) {
		bc->pathlen = ASN1_INTEGER_new();
		must(ASN1_INTEGER_set(bc->pathlen, c->pathlen) == 1);
	}
	must(ASN1_BIT_STRING_set_bit(ku, c->no_cert_sign ? 0 : 5, 1) == 1);
	must(X509_add1_ext_i2d(x, NID_basic_constraints, bc, 1, 0) == 1 && X509_add1_ext_i2d(x, NID_key_usage, ku, 1, 0) == 1);
	BASIC_CONSTRAINTS_free(bc);
	ASN1_BIT_STRING_free(ku);
}

static void add_ext(X509 *x, const struct evkit_ext *e)
{
	ASN1_OBJECT *o = OBJ_txt2obj(e->oid, 1);
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	must(o && v && ASN1_OCTET_STRING_set(v, e->value.p, (int)e->value.n) == 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, o, e->critical, v);
	must(ext && X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(v);
	ASN1_OBJECT_free(o);
}

static void sign_cert(X509 *x, const struct evkit_cert *c)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;

	must(ctx && EVP_DigestSignInit(ctx, &pc, EVP_sha384(), NULL, c->issuer_key) == 1);
	if (c->pss)
		must(EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, 48) == 1);
	must(X509_sign_ctx(x, ctx) > 0);
	EVP_MD_CTX_free(ctx);
}

void evkit_cert(const struct evkit_cert *c, struct wr *der)
{
	X509 *x = X509_new();
	uint8_t *p = NULL;
	int n;

	must(x && X509_set_version(x, X509_VERSION_3) == 1 &&
	     ASN1_INTEGER_set(X509_get_serialNumber(x), c->serial ? c->serial : 7) == 1);
	must(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(c->not_before ? c->not_before : 1577836800)) != NULL);
	must(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(c->not_after ? c->not_after : 2493072000)) != NULL);
	name(X509_get_subject_name(x), c->cn);
	name(X509_get_issuer_name(x), c->issuer_cn);
	must(X509_set_pubkey(x, c->key) == 1);
	if (c->ca)
		add_ca(x, c);
	for (size_t i = 0; i < c->n_ext; i++)
		add_ext(x, &c->ext[i]);
	sign_cert(x, c);
	n = i2d_X509(x, &p);
	must(n > 0);
	wr_put(der, (struct span){ p, (size_t)n });
	OPENSSL_free(p);
	X509_free(x);
}

static void sign_der(EVP_PKEY *k, const char *md, struct span msg, uint8_t **sig, size_t *n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	must(c && EVP_DigestSignInit_ex(c, NULL, md, NULL, NULL, k, NULL) == 1 && EVP_DigestSign(c, NULL, n, msg.p, msg.n) == 1);
	*sig = malloc(*n);
	must(*sig && EVP_DigestSign(c, *sig, n, msg.p, msg.n) == 1);
	EVP_MD_CTX_free(c);
}

void evkit_sign(EVP_PKEY *k, const char *md, struct span msg, uint8_t *rs, size_t half)
{
	CLEANUP(freep) uint8_t *der = NULL;
	const unsigned char *p;
	size_t n = 0;
	ECDSA_SIG *s;

	sign_der(k, md, msg, &der, &n);
	p = der;
	s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	must(s && BN_bn2binpad(ECDSA_SIG_get0_r(s), rs, (int)half) > 0 &&
	     BN_bn2binpad(ECDSA_SIG_get0_s(s), rs + half, (int)half) > 0);
	ECDSA_SIG_free(s);
}

void evkit_sign_rsa(EVP_PKEY *k, struct span msg, struct wr *sig)
{
	CLEANUP(freep) uint8_t *raw = NULL;
	size_t n = 0;

	sign_der(k, "SHA256", msg, &raw, &n);
	wr_put(sig, (struct span){ raw, n });
}

void evkit_xy(EVP_PKEY *k, uint8_t *xy, size_t half)
{
	BIGNUM *x = NULL, *y = NULL;

	must(EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
	     EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1);
	must(BN_bn2binpad(x, xy, (int)half) > 0 && BN_bn2binpad(y, xy + half, (int)half) > 0);
	BN_free(x);
	BN_free(y);
}

void evkit_spki(EVP_PKEY *k, struct wr *der)
{
	uint8_t *p = NULL;
	int n = i2d_PUBKEY(k, &p);

	must(n > 0);
	wr_put(der, (struct span){ p, (size_t)n });
	OPENSSL_free(p);
}

void evkit_crl(const char *issuer_cn, EVP_PKEY *issuer, const long *serial, size_t n, int64_t from, int64_t to, struct wr *der)
{
	X509_CRL *l = X509_CRL_new();
	X509_NAME *nm = X509_NAME_new();
	ASN1_TIME *a = ASN1_TIME_set(NULL, (time_t)from), *b = ASN1_TIME_set(NULL, (time_t)to);
	uint8_t *p = NULL;
	int len;

	must(l && nm && a && b && X509_CRL_set_version(l, X509_CRL_VERSION_2) == 1);
	name(nm, issuer_cn);
	must(X509_CRL_set_issuer_name(l, nm) == 1 && X509_CRL_set1_lastUpdate(l, a) == 1 && X509_CRL_set1_nextUpdate(l, b) == 1);
	for (size_t i = 0; i < n; i++) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *s = ASN1_INTEGER_new();

		must(r && s && ASN1_INTEGER_set(s, serial[i]) == 1 && X509_REVOKED_set_serialNumber(r, s) == 1 &&
		     X509_REVOKED_set_revocationDate(r, a) == 1 && X509_CRL_add0_revoked(l, r) == 1);
		ASN1_INTEGER_free(s);
	}
	must(X509_CRL_sign(l, issuer, EVP_sha256()) > 0);
	len = i2d_X509_CRL(l, &p);
	must(len > 0);
	wr_put(der, (struct span){ p, (size_t)len });
	OPENSSL_free(p);
	ASN1_TIME_free(a);
	ASN1_TIME_free(b);
	X509_NAME_free(nm);
	X509_CRL_free(l);
}

void evkit_pem(struct wr *w, const struct wr *der)
{
	CLEANUP(wr_close) struct wr b64 = wr_open(1u << 16);

	b64_write(&b64, wr_span(der));
	wr_str(w, "-----BEGIN CERTIFICATE-----\n");
	for (struct span s = wr_span(&b64); s.n > 0; s = span_skip(s, 64)) {
		wr_put(w, (struct span){ s.p, s.n < 64 ? s.n : 64 });
		wr_u8(w, '\n');
	}
	wr_str(w, "-----END CERTIFICATE-----\n");
}

void evkit_add(struct cert_list *l, const struct wr *der)
{
	struct err e = { 0 };

	must(certs_read(wr_span(der), l, &e) == COFFER_OK);
}

static void le16(struct wr *w, uint16_t v)
{
	wr_u8(w, (uint8_t)v);
	wr_u8(w, (uint8_t)(v >> 8));
}

static enum hash_alg alg_of(uint16_t alg)
{
	enum hash_alg h = HASH_SHA256;

	must(tpm_hash(alg, &h));
	return h;
}

void evkit_log_head(struct wr *w, const uint16_t *alg, size_t n)
{
	static const uint8_t zero[20], version[8] = { 0, 0, 0, 0, 0, 2, 0, 2 };

	wr_le32(w, 0);
	wr_le32(w, 3); /* EV_NO_ACTION */
	wr_put(w, SPAN(zero));
	wr_le32(w, (uint32_t)(16 + 8 + 4 + 4 * n + 1));
	wr_put(w, (struct span){ (const uint8_t *)"Spec ID Event03", 16 });
	wr_put(w, SPAN(version));
	wr_le32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		le16(w, alg[i]);
		le16(w, (uint16_t)hash_len(alg_of(alg[i])));
	}
	wr_u8(w, 0);
}

void evkit_log_event(struct wr *w, uint32_t reg, uint32_t type, const uint16_t *alg, size_t n, struct span data)
{
	wr_le32(w, reg);
	wr_le32(w, type);
	wr_le32(w, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		uint8_t digest[HASH_MAX];

		hash_once(alg_of(alg[i]), data, digest);
		le16(w, alg[i]);
		wr_put(w, (struct span){ digest, hash_len(alg_of(alg[i])) });
	}
	wr_le32(w, (uint32_t)data.n);
	wr_put(w, data);
}

void evkit_extend(enum hash_alg h, uint8_t *reg, struct span digest)
{
	uint8_t both[2 * HASH_MAX];

	must(digest.n == hash_len(h));
	memcpy(both, reg, digest.n);
	memcpy(both + digest.n, digest.p, digest.n);
	hash_once(h, (struct span){ both, 2 * digest.n }, reg);
}

static void sized(struct wr *w, struct span s)
{
	wr_be16(w, (uint16_t)s.n);
	wr_put(w, s);
}

void evkit_tpm_message(struct wr *w, struct span nonce, uint32_t select, size_t banks, const uint8_t *pcr)
{
	static const uint8_t name[34] = { 0, 11, 1 };
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t digest[HASH_MAX];

	wr_be32(w, 0xff544347);
	wr_be16(w, 0x8018);
	sized(w, SPAN(name));
	sized(w, nonce);
	wr_be64(w, 1234);
	wr_be32(w, 5);
	wr_be32(w, 6);
	wr_u8(w, 1);
	wr_be64(w, 0x20260101);
	wr_be32(w, (uint32_t)banks);
	for (size_t b = 0; b < banks; b++) {
		wr_be16(w, b == 0 ? TPM_ALG_SHA256 : TPM_ALG_SHA1);
		wr_u8(w, 3);
		for (size_t i = 0; i < 3; i++)
			wr_u8(w, b == 0 ? (uint8_t)(select >> (8 * i)) : 0);
	}
	for (size_t i = 0; i < TPM_PCRS; i++)
		if (select >> i & 1)
			hash_add(h, (struct span){ pcr + 32 * i, 32 });
	hash_end(h, digest);
	sized(w, (struct span){ digest, 32 });
}

bool evkit_fails(const struct ev_out *o, const char *id)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->check[i].id, id) == 0)
			return !o->check[i].holds;
	return false;
}

bool evkit_only(const struct ev_out *o, enum verdict v, const char *id)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->check[i].holds && strcmp(o->check[i].id, id) != 0)
			return false;
	return o->verdict == v && evkit_fails(o, id);
}
