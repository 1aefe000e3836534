#include "crypto/tpm_seed.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/key_priv.h"
#include "crypto/vkey_priv.h"

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

/* ---- derivation ---- */

static void add_be32(struct hash_stream *h, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	hash_add(h, SPAN(b));
}

static void add_label(struct hash_stream *h, const char *label)
{
	hash_add(h, (struct span){ (const uint8_t *)label, strlen(label) + 1 });
}

void tpm_kdfa(struct span key, const char *label, struct tpm_context ctx, uint8_t *out, size_t n)
{
	uint8_t block[HASH_MAX];

	for (size_t at = 0, i = 1; at < n; at += 32, i++) {
		struct hash_stream *h = hmac_open(key);

		add_be32(h, (uint32_t)i);
		add_label(h, label);
		hash_add(h, ctx.u);
		hash_add(h, ctx.v);
		add_be32(h, (uint32_t)(8 * n));
		hash_end(h, block);
		memcpy(out + at, block, n - at < 32 ? n - at : 32);
	}
	explicit_bzero(block, sizeof(block));
}

void tpm_kdfe(struct span z, const char *label, struct tpm_context ctx, uint8_t out[static 32])
{
	struct hash_stream *h = hash_open(HASH_SHA256);
	uint8_t block[HASH_MAX];

	add_be32(h, 1);
	hash_add(h, z);
	add_label(h, label);
	hash_add(h, ctx.u);
	hash_add(h, ctx.v);
	hash_end(h, block);
	memcpy(out, block, 32);
	explicit_bzero(block, sizeof(block));
}

enum coffer_rc tpm_cfb(const uint8_t key[static 16], struct span in, uint8_t *out, struct err *e)
{
	static const uint8_t iv[16];
	CLEANUP(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;

	if (in.n > 4096)
		return err_set(e, COFFER_E_BUG, "AES-CFB: %zu bytes", in.n);
	if (!c || EVP_EncryptInit_ex(c, EVP_aes_128_cfb128(), NULL, key, iv) != 1 ||
	    EVP_EncryptUpdate(c, out, &n, in.p, (int)in.n) != 1 || (size_t)n != in.n) {
		ERR_clear_error();
		return err_set(e, COFFER_E_SYSTEM, "AES-CFB: the cryptographic library failed");
	}
	return COFFER_OK;
}

/* ---- sharing ---- */

/* RFC 8017, B.2.1, with SHA-256, onto what is there. */
static void mask(struct span seed, uint8_t *p, size_t n)
{
	uint8_t block[HASH_MAX];

	for (size_t at = 0; at < n; at += 32) {
		struct hash_stream *h = hash_open(HASH_SHA256);

		hash_add(h, seed);
		add_be32(h, (uint32_t)(at / 32));
		hash_end(h, block);
		for (size_t i = 0; i < 32 && at + i < n; i++)
			p[at + i] ^= block[i];
	}
	explicit_bzero(block, sizeof(block));
}

/* RFC 8017, 7.1.1, step 2: 0 || masked seed || masked (hash of the label, zeros, 1, message). OpenSSL's own takes no padding
 * seed. */
static void encode(const char *label, const struct tpm_rsa_seed *in, uint8_t em[static TPM_RSA_SEED])
{
	uint8_t *seed = em + 1, *db = em + 33;
	const size_t db_n = TPM_RSA_SEED - 33;

	memset(em, 0, TPM_RSA_SEED);
	sha256((struct span){ (const uint8_t *)label, strlen(label) + 1 }, db);
	db[db_n - 33] = 1;
	memcpy(db + db_n - 32, in->seed, 32);
	memcpy(seed, in->padding, 32);
	mask((struct span){ seed, 32 }, db, db_n);
	mask((struct span){ db, db_n }, seed, 32);
}

enum coffer_rc tpm_seed_rsa(
    const struct vkey *k, const char *label, const struct tpm_rsa_seed *in, uint8_t out[static TPM_RSA_SEED], struct err *e)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	uint8_t em[TPM_RSA_SEED];
	size_t n = TPM_RSA_SEED;
	bool ok;

	if (vkey_kind(k) != VKEY_RSA || EVP_PKEY_get_bits(vkey_evp(k)) != 8 * TPM_RSA_SEED)
		return err_set(e, COFFER_E_INPUT, "TPM key: not RSA of 2048 bits");
	encode(label, in, em);
	ctx = EVP_PKEY_CTX_new(vkey_evp(k), NULL);
	ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
	     EVP_PKEY_encrypt(ctx, out, &n, em, sizeof(em)) == 1 && n == TPM_RSA_SEED;
	explicit_bzero(em, sizeof(em));
	ERR_clear_error();
	return ok ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "TPM key: the cryptographic library failed");
}

enum coffer_rc tpm_seed_ec(
    const struct vkey *k, const char *label, const uint8_t scalar[static 32], struct tpm_ec_seed *out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *own = NULL;
	struct pubkey peer;
	uint8_t z[32];

	if (vkey_kind(k) != VKEY_P256 || !pubkey_from_evp(vkey_evp(k), &peer) || peer.kind != KEY_P256)
		return err_set(e, COFFER_E_INPUT, "TPM key: not on P-256");
	TRY(privkey_from_raw(KEY_P256, (struct span){ scalar, 32 }, &own, e));
	TRY(key_ecdh(own, &peer, z, e));
	out->ephemeral = *privkey_public(own);
	tpm_kdfe(SPAN(z), label, (struct tpm_context){ SPAN(out->ephemeral.x), SPAN(peer.x) }, out->seed);
	explicit_bzero(z, sizeof(z));
	return COFFER_OK;
}
