#include "crypto/cert.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_priv.h"
#include "crypto/vkey_priv.h"

#define CERT_MAX (64u << 10)
#define CRL_MAX (4u << 20)
#define LIST_MAX (sizeof(((struct cert_list *)0)->c) / sizeof(struct cert *))

DEFINE_CLEANUP(BIO *, BIO_free_all)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(ASN1_OBJECT *, ASN1_OBJECT_free)

/* ---- certificates ---- */

void cert_free(struct cert *c)
{
	if (!c || atomic_fetch_sub(&c->lists, 1) > 0)
		return;
	X509_free(c->x);
	vkey_free(c->key);
	OPENSSL_free(c->der);
	free(c);
}

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

static enum coffer_rc adopt(X509 *x, struct cert **out, struct err *e)
{
	CLEANUP(cert_freep) struct cert *c = calloc(1, sizeof(*c));
	struct err ignore = { 0 };
	EVP_PKEY *pkey;
	int n;

	if (!c) {
		X509_free(x);
		return err_set(e, COFFER_E_SYSTEM, "certificate: out of memory");
	}
	c->x = x;
	n = i2d_X509(x, &c->der);
	pkey = X509_get_pubkey(x);
	ERR_clear_error();
	if (pkey && vkey_adopt(pkey, &c->key, &ignore) != COFFER_OK)
		c->key = NULL; /* of a kind that no evidence is signed with */
	if (n <= 0 || !time_of(X509_get0_notBefore(x), &c->not_before) || !time_of(X509_get0_notAfter(x), &c->not_after) ||
	    !read_serial(X509_get0_serialNumber(x), c->serial, sizeof(c->serial), &c->serial_n))
		return err_set(e, COFFER_E_INPUT, "certificate: malformed dates or serial number");
	c->der_n = (size_t)n;
	*out = MOVE(c);
	return COFFER_OK;
}

enum coffer_rc cert_der(struct span der, struct cert **out, struct err *e)
{
	const unsigned char *p = der.p;
	X509 *x;

	if (der.n == 0 || der.n > CERT_MAX)
		return err_set(e, COFFER_E_INPUT, "certificate: %zu bytes", der.n);
	x = d2i_X509(NULL, &p, (long)der.n);
	ERR_clear_error();
	if (!x || p != der.p + der.n) {
		X509_free(x);
		return err_set(e, COFFER_E_INPUT, "certificate: malformed DER");
	}
	return adopt(x, out, e);
}

static enum coffer_rc append(struct cert_list *l, struct cert *c, struct err *e)
{
	if (l->n == LIST_MAX) {
		cert_free(c);
		return err_set(e, COFFER_E_LIMIT, "certificates: more than %zu", LIST_MAX);
	}
	l->c[l->n++] = c;
	return COFFER_OK;
}

static enum coffer_rc read_pem(struct span pem, struct cert_list *out, struct err *e)
{
	CLEANUP(BIO_free_allp) BIO *b = BIO_new_mem_buf(pem.p, (int)pem.n);
	size_t before = out->n;
	X509 *x;

	if (!b)
		return err_set(e, COFFER_E_SYSTEM, "certificates: out of memory");
	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL))) {
		struct cert *c = NULL;

		TRY(adopt(x, &c, e));
		TRY(append(out, c, e));
	}
	ERR_clear_error();
	return out->n > before ? COFFER_OK : err_set(e, COFFER_E_INPUT, "certificates: neither DER nor PEM");
}

static bool is_pem(struct span s)
{
	return memmem(s.p, s.n, "-----BEGIN ", 11) != NULL;
}

enum coffer_rc certs_read(struct span in, struct cert_list *out, struct err *e)
{
	struct cert *c = NULL;

	if (in.n == 0 || in.n > LIST_MAX * CERT_MAX)
		return err_set(e, COFFER_E_INPUT, "certificates: %zu bytes", in.n);
	if (is_pem(in))
		return read_pem(in, out, e);
	TRY(cert_der(in, &c, e));
	return append(out, c, e);
}

enum coffer_rc certs_share(const struct cert_list *from, struct cert_list *to, struct err *e)
{
	for (size_t i = 0; i < from->n; i++) {
		atomic_fetch_add(&from->c[i]->lists, 1);
		TRY(append(to, from->c[i], e));
	}
	return COFFER_OK;
}

void certs_clear(struct cert_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		cert_free(l->c[i]);
	*l = (struct cert_list){ 0 };
}

struct span cert_bytes(const struct cert *c)
{
	return (struct span){ c->der, c->der_n };
}

const struct vkey *cert_key(const struct cert *c)
{
	return c->key;
}

void cert_fingerprint(const struct cert *c, uint8_t out[static 32])
{
	sha256(cert_bytes(c), out);
}

static bool common_name(const X509_NAME *name, char *out, size_t n)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const X509_NAME_ENTRY *entry = at >= 0 ? X509_NAME_get_entry(name, at) : NULL;
	const ASN1_STRING *s = entry ? X509_NAME_ENTRY_get_data(entry) : NULL;
	size_t len = s ? (size_t)ASN1_STRING_length(s) : 0;

	if (len == 0 || len >= n || memchr(ASN1_STRING_get0_data(s), 0, len) ||
	    X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return false;
	memcpy(out, ASN1_STRING_get0_data(s), len);
	out[len] = '\0';
	return true;
}

bool cert_subject_cn(const struct cert *c, char *out, size_t n)
{
	return common_name(X509_get_subject_name(c->x), out, n);
}

bool cert_issuer_cn(const struct cert *c, char *out, size_t n)
{
	return common_name(X509_get_issuer_name(c->x), out, n);
}

struct span cert_serial(const struct cert *c)
{
	return (struct span){ c->serial, c->serial_n };
}

void cert_dates(const struct cert *c, int64_t *not_before, int64_t *not_after)
{
	*not_before = c->not_before;
	*not_after = c->not_after;
}

/* Twice the same extension is nobody's certificate: refused as if absent. */
bool cert_ext(const struct cert *c, const char *oid, struct span *out)
{
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = o ? X509_get_ext_by_OBJ(c->x, o, -1) : -1;
	const ASN1_OCTET_STRING *v;

	if (at < 0 || X509_get_ext_by_OBJ(c->x, o, at) >= 0)
		return false;
	v = X509_EXTENSION_get_data(X509_get_ext(c->x, at));
	*out = (struct span){ ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v) };
	return true;
}

bool cert_signed_by(const struct cert *c, const struct cert *issuer)
{
	EVP_PKEY *pkey = X509_get0_pubkey(issuer->x);
	bool ok = pkey && X509_NAME_cmp(X509_get_issuer_name(c->x), X509_get_subject_name(issuer->x)) == 0 &&
	          X509_verify(c->x, pkey) == 1;

	ERR_clear_error();
	return ok;
}

void anchors_clear(struct anchors *a)
{
	for (size_t i = 0; i < a->n_keys; i++)
		vkey_free(a->key[i].own);
	certs_clear(&a->certs);
	*a = (struct anchors){ 0 };
}

enum coffer_rc anchors_add(struct anchors *a, const char *cn, struct vkey *key, struct err *e)
{
	enum coffer_rc rc = anchors_borrow(a, cn, key, e);

	if (rc == COFFER_OK)
		a->key[a->n_keys - 1].own = key;
	else
		vkey_free(key);
	return rc;
}

enum coffer_rc anchors_borrow(struct anchors *a, const char *cn, const struct vkey *key, struct err *e)
{
	if (a->n_keys == sizeof(a->key) / sizeof(a->key[0]) || strlen(cn) >= sizeof(a->key[0].cn))
		return err_set(e, COFFER_E_LIMIT, "anchors: too many, or too long a name");
	memcpy(a->key[a->n_keys].cn, cn, strlen(cn) + 1);
	a->key[a->n_keys++].key = key;
	return COFFER_OK;
}

bool cert_signed_by_key(const struct cert *c, const char *issuer_cn, const struct vkey *key)
{
	char cn[CERT_CN_MAX];
	bool ok = cert_issuer_cn(c, cn, sizeof(cn)) && strcmp(cn, issuer_cn) == 0 && X509_verify(c->x, vkey_evp(key)) == 1;

	ERR_clear_error();
	return ok;
}

/* ---- revocation lists ---- */

struct crl { X509_CRL *x; int64_t this_update, next_update; };

void crl_free(struct crl *c)
{
	if (!c)
		return;
	X509_CRL_free(c->x);
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

	if (is_pem(in)) {
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
	c = calloc(1, sizeof(*c));
	if (!c) {
		X509_CRL_free(x);
		return err_set(e, COFFER_E_SYSTEM, "revocation list: out of memory");
	}
	*c = (struct crl){ x, from, to };
	*out = c;
	return COFFER_OK;
}

bool crl_signed_by(const struct crl *l, const struct cert *issuer)
{
	EVP_PKEY *pkey = X509_get0_pubkey(issuer->x);
	bool ok = pkey && X509_NAME_cmp(X509_CRL_get_issuer(l->x), X509_get_subject_name(issuer->x)) == 0 &&
	          X509_CRL_verify(l->x, pkey) == 1;

	ERR_clear_error();
	return ok;
}

bool crl_signed_by_key(const struct crl *l, const char *issuer_cn, const struct vkey *key)
{
	char cn[CERT_CN_MAX];
	bool ok = common_name(X509_CRL_get_issuer(l->x), cn, sizeof(cn)) && strcmp(cn, issuer_cn) == 0 &&
	          X509_CRL_verify(l->x, vkey_evp(key)) == 1;

	ERR_clear_error();
	return ok;
}

bool crl_lists(const struct crl *l, struct span serial)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(l->x);

	for (int i = 0; i < sk_X509_REVOKED_num(all); i++) {
		uint8_t buf[CERT_SERIAL_MAX];
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
