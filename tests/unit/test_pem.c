#include "crypto/pem.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto_util.h"
#include "tests/t.h"

static const enum key_kind kinds[] = { KEY_ED25519, KEY_P256 };

static void pem_private_encrypted_roundtrip(void)
{
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(privkey_freep) struct privkey *k = fresh(kinds[i]);
		CLEANUP(privkey_freep) struct privkey *back = NULL;
		CLEANUP(wr_close) struct wr w = wr_open(4096);

		CHECK(pem_write_private(k, span_of("pass"), &w, &e) == COFFER_OK);
		CHECK(span_starts(wr_span(&w), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
		CHECK(pem_read_private(wr_span(&w), span_of("wrong"), &back, &e) == COFFER_E_DENIED && strcmp(e.check, "passphrase") == 0);
		CHECK(pem_read_private(wr_span(&w), (struct span){ 0 }, &back, &e) == COFFER_E_INPUT && strstr(e.msg, "passphrase"));
		CHECK(back == NULL);
		CHECK(pem_read_private(wr_span(&w), span_of("pass"), &back, &e) == COFFER_OK);
		CHECK(back && pubkey_eq(privkey_public(k), privkey_public(back)));
	}
}

static void pem_private_is_scrypt_with_aes256(void)
{
	static const uint8_t scrypt_oid[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b };
	static const uint8_t n_15[] = { 0x02, 0x03, 0x00, 0x80, 0x00 }; /* INTEGER 32768 */
	static const uint8_t aes_cbc[] = { 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a };
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	unsigned char *der = NULL;
	char *name = NULL, *head = NULL;
	struct err e;
	long n = 0;
	BIO *b;

	CHECK(pem_write_private(k, span_of("pass"), &w, &e) == COFFER_OK);
	b = BIO_new_mem_buf(w.p, (int)w.n);
	CHECK(PEM_read_bio(b, &name, &head, &der, &n) == 1);
	CHECK(memmem(der, (size_t)n, scrypt_oid, sizeof(scrypt_oid)) && memmem(der, (size_t)n, n_15, sizeof(n_15)) &&
	      memmem(der, (size_t)n, aes_cbc, sizeof(aes_cbc)));
	OPENSSL_free(der);
	OPENSSL_free(name);
	OPENSSL_free(head);
	BIO_free(b);
}

static void pem_private_plain_roundtrip(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(privkey_freep) struct privkey *back = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e;

	CHECK(pem_write_private(k, (struct span){ 0 }, &w, &e) == COFFER_OK);
	CHECK(span_starts(wr_span(&w), "-----BEGIN PRIVATE KEY-----\n"));
	CHECK(pem_read_private(wr_span(&w), (struct span){ 0 }, &back, &e) == COFFER_OK);
	CHECK(back && pubkey_eq(privkey_public(k), privkey_public(back)));
}

static void pem_public_roundtrip(void)
{
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(privkey_freep) struct privkey *k = fresh(kinds[i]);
		CLEANUP(wr_close) struct wr w = wr_open(4096);
		struct pubkey back;

		CHECK(pem_write_public(privkey_public(k), &w, &e) == COFFER_OK);
		CHECK(span_starts(wr_span(&w), "-----BEGIN PUBLIC KEY-----\n"));
		CHECK(pem_read_public(wr_span(&w), &back, &e) == COFFER_OK && pubkey_eq(&back, privkey_public(k)));
	}
}

static void pem_read_every_prefix_is_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(privkey_freep) struct privkey *back = NULL;
	CLEANUP(wr_close) struct wr pub = wr_open(4096);
	CLEANUP(wr_close) struct wr priv = wr_open(4096);
	struct pubkey got = { .x = { 0xaa } };
	struct err e;

	CHECK(pem_write_public(privkey_public(k), &pub, &e) == COFFER_OK && pem_write_private(k, (struct span){ 0 }, &priv,
	    &e) == COFFER_OK);
	for (size_t n = 0; n + 2 < priv.n; n++) { /* the last newline may be missing, and a dash is needed */
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, priv.p, n);
		CHECK(pem_read_private((struct span){ exact, n }, (struct span){ 0 }, &back, &e) == COFFER_E_INPUT);
		if (n + 2 < pub.n) {
			memcpy(exact, pub.p, n);
			CHECK(pem_read_public((struct span){ exact, n }, &got, &e) == COFFER_E_INPUT);
		}
		free(exact);
	}
	CHECK(back == NULL && got.x[0] == 0xaa);
}

static void pem_read_other_texts_are_refused(void)
{
	static const char spki_off_curve[] = /* the point (1, 2) */
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAg==\n"
	    "-----END PUBLIC KEY-----\n";
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(privkey_freep) struct privkey *back = NULL;
	CLEANUP(wr_close) struct wr pub = wr_open(4096);
	CLEANUP(wr_close) struct wr priv = wr_open(4096);
	struct pubkey got;
	struct err e;

	CHECK(pem_write_public(privkey_public(k), &pub, &e) == COFFER_OK && pem_write_private(k, (struct span){ 0 }, &priv,
	    &e) == COFFER_OK);
	CHECK(pem_read_public(wr_span(&priv), &got, &e) == COFFER_E_INPUT);
	CHECK(pem_read_private(wr_span(&pub), (struct span){ 0 }, &back, &e) == COFFER_E_INPUT);
	CHECK(pem_read_public(span_of(spki_off_curve), &got, &e) == COFFER_E_INPUT);
	CHECK(pem_read_public(span_of("no key"), &got, &e) == COFFER_E_INPUT);
	CHECK(pem_write_public(&(struct pubkey){ .kind = KEY_P256, .x = { 1 } }, &pub, &e) == COFFER_E_INPUT);
}

/* A key of a kind that struct privkey does not hold, its SPKI and a signature by it. */
static bool foreign(EVP_PKEY *pkey, const EVP_MD *md, struct wr *pem, struct wr *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	BIO *b = BIO_new(BIO_s_mem());
	uint8_t raw[1024];
	size_t n = sizeof(raw);
	char *p = NULL;
	bool ok;

	ok = pkey && PEM_write_bio_PUBKEY(b, pkey) == 1 && EVP_DigestSignInit(ctx, NULL, md, NULL, pkey) == 1 &&
	     EVP_DigestSign(ctx, raw, &n, (const uint8_t *)"message", 7) == 1;
	if (ok) {
		long len = BIO_get_mem_data(b, &p);

		wr_put(pem, (struct span){ (uint8_t *)p, (size_t)len });
		wr_put(sig, (struct span){ raw, n });
	}
	BIO_free(b);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok;
}

static void verify_both_ways(struct span pem, struct span sig)
{
	struct err e;

	CHECK(pem_verify(pem, span_of("message"), sig, &e) == COFFER_OK);
	CHECK(pem_verify(pem, span_of("massage"), sig, &e) == COFFER_E_DENIED && strcmp(e.check, "signature") == 0);
	CHECK(pem_verify(pem, span_of("message"), (struct span){ sig.p, sig.n - 1 }, &e) == COFFER_E_DENIED);
	CHECK(pem_verify(pem, span_of("message"), (struct span){ 0 }, &e) == COFFER_E_DENIED);
}

static void pem_verify_own_style_signatures(void)
{
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(privkey_freep) struct privkey *k = fresh(kinds[i]);
		CLEANUP(wr_close) struct wr pem = wr_open(4096);
		CLEANUP(wr_close) struct wr sig = wr_open(128);

		CHECK(pem_write_public(privkey_public(k), &pem, &e) == COFFER_OK);
		CHECK(pem_style_sign(k, span_of("message"), &sig, &e) == COFFER_OK);
		CHECK(sig.p[0] == 0x30 || (kinds[i] == KEY_ED25519 && sig.n == 64));
		verify_both_ways(wr_span(&pem), wr_span(&sig));
	}
}

static void pem_verify_p384_and_rsa(void)
{
	CLEANUP(wr_close) struct wr p384 = wr_open(4096);
	CLEANUP(wr_close) struct wr p384_sig = wr_open(1024);
	CLEANUP(wr_close) struct wr rsa = wr_open(4096);
	CLEANUP(wr_close) struct wr rsa_sig = wr_open(1024);

	CHECK(foreign(EVP_EC_gen("P-384"), EVP_sha384(), &p384, &p384_sig));
	verify_both_ways(wr_span(&p384), wr_span(&p384_sig));
	CHECK(foreign(EVP_RSA_gen(2048), EVP_sha256(), &rsa, &rsa_sig));
	verify_both_ways(wr_span(&rsa), wr_span(&rsa_sig));
}

static void pem_verify_weak_or_unknown_keys_are_input(void)
{
	CLEANUP(wr_close) struct wr rsa = wr_open(4096);
	CLEANUP(wr_close) struct wr p521 = wr_open(4096);
	CLEANUP(wr_close) struct wr sig = wr_open(4096);
	CLEANUP(wr_close) struct wr der = wr_open(4096);
	struct pubkey k;
	struct err e;

	CHECK(foreign(EVP_RSA_gen(1024), EVP_sha256(), &rsa, &sig));
	CHECK(pem_verify(wr_span(&rsa), span_of("message"), wr_span(&sig), &e) == COFFER_E_INPUT);
	wr_close(&sig);
	CHECK(foreign(EVP_EC_gen("P-521"), EVP_sha512(), &p521, &sig));
	CHECK(pem_verify(wr_span(&p521), span_of("message"), wr_span(&sig), &e) == COFFER_E_INPUT);
	CHECK(pem_read_public(wr_span(&p521), &k, &e) == COFFER_E_INPUT && pem_read_public(wr_span(&rsa), &k, &e) == COFFER_E_INPUT);
	CHECK(pem_public_der(wr_span(&rsa), &der, &e) == COFFER_OK && der.n > 128 && der.p[0] == 0x30);
	CHECK(pem_public_der(span_of("no key"), &der, &e) == COFFER_E_INPUT);
	CHECK(pem_verify(span_of("x"), span_of("message"), wr_span(&sig), &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case c[] = {
		T(pem_private_encrypted_roundtrip), T(pem_private_is_scrypt_with_aes256), T(pem_private_plain_roundtrip),
		    T(pem_public_roundtrip),
		T(pem_read_every_prefix_is_refused), T(pem_read_other_texts_are_refused), T(pem_verify_own_style_signatures),
		T(pem_verify_p384_and_rsa), T(pem_verify_weak_or_unknown_keys_are_input),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
