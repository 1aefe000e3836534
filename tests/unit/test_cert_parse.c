/* Our reading of certificates against OpenSSL's: the same fields, and no certificate that it refuses. */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_parse.h"
#include "tests/certagree.h"
#include "tests/evkit.h"
#include "tests/t.h"

static void agree_on_mutations(struct span der)
{
	static const uint8_t flip[] = { 0x01, 0x80, 0xff, 0x20, 0x04, 0x10 };
	CLEANUP(freep) uint8_t *m = malloc(der.n);

	CHECK(cert_agrees(der, true));
	memcpy(m, der.p, der.n);
	for (size_t i = 0; i < der.n; i++) {
		for (size_t f = 0; f < sizeof(flip); f++) {
			m[i] ^= flip[f];
			if (!cert_agrees((struct span){ m, der.n }, false)) {
				printf("# byte %zu of %zu ^ %02x\n", i, der.n, flip[f]);
				CHECK(false);
			}
			m[i] ^= flip[f];
		}
	}
}

static void made_certificates_and_each_byte_of_them_are_read_as_openssl_does(void)
{
	CLEANUP(wr_close) struct wr ca = wr_open(1u << 16), leaf = wr_open(1u << 16);
	EVP_PKEY *k = evkit_ec("P-384");
	struct evkit_cert c = { .cn = "Root", .issuer_cn = "Root", .ca = true, .pathlen = 3, .key = k, .issuer_key = k, .serial = 255 };

	evkit_cert(&c, &ca);
	c.ca = false;
	c.pathlen = -1;
	c.not_before = INT64_C(951782400); /* 2000-02-29 */
	c.not_after = INT64_C(4102444800); /* 2100, a GeneralizedTime */
	evkit_cert(&c, &leaf);
	agree_on_mutations(wr_span(&ca));
	agree_on_mutations(wr_span(&leaf));
	for (size_t n = 0; n < ca.n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);
		struct cert_fields f;
		struct err e = { 0 };

		memcpy(exact, ca.p, n);
		CHECK(cert_parse((struct span){ exact, n }, &f, &e) == COFFER_E_INPUT);
	}
	wr_u8(&ca, 0);
	CHECK(cert_agrees(wr_span(&ca), false));
	EVP_PKEY_free(k);
}

static void vendors_certificates_are_read_as_openssl_does(void)
{
	static const char *const names[] = { "roots/amd_milan_ask_ark_asvk.pem", "roots/amd_turin_ask_ark_asvk.pem",
		"roots/intel_sgx_root_ca.pem", "roots/intel_tcb_signing_chain.pem", "roots/intel_pck_platform_ca.pem",
		"roots/nvidia_device_root.pem", "roots/nvidia_rim_root.pem", "nvidia/hopper/chain_case1_valid.pem",
		"sgx/intel-qvl-synthetic/pckSignChain.pem", "tpm-swtpm/issuercert.pem", "az-snp-vtpm/cvm-a/vcek_chain.pem" };
	const char *shared = getenv("COFFER_SHARED");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		CLEANUP(freep) char *path = str_fmt("%s/vectors/%s", shared ? shared : "../shared", names[i]);
		BIO *b = BIO_new_file(path, "r");
		X509 *x;

		if (!b)
			printf("# skipped: %s\n", names[i]);
		while (b && (x = PEM_read_bio_X509(b, NULL, NULL, NULL))) {
			unsigned char *der = NULL;
			int n = i2d_X509(x, &der);

			CHECK(n > 0);
			agree_on_mutations((struct span){ der, (size_t)n });
			OPENSSL_free(der);
			X509_free(x);
		}
		BIO_free(b);
		ERR_clear_error();
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(made_certificates_and_each_byte_of_them_are_read_as_openssl_does),
		T(vendors_certificates_are_read_as_openssl_does),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
