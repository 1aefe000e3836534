#include "crypto/vkey.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/der.h"
#include "crypto/key_priv.h"
#include "crypto/vkey_priv.h"

DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free)

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define SPKI_MAX 4096

struct vkey {
	EVP_PKEY      *pkey;
	enum vkey_kind kind;
	size_t         half; /* EC: bytes of a coordinate */
	uint8_t       *der;
	size_t         der_n;
};

void vkey_free(struct vkey *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	OPENSSL_free(k->der);
	free(k);
}

static bool ec_kind(const EVP_PKEY *pkey, struct vkey *k)
{
	static const struct { const char *name; enum vkey_kind kind; size_t half; } known[] = {
		{ "prime256v1", VKEY_P256, 32 }, { "secp384r1", VKEY_P384, 48 }, { "secp521r1", VKEY_P521, 66 },
		{ "SM2", VKEY_SM2, 32 },
	};
	char group[32] = "";

	if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(group, known[i].name) == 0) {
			k->kind = known[i].kind;
			k->half = known[i].half;
			return true;
		}
	}
	return false;
}

static bool classify(EVP_PKEY *pkey, struct vkey *k)
{
	if (EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_is_a(pkey, "SM2"))
		return ec_kind(pkey, k);
	k->kind = VKEY_RSA;
	return EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_get_bits(pkey) >= RSA_BITS_MIN && EVP_PKEY_get_bits(pkey) <= RSA_BITS_MAX;
}

enum coffer_rc vkey_adopt(EVP_PKEY *pkey, struct vkey **out, struct err *e)
{
	CLEANUP(vkey_freep) struct vkey *k = calloc(1, sizeof(*k));
	int n;

	if (!k) {
		EVP_PKEY_free(pkey);
		return err_set(e, COFFER_E_SYSTEM, "key: out of memory");
	}
	k->pkey = pkey;
	n = pkey && classify(pkey, k) ? vkey_encode(pkey, k->kind, &k->der) : -1;
	ERR_clear_error();
	if (n <= 0)
		return err_set(e, COFFER_E_INPUT, "key: neither P-256, P-384, P-521, SM2 nor RSA of %d to %d bits", RSA_BITS_MIN, RSA_BITS_MAX);
	k->der_n = (size_t)n;
	*out = MOVE(k);
	return COFFER_OK;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *p)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)!EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, p);
	ERR_clear_error();
	return pkey;
}

enum coffer_rc vkey_ec(enum vkey_kind kind, struct span xy, struct vkey **out, struct err *e)
{
	char group[16];
	uint8_t point[1 + 132] = { POINT_CONVERSION_UNCOMPRESSED };
	size_t half = kind == VKEY_P521 ? 66 : kind == VKEY_P384 ? 48 : 32;
	OSSL_PARAM p[3] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END };

	if (kind == VKEY_RSA || xy.n != 2 * half)
		return err_set(e, COFFER_E_INPUT, "key: a point of %zu bytes", xy.n);
	(void)snprintf(group, sizeof(group), "%s",
	    kind == VKEY_P384	? "secp384r1"
	    : kind == VKEY_P521 ? "secp521r1"
	    : kind == VKEY_SM2	? "SM2"
				: "prime256v1");
	memcpy(point + 1, xy.p, xy.n);
	p[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0); /* measures the text: it must be there */
	p[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half);
	return vkey_adopt(from_params(kind == VKEY_SM2 ? "SM2" : "EC", p), out, e);
}

static OSSL_PARAM number(const char *name, struct span v, uint8_t *native)
{
	for (size_t i = 0; i < v.n; i++) /* OSSL_PARAM wants the machine's order; we build for little endian and big alike */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		native[i] = v.p[v.n - 1 - i];
#else
		native[i] = v.p[i];
#endif
	return OSSL_PARAM_construct_BN(name, native, v.n);
}

enum coffer_rc vkey_rsa(struct span n, struct span exponent, struct vkey **out, struct err *e)
{
	uint8_t nb[RSA_BITS_MAX / 8], eb[4];
	OSSL_PARAM p[3] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END };

	if (n.n == 0 || n.n > sizeof(nb) || exponent.n == 0 || exponent.n > sizeof(eb) || !(exponent.p[exponent.n - 1] & 1) ||
	    (exponent.n == 1 && exponent.p[0] < 3))
		return err_set(e, COFFER_E_INPUT, "key: not an RSA modulus and exponent of sane size");
	p[0] = number(OSSL_PKEY_PARAM_RSA_N, n, nb);
	p[1] = number(OSSL_PKEY_PARAM_RSA_E, exponent, eb);
	return vkey_adopt(from_params("RSA", p), out, e);
}

/* In the form that keys are written in here: written again, it is the very same bytes. The library would try all its decoders,
 * which takes as long as some verifications. */
static bool plain_spki(struct span der, struct vkey **out)
{
	CLEANUP(vkey_freep) struct vkey *k = NULL;
	struct err ignore = { 0 };

	if (der_key(der, &k, &ignore) != COFFER_OK || !span_eq(vkey_der(k), der))
		return false;
	*out = MOVE(k);
	return true;
}

enum coffer_rc vkey_spki(struct span der, struct vkey **out, struct err *e)
{
	const unsigned char *p = der.p;
	EVP_PKEY *pkey;

	if (der.n == 0 || der.n > SPKI_MAX)
		return err_set(e, COFFER_E_INPUT, "key: %zu bytes of SubjectPublicKeyInfo", der.n);
	if (plain_spki(der, out))
		return COFFER_OK;
	pkey = d2i_PUBKEY(NULL, &p, (long)der.n);
	ERR_clear_error();
	if (!pkey || p != der.p + der.n) {
		EVP_PKEY_free(pkey);
		return err_set(e, COFFER_E_INPUT, "key: malformed SubjectPublicKeyInfo");
	}
	return vkey_adopt(pkey, out, e);
}

EVP_PKEY *vkey_evp(const struct vkey *k)
{
	return k->pkey;
}

enum vkey_kind vkey_kind(const struct vkey *k)
{
	return k->kind;
}

bool vkey_eq(const struct vkey *a, const struct vkey *b)
{
	return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

struct span vkey_der(const struct vkey *k)
{
	return (struct span){ k->der, k->der_n };
}

/* ---- signatures ---- */

static const EVP_MD *digest_of(enum hash_alg h)
{
	switch (h) {
	case HASH_SHA256: return EVP_sha256();
	case HASH_SHA384: return EVP_sha384();
	case HASH_SHA512: return EVP_sha512();
	case HASH_SHA1:   return NULL;
	}
	return NULL;
}

/* r || s as ECDSA-Sig-Value; NULL when the length is not the curve's. */
static uint8_t *ec_der(const struct vkey *k, struct span sig, int *n)
{
	CLEANUP(ECDSA_SIG_freep) ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *r = NULL, *v = NULL;
	uint8_t *der = NULL;

	if (!s || k->half == 0 || sig.n != 2 * k->half)
		return NULL;
	r = BN_bin2bn(sig.p, (int)k->half, NULL);
	v = BN_bin2bn(sig.p + k->half, (int)k->half, NULL);
	if (!r || !v || ECDSA_SIG_set0(s, r, v) != 1) {
		BN_free(r);
		BN_free(v);
		return NULL;
	}
	*n = i2d_ECDSA_SIG(s, &der);
	return der;
}

static bool scheme_fits(const struct vkey *k, enum sig_scheme s)
{
	bool rsa = s == SIG_RSASSA || s == SIG_RSAPSS;

	return rsa == (k->kind == VKEY_RSA);
}

static bool verify_der(const struct vkey *k, bool pss, const EVP_MD *md, struct span msg, struct span sig)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	bool ok = c && EVP_DigestVerifyInit(c, &pc, md, NULL, k->pkey) == 1;

	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestVerify(c, sig.p, sig.n, msg.p, msg.n) == 1;
	ERR_clear_error();
	return ok;
}

bool vkey_verify(const struct vkey *k, enum sig_scheme s, enum hash_alg h, struct span msg, struct span sig)
{
	const EVP_MD *md = digest_of(h);
	uint8_t *der;
	int n = 0;
	bool ok;

	if (!md || !scheme_fits(k, s) || k->kind == VKEY_SM2)
		return false;
	if (s != SIG_ECDSA_RAW)
		return verify_der(k, s == SIG_RSAPSS, md, msg, sig);
	der = ec_der(k, sig, &n);
	ok = der && n > 0 && verify_der(k, false, md, msg, (struct span){ der, (size_t)n });
	OPENSSL_free(der);
	return ok;
}

bool vkey_verify_sm2(const struct vkey *k, struct span id, struct span msg, const uint8_t rs[static 64])
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	uint8_t *der;
	int n = 0;
	bool ok;

	if (!c || k->kind != VKEY_SM2 || id.n == 0 || id.n > 8191) /* its length in bits is two bytes of what is hashed */
		return false;
	der = ec_der(k, (struct span){ rs, 64 }, &n);
	ok = der && n > 0 && EVP_DigestVerifyInit(c, &pc, EVP_sm3(), NULL, k->pkey) == 1 &&
	     EVP_PKEY_CTX_set1_id(pc, id.p, (int)id.n) == 1 && EVP_DigestVerify(c, der, (size_t)n, msg.p, msg.n) == 1;
	OPENSSL_free(der);
	ERR_clear_error();
	return ok;
}
