#include "crypto/oaep.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "crypto/key_priv.h"
#include "crypto/oaep_priv.h"
#include "crypto/pem_priv.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)

#define OAEP_MAX 1024 /* bytes of the largest modulus accepted */

static bool rsa_ok(const EVP_PKEY *k)
{
	return EVP_PKEY_is_a(k, "RSA") && EVP_PKEY_get_bits(k) >= 2048 && EVP_PKEY_get_bits(k) <= 8192;
}

enum coffer_rc oaep_seal(struct span pub_pem, bool sha1, const uint8_t key[static 32], struct wr *out, struct err *e)
{
	CLEANUP(BIO_free_allp) BIO *bio =
	    pub_pem.n > 0 && pub_pem.n <= PEM_MAX ? BIO_new_mem_buf(pub_pem.p, (int)pub_pem.n) : NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *k = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	uint8_t buf[OAEP_MAX];
	size_t n = sizeof(buf);

	if (!k || !rsa_ok(k)) {
		ERR_clear_error();
		return err_set(e, COFFER_E_INPUT, "public key: no RSA key of 2048 to 8192 bits in PEM");
	}
	ctx = EVP_PKEY_CTX_new(k, NULL);
	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || !oaep_padding(ctx, sha1) || EVP_PKEY_encrypt(ctx, buf, &n, key, 32) != 1) {
		ERR_clear_error();
		return err_set(e, COFFER_E_SYSTEM, "RSA-OAEP: the cryptographic library failed");
	}
	wr_put(out, (struct span){ buf, n });
	return wr_done(out, "RSA-OAEP", e);
}

enum coffer_rc oaep_open(struct span k_pem, struct span pass, bool sha1, struct span in, uint8_t key[static 32], struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *k = NULL;
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	uint8_t buf[OAEP_MAX];
	size_t n = sizeof(buf);
	bool ok;

	TRY(pem_private_evp(k_pem, pass, &k, e));
	if (!rsa_ok(k))
		return err_set(e, COFFER_E_INPUT, "private key: not an RSA key of 2048 to 8192 bits");
	ctx = EVP_PKEY_CTX_new(k, NULL);
	ok = ctx && EVP_PKEY_decrypt_init(ctx) == 1 && oaep_padding(ctx, sha1) &&
	     EVP_PKEY_decrypt(ctx, buf, &n, in.p, in.n) == 1 && n == 32;
	if (ok)
		memcpy(key, buf, 32);
	explicit_bzero(buf, sizeof(buf));
	ERR_clear_error();
	/* One answer to every failure: a padding oracle has nothing to tell apart. */
	return ok ? COFFER_OK : err_deny(e, "seal", "the encrypted key was changed, or is sealed to another key");
}
