#include "tests/certagree.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "crypto/cert_parse.h"

static bool same_time(const ASN1_TIME *t, int64_t ours)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) == 1 && (int64_t)timegm(&tm) == ours;
}

static bool same_name(const X509_NAME *n, struct span ours)
{
	const unsigned char *p = NULL;
	size_t len = 0;
	struct span in, content;

	if (X509_NAME_get0_der(n, &p, &len) != 1)
		return false;
	in = (struct span){ p, len };
	return der_next(&in, 0x30, &content) && span_eq(content, ours);
}

static bool same_serial(const X509 *x, struct span ours)
{
	BIGNUM *b = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	uint8_t buf[64];
	bool same = b && !BN_is_negative(b) && BN_num_bytes(b) <= 64 &&
	            span_eq((struct span){ buf, (size_t)BN_bn2bin(b, buf) }, ours);

	BN_free(b);
	return same;
}

/* What is allowed must be the same; where OpenSSL sees a use malformed that we do not look at, it is not compared. */
static bool same_use(X509 *x, const struct cert_fields *c)
{
	uint32_t flags = X509_get_extension_flags(x), usage = X509_get_key_usage(x);

	if ((flags & EXFLAG_INVALID) || c->bad_use)
		return true;
	return c->ca == !!(flags & EXFLAG_CA) && X509_get_pathlen(x) == c->pathlen && c->has_usage == !!(flags & EXFLAG_KUSAGE) &&
	       (!c->has_usage || !!(usage & KU_KEY_CERT_SIGN) == !!(c->usage & 1u << 5));
}

bool cert_agrees(struct span der, bool must)
{
	const unsigned char *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	struct cert_fields c = { .pathlen = 77 };
	struct err e = { 0 };
	bool ours = cert_parse(der, &c, &e) == COFFER_OK, ok;

	if (ours)
		ok = x && p == der.p + der.n && same_name(X509_get_issuer_name(x), c.issuer) &&
		     same_name(X509_get_subject_name(x), c.subject) && same_serial(x, c.serial) &&
		     same_time(X509_get0_notBefore(x), c.not_before) && same_time(X509_get0_notAfter(x), c.not_after) && same_use(x, &c);
	else
		ok = !must && c.pathlen == 77; /* untouched */
	X509_free(x);
	ERR_clear_error();
	return ok;
}
