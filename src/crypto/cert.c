#include "crypto/cert.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

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
	vkey_free(c->key);
	free(c);
}

enum coffer_rc cert_der(struct span der, struct cert **out, struct err *e)
{
	CLEANUP(cert_freep) struct cert *c = NULL;
	struct err ignore = { 0 };

	if (der.n == 0 || der.n > CERT_MAX)
		return err_set(e, COFFER_E_INPUT, "certificate: %zu bytes", der.n);
	c = calloc(1, sizeof(*c) + der.n);
	if (!c)
		return err_set(e, COFFER_E_SYSTEM, "certificate: out of memory");
	memcpy(c->der, der.p, der.n);
	c->der_n = der.n;
	TRY(cert_parse(cert_bytes(c), &c->f, e));
	if (vkey_spki(c->f.d.spki, &c->key, &ignore) != COFFER_OK)
		c->key = NULL; /* of a kind that no evidence is signed with */
	*out = MOVE(c);
	return COFFER_OK;
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

struct pem_block { char *name, *header; uint8_t *data; long n; };

static void block_clear(struct pem_block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_free(b->data);
	*b = (struct pem_block){ 0 };
}

/* Other blocks (keys, lists) are passed over; certificates with OpenSSL's own trust settings are another format. */
static enum coffer_rc take_block(const struct pem_block *b, struct cert_list *out, struct err *e)
{
	struct cert *c = NULL;

	if (strcmp(b->name, "CERTIFICATE") != 0 && strcmp(b->name, "X509 CERTIFICATE") != 0)
		return COFFER_OK;
	if (b->header[0] || b->n < 0)
		return err_set(e, COFFER_E_INPUT, "certificates: a PEM block with headers");
	TRY(cert_der((struct span){ b->data, (size_t)b->n }, &c, e));
	return append(out, c, e);
}

static enum coffer_rc read_pem(struct span pem, struct cert_list *out, struct err *e)
{
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	size_t before = out->n;
	bool at_end;

	if (!bio)
		return err_set(e, COFFER_E_SYSTEM, "certificates: out of memory");
	ERR_clear_error();
	for (;;) {
		CLEANUP(block_clear) struct pem_block b = { 0 };

		if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.n) != 1)
			break;
		TRY(take_block(&b, out, e));
	}
	at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	if (!at_end)
		return err_set(e, COFFER_E_INPUT, "certificates: a malformed PEM block");
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

/* The value of the one common name; false for none, two, an empty one and one with a NUL. */
static bool common_name(struct span name, char *out, size_t n)
{
	static const uint8_t cn[] = { 0x55, 0x04, 0x03 };
	struct span set, pair, id, value, found = { 0 };
	uint8_t tag;

	while (name.n > 0) {
		if (!der_next(&name, 0x31, &set))
			return false;
		while (set.n > 0) {
			if (!der_next(&set, 0x30, &pair) || !der_next(&pair, 0x06, &id) || !der_any(&pair, &tag, &value))
				return false;
			if (!span_eq(id, SPAN(cn)))
				continue;
			if (found.p)
				return false;
			found = value;
		}
	}
	if (found.n == 0 || found.n >= n || memchr(found.p, 0, found.n))
		return false;
	memcpy(out, found.p, found.n);
	out[found.n] = '\0';
	return true;
}

bool cert_subject_cn(const struct cert *c, char *out, size_t n)
{
	return common_name(c->f.subject, out, n);
}

bool cert_issuer_cn(const struct cert *c, char *out, size_t n)
{
	return common_name(c->f.issuer, out, n);
}

struct span cert_serial(const struct cert *c)
{
	return c->f.serial;
}

void cert_dates(const struct cert *c, int64_t *not_before, int64_t *not_after)
{
	*not_before = c->f.not_before;
	*not_after = c->f.not_after;
}

/* Where a certificate has it twice, it was not read. */
bool cert_ext(const struct cert *c, const char *oid, struct span *out)
{
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	return o && der_cert_ext(&c->f.d, (struct span){ OBJ_get0_data(o), OBJ_length(o) }, out);
}

bool cert_signed_by(const struct cert *c, const struct cert *issuer)
{
	return issuer->key && span_eq(c->f.issuer, issuer->f.subject) && der_cert_signed_by(&c->f.d, issuer->key);
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

	return cert_issuer_cn(c, cn, sizeof(cn)) && strcmp(cn, issuer_cn) == 0 && der_cert_signed_by(&c->f.d, key);
}

/* ---- revocation lists ---- */

struct crl { X509_CRL *x; int64_t this_update, next_update; };

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
	*c = (struct crl){ x, from, to };
	*out = c;
	return COFFER_OK;
}

bool crl_signed_by(const struct crl *l, const struct cert *issuer)
{
	struct span name;
	bool ok = issuer->key && crl_issuer(l, &name) && span_eq(name, issuer->f.subject) &&
	          X509_CRL_verify(l->x, vkey_evp(issuer->key)) == 1;

	ERR_clear_error();
	return ok;
}

bool crl_signed_by_key(const struct crl *l, const char *issuer_cn, const struct vkey *key)
{
	char cn[CERT_CN_MAX];
	struct span name;
	bool ok = crl_issuer(l, &name) && common_name(name, cn, sizeof(cn)) && strcmp(cn, issuer_cn) == 0 &&
	          X509_CRL_verify(l->x, vkey_evp(key)) == 1;

	ERR_clear_error();
	return ok;
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
