#include "crypto/cert.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_pem.h"
#include "crypto/cert_priv.h"

#define CERT_MAX (64u << 10)
#define LIST_MAX (sizeof(((struct cert_list *)0)->c) / sizeof(struct cert *))

DEFINE_CLEANUP(BIO *, BIO_free_all)

/* ---- certificates ---- */

void cert_free(struct cert *c)
{
	if (!c || atomic_fetch_sub(&c->lists, 1) > 0)
		return;
	vkey_free(atomic_load(&c->key));
	free(c);
}

enum coffer_rc cert_der(struct span der, struct cert **out, struct err *e)
{
	CLEANUP(cert_freep) struct cert *c = NULL;

	if (der.n == 0 || der.n > CERT_MAX)
		return err_set(e, COFFER_E_INPUT, "certificate: %zu bytes", der.n);
	c = calloc(1, sizeof(*c) + der.n);
	if (!c)
		return err_set(e, COFFER_E_SYSTEM, "certificate: out of memory");
	memcpy(c->der, der.p, der.n);
	c->der_n = der.n;
	TRY(cert_parse(cert_bytes(c), &c->f, e));
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

bool cert_is_pem(struct span s)
{
	return memmem(s.p, s.n, "-----BEGIN ", 11) != NULL;
}

/* As everybody writes it (cert_pem.h); false, and out is as it was: OpenSSL says what it is. */
static bool read_plain(struct span in, struct cert_list *out)
{
	CLEANUP(certs_clear) struct cert_list all = { 0 };
	struct err ignore = { 0 };

	do {
		CLEANUP(wr_close) struct wr der = wr_open(CERT_MAX);
		struct cert *c = NULL;

		if (!cert_pem_next(&in, &der) || cert_der(wr_span(&der), &c, &ignore) != COFFER_OK || append(&all, c, &ignore) != COFFER_OK)
			return false;
	} while (in.n > 0);
	return certs_share(&all, out, &ignore) == COFFER_OK;
}

enum coffer_rc certs_read(struct span in, struct cert_list *out, struct err *e)
{
	struct cert *c = NULL;

	if (in.n == 0 || in.n > LIST_MAX * CERT_MAX)
		return err_set(e, COFFER_E_INPUT, "certificates: %zu bytes", in.n);
	if (cert_is_pem(in))
		return read_plain(in, out) ? COFFER_OK : read_pem(in, out, e);
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

static bool holds(const struct cert_list *l, const struct cert *c)
{
	for (size_t i = 0; i < l->n; i++)
		if (span_eq(cert_bytes(l->c[i]), cert_bytes(c)))
			return true;
	return false;
}

enum coffer_rc certs_join(const struct cert_list *from, struct cert_list *to, struct err *e)
{
	for (size_t i = 0; i < from->n; i++)
		if (!holds(to, from->c[i]))
			TRY(certs_share(&(struct cert_list){ .c = { from->c[i] }, .n = 1 }, to, e));
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

/* Made when it is asked for first: of many a certificate that comes along nobody asks. Of two threads that make it, one is first. */
const struct vkey *cert_key(const struct cert *c)
{
	union { const struct cert *in; struct cert *out; } same = { .in = c }; /* nothing but what is remembered changes */
	struct vkey *first = atomic_load(&c->key), *k = NULL;
	struct err e = { 0 };
	enum coffer_rc rc;

	if (first || atomic_load(&c->no_key))
		return first;
	rc = vkey_spki(c->f.d.spki, &k, &e);
	if (rc == COFFER_E_INPUT)
		atomic_store(&same.out->no_key, true);
	if (rc != COFFER_OK || atomic_compare_exchange_strong(&same.out->key, &first, k))
		return k;
	vkey_free(k);
	return first;
}

void cert_fingerprint(const struct cert *c, uint8_t out[static 32])
{
	sha256(cert_bytes(c), out);
}

bool cert_name_cn(struct span name, char *out, size_t n)
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
	return cert_name_cn(c->f.subject, out, n);
}

bool cert_issuer_cn(const struct cert *c, char *out, size_t n)
{
	return cert_name_cn(c->f.issuer, out, n);
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
	uint8_t buf[DER_OID_MAX];
	struct span id;

	return der_oid(oid, buf, &id) && der_cert_ext(&c->f.d, id, out);
}

bool cert_signed_by(const struct cert *c, const struct cert *issuer)
{
	return span_eq(c->f.issuer, issuer->f.subject) && cert_key(issuer) && der_cert_signed_by(&c->f.d, cert_key(issuer));
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
