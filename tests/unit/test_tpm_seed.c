/* Derivations against OpenSSL's own (KBKDF, SSKDF), the cipher against published answers, seeds opened as a TPM would. */
#include "crypto/tpm_seed.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>

#include "crypto_util.h"
#include "tests/evkit.h"
#include "tests/t.h"

DEFINE_CLEANUP(EVP_KDF *, EVP_KDF_free)
DEFINE_CLEANUP(EVP_KDF_CTX *, EVP_KDF_CTX_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)

static bool derive(const char *name, OSSL_PARAM *p, uint8_t *out, size_t n)
{
	CLEANUP(EVP_KDF_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	CLEANUP(EVP_KDF_CTX_freep) EVP_KDF_CTX *c = kdf ? EVP_KDF_CTX_new(kdf) : NULL;

	return c && EVP_KDF_derive(c, out, n, p) == 1;
}

#define OCTETS(name, p, n) OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)(p), n)
#define TEXT(name, s) OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)(s), 0)

static void kdfa_is_counter_mode_kbkdf(void)
{
	static const size_t sizes[] = { 16, 32, 33, 80 };
	uint8_t key[32], uv[20], want[80], got[80];

	random_bytes(key, sizeof(key));
	random_bytes(uv, sizeof(uv));
	for (size_t i = 0; i < 4; i++) {
		OSSL_PARAM p[] = { TEXT(OSSL_KDF_PARAM_MAC, "HMAC"), TEXT(OSSL_KDF_PARAM_DIGEST, "SHA256"),
			OCTETS(OSSL_KDF_PARAM_KEY, key, 32), OCTETS(OSSL_KDF_PARAM_SALT, "STORAGE", 7),
			OCTETS(OSSL_KDF_PARAM_INFO, uv, 20), OSSL_PARAM_END };

		CHECK(derive("KBKDF", p, want, sizes[i]));
		tpm_kdfa(SPAN(key), "STORAGE", (struct tpm_context){ { uv, 13 }, { uv + 13, 7 } }, got, sizes[i]);
		CHECK(memcmp(want, got, sizes[i]) == 0); /* public: test data */
	}
}

static void kdfe_is_single_step_kdf_with_the_label_in_front(void)
{
	uint8_t z[32], info[9 + 64], want[32], got[32];

	random_bytes(z, sizeof(z));
	random_bytes(info, sizeof(info));
	memcpy(info, "IDENTITY", 9);
	{
		OSSL_PARAM p[] = { TEXT(OSSL_KDF_PARAM_DIGEST, "SHA256"), OCTETS(OSSL_KDF_PARAM_SECRET, z, 32),
			OCTETS(OSSL_KDF_PARAM_INFO, info, sizeof(info)), OSSL_PARAM_END };

		CHECK(derive("SSKDF", p, want, 32));
	}
	tpm_kdfe(SPAN(z), "IDENTITY", (struct tpm_context){ { info + 9, 32 }, { info + 41, 32 } }, got);
	CHECK(memcmp(want, got, 32) == 0); /* public: test data */
}

/* SP 800-38A, F.3.13 has an initial vector that is not zero: a block in front becomes it (E(0) of that key is in RFC 4493, 4). */
static void cfb_gives_the_answer_of_sp800_38a(void)
{
	uint8_t key[16], in[16 + 40], out[16 + 40];
	struct err e = { 0 };

	hex("2b7e151628aed2a6abf7158809cf4f3c", key, 16);
	hex("7df76b0c1ab899b33e42f047b91b546f", in, 16);
	for (uint8_t i = 0; i < 16; i++)
		in[i] ^= i;
	hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411", in + 16, 40);
	CHECK(tpm_cfb(key, SPAN(in), out, &e) == COFFER_OK);
	CHECK(is_hex(SPAN(out), "000102030405060708090a0b0c0d0e0f"
				"3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b26751f67a3cbb140"));
	CHECK(tpm_cfb(key, (struct span){ in, 4097 }, out, &e) == COFFER_E_BUG);
}

static struct vkey *public_of(EVP_PKEY *k)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct vkey *v = NULL;
	struct err e = { 0 };

	evkit_spki(k, &spki);
	CHECK(vkey_spki(wr_span(&spki), &v, &e) == COFFER_OK);
	return v;
}

static bool opens(EVP_PKEY *k, const char *label, struct span ct, const uint8_t seed[static 32])
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
	size_t label_n = strlen(label) + 1, n = 256;
	void *copy = OPENSSL_memdup(label, label_n);
	uint8_t out[256];

	return EVP_PKEY_decrypt_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set0_rsa_oaep_label(c, copy, (int)label_n) == 1 && EVP_PKEY_decrypt(c, out, &n, ct.p, ct.n) == 1 &&
	       n == 32 && memcmp(out, seed, 32) == 0; /* public: test data */
}

static void rsa_seed_is_opened_under_its_label_only(void)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *k = evkit_rsa(), *p256 = evkit_ec("P-256");
	CLEANUP(vkey_freep) struct vkey *v = public_of(k), *ec = public_of(p256);
	uint8_t seed[32], padding[32], out[TPM_RSA_SEED], again[TPM_RSA_SEED];
	struct tpm_rsa_seed in = { seed, padding };
	struct err e = { 0 };

	random_bytes(seed, 32);
	random_bytes(padding, 32);
	CHECK(tpm_seed_rsa(v, "IDENTITY", &in, out, &e) == COFFER_OK);
	CHECK(opens(k, "IDENTITY", SPAN(out), seed) && !opens(k, "DUPLICATE", SPAN(out), seed));
	CHECK(tpm_seed_rsa(v, "IDENTITY", &in, again, &e) == COFFER_OK && memcmp(out, again, sizeof(out)) == 0);
	padding[0] ^= 1;
	CHECK(tpm_seed_rsa(v, "IDENTITY", &in, again, &e) == COFFER_OK && memcmp(out, again, sizeof(out)) != 0);
	CHECK(tpm_seed_rsa(ec, "IDENTITY", &in, out, &e) == COFFER_E_INPUT);
}

static void ec_seed_is_what_the_holder_derives(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *p384 = evkit_ec("P-384");
	CLEANUP(vkey_freep) struct vkey *v = NULL, *other = public_of(p384);
	uint8_t xy[64], scalar[32], z[32], want[32];
	struct tpm_ec_seed s = { 0 };
	struct err e = { 0 };

	memcpy(xy, privkey_public(k)->x, 32);
	memcpy(xy + 32, privkey_public(k)->y, 32);
	CHECK(vkey_ec(VKEY_P256, SPAN(xy), &v, &e) == COFFER_OK);
	random_bytes(scalar, 32);
	scalar[0] = 1; /* below the order */
	CHECK(tpm_seed_ec(v, "IDENTITY", scalar, &s, &e) == COFFER_OK);
	CHECK(key_ecdh(k, &s.ephemeral, z, &e) == COFFER_OK);
	tpm_kdfe(SPAN(z), "IDENTITY", (struct tpm_context){ SPAN(s.ephemeral.x), { xy, 32 } }, want);
	CHECK(memcmp(want, s.seed, 32) == 0); /* public: test data */
	memset(scalar, 0xff, 32);
	CHECK(tpm_seed_ec(v, "IDENTITY", scalar, &s, &e) == COFFER_E_INPUT); /* past the order */
	memset(scalar, 0, 32);
	CHECK(tpm_seed_ec(v, "IDENTITY", scalar, &s, &e) == COFFER_E_INPUT);
	scalar[0] = 1;
	CHECK(tpm_seed_ec(other, "IDENTITY", scalar, &s, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(kdfa_is_counter_mode_kbkdf),
		T(kdfe_is_single_step_kdf_with_the_label_in_front),
		T(cfb_gives_the_answer_of_sp800_38a),
		T(rsa_seed_is_opened_under_its_label_only),
		T(ec_seed_is_what_the_holder_derives),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
