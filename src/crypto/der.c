#include "crypto/der.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"

#define SEQUENCE 0x30
#define INTEGER 0x02
#define BIT_STRING 0x03
#define OCTET_STRING 0x04
#define NULL_VALUE 0x05
#define OID 0x06
#define BOOLEAN 0x01
#define CONTEXT(n) ((uint8_t)(0xa0 | (n)))

/* One element: its tag and length of at most three octets, as short as DER wants it. */
static bool element(struct span *in, uint8_t *tag, struct span *content, struct span *whole)
{
	size_t head = 2, n;

	if (in->n < 2)
		return false;
	*tag = in->p[0];
	n = in->p[1];
	if (n >= 0x80) {
		size_t octets = n & 0x7f;

		if (octets < 1 || octets > 3 || in->n < 2 + octets || in->p[2] == 0)
			return false;
		n = 0;
		for (size_t i = 0; i < octets; i++)
			n = n << 8 | in->p[2 + i];
		head += octets;
		if (n < 0x80)
			return false;
	}
	if (n > in->n - head)
		return false;
	*content = (struct span){ in->p + head, n };
	*whole = (struct span){ in->p, head + n };
	*in = span_skip(*in, head + n);
	return true;
}

bool der_next(struct span *in, uint8_t tag, struct span *content)
{
	struct span rest = *in, whole;
	uint8_t got;

	if (!element(&rest, &got, content, &whole) || got != tag)
		return false;
	*in = rest;
	return true;
}

bool der_next_whole(struct span *in, uint8_t tag, struct span *whole)
{
	struct span rest = *in, content;
	uint8_t got;

	if (!element(&rest, &got, &content, whole) || got != tag)
		return false;
	*in = rest;
	return true;
}

bool der_any(struct span *in, uint8_t *tag, struct span *content)
{
	struct span rest = *in, whole;

	if (!element(&rest, tag, content, &whole))
		return false;
	*in = rest;
	return true;
}

/* ---- certificates ---- */

/* Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING } */
static bool read_extension(struct span *list, struct span *oid, struct span *value)
{
	struct span ext, critical;

	if (!der_next(list, SEQUENCE, &ext) || !der_next(&ext, OID, oid))
		return false;
	if (ext.n > 0 && ext.p[0] == BOOLEAN && !der_next(&ext, BOOLEAN, &critical))
		return false;
	return der_next(&ext, OCTET_STRING, value) && ext.n == 0;
}

bool der_cert_ext(const struct der_cert *c, struct span oid, struct span *out)
{
	struct span list = c->extensions;
	bool found = false;

	while (list.n > 0) {
		struct span id, value;

		if (!read_extension(&list, &id, &value))
			return false;
		if (!span_eq(id, oid))
			continue;
		if (found)
			return false;
		*out = value;
		found = true;
	}
	return found;
}

/* ---- keys ---- */

static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };

/* A positive INTEGER without its sign octet. */
static bool positive(struct span *in, struct span *out)
{
	if (!der_next(in, INTEGER, out) || out->n == 0 || (out->p[0] & 0x80))
		return false;
	if (out->n > 1 && out->p[0] == 0)
		*out = span_skip(*out, 1);
	return true;
}

static enum coffer_rc rsa_key(struct span bits, struct vkey **out, struct err *e)
{
	struct span seq, n, exponent;

	if (!der_next(&bits, SEQUENCE, &seq) || bits.n != 0 || !positive(&seq, &n) || !positive(&seq, &exponent) || seq.n != 0)
		return err_set(e, COFFER_E_INPUT, "certificate: malformed RSA key");
	return vkey_rsa(n, exponent, out, e);
}

enum coffer_rc der_key(struct span spki, struct vkey **out, struct err *e)
{
	struct span seq, alg, id, bits, curve;

	if (!der_next(&spki, SEQUENCE, &seq) || spki.n != 0 || !der_next(&seq, SEQUENCE, &alg) || !der_next(&seq, BIT_STRING, &bits) ||
	    seq.n != 0 || bits.n < 2 || bits.p[0] != 0 || !der_next(&alg, OID, &id))
		return err_set(e, COFFER_E_INPUT, "certificate: malformed key");
	bits = span_skip(bits, 1);
	if (span_eq(id, SPAN(oid_rsa)))
		return rsa_key(bits, out, e);
	if (!span_eq(id, SPAN(oid_ec)) || !der_next(&alg, OID, &curve) || alg.n != 0 || bits.p[0] != 4)
		return err_set(e, COFFER_E_INPUT, "certificate: a key of another kind");
	bits = span_skip(bits, 1);
	if (span_eq(curve, SPAN(oid_p256)))
		return vkey_ec(VKEY_P256, bits, out, e);
	if (span_eq(curve, SPAN(oid_p384)))
		return vkey_ec(VKEY_P384, bits, out, e);
	return err_set(e, COFFER_E_INPUT, "certificate: a key on another curve");
}

/* ---- signatures ---- */

static const uint8_t oid_ecdsa[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03 };       /* .2 .3 .4 */
static const uint8_t oid_pkcs1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01 };  /* .11 .12 .13; .10 is PSS */
static const uint8_t oid_sha2[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02 };   /* .1 .2 .3 */

static const uint8_t oid_mgf1[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08 };

static bool sha2_by(uint8_t last, uint8_t first, enum hash_alg *out)
{
	static const enum hash_alg of[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };

	if (last < first || last > first + 2)
		return false;
	*out = of[last - first];
	return true;
}

/* AlgorithmIdentifier of a SHA-2 digest, parameters absent or NULL; used to its end. */
static bool sha2_alg(struct span wrapped, enum hash_alg *out)
{
	struct span alg, id, none;

	if (!der_next(&wrapped, SEQUENCE, &alg) || wrapped.n != 0 || !der_next(&alg, OID, &id) || id.n != sizeof(oid_sha2) + 1 ||
	    !span_eq((struct span){ id.p, sizeof(oid_sha2) }, SPAN(oid_sha2)) || !sha2_by(id.p[sizeof(oid_sha2)], 1, out))
		return false;
	return alg.n == 0 || (der_next(&alg, NULL_VALUE, &none) && none.n == 0 && alg.n == 0);
}

static bool is_number(struct span wrapped, uint8_t want)
{
	struct span n;

	return der_next(&wrapped, INTEGER, &n) && wrapped.n == 0 && n.n == 1 && n.p[0] == want;
}

/* maskGenAlgorithm: MGF1 with that digest. */
static bool is_mgf1(struct span wrapped, enum hash_alg want)
{
	struct span alg, id;
	enum hash_alg h;

	return der_next(&wrapped, SEQUENCE, &alg) && wrapped.n == 0 && der_next(&alg, OID, &id) && span_eq(id, SPAN(oid_mgf1)) &&
	       sha2_alg(alg, &h) && h == want;
}

/* RSASSA-PSS-params (RFC 4055 3.1): hashAlgorithm [0], maskGenAlgorithm [1] with the same digest, saltLength [2] the digest's.
 * trailerField [3] is 1 and should be left out; AMD writes it. */
static bool pss_hash(struct span params, enum hash_alg *out)
{
	struct span seq, hash, mgf, salt, trailer;

	if (!der_next(&params, SEQUENCE, &seq) || params.n != 0 || !der_next(&seq, CONTEXT(0), &hash) || !sha2_alg(hash, out))
		return false;
	if (!der_next(&seq, CONTEXT(1), &mgf) || !is_mgf1(mgf, *out) || !der_next(&seq, CONTEXT(2), &salt) ||
	    !is_number(salt, (uint8_t)hash_len(*out)))
		return false;
	return seq.n == 0 || (der_next(&seq, CONTEXT(3), &trailer) && seq.n == 0 && is_number(trailer, 1));
}

static bool scheme_of(struct span algorithm, enum sig_scheme *s, enum hash_alg *h)
{
	struct span id;

	if (!der_next(&algorithm, OID, &id))
		return false;
	if (id.n == sizeof(oid_ecdsa) + 1 && span_eq((struct span){ id.p, sizeof(oid_ecdsa) }, SPAN(oid_ecdsa))) {
		*s = SIG_ECDSA_DER;
		return sha2_by(id.p[sizeof(oid_ecdsa)], 2, h);
	}
	if (id.n != sizeof(oid_pkcs1) + 1 || !span_eq((struct span){ id.p, sizeof(oid_pkcs1) }, SPAN(oid_pkcs1)))
		return false;
	if (id.p[sizeof(oid_pkcs1)] == 10) {
		*s = SIG_RSAPSS;
		return pss_hash(algorithm, h);
	}
	*s = SIG_RSASSA;
	return sha2_by(id.p[sizeof(oid_pkcs1)], 11, h);
}

bool der_cert_signed_by(const struct der_cert *c, const struct vkey *key)
{
	enum sig_scheme s;
	enum hash_alg h;

	return scheme_of(c->algorithm, &s, &h) && vkey_verify(key, s, h, c->signed_part, c->signature);
}

bool der_scheme_known(const struct der_cert *c)
{
	enum sig_scheme s;
	enum hash_alg h;

	return scheme_of(c->algorithm, &s, &h);
}

/* ---- OBJECT IDENTIFIERs ---- */

static bool put_arc(uint8_t *buf, size_t *n, uint64_t arc)
{
	int shift = 0;

	while (arc >> (shift + 7))
		shift += 7;
	if (*n + (size_t)shift / 7 + 1 > DER_OID_MAX)
		return false;
	for (; shift >= 0; shift -= 7)
		buf[(*n)++] = (uint8_t)((arc >> shift & 0x7f) | (shift ? 0x80 : 0));
	return true;
}

/* X.690 8.19: the first two arcs are one number. */
bool der_oid(const char *dotted, uint8_t buf[static DER_OID_MAX], struct span *out)
{
	struct span s = span_of(dotted);
	uint64_t arc, first = 0;
	size_t n = 0;

	for (size_t i = 0; i < 2 || s.n > 0; i++) {
		size_t dot = span_find(s, '.');

		if (!span_u64((struct span){ s.p, dot }, &arc) || arc > UINT32_MAX || dot + 1 == s.n)
			return false;
		s = span_skip(s, dot + 1);
		if (i == 0 && (first = arc) > 2)
			return false;
		if (i == 1 && first < 2 && arc > 39)
			return false;
		if (i > 0 && !put_arc(buf, &n, i == 1 ? 40 * first + arc : arc))
			return false;
	}
	*out = (struct span){ buf, n };
	return true;
}
