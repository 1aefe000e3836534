#include "crypto/x509.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/jwk.h"
#include "crypto_util.h"
#include "tests/t.h"

#define NOW 1800000000

static X509 *cert_of(struct span pem)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *c = PEM_read_bio_X509(b, NULL, NULL, NULL);

	BIO_free(b);
	if (!c)
		abort();
	return c;
}

/* A fresh key and its certificate, valid for an hour from NOW. */
static void make(struct privkey **k, struct wr *pem)
{
	struct err e;

	*k = fresh(KEY_P256);
	*pem = wr_open(8192);
	if (x509_self_signed(*k, "signer.example", NOW, NOW + 3600, pem, &e) != COFFER_OK)
		abort();
}

/* The JWK of k with n times the certificate (and then `extra` bytes) as x5c. */
static struct json_doc *jwk_with(const struct privkey *k, struct span pem, size_t n, size_t extra)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 16);
	CLEANUP(wr_close) struct wr jwk = wr_open(1024);
	struct json_wr j = jw_open(&jwk, false);
	X509 *c = cert_of(pem);
	unsigned char *der = NULL;
	int len = i2d_X509(c, &der);

	der = OPENSSL_realloc(der, (size_t)len + 8);
	memset(der + len, 0, 8);
	jwk_write(&j, privkey_public(k));
	wr_put(&w, (struct span){ jwk.p, jwk.n - 1 });
	wr_str(&w, ",\"x5c\":[");
	for (size_t i = 0; i < n; i++) {
		wr_str(&w, i ? ",\"" : "\"");
		b64_write(&w, (struct span){ der, (size_t)len + extra });
		wr_str(&w, "\"");
	}
	wr_str(&w, "]}");
	OPENSSL_free(der);
	X509_free(c);
	return parsed(wr_span(&w));
}

static void x509_self_signed_names_and_dates_are_as_asked(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(wr_close) struct wr dns = wr_open(8192);
	CLEANUP(wr_close) struct wr v6 = wr_open(8192);
	struct err e;
	X509 *c;

	CHECK(x509_self_signed(k, "trust.example", NOW, NOW + 10, &dns, &e) == COFFER_OK);
	CHECK(x509_self_signed(k, "::1", NOW, NOW + 10, &v6, &e) == COFFER_OK);
	c = cert_of(wr_span(&dns));
	CHECK(X509_check_host(c, "trust.example", 0, 0, NULL) == 1 && X509_check_host(c, "other.example", 0, 0, NULL) == 0);
	CHECK(X509_verify(c, X509_get0_pubkey(c)) == 1 && X509_check_ca(c) == 0);
	CHECK(ASN1_TIME_cmp_time_t(X509_get0_notBefore(c), NOW) == 0 && ASN1_TIME_cmp_time_t(X509_get0_notAfter(c), NOW + 10) == 0);
	X509_free(c);
	c = cert_of(wr_span(&v6));
	CHECK(X509_check_ip_asc(c, "::1", 0) == 1 && X509_check_ip_asc(c, "::2", 0) == 0);
	X509_free(c);
}

static void x509_self_signed_bad_requests_are_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(privkey_freep) struct privkey *ed = fresh(KEY_ED25519);
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	CLEANUP(wr_close) struct wr small = wr_open(8);
	struct err e;

	CHECK(x509_self_signed(ed, "a", NOW, NOW + 1, &w, &e) == COFFER_E_INPUT);
	CHECK(x509_self_signed(k, "", NOW, NOW + 1, &w, &e) == COFFER_E_INPUT);
	CHECK(x509_self_signed(k, "a", NOW, NOW, &w, &e) == COFFER_E_INPUT);
	CHECK(w.n == 0);
	CHECK(x509_self_signed(k, "a", NOW, NOW + 1, &small, &e) == COFFER_E_LIMIT);
}

static void x509_check_x5c_trusted_leaf_is_accepted_while_valid(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr pem = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e;

	make(&k, &pem);
	doc = jwk_with(k, wr_span(&pem), 1, 0);
	CHECK(x509_check_x5c(json_root(doc), wr_span(&pem), NOW + 1, &e) == COFFER_OK);
	CHECK(x509_check_x5c(json_root(doc), wr_span(&pem), -1, &e) == COFFER_OK);
	CHECK(x509_check_x5c(json_root(doc), wr_span(&pem), NOW - 1, &e) == COFFER_E_DENIED && strcmp(e.check, "x5c") == 0);
	CHECK(x509_check_x5c(json_root(doc), wr_span(&pem), NOW + 3601, &e) == COFFER_E_DENIED && strstr(e.msg, "expired"));
}

static void x509_check_x5c_other_anchor_is_denied(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(privkey_freep) struct privkey *other = NULL;
	CLEANUP(wr_close) struct wr pem = { 0 };
	CLEANUP(wr_close) struct wr other_pem = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(json_freep) struct json_doc *stolen = NULL;
	struct err e;

	make(&k, &pem);
	make(&other, &other_pem);
	doc = jwk_with(k, wr_span(&pem), 1, 0);
	stolen = jwk_with(k, wr_span(&other_pem), 1, 0); /* somebody else's good certificate on our key */
	CHECK(x509_check_x5c(json_root(doc), wr_span(&other_pem), NOW + 1, &e) == COFFER_E_DENIED && strcmp(e.check, "x5c") == 0);
	CHECK(x509_check_x5c(json_root(stolen), wr_span(&other_pem), NOW + 1, &e) == COFFER_E_DENIED && strstr(e.msg, "not the key"));
}

static void x509_check_x5c_malformed_chains_are_denied(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr pem = { 0 };
	CLEANUP(json_freep) struct json_doc *none = NULL;
	CLEANUP(json_freep) struct json_doc *empty = NULL;
	CLEANUP(json_freep) struct json_doc *many = NULL;
	CLEANUP(json_freep) struct json_doc *trailing = NULL;
	CLEANUP(json_freep) struct json_doc *text = NULL;
	const struct json_doc *bad[5];
	struct err e;

	make(&k, &pem);
	bad[0] = none = parsed(span_of("{}"));
	bad[1] = empty = jwk_with(k, wr_span(&pem), 0, 0);
	bad[2] = many = jwk_with(k, wr_span(&pem), 9, 0);
	bad[3] = trailing = jwk_with(k, wr_span(&pem), 1, 3);
	bad[4] = text = parsed(span_of("{\"x5c\":[\"-----BEGIN\"]}"));
	for (size_t i = 0; i < 5; i++)
		CHECK(x509_check_x5c(json_root(bad[i]), wr_span(&pem), NOW + 1, &e) == COFFER_E_DENIED && strcmp(e.check, "x5c") == 0);
}

static void x509_check_x5c_bad_anchors_are_input(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr pem = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct err e;

	make(&k, &pem);
	doc = jwk_with(k, wr_span(&pem), 1, 0);
	CHECK(x509_check_x5c(json_root(doc), (struct span){ 0 }, NOW + 1, &e) == COFFER_E_INPUT);
	CHECK(x509_check_x5c(json_root(doc), span_of("x"), NOW + 1, &e) == COFFER_E_INPUT);
	CHECK(x509_check_x5c(json_root(doc), (struct span){ pem.p, pem.n - 40 }, NOW + 1, &e) == COFFER_E_INPUT);
	wr_str(&pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"); /* the second one is not a certificate */
	CHECK(x509_check_x5c(json_root(doc), wr_span(&pem), NOW + 1, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case c[] = {
		T(x509_self_signed_names_and_dates_are_as_asked), T(x509_self_signed_bad_requests_are_refused),
		T(x509_check_x5c_trusted_leaf_is_accepted_while_valid), T(x509_check_x5c_other_anchor_is_denied),
		T(x509_check_x5c_malformed_chains_are_denied), T(x509_check_x5c_bad_anchors_are_input),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
