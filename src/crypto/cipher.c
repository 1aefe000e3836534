#include "crypto/cipher.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/own.h"

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

struct ctr_stream {
	EVP_CIPHER_CTX *ctx;
};

static enum coffer_rc failed(struct err *e, const char *what)
{
	ERR_clear_error(); /* nobody reads the queue: the sentence below is what the operator gets */
	return err_set(e, COFFER_E_SYSTEM, "%s: the cryptographic library failed", what);
}

static enum coffer_rc too_long(struct err *e, const char *what, size_t n)
{
	return err_set(e, COFFER_E_LIMIT, "%s: %zu bytes in one piece", what, n);
}

static bool gcm_start(EVP_CIPHER_CTX *ctx, bool seal, const uint8_t *key, const uint8_t *iv, struct span aad)
{
	int n;

	return ctx && EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv, seal) == 1 &&
	    (aad.n == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1);
}

enum coffer_rc gcm_seal(const uint8_t key[static 32], const uint8_t iv[static GCM_IV], struct span aad, struct span in,
    uint8_t *ct,
    uint8_t tag[static GCM_TAG], struct err *e)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
	uint8_t none[16];
	int n = 0;

	if (in.n > INT_MAX || aad.n > INT_MAX)
		return too_long(e, "gcm", in.n > aad.n ? in.n : aad.n);
	ctx = EVP_CIPHER_CTX_new();
	if (!gcm_start(ctx, true, key, iv, aad) ||
	    (in.n > 0 && EVP_CipherUpdate(ctx, ct, &n, in.p, (int)in.n) != 1) || EVP_CipherFinal_ex(ctx, none, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, tag) != 1)
		return failed(e, "gcm");
	return COFFER_OK;
}

enum coffer_rc gcm_open(const uint8_t key[static 32], const uint8_t iv[static GCM_IV], struct span aad, struct span ct,
    const uint8_t tag[static GCM_TAG], uint8_t *out, struct err *e)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = NULL;
	uint8_t want[GCM_TAG], none[16];
	int n = 0;

	if (ct.n > INT_MAX || aad.n > INT_MAX)
		return too_long(e, "gcm", ct.n > aad.n ? ct.n : aad.n);
	memcpy(want, tag, GCM_TAG);
	ctx = EVP_CIPHER_CTX_new();
	if (!gcm_start(ctx, false, key, iv, aad) || (ct.n > 0 && EVP_CipherUpdate(ctx, out, &n, ct.p, (int)ct.n) != 1) ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, want) != 1) {
		if (ct.n > 0)
			explicit_bzero(out, ct.n);
		return failed(e, "gcm");
	}
	if (EVP_CipherFinal_ex(ctx, none, &n) != 1) {
		if (ct.n > 0)
			explicit_bzero(out, ct.n);
		ERR_clear_error();
		return err_deny(e, "seal", "the sealed bytes were changed, or are sealed under another key");
	}
	return COFFER_OK;
}

enum coffer_rc ctr_open(const uint8_t key[static 32], const uint8_t iv[static 16], struct ctr_stream **out, struct err *e)
{
	CLEANUP(ctr_freep) struct ctr_stream *c = calloc(1, sizeof(*c));

	if (c)
		c->ctx = EVP_CIPHER_CTX_new();
	if (!c || !c->ctx || EVP_EncryptInit_ex(c->ctx, EVP_aes_256_ctr(), NULL, key, iv) != 1)
		return failed(e, "ctr");
	*out = MOVE(c);
	return COFFER_OK;
}

enum coffer_rc ctr_run(struct ctr_stream *c, struct span in, uint8_t *out, struct err *e)
{
	while (in.n > 0) {
		int part = in.n < (1u << 30) ? (int)in.n : 1 << 30, n = 0;

		if (EVP_EncryptUpdate(c->ctx, out, &n, in.p, part) != 1 || n != part)
			return failed(e, "ctr");
		in.p += part;
		in.n -= (size_t)part;
		out += part;
	}
	return COFFER_OK;
}

void ctr_free(struct ctr_stream *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->ctx); /* wipes the key schedule */
	free(c);
}

/* One call of the wrap cipher; false covers a wrong check value when unwrapping. */
static bool kw_run(const uint8_t *kek, bool wrap, struct span in, uint8_t *out, size_t want)
{
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t none[16];
	int n = 0, rest = 0;

	if (!ctx)
		return false;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	return EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL, wrap) == 1 &&
	    EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n) == 1 && EVP_CipherFinal_ex(ctx, none, &rest) == 1 &&
	    (size_t)n == want && rest == 0;
}

/* RFC 3394, 2: whole 64-bit blocks, two of key material at least. */
static bool kw_size(size_t n)
{
	return n >= 16 && n % 8 == 0 && n <= 4096;
}

enum coffer_rc kw_wrap(const uint8_t kek[static 32], struct span key, uint8_t *wrapped, struct err *e)
{
	if (!kw_size(key.n))
		return err_set(e, COFFER_E_INPUT, "key wrap: %zu bytes are not a key", key.n);
	if (!kw_run(kek, true, key, wrapped, key.n + 8))
		return failed(e, "key wrap");
	return COFFER_OK;
}

enum coffer_rc kw_unwrap(const uint8_t kek[static 32], struct span wrapped, uint8_t *key, struct err *e)
{
	if (wrapped.n < 8 || !kw_size(wrapped.n - 8))
		return err_set(e, COFFER_E_INPUT, "key wrap: %zu bytes are not a wrapped key", wrapped.n);
	if (!kw_run(kek, false, wrapped, key, wrapped.n - 8)) {
		explicit_bzero(key, wrapped.n - 8);
		ERR_clear_error();
		return err_deny(e, "seal", "the wrapped key was changed, or is wrapped under another key");
	}
	return COFFER_OK;
}
