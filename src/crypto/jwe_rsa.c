#include "crypto/jwe.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/str.h"
#include "crypto/jwe_priv.h"
#include "crypto/key_priv.h"
#include "crypto/pem_priv.h"
#include "fmt/enc.h"

/* The padding is chosen by the caller, never by the sender: the header must agree. */
static enum coffer_rc check_alg(struct span protected_b64, const char *want, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	struct span alg;

	if (!b64url_read(protected_b64, &text))
		return err_set(e, COFFER_E_INPUT, "JWE: protected is not base64url");
	TRY(json_parse(wr_span(&text), 4096, &doc, e));
	TRY(json_need_str(json_root(doc), "alg", "JWE header", &alg, e));
	if (!span_eq_str(alg, want))
		return err_set(e, COFFER_E_INPUT, "JWE header: alg is not %s", want);
	return COFFER_OK;
}

/* false for every failure alike: a padding oracle has nothing to tell apart. */
static bool oaep_open(EVP_PKEY *pkey, struct span in, bool sha1, uint8_t cek[static 32])
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	const EVP_MD *md = sha1 ? EVP_sha1() : EVP_sha256();
	uint8_t out[1024];
	size_t n = sizeof(out);
	bool ok;

	ok = ctx && EVP_PKEY_get_size(pkey) <= (int)sizeof(out) && EVP_PKEY_decrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 && EVP_PKEY_decrypt(ctx, out, &n, in.p, in.n) == 1 && n == 32;
	if (ok)
		memcpy(cek, out, 32);
	explicit_bzero(out, sizeof(out));
	ERR_clear_error();
	return ok;
}

enum coffer_rc jwe_open_rsa(struct span k_pem, struct span pass, const struct jwe_parts *p, bool sha1,
    struct secret *plain, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	uint8_t cek[32];
	enum coffer_rc rc;

	if (p->has_epk)
		return err_set(e, COFFER_E_INPUT, "JWE: sealed to an elliptic-curve key, not to an RSA key");
	TRY(check_alg(p->protected_b64, sha1 ? "RSA-OAEP" : "RSA-OAEP-256", e));
	TRY(pem_private_evp(k_pem, pass, &pkey, e));
	if (!EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_get_bits(pkey) < 2048 || EVP_PKEY_get_bits(pkey) > 8192)
		return err_set(e, COFFER_E_INPUT, "private key: not an RSA key of 2048 to 8192 bits");
	if (!oaep_open(pkey, p->encrypted_key, sha1, cek))
		return err_deny(e, "seal", "the encrypted key was changed, or is sealed to another key");
	rc = jwe_content(cek, p->iv, p->protected_b64, p->ciphertext, p->tag, plain, e);
	explicit_bzero(cek, sizeof(cek));
	return rc;
}
