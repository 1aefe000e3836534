#include "crypto/vkey.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/der.h"
#include "crypto/key_priv.h"
#include "crypto/hash_priv.h"
#include "crypto/vkey_point.h"
#include "crypto/vkey_priv.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define SPKI_MAX 4096
#define SIG_MAX 256 /* of ECDSA, in DER */

struct vkey {
	atomic_uint    others; /* holders beside the first */
	EVP_PKEY      *pkey;
	bool           own;  /* made by point_key, */
	atomic_bool    lent; /* and not shown outside of this file */
	enum vkey_kind kind;
	size_t         half; /* EC: bytes of a coordinate */
	size_t         der_n;
	uint8_t        der[];
};

void vkey_free(struct vkey *k)
{
	if (!k || atomic_fetch_sub(&k->others, 1) > 0)
		return;
	if (k->own && !atomic_load(&k->lent))
		point_key_done(k->kind, k->pkey);
	else
		EVP_PKEY_free(k->pkey);
	free(k);
}

/* Nothing but who holds it changes. */
static struct vkey *counted(const struct vkey *k)
{
	union { const struct vkey *in; struct vkey *out; } same = { .in = k };

	return same.out;
}

struct vkey *vkey_share(const struct vkey *k)
{
	atomic_fetch_add(&counted(k)->others, 1);
	return counted(k);
}

static const struct { enum vkey_kind kind; const char *group; size_t half; } curves[] = {
	{ VKEY_P256, "prime256v1", 32 }, { VKEY_P384, "secp384r1", 48 }, { VKEY_P521, "secp521r1", 66 }, { VKEY_SM2, "SM2", 32 },
};
#define N_CURVES (sizeof(curves) / sizeof(curves[0]))

static bool rsa_size_ok(int bits)
{
	return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
}

/* Takes pkey (NULL gives COFFER_E_INPUT); its SubjectPublicKeyInfo is copied. half: as in struct vkey. */
static enum coffer_rc adopt(EVP_PKEY *pkey, enum vkey_kind kind, size_t half, struct span der, struct vkey **out, struct err *e)
{
	struct vkey *k = pkey && der.n > 0 ? calloc(1, sizeof(*k) + der.n) : NULL;

	if (!k) {
		EVP_PKEY_free(pkey);
		return pkey && der.n > 0 ? err_set(e, COFFER_E_SYSTEM, "key: out of memory")
		                         : err_set(e, COFFER_E_INPUT, "key: neither P-256, P-384, P-521, SM2 nor RSA of %d to %d bits",
		                               RSA_BITS_MIN, RSA_BITS_MAX);
	}
	k->pkey = pkey;
	k->kind = kind;
	k->half = half;
	k->der_n = der.n;
	memcpy(k->der, der.p, der.n);
	*out = k;
	return COFFER_OK;
}

/* Of a key that the library read. */
static bool classify(EVP_PKEY *pkey, enum vkey_kind *kind, size_t *half)
{
	char group[32] = "";

	*kind = VKEY_RSA;
	*half = 0;
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return rsa_size_ok(EVP_PKEY_get_bits(pkey));
	if (!(EVP_PKEY_is_a(pkey, "EC") || EVP_PKEY_is_a(pkey, "SM2")) ||
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1)
		return false;
	for (size_t i = 0; i < N_CURVES; i++) {
		if (strcmp(group, curves[i].group) == 0) {
			*kind = curves[i].kind;
			*half = curves[i].half;
			return true;
		}
	}
	return false;
}

/* Its SubjectPublicKeyInfo is as OpenSSL writes it. */
static enum coffer_rc adopt_foreign(EVP_PKEY *pkey, struct vkey **out, struct err *e)
{
	enum vkey_kind kind;
	size_t half;
	unsigned char *der = NULL;
	int n = classify(pkey, &kind, &half) ? i2d_PUBKEY(pkey, &der) : -1;
	enum coffer_rc rc;

	ERR_clear_error();
	rc = adopt(pkey, kind, half, (struct span){ der, n > 0 ? (size_t)n : 0 }, out, e);
	OPENSSL_free(der);
	return rc;
}

static EVP_PKEY *from_params(EVP_PKEY_CTX *ctx, int selection, OSSL_PARAM *p)
{
	EVP_PKEY *pkey = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)!EVP_PKEY_fromdata(ctx, &pkey, selection, p);
	ERR_clear_error();
	return pkey;
}

enum coffer_rc vkey_ec(enum vkey_kind kind, struct span xy, struct vkey **out, struct err *e)
{
	CLEANUP(wr_close) struct wr der = wr_open(256);
	size_t i = 0;

	while (i < N_CURVES && curves[i].kind != kind)
		i++;
	if (i == N_CURVES || xy.n != 2 * curves[i].half || !vkey_write_ec(kind, xy, &der))
		return err_set(e, COFFER_E_INPUT, "key: a point of %zu bytes", xy.n);
	/* it ends with the point */
	TRY(adopt(point_key(kind, span_skip(wr_span(&der), der.n - xy.n - 1)), kind, curves[i].half, wr_span(&der), out, e));
	(*out)->own = true;
	return COFFER_OK;
}

/* To look the maker of RSA keys up takes as long as to make one. It is one for all threads, one at a time. */
static EVP_PKEY_CTX *rsa_maker;
static mtx_t rsa_lock;
static once_flag rsa_once = ONCE_FLAG_INIT;

static void find_rsa_maker(void)
{
	if (mtx_init(&rsa_lock, mtx_plain) == thrd_success)
		rsa_maker = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
}

static EVP_PKEY *with_numbers(OSSL_PARAM *p)
{
	EVP_PKEY *k = NULL;

	call_once(&rsa_once, find_rsa_maker);
	if (!rsa_maker || mtx_lock(&rsa_lock) != thrd_success)
		return NULL;
	k = from_params(rsa_maker, EVP_PKEY_PUBLIC_KEY, p);
	(void)mtx_unlock(&rsa_lock);
	return k;
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
	CLEANUP(wr_close) struct wr der = wr_open(SPKI_MAX);
	uint8_t nb[RSA_BITS_MAX / 8], eb[4];
	OSSL_PARAM p[3] = { OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END };
	EVP_PKEY *pkey;

	if (n.n == 0 || n.n > sizeof(nb) || exponent.n == 0 || exponent.n > sizeof(eb) || !(exponent.p[exponent.n - 1] & 1) ||
	    (exponent.n == 1 && exponent.p[0] < 3) || !vkey_write_rsa(n, exponent, &der))
		return err_set(e, COFFER_E_INPUT, "key: not an RSA modulus and exponent of sane size");
	p[0] = number(OSSL_PKEY_PARAM_RSA_N, n, nb);
	p[1] = number(OSSL_PKEY_PARAM_RSA_E, exponent, eb);
	pkey = with_numbers(p);
	if (pkey && !rsa_size_ok(EVP_PKEY_get_bits(pkey))) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return adopt(pkey, VKEY_RSA, 0, wr_span(&der), out, e);
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
	return adopt_foreign(pkey, out, e);
}

EVP_PKEY *vkey_evp(const struct vkey *k)
{
	atomic_store(&counted(k)->lent, true); /* who sees it may keep it longer than k */
	return k->pkey;
}

enum vkey_kind vkey_kind(const struct vkey *k)
{
	return k->kind;
}

bool vkey_eq(const struct vkey *a, const struct vkey *b)
{
	return span_eq(vkey_der(a), vkey_der(b)) || EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

struct span vkey_der(const struct vkey *k)
{
	return (struct span){ k->der, k->der_n };
}

/* ---- signatures ---- */

static const EVP_MD *digest_of(enum hash_alg h)
{
	switch (h) {
	case HASH_SHA256:
	case HASH_SHA384:
	case HASH_SHA512: return hash_md(h);
	case HASH_SHA1:   return NULL; /* nobody's signature rests on it */
	}
	return NULL;
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
	CLEANUP(wr_close) struct wr der = wr_open(SIG_MAX);
	const EVP_MD *md = digest_of(h);

	if (!md || !scheme_fits(k, s) || k->kind == VKEY_SM2)
		return false;
	if (s != SIG_ECDSA_RAW)
		return verify_der(k, s == SIG_RSAPSS, md, msg, sig);
	return k->half > 0 && sig.n == 2 * k->half && vkey_write_sig(sig, &der) && verify_der(k, false, md, msg, wr_span(&der));
}

bool vkey_verify_sm2(const struct vkey *k, struct span id, struct span msg, const uint8_t rs[static 64])
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
	CLEANUP(wr_close) struct wr der = wr_open(SIG_MAX);
	EVP_PKEY_CTX *pc = NULL;
	bool ok;

	if (!c || k->kind != VKEY_SM2 || id.n == 0 || id.n > 8191) /* its length in bits is two bytes of what is hashed */
		return false;
	ok = vkey_write_sig((struct span){ rs, 64 }, &der) && EVP_DigestVerifyInit(c, &pc, EVP_sm3(), NULL, k->pkey) == 1 &&
	     EVP_PKEY_CTX_set1_id(pc, id.p, (int)id.n) == 1 && EVP_DigestVerify(c, der.p, der.n, msg.p, msg.n) == 1;
	ERR_clear_error();
	return ok;
}
