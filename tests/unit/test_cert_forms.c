/* Forms that are read without OpenSSL, against OpenSSL: plain PEM, OBJECT IDENTIFIERs, signatures of revocation lists. */
#include <string.h>

#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert.h"
#include "crypto/cert_pem.h"
#include "crypto/der.h"
#include "tests/evkit.h"
#include "tests/t.h"

#define NOW INT64_C(1800000000)

/* ---- PEM ---- */

static void pem_of(struct span der, struct wr *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	CHECK(b && PEM_write_bio(b, "CERTIFICATE", "", der.p, (long)der.n) > 0);
	n = BIO_get_mem_data(b, &p);
	wr_put(out, (struct span){ (const uint8_t *)p, (size_t)n });
	BIO_free(b);
}

static void plain_pem_gives_the_bytes_that_were_written(void)
{
	uint8_t bytes[200];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(7 * i);
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		CLEANUP(wr_close) struct wr pem = wr_open(4096), a = wr_open(4096), b = wr_open(4096);
		struct span in;

		pem_of((struct span){ bytes, n }, &pem);
		wr_u8(&pem, '\n');
		pem_of((struct span){ bytes, 1 }, &pem);
		wr_u8(&pem, 0); /* as Intel's quotes end */
		in = wr_span(&pem);
		CHECK(cert_pem_next(&in, &a) && span_eq(wr_span(&a), (struct span){ bytes, n }));
		CHECK(cert_pem_next(&in, &b) && b.n == 1 && in.n == 0);
	}
}

static bool other(const char *text)
{
	CLEANUP(wr_close) struct wr der = wr_open(4096);
	struct span in = span_of(text), was = in;

	return !cert_pem_next(&in, &der) && in.p == was.p && in.n == was.n;
}

#define HEAD "-----BEGIN CERTIFICATE-----\n"
#define TAIL "-----END CERTIFICATE-----\n"
#define LINE64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

static void other_pem_is_not_read(void)
{
	CHECK(!other(HEAD LINE64 "AAAA\n" TAIL) && !other(HEAD "AAA=\n" TAIL) && !other(HEAD LINE64 LINE64 TAIL));
	CHECK(other("") && other(HEAD) && other(HEAD TAIL) && other(HEAD "\n" TAIL) && other(HEAD "AAAA\n") && other(HEAD "AAAA"));
	CHECK(other(" " HEAD "AAAA\n" TAIL) && other("\n" HEAD "AAAA\n" TAIL) && other("-----BEGIN X-----\nAAAA\n-----END X-----\n"));
	CHECK(other(HEAD "AAAA\nAAAA\n" TAIL) && other(HEAD "AAA=\n" LINE64 TAIL) && other(HEAD LINE64 "\n" TAIL));
	CHECK(other(HEAD "AAAA" LINE64 TAIL) && other(HEAD "AAA\n" TAIL) && other(HEAD "AA*A\n" TAIL) && other(HEAD "AB==\n" TAIL));
	CHECK(other(HEAD "AAAA\r\n" TAIL) && other(HEAD "AAAA\n-----END X509 CERTIFICATE-----\n") && other(HEAD "Proc-Type: 4\n\nAAAA\n" TAIL));
	CHECK(other(HEAD "AAAA\n-----END CERTIFICATE----- \n"));
}

static void every_truncation_of_plain_pem_is_another_form(void)
{
	static const char text[] = HEAD LINE64 "AAA=\n" TAIL;

	for (size_t n = 0; n < sizeof(text) - 2; n++) { /* the last line end may be missing */
		CLEANUP(wr_close) struct wr der = wr_open(4096);
		struct span in = { (const uint8_t *)text, n };

		CHECK(!cert_pem_next(&in, &der));
	}
}

static void plain_pem_longer_than_may_be_is_not_read(void)
{
	CLEANUP(wr_close) struct wr der = wr_open(50);
	struct span in = span_of(HEAD LINE64 "AAAA\n" TAIL);

	CHECK(!cert_pem_next(&in, &der));
}

/* ---- OBJECT IDENTIFIERs ---- */

static void oids_are_those_of_the_library(void)
{
	static const char *const good[] = { "1.2.840.113741.1.13.1", "1.3.6.1.4.1.3704.1.3.1", "2.23.133.8.3", "2.999.1", "0.0", "1.39.127",
		"2.5.29.37", "1.0.128.16383.16384.4294967295" };
	static const char *const bad[] = { "", "1", "1.", ".1", "1..2", "3.1", "1.40", "0.40", "1.2.", "1.2.x", "1.2.4294967296", "1.02", "-1.2",
		"1.2.4294967295.4294967295.4294967295.4294967295.4294967295.4294967295.4294967295" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ASN1_OBJECT *o = OBJ_txt2obj(good[i], 1);
		uint8_t buf[DER_OID_MAX];
		struct span s = { 0 };

		CHECK(o && der_oid(good[i], buf, &s) && span_eq(s, (struct span){ OBJ_get0_data(o), OBJ_length(o) }));
		ASN1_OBJECT_free(o);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t buf[DER_OID_MAX];
		struct span s;

		CHECK(!der_oid(bad[i], buf, &s));
	}
}

/* ---- revocation lists ---- */

static bool heard(struct span der, const struct vkey *k)
{
	struct crl *l = NULL;
	struct err e = { 0 };
	bool ok = crl_read(der, &l, &e) == COFFER_OK && crl_signed_by_key(l, "Root", k);

	crl_free(l);
	return ok;
}

static void resign(struct span der, EVP_PKEY *k, const EVP_MD *md, struct wr *out)
{
	const unsigned char *p = der.p;
	X509_CRL *l = d2i_X509_CRL(NULL, &p, (long)der.n);
	unsigned char *again = NULL;
	int n = 0;

	CHECK(l && X509_CRL_sign(l, k, md) > 0 && (n = i2d_X509_CRL(l, &again)) > 0);
	wr_put(out, (struct span){ again, (size_t)n });
	OPENSSL_free(again);
	X509_CRL_free(l);
}

static struct vkey *key_of(EVP_PKEY *k)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct vkey *out = NULL;
	struct err e = { 0 };

	evkit_spki(k, &spki);
	CHECK(vkey_spki(wr_span(&spki), &out, &e) == COFFER_OK);
	return out;
}

/* An algorithm that is not ours is the library's to judge: nobody is forgotten to be revoked for it. */
static void lists_are_heard_by_their_signatures_alone(void)
{
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16), old = wr_open(1u << 16);
	EVP_PKEY *rsa = evkit_rsa(), *ec = evkit_ec("P-256");
	struct vkey *k = key_of(rsa), *wrong = key_of(ec);
	long serial = 12;

	evkit_crl("Root", rsa, &serial, 1, NOW - 1000, NOW + 1000, &der);
	resign(wr_span(&der), rsa, EVP_sha1(), &old);
	CHECK(heard(wr_span(&der), k) && heard(wr_span(&old), k));
	CHECK(!heard(wr_span(&der), wrong) && !heard(wr_span(&old), wrong));
	for (size_t i = der.n - 1; i > der.n - 300; i -= 13) { /* signature, its head, the outer algorithm */
		der.p[i] ^= 1;
		CHECK(!heard(wr_span(&der), k));
		der.p[i] ^= 1;
	}
	for (size_t i = 0; i < der.n; i++)
		CHECK(!heard((struct span){ der.p, i }, k));
	old.p[old.n - 1] ^= 1;
	CHECK(heard(wr_span(&der), k) && !heard(wr_span(&old), k));
	vkey_free(k);
	vkey_free(wrong);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(plain_pem_gives_the_bytes_that_were_written), T(other_pem_is_not_read), T(every_truncation_of_plain_pem_is_another_form),
		T(plain_pem_longer_than_may_be_is_not_read), T(oids_are_those_of_the_library), T(lists_are_heard_by_their_signatures_alone),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
