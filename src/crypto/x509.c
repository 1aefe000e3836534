#include "crypto/x509.h"

#include <string.h>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "crypto/key_priv.h"
#include "crypto/x509_priv.h"
#include "fmt/enc.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)

#define CHAIN_MAX 8
#define CERT_MAX (16u << 10)
#define ANCHORS_MAX 512

static void chain_freep(STACK_OF(X509) **s)
{
	sk_X509_pop_free(*s, X509_free);
}

static enum coffer_rc failed(struct err *e, const char *what)
{
	ERR_clear_error();
	return err_set(e, COFFER_E_SYSTEM, "%s: the cryptographic library failed", what);
}

/* ---- making ---- */

static bool add_ext(X509 *c, int nid, void *value, int critical)
{
	return X509_add1_ext_i2d(c, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool add_san(X509 *c, const char *san)
{
	CLEANUP(GENERAL_NAMES_freep) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *n = GENERAL_NAME_new();
	ASN1_OCTET_STRING *text;
	uint8_t addr[16];
	int len = 0;

	if (inet_pton(AF_INET, san, addr) == 1)
		len = 4;
	else if (inet_pton(AF_INET6, san, addr) == 1)
		len = 16;
	text = len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	if (!names || !n || !text || ASN1_STRING_set(text, len ? (const void *)addr : san, len ? len : -1) != 1 ||
	    sk_GENERAL_NAME_push(names, n) <= 0) {
		GENERAL_NAME_free(n);
		ASN1_STRING_free(text);
		return false;
	}
	GENERAL_NAME_set0_value(n, len ? GEN_IPADD : GEN_DNS, text);
	return add_ext(c, NID_subject_alt_name, names, 0);
}

static bool add_usage(X509 *c)
{
	BASIC_CONSTRAINTS bc = { 0 }; /* not a CA */
	ASN1_BIT_STRING *ku = ASN1_BIT_STRING_new();
	bool ok;

	ok = ku && ASN1_BIT_STRING_set_bit(ku, 0, 1) == 1 /* digitalSignature */ && add_ext(c, NID_basic_constraints, &bc, 1) &&
	    add_ext(c, NID_key_usage, ku, 1);
	ASN1_BIT_STRING_free(ku);
	return ok;
}

static bool fill(X509 *c, EVP_PKEY *pkey, const char *san, int64_t not_before, int64_t not_after)
{
	uint8_t serial[16];
	CLEANUP(BN_freep) BIGNUM *bn = NULL;
	X509_NAME *name = X509_get_subject_name(c); /* borrowed */

	random_bytes(serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, full length */
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	return bn && X509_set_version(c, X509_VERSION_3) == 1 && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(c)) &&
	       ASN1_TIME_set(X509_getm_notBefore(c), (time_t)not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(c), (time_t)not_after) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"coffer", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(c, name) == 1 && X509_set_pubkey(c, pkey) == 1 && add_usage(c) && add_san(c, san);
}

enum coffer_rc x509_self_signed(const struct privkey *k, const char *san, int64_t not_before, int64_t not_after,
    struct wr *out, struct err *e)
{
	CLEANUP(X509_freep) X509 *c = X509_new();
	CLEANUP(BIO_free_allp) BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	if (privkey_public(k)->kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "certificate: the key is not P-256");
	if (!privkey_evp(k))
		return err_set(e, COFFER_E_INPUT, "certificate: the private half of its key is elsewhere");
	if (san[0] == 0 || strlen(san) > 255 || not_after <= not_before)
		return err_set(e, COFFER_E_INPUT, "certificate: bad name or validity");
	if (!c || !b || !fill(c, privkey_evp(k), san, not_before, not_after) || X509_sign(c, privkey_evp(k), EVP_sha256()) <= 0 ||
	    PEM_write_bio_X509(b, c) != 1)
		return failed(e, "certificate");
	n = BIO_get_mem_data(b, &p);
	wr_put(out, (struct span){ (const uint8_t *)p, n > 0 ? (size_t)n : 0 });
	return wr_done(out, "certificate", e);
}

/* ---- anchors ---- */

enum coffer_rc x509_anchors(struct span pem, X509_STORE *store, struct err *e)
{
	CLEANUP(BIO_free_allp) BIO *b = NULL;
	size_t count = 0;

	if (pem.n == 0 || pem.n > 4u << 20)
		return err_set(e, COFFER_E_INPUT, "trusted certificates: none given, or more than 4 MiB");
	b = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!b)
		return failed(e, "trusted certificates");
	for (;;) {
		CLEANUP(X509_freep) X509 *c = PEM_read_bio_X509(b, NULL, NULL, NULL);

		if (!c)
			break;
		if (++count > ANCHORS_MAX)
			return err_set(e, COFFER_E_LIMIT, "trusted certificates: more than %d", ANCHORS_MAX);
		if (X509_STORE_add_cert(store, c) != 1)
			return failed(e, "trusted certificates");
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) { /* anything but the end of the file */
		ERR_clear_error();
		return err_set(e, COFFER_E_INPUT, "trusted certificates: number %zu is malformed", count + 1);
	}
	ERR_clear_error();
	if (count == 0)
		return err_set(e, COFFER_E_INPUT, "trusted certificates: no certificate found");
	return COFFER_OK;
}

/* ---- x5c ---- */

static enum coffer_rc read_cert(const struct json *item, X509 **out, struct err *e)
{
	CLEANUP(wr_close) struct wr der = wr_open(CERT_MAX);
	const uint8_t *p;
	X509 *c;

	/* RFC 7517, 4.7: standard base64, not base64url */
	if (json_type(item) != JSON_STRING || !b64_read(json_str(item), &der) || der.n == 0)
		return err_deny(e, "x5c", "an x5c entry is not base64");
	p = der.p;
	c = d2i_X509(NULL, &p, (long)der.n);
	if (!c || p != der.p + der.n) {
		X509_free(c);
		ERR_clear_error();
		return err_deny(e, "x5c", "an x5c entry is not a certificate");
	}
	*out = c;
	return COFFER_OK;
}

static enum coffer_rc read_chain(const struct json *x5c, STACK_OF(X509) *chain, struct err *e)
{
	if (json_type(x5c) != JSON_ARRAY || json_len(x5c) == 0)
		return err_deny(e, "x5c", "the token's key carries no certificate (x5c)");
	if (json_len(x5c) > CHAIN_MAX)
		return err_deny(e, "x5c", "more than %d certificates in x5c", CHAIN_MAX);
	for (size_t i = 0; i < json_len(x5c); i++) {
		CLEANUP(X509_freep) X509 *c = NULL;

		TRY(read_cert(json_at(x5c, i), &c, e));
		if (sk_X509_push(chain, c) <= 0)
			return failed(e, "x5c");
		c = NULL;
	}
	return COFFER_OK;
}

static bool same_number(const EVP_PKEY *pkey, const char *param, struct span b64)
{
	CLEANUP(wr_close) struct wr w = wr_open(1024);
	CLEANUP(BN_freep) BIGNUM *theirs = NULL;
	CLEANUP(BN_freep) BIGNUM *ours = NULL;

	if (!b64url_read(b64, &w) || w.n == 0 || EVP_PKEY_get_bn_param(pkey, param, &theirs) != 1)
		return false;
	ours = BN_bin2bn(w.p, (int)w.n, NULL);
	return ours && BN_cmp(ours, theirs) == 0;
}

/* Whether the certificate carries the key that the token names: P-256 or RSA. */
static bool same_key(const struct json *jwk, const EVP_PKEY *pkey)
{
	struct pubkey claimed, certified;
	struct err scratch;

	if (span_eq_str(json_str(json_get(jwk, "kty")), "RSA"))
		return EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= 2048 &&
		    same_number(pkey, OSSL_PKEY_PARAM_RSA_N, json_str(json_get(jwk, "n"))) &&
		    same_number(pkey, OSSL_PKEY_PARAM_RSA_E, json_str(json_get(jwk, "e")));
	return jwk_read(jwk, "jwk", &claimed, &scratch) == COFFER_OK && pubkey_from_evp(pkey, &certified) &&
	    certified.kind == KEY_P256 && pubkey_eq(&claimed, &certified);
}

static enum coffer_rc verify_chain(X509_STORE *store, STACK_OF(X509) *chain, int64_t now, struct err *e)
{
	CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int why;

	if (!ctx || X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) != 1)
		return failed(e, "x5c");
	param = X509_STORE_CTX_get0_param(ctx); /* borrowed */
	/* an anchor is whatever the operator named, also when it is not a root */
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | (now < 0 ? X509_V_FLAG_NO_CHECK_TIME : 0)) != 1)
		return failed(e, "x5c");
	X509_VERIFY_PARAM_set_depth(param, CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, 2); /* 112 bits: RSA 2048, no SHA-1 */
	if (now >= 0)
		X509_VERIFY_PARAM_set_time(param, (time_t)now);
	if (X509_verify_cert(ctx) == 1)
		return COFFER_OK;
	why = X509_STORE_CTX_get_error(ctx);
	ERR_clear_error();
	return err_deny(e, "x5c", "the token's certificate is not trusted: %s", X509_verify_cert_error_string(why));
}

enum coffer_rc x509_check_x5c(const struct json *jwk, struct span trusted_pem, int64_t now, struct err *e)
{
	CLEANUP(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
	CLEANUP(chain_freep) STACK_OF(X509) *chain = sk_X509_new_null();
	EVP_PKEY *leaf;

	if (!store || !chain)
		return failed(e, "x5c");
	TRY(read_chain(json_get(jwk, "x5c"), chain, e));
	leaf = X509_get0_pubkey(sk_X509_value(chain, 0)); /* borrowed */
	if (!leaf || !same_key(jwk, leaf)) {
		ERR_clear_error();
		return err_deny(e, "x5c", "the token's key is not the key of its certificate");
	}
	TRY(x509_anchors(trusted_pem, store, e));
	return verify_chain(store, chain, now, e);
}
