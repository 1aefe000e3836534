#include "crypto/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/key_priv.h"
#include "fmt/enc.h"

DEFINE_CLEANUP(BIGNUM *, BN_clear_free)
DEFINE_CLEANUP(EC_GROUP *, EC_GROUP_free)
DEFINE_CLEANUP(EC_POINT *, EC_POINT_clear_free)

struct privkey {
	EVP_PKEY     *pkey; /* NULL when how is set */
	struct pubkey pub;
	const struct key_elsewhere *how;
	void         *arg;
};

static enum coffer_rc failed(struct err *e, const char *what)
{
	ERR_clear_error();
	return err_set(e, COFFER_E_SYSTEM, "%s: the cryptographic library failed", what);
}

bool pubkey_eq(const struct pubkey *a, const struct pubkey *b)
{
	return a->kind == b->kind && memcmp(a->x, b->x, 32) == 0 /* public: public keys */
	    && memcmp(a->y, b->y, 32) == 0;                       /* public: public keys */
}

/* RFC 7638, 3.2: the required members only, sorted, no white space. */
void pubkey_thumbprint(const struct pubkey *k, uint8_t out[static 32])
{
	CLEANUP(wr_close) struct wr w = wr_open(256);

	wr_str(&w,
	    k->kind == KEY_P256 ? "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" : "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
	b64url_write(&w, SPAN(k->x));
	if (k->kind == KEY_P256) {
		wr_str(&w, "\",\"y\":\"");
		b64url_write(&w, SPAN(k->y));
	}
	wr_str(&w, "\"}");
	if (!wr_ok(&w))
		abort(); /* as the hash itself: without it nothing can be decided */
	sha256(wr_span(&w), out);
}

static EVP_PKEY *fromdata(const char *type, int selection, OSSL_PARAM *p)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, selection, p) != 1) {
		ERR_clear_error();
		return NULL;
	}
	return pkey;
}

static void sec1_point(const struct pubkey *k, uint8_t out[static 65])
{
	out[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(out + 1, k->x, 32);
	memcpy(out + 33, k->y, 32);
}

/* The curve alone, as every key on it holds it: to name the curve anew costs as much as half a signature. Lives as long as
 * the process; several threads may read it. */
static EVP_PKEY *p256;
static CRYPTO_ONCE p256_once = CRYPTO_ONCE_STATIC_INIT;

static void make_p256(void)
{
	char group[] = "prime256v1";
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_end(),
	};

	p256 = fromdata("EC", EVP_PKEY_KEY_PARAMETERS, p);
}

static EVP_PKEY *p256_curve(void)
{
	return CRYPTO_THREAD_run_once(&p256_once, make_p256) == 1 ? p256 : NULL;
}

/* Refuses a point off the curve. */
static EVP_PKEY *p256_public(const struct pubkey *k)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = EVP_PKEY_new();
	EVP_PKEY *curve = p256_curve();
	uint8_t point[65];

	sec1_point(k, point);
	if (!pkey || !curve || EVP_PKEY_copy_parameters(pkey, curve) != 1 ||
	    EVP_PKEY_set1_encoded_public_key(pkey, point, sizeof(point)) != 1) {
		ERR_clear_error();
		return NULL;
	}
	return MOVE(pkey);
}

EVP_PKEY *pubkey_evp(const struct pubkey *k)
{
	switch (k->kind) {
	case KEY_ED25519:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k->x, sizeof(k->x));
	case KEY_P256:
		return p256_public(k);
	}
	return NULL;
}

static bool coordinate(const EVP_PKEY *pkey, const char *name, uint8_t out[static 32])
{
	CLEANUP(BN_clear_freep) BIGNUM *bn = NULL;

	return EVP_PKEY_get_bn_param(pkey, name, &bn) == 1 && BN_bn2binpad(bn, out, 32) == 32;
}

bool pubkey_from_evp(const EVP_PKEY *pkey, struct pubkey *out)
{
	struct pubkey k = { 0 };
	char group[32] = "";
	size_t n = sizeof(k.x);
	bool ok = false;

	if (EVP_PKEY_is_a(pkey, "ED25519")) {
		k.kind = KEY_ED25519;
		ok = EVP_PKEY_get_raw_public_key(pkey, k.x, &n) == 1 && n == sizeof(k.x);
	} else if (EVP_PKEY_is_a(pkey, "EC")) {
		k.kind = KEY_P256;
		ok = EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) == 1 &&
		    strcmp(group, "prime256v1") == 0 && coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, k.x) &&
		    coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, k.y);
	}
	ERR_clear_error();
	if (ok)
		*out = k;
	return ok;
}

EVP_PKEY *privkey_evp(const struct privkey *k)
{
	return k->pkey;
}

enum coffer_rc privkey_elsewhere(const struct pubkey *pub, const struct key_elsewhere *how, void *arg, struct privkey **out,
    struct err *e)
{
	struct privkey *k = calloc(1, sizeof(*k));

	if (!k)
		return failed(e, "private key");
	k->pub = *pub;
	k->how = how;
	k->arg = arg;
	*out = k;
	return COFFER_OK;
}

static enum coffer_rc not_here(struct err *e, const char *what)
{
	return err_set(e, COFFER_E_INPUT, "%s: the private half of this key is elsewhere; it can only sign", what);
}

static bool raw_private(const EVP_PKEY *pkey, enum key_kind kind, uint8_t out[static 32])
{
	CLEANUP(BN_clear_freep) BIGNUM *d = NULL;
	size_t n = 32;

	if (kind == KEY_ED25519)
		return EVP_PKEY_get_raw_private_key(pkey, out, &n) == 1 && n == 32;
	return EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 && BN_bn2binpad(d, out, 32) == 32;
}

enum coffer_rc privkey_adopt(EVP_PKEY *pkey, struct privkey **out, struct err *e)
{
	struct privkey *k;
	struct pubkey pub;
	uint8_t raw[32];
	bool whole;

	if (!pubkey_from_evp(pkey, &pub))
		return err_set(e, COFFER_E_INPUT, "private key: neither Ed25519 nor P-256");
	whole = raw_private(pkey, pub.kind, raw);
	explicit_bzero(raw, sizeof(raw));
	ERR_clear_error();
	if (!whole)
		return err_set(e, COFFER_E_INPUT, "private key: the private part is missing");
	k = calloc(1, sizeof(*k));
	if (!k)
		return failed(e, "private key");
	k->pkey = pkey;
	k->pub = pub;
	*out = k;
	return COFFER_OK;
}

static EVP_PKEY *p256_keygen(void)
{
	EVP_PKEY *curve = p256_curve(), *pkey = NULL;
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = curve ? EVP_PKEY_CTX_new(curve, NULL) : NULL;

	return ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_keygen(ctx, &pkey) == 1 ? pkey : NULL;
}

/* The point of a key made here. A stranger's goes through pubkey_from_evp, which asks for the curve too. */
static bool p256_own_point(const EVP_PKEY *pkey, struct pubkey *out)
{
	uint8_t point[65];
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 || n != sizeof(point) ||
	    point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return false;
	out->kind = KEY_P256;
	memcpy(out->x, point + 1, 32);
	memcpy(out->y, point + 33, 32);
	return true;
}

static enum coffer_rc new_p256(struct privkey **out, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = p256_keygen();
	struct privkey *k = calloc(1, sizeof(*k));

	if (!pkey || !k || !p256_own_point(pkey, &k->pub)) {
		free(k);
		return failed(e, "new key");
	}
	k->pkey = MOVE(pkey);
	*out = k;
	return COFFER_OK;
}

enum coffer_rc privkey_new(enum key_kind kind, struct privkey **out, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;

	if (kind == KEY_P256)
		return new_p256(out, e);
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pkey)
		return failed(e, "new key");
	TRY(privkey_adopt(pkey, out, e));
	pkey = NULL;
	return COFFER_OK;
}

void privkey_free(struct privkey *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey); /* wipes the private part */
	if (k->how && k->how->end)
		k->how->end(k->arg);
	free(k);
}

const struct pubkey *privkey_public(const struct privkey *k)
{
	return &k->pub;
}

/* The public point of scalar d; false when d is not in 1..n-1 (FIPS 186-5, A.2). */
static bool p256_point(const BIGNUM *d, uint8_t point[static 65])
{
	CLEANUP(EC_GROUP_freep) EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	CLEANUP(EC_POINT_clear_freep) EC_POINT *q = g ? EC_POINT_new(g) : NULL;

	return q && !BN_is_zero(d) && BN_ucmp(d, EC_GROUP_get0_order(g)) < 0 && EC_POINT_mul(g, q, d, NULL, NULL, NULL) == 1 &&
	    EC_POINT_point2oct(g, q, POINT_CONVERSION_UNCOMPRESSED, point, 65, NULL) == 65;
}

static EVP_PKEY *p256_private(struct span raw)
{
	CLEANUP(BN_clear_freep) BIGNUM *d = BN_secure_new();
	char group[] = "prime256v1";
	uint8_t point[65], native[32];
	EVP_PKEY *pkey = NULL;

	if (!d || !BN_bin2bn(raw.p, (int)raw.n, d))
		return NULL;
	BN_set_flags(d, BN_FLG_CONSTTIME);
	if (p256_point(d, point) && BN_bn2nativepad(d, native, sizeof(native)) == (int)sizeof(native)) {
		OSSL_PARAM p[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
			OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
			OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof(native)),
			OSSL_PARAM_construct_end(),
		};
		pkey = fromdata("EC", EVP_PKEY_KEYPAIR, p);
	}
	explicit_bzero(native, sizeof(native));
	return pkey;
}

enum coffer_rc privkey_from_raw(enum key_kind kind, struct span raw, struct privkey **out, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;

	if (raw.n != 32)
		return err_set(e, COFFER_E_INPUT, "private key: %zu bytes, not 32", raw.n);
	if (kind == KEY_ED25519)
		pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw.p, raw.n);
	else if (kind == KEY_P256)
		pkey = p256_private(raw);
	ERR_clear_error();
	if (!pkey)
		return err_set(e, COFFER_E_INPUT, "private key: not a key of its kind");
	TRY(privkey_adopt(pkey, out, e));
	pkey = NULL;
	return COFFER_OK;
}

enum coffer_rc privkey_to_raw(const struct privkey *k, struct secret *out, struct err *e)
{
	struct secret s = { 0 };

	if (!k->pkey)
		return not_here(e, "private key");
	TRY(secret_new(32, &s, e));
	if (!raw_private(k->pkey, k->pub.kind, s.p)) {
		secret_free(&s);
		return failed(e, "private key");
	}
	*out = s;
	return COFFER_OK;
}

/* One DER INTEGER of an unsigned 32-byte number: leading zeros off, one back when the top bit is set. */
static size_t der_integer(const uint8_t n[static 32], uint8_t *out)
{
	size_t skip = 0, pad;

	while (skip < 31 && n[skip] == 0)
		skip++;
	pad = n[skip] >> 7;
	out[0] = 2;
	out[1] = (uint8_t)(32 - skip + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, n + skip, 32 - skip);
	return 2 + pad + 32 - skip;
}

size_t ecdsa_to_der(const uint8_t sig[static SIG_LEN], uint8_t der[static ECDSA_DER_MAX])
{
	size_t n = 2;

	n += der_integer(sig, der + n);
	n += der_integer(sig + 32, der + n);
	der[0] = 0x30;
	der[1] = (uint8_t)(n - 2);
	return n;
}

static bool read_integer(struct rd *r, uint8_t out[static 32])
{
	uint8_t tag = rd_u8(r);
	struct span v = rd_span(r, rd_u8(r));

	if (tag != 2 || v.n == 0 || (v.p[0] & 0x80) != 0)
		return false;
	if (v.p[0] == 0 && v.n > 1) {
		if ((v.p[1] & 0x80) == 0)
			return false; /* not the shortest form */
		v = span_skip(v, 1);
	}
	if (v.n > 32)
		return false;
	memset(out, 0, 32);
	memcpy(out + 32 - v.n, v.p, v.n);
	return true;
}

bool ecdsa_from_der(struct span der, uint8_t sig[static SIG_LEN])
{
	struct rd r = rd_open(der);

	return rd_u8(&r) == 0x30 && rd_u8(&r) == r.n && read_integer(&r, sig) && read_integer(&r, sig + 32) && rd_done(&r);
}

/* What comes back is another's work: a wrong one would look like a forged statement to everybody else. */
static enum coffer_rc sign_elsewhere(const struct privkey *k, struct span msg, uint8_t sig[static SIG_LEN], struct err *e)
{
	uint8_t got[SIG_LEN] = { 0 };

	TRY(k->how->sign(k->arg, &k->pub, msg, got, e));
	if (!key_verify(&k->pub, msg, SPAN(got)))
		return err_deny(e, "key", "the signature that came back is not by the key it was asked of");
	memcpy(sig, got, SIG_LEN);
	return COFFER_OK;
}

static enum coffer_rc sign_here(const struct privkey *k, struct span msg, uint8_t sig[static SIG_LEN], struct err *e)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = k->pub.kind == KEY_P256 ? EVP_sha256() : NULL;
	uint8_t raw[ECDSA_DER_MAX];
	size_t n = sizeof(raw);

	if (!ctx || EVP_DigestSignInit(ctx, NULL, md, NULL, k->pkey) != 1 ||
	    EVP_DigestSign(ctx, raw, &n, msg.p ? msg.p : raw, msg.n) != 1)
		return failed(e, "sign");
	if (k->pub.kind == KEY_P256)
		return ecdsa_from_der((struct span){ raw, n }, sig) ? COFFER_OK : failed(e, "sign");
	if (n != SIG_LEN)
		return failed(e, "sign");
	memcpy(sig, raw, SIG_LEN);
	return COFFER_OK;
}

enum coffer_rc key_sign(const struct privkey *k, struct span msg, uint8_t sig[static SIG_LEN], struct err *e)
{
	return k->how ? sign_elsewhere(k, msg, sig, e) : sign_here(k, msg, sig, e);
}

enum coffer_rc key_sign_digest(const struct privkey *k, const uint8_t digest[static 32], uint8_t sig[static SIG_LEN],
    struct err *e)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	uint8_t raw[ECDSA_DER_MAX];
	size_t n = sizeof(raw);

	if (k->pub.kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "sign: only a P-256 key signs a digest");
	if (!k->pkey)
		return not_here(e, "sign a digest");
	ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_sign(ctx, raw, &n, digest, 32) != 1)
		return failed(e, "sign");
	return ecdsa_from_der((struct span){ raw, n }, sig) ? COFFER_OK : failed(e, "sign");
}

bool key_verify(const struct pubkey *k, struct span msg, struct span sig)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	uint8_t der[ECDSA_DER_MAX];
	bool ok;

	if (sig.n != SIG_LEN)
		return false;
	pkey = pubkey_evp(k);
	if (!pkey)
		return false;
	if (k->kind == KEY_P256) {
		sig.n = ecdsa_to_der(sig.p, der);
		sig.p = der;
	}
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestVerifyInit(ctx, NULL, k->kind == KEY_P256 ? EVP_sha256() : NULL, NULL, pkey) == 1 &&
	    EVP_DigestVerify(ctx, sig.p, sig.n, msg.p ? msg.p : der, msg.n) == 1;
	ERR_clear_error();
	return ok;
}

/* All but the message have one length each. */
static void seen_digest(const struct pubkey *k, struct span msg, struct span sig, uint8_t out[static 32])
{
	const uint8_t kind = (uint8_t)k->kind;
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t all[HASH_MAX];

	hash_add(h, (struct span){ &kind, 1 });
	hash_add(h, SPAN(k->x));
	hash_add(h, SPAN(k->y));
	hash_add(h, sig);
	hash_add(h, msg);
	hash_end(h, all);
	memcpy(out, all, 32);
}

bool key_verify_seen(const struct pubkey *k, struct span msg, struct span sig, struct key_seen *seen)
{
	uint8_t digest[32];

	if (sig.n != SIG_LEN)
		return false;
	seen_digest(k, msg, sig, digest);
	if (seen->any && memcmp(digest, seen->digest, sizeof(digest)) == 0) /* public: of a signature */
		return true;
	if (!key_verify(k, msg, sig))
		return false;
	seen->any = true;
	memcpy(seen->digest, digest, sizeof(seen->digest));
	return true;
}

enum coffer_rc key_ecdh(const struct privkey *k, const struct pubkey *peer, uint8_t z[static 32], struct err *e)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	uint8_t got[32];
	size_t n = sizeof(got);
	bool ok;

	if (k->pub.kind != KEY_P256 || peer->kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "key agreement: both keys must be P-256");
	if (!k->pkey)
		return not_here(e, "key agreement");
	pkey = pubkey_evp(peer);
	if (!pkey)
		return err_set(e, COFFER_E_INPUT, "key agreement: the peer's point is not on P-256");
	ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	/* Without OpenSSL's own check, a multiplication by the group's order that costs more than the agreement: pubkey_evp has
	 * refused what is not on the curve, and on a curve of prime order that is all there is to check. */
	ok = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, pkey, 0) == 1 &&
	    EVP_PKEY_derive(ctx, got, &n) == 1 && n == sizeof(got);
	if (ok)
		memcpy(z, got, sizeof(got));
	explicit_bzero(got, sizeof(got));
	return ok ? COFFER_OK : failed(e, "key agreement");
}
