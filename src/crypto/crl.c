/* Revocation lists: read by OpenSSL, their signatures judged as those of certificates are. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_priv.h"
#include "crypto/vkey_priv.h"

#define CRL_MAX (4u << 20)

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(BIGNUM *, BN_free)

struct crl {
	X509_CRL       *x;
	int64_t         this_update, next_update;
	unsigned char  *der;    /* of x, */
	struct der_cert d;      /* and what its signature needs, in there; empty: the library must look */
	struct vkey    *by;     /* a key that was found to have signed it; NULL: none yet */
};

static bool time_of(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm = { 0 };

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

static bool read_serial(const ASN1_INTEGER *i, uint8_t *buf, size_t cap, size_t *n)
{
	CLEANUP(BN_freep) BIGNUM *b = ASN1_INTEGER_to_BN(i, NULL);
	int len = b ? BN_num_bytes(b) : -1;

	if (!b || BN_is_negative(b) || len < 0 || (size_t)len > cap)
		return false;
	*n = (size_t)BN_bn2bin(b, buf);
	return true;
}

/* RFC 5280 5.2 and 5.3: a list with a critical extension that is not understood must not be used. Here none is: those there are
 * (partial, indirect and delta lists) make a list say less than all about its issuer's certificates. */
static bool wants_more(const X509_CRL *x)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED((X509_CRL *)(uintptr_t)x);

	if (X509_CRL_get_ext_by_critical(x, 1, -1) >= 0)
		return true;
	for (int i = 0; i < sk_X509_REVOKED_num(all); i++)
		if (X509_REVOKED_get_ext_by_critical(sk_X509_REVOKED_value(all, i), 1, -1) >= 0)
			return true;
	return false;
}

/* The content of the issuer's Name, borrowed. */
static bool crl_issuer(const struct crl *l, struct span *out)
{
	const unsigned char *p = NULL;
	struct span in;
	size_t n = 0;

	if (X509_NAME_get0_der(X509_CRL_get_issuer(l->x), &p, &n) != 1)
		return false;
	in = (struct span){ p, n };
	return der_next(&in, 0x30, out) && in.n == 0;
}

void crl_free(struct crl *c)
{
	if (!c)
		return;
	X509_CRL_free(c->x);
	OPENSSL_free(c->der);
	vkey_free(c->by);
	free(c);
}

void crls_clear(struct crl_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		crl_free(l->c[i]);
	*l = (struct crl_list){ 0 };
}

static X509_CRL *decode_crl(struct span in)
{
	const unsigned char *p = in.p;
	X509_CRL *x;

	if (cert_is_pem(in)) {
		CLEANUP(BIO_free_allp) BIO *b = BIO_new_mem_buf(in.p, (int)in.n);

		return b ? PEM_read_bio_X509_CRL(b, NULL, NULL, NULL) : NULL;
	}
	x = d2i_X509_CRL(NULL, &p, (long)in.n);
	if (x && p != in.p + in.n) {
		X509_CRL_free(x);
		return NULL;
	}
	return x;
}

/* CertificateList ::= SEQUENCE { tbsCertList, AlgorithmIdentifier, BIT STRING }; tbsCertList begins with version and algorithm. */
static bool parts(struct span in, struct der_cert *d)
{
	struct span list, tbs, whole, inner, bits, version;

	if (!der_next(&in, 0x30, &list) || in.n != 0 || !der_next_whole(&list, 0x30, &d->signed_part))
		return false;
	whole = d->signed_part;
	if (!der_next(&whole, 0x30, &tbs) || (tbs.n > 0 && tbs.p[0] == 0x02 && !der_next(&tbs, 0x02, &version)) ||
	    !der_next(&tbs, 0x30, &inner) || !der_next(&list, 0x30, &d->algorithm) || !der_next(&list, 0x03, &bits) || list.n != 0)
		return false;
	if (!span_eq(d->algorithm, inner) || bits.n < 2 || bits.p[0] != 0)
		return false;
	d->signature = span_skip(bits, 1);
	return true;
}

static void find_signature(struct crl *c)
{
	int n = i2d_X509_CRL(c->x, &c->der);

	if (n <= 0 || !parts((struct span){ c->der, (size_t)n }, &c->d) || !der_scheme_known(&c->d))
		c->d = (struct der_cert){ 0 };
}

/* By the same code as certificates, which the library's is slower than; it knows more algorithms. */
static bool verifies(const struct crl *l, const struct vkey *key)
{
	bool ok;

	if (l->d.signature.n > 0)
		return der_cert_signed_by(&l->d, key);
	ok = X509_CRL_verify(l->x, vkey_evp(key)) == 1;
	ERR_clear_error();
	return ok;
}

/* One list is asked for several paths to the same issuer: its signature is computed once. The list stays what it is; that a key signed it
 * is remembered with the key itself. */
static bool signed_by(const struct crl *l, const struct vkey *key)
{
	struct crl *memo = (struct crl *)(uintptr_t)l;

	if (l->by && vkey_eq(l->by, key))
		return true;
	if (!verifies(l, key))
		return false;
	if (!l->by)
		memo->by = vkey_share(key);
	return true;
}

enum coffer_rc crl_read(struct span in, struct crl **out, struct err *e)
{
	struct crl *c;
	X509_CRL *x = in.n > 0 && in.n <= CRL_MAX ? decode_crl(in) : NULL;
	int64_t from = 0, to = 0;

	ERR_clear_error();
	if (!x || !time_of(X509_CRL_get0_lastUpdate(x), &from) ||
	    (X509_CRL_get0_nextUpdate(x) && !time_of(X509_CRL_get0_nextUpdate(x), &to))) {
		X509_CRL_free(x);
		return err_set(e, COFFER_E_INPUT, "revocation list: malformed");
	}
	if (wants_more(x)) {
		X509_CRL_free(x);
		return err_set(e, COFFER_E_INPUT,
		    "revocation list: a critical extension that is not understood; its issuer must give a full list");
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		X509_CRL_free(x);
		return err_set(e, COFFER_E_SYSTEM, "revocation list: out of memory");
	}
	*c = (struct crl){ .x = x, .this_update = from, .next_update = to };
	find_signature(c);
	*out = c;
	return COFFER_OK;
}

bool crl_signed_by(const struct crl *l, const struct cert *issuer)
{
	struct span name;

	return crl_issuer(l, &name) && span_eq(name, issuer->f.subject) && cert_key(issuer) && signed_by(l, cert_key(issuer));
}

bool crl_signed_by_key(const struct crl *l, const char *issuer_cn, const struct vkey *key)
{
	char cn[CERT_CN_MAX];
	struct span name;

	return crl_issuer(l, &name) && cert_name_cn(name, cn, sizeof(cn)) && strcmp(cn, issuer_cn) == 0 && signed_by(l, key);
}

bool crl_lists(const struct crl *l, struct span serial)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(l->x);

	for (int i = 0; i < sk_X509_REVOKED_num(all); i++) {
		uint8_t buf[CERT_PARSED_SERIAL_MAX];
		size_t n = 0;
		const ASN1_INTEGER *s = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(all, i));

		if (read_serial(s, buf, sizeof(buf), &n) && span_eq((struct span){ buf, n }, serial))
			return true;
	}
	return false;
}

void crl_dates(const struct crl *l, int64_t *this_update, int64_t *next_update)
{
	*this_update = l->this_update;
	*next_update = l->next_update;
}
