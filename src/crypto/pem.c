#include "crypto/pem.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/str.h"
#include "crypto/key_priv.h"
#include "crypto/pem_priv.h"

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO *, PKCS8_PRIV_KEY_INFO_free)
DEFINE_CLEANUP(X509_ALGOR *, X509_ALGOR_free)
DEFINE_CLEANUP(X509_SIG *, X509_SIG_free)

/* scrypt with 29 MiB. r = 8 would need 2 KiB more than the 32 MiB that OpenSSL's own
 * tools allow when they read the file back. */
enum { SCRYPT_N = 1 << 15, SCRYPT_R = 7, SCRYPT_P = 1 };

static enum coffer_rc failed(struct err *e, const char *what)
{
	ERR_clear_error();
	return err_set(e, COFFER_E_SYSTEM, "%s: the cryptographic library failed", what);
}

static bool drain(BIO *b, struct wr *w)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);

	if (n <= 0)
		return false;
	wr_put(w, (struct span){ (const uint8_t *)p, (size_t)n });
	return true;
}

static X509_SIG *encrypt_pkcs8(PKCS8_PRIV_KEY_INFO *p8, struct span pass)
{
	CLEANUP(X509_ALGOR_freep) X509_ALGOR *alg =
	    PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 16, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
	X509_SIG *sig;

	if (!alg)
		return NULL;
	sig = PKCS8_set0_pbe((const char *)pass.p, (int)pass.n, p8, alg);
	if (sig)
		alg = NULL; /* now inside sig */
	return sig;
}

enum coffer_rc pem_write_private(const struct privkey *k, struct span pass, struct wr *w, struct err *e)
{
	CLEANUP(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *p8 = privkey_evp(k) ? EVP_PKEY2PKCS8(privkey_evp(k)) : NULL;
	CLEANUP(BIO_free_allp) BIO *b = BIO_new(BIO_s_secmem());
	CLEANUP(X509_SIG_freep) X509_SIG *sig = NULL;

	if (pass.n > 1024)
		return err_set(e, COFFER_E_INPUT, "passphrase: longer than 1024 bytes");
	if (!privkey_evp(k))
		return err_set(e, COFFER_E_INPUT, "private key: its private half is elsewhere; it has no file");
	if (!p8 || !b)
		return failed(e, "private key");
	if (pass.n > 0) {
		sig = encrypt_pkcs8(p8, pass);
		if (!sig || PEM_write_bio_PKCS8(b, sig) != 1)
			return failed(e, "private key");
	} else if (PEM_write_bio_PKCS8_PRIV_KEY_INFO(b, p8) != 1) {
		return failed(e, "private key");
	}
	if (!drain(b, w))
		return failed(e, "private key");
	return wr_done(w, "private key", e);
}

struct asked {
	struct span pass;
	bool        used;
};

/* OpenSSL's default would open the terminal. */
static int give_pass(char *buf, int size, int rwflag, void *arg)
{
	struct asked *a = arg;

	(void)rwflag;
	a->used = true;
	if (a->pass.n == 0 || size < 0 || a->pass.n > (size_t)size)
		return -1;
	memcpy(buf, a->pass.p, a->pass.n);
	return (int)a->pass.n;
}

enum coffer_rc pem_private_evp(struct span pem, struct span pass, EVP_PKEY **out, struct err *e)
{
	CLEANUP(BIO_free_allp) BIO *b = NULL;
	struct asked a = { .pass = pass };
	EVP_PKEY *pkey;

	if (pem.n == 0 || pem.n > PEM_MAX)
		return err_set(e, COFFER_E_INPUT, "private key: not a key file");
	b = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!b)
		return failed(e, "private key");
	pkey = PEM_read_bio_PrivateKey(b, NULL, give_pass, &a);
	ERR_clear_error();
	if (!pkey && a.used && pass.n == 0)
		return err_set(e, COFFER_E_INPUT, "private key: it is encrypted; give its passphrase");
	if (!pkey && a.used)
		return err_deny(e, "passphrase", "the passphrase does not open this key file");
	if (!pkey)
		return err_set(e, COFFER_E_INPUT, "private key: not a PEM private key");
	*out = pkey;
	return COFFER_OK;
}

enum coffer_rc pem_read_private(struct span pem, struct span pass, struct privkey **out, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;

	TRY(pem_private_evp(pem, pass, &pkey, e));
	TRY(privkey_adopt(pkey, out, e));
	pkey = NULL;
	return COFFER_OK;
}

enum coffer_rc pem_write_public(const struct pubkey *k, struct wr *w, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = pubkey_evp(k);
	CLEANUP(BIO_free_allp) BIO *b = BIO_new(BIO_s_mem());

	if (!pkey)
		return err_set(e, COFFER_E_INPUT, "public key: the point is not on its curve");
	if (!b || PEM_write_bio_PUBKEY(b, pkey) != 1 || !drain(b, w))
		return failed(e, "public key");
	return wr_done(w, "public key", e);
}

/* "PUBLIC KEY" only: a certificate or a private key in its place is a mistake to notice. */
static enum coffer_rc public_evp(struct span pem, EVP_PKEY **out, struct err *e)
{
	CLEANUP(BIO_free_allp) BIO *b = NULL;
	EVP_PKEY *pkey;

	if (pem.n == 0 || pem.n > PEM_MAX)
		return err_set(e, COFFER_E_INPUT, "public key: not a key file");
	b = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!b)
		return failed(e, "public key");
	pkey = PEM_read_bio_PUBKEY(b, NULL, give_pass, &(struct asked){ 0 });
	ERR_clear_error();
	if (!pkey)
		return err_set(e, COFFER_E_INPUT, "public key: not a PEM public key");
	*out = pkey;
	return COFFER_OK;
}

enum coffer_rc pem_read_public(struct span pem, struct pubkey *out, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;

	TRY(public_evp(pem, &pkey, e));
	if (!pubkey_from_evp(pkey, out))
		return err_set(e, COFFER_E_INPUT, "public key: neither Ed25519 nor P-256");
	return COFFER_OK;
}

enum coffer_rc pem_public_der(struct span pem, struct wr *der, struct err *e)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	unsigned char *p = NULL;
	int n;

	TRY(public_evp(pem, &pkey, e));
	n = i2d_PUBKEY(pkey, &p);
	if (n <= 0)
		return failed(e, "public key");
	wr_put(der, (struct span){ p, (size_t)n });
	OPENSSL_free(p);
	return wr_done(der, "public key", e);
}

/* The digest that goes with a key; false for a key that nobody should sign with. */
static bool style_of(const EVP_PKEY *pkey, const EVP_MD **md)
{
	char group[32] = "";

	*md = NULL;
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return true;
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		*md = EVP_sha256();
		return EVP_PKEY_get_bits(pkey) >= 2048 && EVP_PKEY_get_bits(pkey) <= 8192;
	}
	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1)
		return false;
	if (strcmp(group, "prime256v1") == 0)
		*md = EVP_sha256();
	else if (strcmp(group, "secp384r1") == 0)
		*md = EVP_sha384();
	return *md != NULL;
}

enum coffer_rc pem_verify(struct span pem, struct span msg, struct span sig, struct err *e)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
	const EVP_MD *md;
	bool ok;

	TRY(public_evp(pem, &pkey, e));
	if (!style_of(pkey, &md)) {
		ERR_clear_error();
		return err_set(e, COFFER_E_INPUT, "public key: not P-256, P-384, Ed25519 or RSA of 2048 to 8192 bits");
	}
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) != 1) /* RSA: PKCS#1 v1.5 is the default */
		return failed(e, "signature");
	ok = sig.n > 0 && EVP_DigestVerify(ctx, sig.p, sig.n, msg.p ? msg.p : (const uint8_t *)"", msg.n) == 1;
	ERR_clear_error();
	return ok ? COFFER_OK : err_deny(e, "signature", "the signature is not by this key over these bytes");
}

enum coffer_rc pem_style_sign(const struct privkey *k, struct span msg, struct wr *sig, struct err *e)
{
	uint8_t raw[SIG_LEN], der[ECDSA_DER_MAX];

	TRY(key_sign(k, msg, raw, e));
	if (privkey_public(k)->kind == KEY_ED25519)
		wr_put(sig, SPAN(raw));
	else
		wr_put(sig, (struct span){ der, ecdsa_to_der(raw, der) });
	return wr_done(sig, "signature", e);
}
