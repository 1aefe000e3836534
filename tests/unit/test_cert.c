/* Paths of certificates: what leads to an anchor, and every reason not to. */
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_parse.h"
#include "tests/evkit.h"
#include "tests/t.h"

#define NOW INT64_C(1800000000)

struct pki {
	EVP_PKEY        *root_key, *mid_key, *leaf_key;
	struct wr        root, mid, leaf, crl;
	struct anchors   anchors;
	struct cert_list between;
	struct crl_list  crls;
	struct cert     *c;
};

static void pki_make(struct pki *p, const struct evkit_cert *mid, const struct evkit_cert *leaf)
{
	struct evkit_cert r = { .cn = "Root", .issuer_cn = "Root", .ca = true, .pathlen = -1 }, m = *mid, l = *leaf;
	struct err e = { 0 };

	*p = (struct pki){ .root_key = evkit_ec("P-384"), .mid_key = evkit_ec("P-256"), .leaf_key = evkit_ec("P-256") };
	p->root = p->mid = p->leaf = p->crl = wr_open(1u << 16);
	r.key = r.issuer_key = p->root_key;
	m.cn = m.cn ? m.cn : "Middle";
	m.issuer_cn = m.issuer_cn ? m.issuer_cn : "Root";
	m.key = p->mid_key;
	m.issuer_key = m.issuer_key ? m.issuer_key : p->root_key;
	l.cn = "Leaf";
	l.issuer_cn = l.issuer_cn ? l.issuer_cn : "Middle";
	l.key = p->leaf_key;
	l.issuer_key = p->mid_key;
	evkit_cert(&r, &p->root);
	evkit_cert(&m, &p->mid);
	evkit_cert(&l, &p->leaf);
	evkit_add(&p->anchors.certs, &p->root);
	evkit_add(&p->between, &p->mid);
	CHECK(cert_der(wr_span(&p->leaf), &p->c, &e) == COFFER_OK);
}

static void pki_free(struct pki *p)
{
	EVP_PKEY_free(p->root_key);
	EVP_PKEY_free(p->mid_key);
	EVP_PKEY_free(p->leaf_key);
	wr_close(&p->root);
	wr_close(&p->mid);
	wr_close(&p->leaf);
	wr_close(&p->crl);
	anchors_clear(&p->anchors);
	certs_clear(&p->between);
	crls_clear(&p->crls);
	cert_free(p->c);
}

static const struct evkit_cert plain_mid = { .ca = true, .pathlen = -1, .serial = 11 },
			       plain_leaf = { .serial = 12, .pathlen = -1 };

static enum coffer_rc walk(struct pki *p, int64_t now, bool want_crl, struct err *e)
{
	const struct cert_rules r = { .now = now, .crls = &p->crls, .crl_required = want_crl };

	*e = (struct err){ 0 };
	return cert_chain(p->c, &p->between, &p->anchors, &r, NULL, e);
}

static bool refused(struct pki *p, int64_t now, const char *check)
{
	struct err e;

	return walk(p, now, false, &e) == COFFER_E_DENIED && strcmp(e.check, check) == 0;
}

static void chain_leads_to_the_anchor_and_names_it(void)
{
	struct cert_path path = { 0 };
	struct cert_rules r = { .now = NOW };
	struct err e = { 0 };
	struct pki p;

	pki_make(&p, &plain_mid, &plain_leaf);
	CHECK(cert_chain(p.c, &p.between, &p.anchors, &r, &path, &e) == COFFER_OK && path.n == 3 &&
	      strcmp(path.anchor, "Root") == 0);
	pki_free(&p);
}

static void chain_ends_at_a_pinned_key_by_name_and_signature(void)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct vkey *k = NULL;
	struct err e = { 0 };
	struct pki p;

	pki_make(&p, &plain_mid, &plain_leaf);
	certs_clear(&p.anchors.certs);
	evkit_spki(p.mid_key, &spki);
	CHECK(refused(&p, NOW, "chain"));
	CHECK(vkey_spki(wr_span(&spki), &k, &e) == COFFER_OK && anchors_add(&p.anchors, "Other", k, &e) == COFFER_OK);
	CHECK(refused(&p, NOW, "chain")); /* right key, wrong name */
	CHECK(vkey_spki(wr_span(&spki), &k, &e) == COFFER_OK && anchors_add(&p.anchors, "Middle", k, &e) == COFFER_OK);
	CHECK(walk(&p, NOW, false, &e) == COFFER_OK);
	pki_free(&p);
}

static void chain_without_the_middle_or_with_a_false_one_is_refused(void)
{
	EVP_PKEY *other = evkit_ec("P-384");
	struct evkit_cert forged = plain_mid;
	struct pki p;

	pki_make(&p, &plain_mid, &plain_leaf);
	certs_clear(&p.between);
	CHECK(refused(&p, NOW, "chain"));
	pki_free(&p);
	forged.issuer_key = other;
	pki_make(&p, &forged, &plain_leaf);
	CHECK(refused(&p, NOW, "chain"));
	pki_free(&p);
	EVP_PKEY_free(other);
}

static void issuer_that_is_no_ca_or_may_not_sign_is_refused(void)
{
	struct evkit_cert no_ca = { .serial = 11, .pathlen = -1 }, no_sign = plain_mid;
	struct pki p;

	pki_make(&p, &no_ca, &plain_leaf);
	CHECK(refused(&p, NOW, "chain"));
	pki_free(&p);
	no_sign.no_cert_sign = true;
	pki_make(&p, &no_sign, &plain_leaf);
	CHECK(refused(&p, NOW, "chain"));
	pki_free(&p);
}

static void path_length_is_kept(void)
{
	struct evkit_cert zero = plain_mid, below = { .cn = "Below", .issuer_cn = "Middle", .ca = true, .pathlen = -1 };
	struct evkit_cert leaf = plain_leaf;
	struct err e;
	struct pki p;

	zero.pathlen = 0;
	pki_make(&p, &zero, &plain_leaf);
	CHECK(walk(&p, NOW, false, &e) == COFFER_OK); /* none below it but the leaf */
	pki_free(&p);
	leaf.issuer_cn = "Below";
	pki_make(&p, &zero, &leaf); /* signed by the middle's key; "Below" has the same key */
	below.key = below.issuer_key = p.mid_key;
	wr_close(&p.crl);
	p.crl = wr_open(1u << 16);
	evkit_cert(&below, &p.crl);
	evkit_add(&p.between, &p.crl);
	CHECK(refused(&p, NOW, "chain"));
	pki_free(&p);
}

static void dates_are_judged_only_where_a_time_is_given(void)
{
	struct evkit_cert old = plain_leaf, young = plain_mid;
	struct err e;
	struct pki p;

	old.not_before = NOW - 100;
	old.not_after = NOW - 1;
	pki_make(&p, &plain_mid, &old);
	CHECK(refused(&p, NOW, "validity") && walk(&p, NOW - 1, false, &e) == COFFER_OK && walk(&p, -1, false, &e) == COFFER_OK);
	pki_free(&p);
	young.not_before = NOW + 1;
	young.not_after = NOW + 100;
	pki_make(&p, &young, &plain_leaf);
	CHECK(refused(&p, NOW, "validity") && walk(&p, NOW + 1, false, &e) == COFFER_OK);
	pki_free(&p);
}

static void critical_extension_that_nobody_knows_is_refused(void)
{
	static const uint8_t null[] = { 5, 0 };
	struct evkit_ext odd = { "1.2.3.4", SPAN(null), true };
	struct evkit_cert leaf = plain_leaf;
	struct err e;
	struct pki p;

	leaf.ext = &odd;
	leaf.n_ext = 1;
	pki_make(&p, &plain_mid, &leaf);
	CHECK(refused(&p, NOW, "chain"));
	pki_free(&p);
	odd.critical = false;
	pki_make(&p, &plain_mid, &leaf);
	CHECK(walk(&p, NOW, false, &e) == COFFER_OK);
	pki_free(&p);
}

/* Purposes and other names are not judged on issuers; what is malformed is nobody's certificate all the same. */
static void malformed_purposes_and_names_refuse_leaf_and_issuer(void)
{
	static const uint8_t empty[] = { 0x30, 0x00 }, cut[] = { 0x30, 0x01 }, text[] = { 0x30, 0x02, 0x0c, 0x00 };
	static const uint8_t purpose[] = { 0x30, 0x04, 0x06, 0x02, 0x2a, 0x03 }, name[] = { 0x30, 0x03, 0x82, 0x01, 'a' };
	const struct evkit_ext bad[] = { { "2.5.29.37", SPAN(empty), true }, { "2.5.29.37", SPAN(cut), false }, { "2.5.29.37", SPAN(text), true },
		{ "2.5.29.17", SPAN(empty), false }, { "2.5.29.17", SPAN(cut), true }, { "2.5.29.17", SPAN(text), true } };
	const struct evkit_ext good[] = { { "2.5.29.37", SPAN(purpose), true }, { "2.5.29.17", SPAN(name), true } };
	struct evkit_cert mid = plain_mid, leaf = plain_leaf;
	struct err e;
	struct pki p;

	mid.ext = leaf.ext = good;
	mid.n_ext = leaf.n_ext = 2;
	pki_make(&p, &mid, &leaf);
	CHECK(walk(&p, NOW, false, &e) == COFFER_OK);
	pki_free(&p);
	mid.n_ext = leaf.n_ext = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		mid.ext = &bad[i];
		pki_make(&p, &mid, &plain_leaf);
		CHECK(refused(&p, NOW, "chain"));
		pki_free(&p);
		leaf.ext = &bad[i];
		pki_make(&p, &plain_mid, &leaf);
		CHECK(refused(&p, NOW, "chain"));
		pki_free(&p);
	}
}

static void add_crl(struct pki *p, const char *cn, EVP_PKEY *key, long serial, int64_t to)
{
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16);
	struct err e = { 0 };

	evkit_crl(cn, key, &serial, 1, NOW - 1000, to, &der);
	CHECK(crl_read(wr_span(&der), &p->crls.c[p->crls.n], &e) == COFFER_OK);
	p->crls.n++;
}

static void revoked_leaf_and_middle_are_refused_by_their_issuers_list_alone(void)
{
	EVP_PKEY *other = evkit_ec("P-256");
	struct err e;
	struct pki p;

	pki_make(&p, &plain_mid, &plain_leaf);
	add_crl(&p, "Middle", other, 12, NOW + 1000); /* not signed by the middle: not heard */
	add_crl(&p, "Middle", p.mid_key, 13, NOW + 1000);
	CHECK(walk(&p, NOW, false, &e) == COFFER_OK);
	add_crl(&p, "Middle", p.mid_key, 12, NOW - 1); /* an old list still tells of a revocation */
	CHECK(refused(&p, NOW, "revoked"));
	pki_free(&p);
	pki_make(&p, &plain_mid, &plain_leaf);
	add_crl(&p, "Root", p.root_key, 11, NOW + 1000);
	CHECK(refused(&p, NOW, "revoked"));
	pki_free(&p);
	EVP_PKEY_free(other);
}

static void list_of_a_pinned_key_is_heard_though_its_certificate_is_not_there(void)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	EVP_PKEY *other = evkit_ec("P-384");
	struct vkey *k = NULL;
	struct err e = { 0 };
	struct pki p;

	pki_make(&p, &plain_mid, &plain_leaf);
	certs_clear(&p.anchors.certs);
	evkit_spki(p.root_key, &spki);
	CHECK(vkey_spki(wr_span(&spki), &k, &e) == COFFER_OK && anchors_add(&p.anchors, "Root", k, &e) == COFFER_OK);
	add_crl(&p, "Middle", p.mid_key, 99, NOW + 1);
	CHECK(walk(&p, NOW, false, &e) == COFFER_OK && walk(&p, NOW, true, &e) == COFFER_E_UPSTREAM);
	add_crl(&p, "Root", other, 11, NOW + 1); /* another key's */
	add_crl(&p, "Rood", p.root_key, 11, NOW + 1); /* another name's */
	CHECK(walk(&p, NOW, false, &e) == COFFER_OK && walk(&p, NOW, true, &e) == COFFER_E_UPSTREAM);
	add_crl(&p, "Root", p.root_key, 99, NOW + 1);
	CHECK(walk(&p, NOW, true, &e) == COFFER_OK);
	add_crl(&p, "Root", p.root_key, 11, NOW + 1);
	CHECK(refused(&p, NOW, "revoked"));
	pki_free(&p);
	EVP_PKEY_free(other);
}

static void required_list_that_is_missing_or_old_is_collateral(void)
{
	struct err e;
	struct pki p;

	pki_make(&p, &plain_mid, &plain_leaf);
	add_crl(&p, "Root", p.root_key, 99, NOW + 1000);
	CHECK(walk(&p, NOW, true, &e) == COFFER_E_UPSTREAM);
	add_crl(&p, "Middle", p.mid_key, 99, NOW - 1);
	CHECK(walk(&p, NOW, true, &e) == COFFER_E_UPSTREAM);
	add_crl(&p, "Middle", p.mid_key, 99, NOW + 1);
	CHECK(walk(&p, NOW, true, &e) == COFFER_OK);
	pki_free(&p);
}

static void der_is_used_to_its_last_byte_and_every_truncation_refused(void)
{
	struct err e = { 0 };
	struct cert *c = NULL;
	struct pki p;

	pki_make(&p, &plain_mid, &plain_leaf);
	for (size_t n = 0; n < p.leaf.n; n++) {
		CLEANUP(freep) uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, p.leaf.p, n);
		CHECK(cert_der((struct span){ exact, n }, &c, &e) == COFFER_E_INPUT && !c);
	}
	wr_u8(&p.leaf, 0);
	CHECK(cert_der(wr_span(&p.leaf), &c, &e) == COFFER_E_INPUT && !c);
	pki_free(&p);
}

static void der_of_crl(X509_CRL *l, EVP_PKEY *k, struct wr *der)
{
	unsigned char *p = NULL;
	int n;

	CHECK(X509_CRL_sign(l, k, EVP_sha256()) > 0);
	n = i2d_X509_CRL(l, &p);
	CHECK(n > 0);
	wr_put(der, (struct span){ p, (size_t)n });
	OPENSSL_free(p);
}

/* on_entry: the extension is the entry's, not the list's. */
static enum coffer_rc read_extended(EVP_PKEY *k, bool on_entry, int critical, struct err *e)
{
	CLEANUP(wr_close) struct wr plain = wr_open(1u << 16), der = wr_open(1u << 16);
	const unsigned char *p;
	struct crl_list got = { 0 };
	enum coffer_rc rc;
	long serial = 12;
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	X509_CRL *l;

	evkit_crl("Root", k, &serial, 1, NOW - 1000, NOW + 1000, &plain);
	p = plain.p;
	l = d2i_X509_CRL(NULL, &p, (long)plain.n);
	CHECK(l && n && ASN1_INTEGER_set(n, 1) == 1);
	if (on_entry)
		CHECK(X509_REVOKED_add1_ext_i2d(sk_X509_REVOKED_value(X509_CRL_get_REVOKED(l), 0), NID_crl_number, n, critical, 0) == 1);
	else
		CHECK(X509_CRL_add1_ext_i2d(l, NID_delta_crl, n, critical, 0) == 1);
	der_of_crl(l, k, &der);
	rc = crl_read(wr_span(&der), &got.c[0], e);
	got.n = rc == COFFER_OK;
	crls_clear(&got);
	ASN1_INTEGER_free(n);
	X509_CRL_free(l);
	return rc;
}

static void list_with_a_critical_extension_is_refused(void)
{
	EVP_PKEY *k = evkit_ec("P-256");
	struct err e = { 0 };

	for (int entry = 0; entry < 2; entry++) {
		CHECK(read_extended(k, entry, 1, &e) == COFFER_E_INPUT && strstr(e.msg, "critical extension"));
		CHECK(read_extended(k, entry, 0, &e) == COFFER_OK);
	}
	EVP_PKEY_free(k);
}

static void pem_of(struct span der, const char *header, struct wr *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	CHECK(b && PEM_write_bio(b, "CERTIFICATE", header, der.p, (long)der.n) > 0);
	n = BIO_get_mem_data(b, &p);
	wr_put(out, (struct span){ (const uint8_t *)p, (size_t)n });
	BIO_free(b);
}

static bool pem_gives(struct span pem, size_t n, const char *why)
{
	struct cert_list l = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc = certs_read(pem, &l, &e);
	bool ok = why ? rc == COFFER_E_INPUT && strstr(e.msg, why) : rc == COFFER_OK && l.n == n;

	certs_clear(&l);
	return ok;
}

static void malformed_pem_block_refuses_those_before_it_too(void)
{
	static const char other[] = "-----BEGIN X-----\nAAAA\n-----END X-----\n";
	CLEANUP(wr_close) struct wr two = wr_open(1u << 16), with = wr_open(1u << 16);
	struct pki p;
	size_t one;

	pki_make(&p, &plain_mid, &plain_leaf);
	pem_of(wr_span(&p.leaf), "", &two);
	one = two.n;
	wr_put(&two, (struct span){ (const uint8_t *)other, sizeof(other) - 1 });
	pem_of(wr_span(&p.mid), "", &two);
	CHECK(pem_gives(wr_span(&two), 2, NULL) && pem_gives((struct span){ two.p, one }, 1, NULL));
	CHECK(pem_gives((struct span){ two.p, two.n - 8 }, 0, "malformed PEM"));
	two.p[two.n - 100] = '*';
	CHECK(pem_gives(wr_span(&two), 0, "malformed PEM"));
	pem_of(wr_span(&p.leaf), "Proc-Type: 4,ENCRYPTED\n", &with);
	CHECK(pem_gives(wr_span(&with), 0, "with headers"));
	pki_free(&p);
}

static void names_that_differ_in_case_are_two(void)
{
	struct evkit_cert leaf = plain_leaf;
	EVP_PKEY *k = evkit_ec("P-256");
	CLEANUP(wr_close) struct wr up = wr_open(1u << 16), down = wr_open(1u << 16), low = wr_open(1u << 16);
	struct evkit_cert ca = { .cn = "Middle", .issuer_cn = "Middle", .ca = true, .pathlen = -1, .key = k, .issuer_key = k };
	struct cert_list l = { 0 };

	evkit_cert(&ca, &up);
	leaf.cn = "Leaf";
	leaf.key = leaf.issuer_key = k;
	leaf.issuer_cn = "Middle";
	evkit_cert(&leaf, &down);
	leaf.issuer_cn = "middle";
	evkit_cert(&leaf, &low);
	evkit_add(&l, &up);
	evkit_add(&l, &down);
	evkit_add(&l, &low);
	CHECK(cert_signed_by(l.c[1], l.c[0]) && !cert_signed_by(l.c[2], l.c[0]));
	certs_clear(&l);
	EVP_PKEY_free(k);
}

/* The signed part stays as it is: only what the algorithm says is changed. */
static void pss_parameters_are_those_that_are_verified_with(void)
{
	static const uint8_t sha384_mgf1_48[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x39, 0xa0, 0x0f,
		0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06,
		0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
		0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x30, 0xa3, 0x03, 0x02, 0x01, 0x01 };
	CLEANUP(wr_close) struct wr der = wr_open(1u << 16);
	CLEANUP(vkey_freep) struct vkey *key = NULL;
	EVP_PKEY *k = evkit_rsa();
	struct evkit_cert made = { .cn = "A", .issuer_cn = "A", .key = k, .issuer_key = k, .pss = true, .pathlen = -1 };
	uint8_t alg[sizeof(sha384_mgf1_48)];
	struct cert_fields f;
	struct der_cert c;
	struct err e = { 0 };

	evkit_cert(&made, &der);
	CHECK(cert_parse(wr_span(&der), &f, &e) == COFFER_OK && der_key(f.d.spki, &key, &e) == COFFER_OK);
	c = f.d;
	CHECK(der_cert_signed_by(&c, key));
	memcpy(alg, sha384_mgf1_48, sizeof(alg));
	c.algorithm = SPAN(alg);
	CHECK(der_cert_signed_by(&c, key)); /* a trailer that is written, as AMD does */
	for (size_t i = 0; i < sizeof(alg); i++) {
		alg[i] ^= 1;
		CHECK(!der_cert_signed_by(&c, key));
		alg[i] ^= 1;
		c.algorithm.n = i;
		CHECK(!der_cert_signed_by(&c, key));
		c.algorithm.n = sizeof(alg);
	}
	alg[12] -= 5; /* without it, but not at the end */
	CHECK(!der_cert_signed_by(&c, key));
	c.algorithm.n -= 5;
	CHECK(der_cert_signed_by(&c, key));
	EVP_PKEY_free(k);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(chain_leads_to_the_anchor_and_names_it),
		T(chain_ends_at_a_pinned_key_by_name_and_signature),
		T(chain_without_the_middle_or_with_a_false_one_is_refused),
		T(issuer_that_is_no_ca_or_may_not_sign_is_refused),
		T(path_length_is_kept),
		T(dates_are_judged_only_where_a_time_is_given),
		T(critical_extension_that_nobody_knows_is_refused), T(malformed_purposes_and_names_refuse_leaf_and_issuer),
		T(revoked_leaf_and_middle_are_refused_by_their_issuers_list_alone),
		T(list_of_a_pinned_key_is_heard_though_its_certificate_is_not_there),
		T(required_list_that_is_missing_or_old_is_collateral),
		T(der_is_used_to_its_last_byte_and_every_truncation_refused),
		T(list_with_a_critical_extension_is_refused),
		T(malformed_pem_block_refuses_those_before_it_too),
		T(names_that_differ_in_case_are_two),
		T(pss_parameters_are_those_that_are_verified_with),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
