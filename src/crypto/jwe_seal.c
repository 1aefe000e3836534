#include "crypto/jwe.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "base/str.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/jwe_priv.h"
#include "crypto/jwk.h"
#include "crypto/key_priv.h"
#include "crypto/oaep_priv.h"
#include "fmt/enc.h"

DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP(OSSL_PARAM *, OSSL_PARAM_free)

#define RSA_MAX_BYTES 512

static enum coffer_rc failed(struct err *e)
{
	ERR_clear_error();
	return err_set(e, COFFER_E_SYSTEM, "JWE: the cryptographic library failed");
}

static void member_b64(struct wr *out, const char *name, struct span v)
{
	wr_fmt(out, ",\"%s\":\"", name);
	b64url_write(out, v);
	wr_str(out, "\"");
}

/* The content under cek and the whole object. header: the protected header's JSON text. */
static enum coffer_rc write_object(const uint8_t cek[static 32], struct span header, struct span encrypted_key, struct span plain,
    struct wr *out, struct err *e)
{
	CLEANUP(wr_close) struct wr aad = wr_open(8192);
	CLEANUP(wr_close) struct wr ct = wr_open(plain.n);
	uint8_t iv[GCM_IV], tag[GCM_TAG];

	b64url_write(&aad, header);
	TRY(wr_done(&aad, "JWE header", e));
	wr_put(&ct, plain);
	TRY(wr_done(&ct, "JWE", e));
	random_bytes(iv, sizeof(iv)); /* cek is fresh: any IV is unique under it */
	TRY(gcm_seal(cek, iv, wr_span(&aad), wr_span(&ct), ct.p, tag, e));
	wr_str(out, "{\"protected\":\"");
	wr_put(out, wr_span(&aad));
	wr_str(out, "\"");
	member_b64(out, "encrypted_key", encrypted_key);
	member_b64(out, "iv", SPAN(iv));
	member_b64(out, "ciphertext", wr_span(&ct));
	member_b64(out, "tag", SPAN(tag));
	wr_str(out, "}");
	return wr_done(out, "JWE", e);
}

/* Upstream clients write the header anew to get the AAD: this order and no white space. */
static enum coffer_rc ec_header(const struct pubkey *epk, const char *extra, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);

	wr_str(w, "{\"alg\":\"" JWE_EC_ALG "\",\"enc\":\"A256GCM\",\"epk\":");
	jwk_write(&j, epk);
	if (extra)
		wr_fmt(w, ",%s", extra);
	wr_str(w, "}");
	return wr_done(w, "JWE header", e);
}

enum coffer_rc jwe_seal(const struct pubkey *to, struct span plain, const char *extra, struct wr *out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *eph = NULL;
	CLEANUP(wr_close) struct wr header = wr_open(4096);
	uint8_t z[32], kek[32], cek[32], wrapped[40];
	enum coffer_rc rc;

	TRY(privkey_new(KEY_P256, &eph, e));
	TRY(ec_header(privkey_public(eph), extra, &header, e));
	TRY(key_ecdh(eph, to, z, e));
	jwe_kek(z, kek);
	random_bytes(cek, sizeof(cek));
	rc = kw_wrap(kek, SPAN(cek), wrapped, e);
	if (rc == COFFER_OK)
		rc = write_object(cek, wr_span(&header), SPAN(wrapped), plain, out, e);
	explicit_bzero(z, sizeof(z));
	explicit_bzero(kek, sizeof(kek));
	explicit_bzero(cek, sizeof(cek));
	return rc;
}

static EVP_PKEY *rsa_public(struct span n, struct span e_)
{
	CLEANUP(BN_freep) BIGNUM *bn_n = BN_bin2bn(n.p, (int)n.n, NULL);
	CLEANUP(BN_freep) BIGNUM *bn_e = BN_bin2bn(e_.p, (int)e_.n, NULL);
	CLEANUP(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	CLEANUP(OSSL_PARAM_freep) OSSL_PARAM *p = NULL;
	EVP_PKEY *pkey = NULL;

	if (!bn_n || !bn_e || !bld || !ctx || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn_n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, bn_e) != 1)
		return NULL;
	p = OSSL_PARAM_BLD_to_param(bld);
	if (!p || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, p) != 1)
		return NULL;
	return pkey;
}

/* What makes a modulus and an exponent acceptable: 2048..4096 bits, no leading zero,
 * both odd, and an exponent of 3..2^32 so that nobody makes us compute for long. */
static bool rsa_shape(struct span n, struct span e_)
{
	if (n.n < 256 || n.n > RSA_MAX_BYTES || n.p[0] == 0 || (n.n == 256 && n.p[0] < 0x80) || (n.p[n.n - 1] & 1) == 0)
		return false;
	return e_.n >= 1 && e_.n <= 4 && e_.p[0] != 0 && (e_.p[e_.n - 1] & 1) == 1 && (e_.n > 1 || e_.p[0] >= 3);
}

static enum coffer_rc oaep(struct span n, struct span e_, struct span cek, uint8_t out[static RSA_MAX_BYTES],
    size_t *out_n, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = rsa_public(n, e_);
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;

	*out_n = RSA_MAX_BYTES;
	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || !oaep_padding(ctx, false) ||
	    EVP_PKEY_encrypt(ctx, out, out_n, cek.p, cek.n) != 1)
		return failed(e);
	return COFFER_OK;
}

enum coffer_rc jwe_seal_rsa(struct span n, struct span e_, struct span plain, struct wr *out, struct err *e)
{
	uint8_t cek[32], wrapped[RSA_MAX_BYTES];
	size_t wrapped_n = 0;
	enum coffer_rc rc;

	if (!rsa_shape(n, e_))
		return err_set(e, COFFER_E_INPUT, "JWE: not an RSA key of 2048 to 4096 bits");
	random_bytes(cek, sizeof(cek));
	rc = oaep(n, e_, SPAN(cek), wrapped, &wrapped_n, e);
	if (rc == COFFER_OK)
		rc = write_object(cek, span_of("{\"alg\":\"RSA-OAEP-256\",\"enc\":\"A256GCM\"}"),
		    (struct span){ wrapped, wrapped_n }, plain, out, e);
	explicit_bzero(cek, sizeof(cek));
	return rc;
}
