#include "crypto/cert_parse.h"

#include <string.h>

#include "base/calendar.h"
#include "base/str.h"
#include "fmt/utf8.h"

#define BOOLEAN 0x01
#define INTEGER 0x02
#define BIT_STRING 0x03
#define OCTET_STRING 0x04
#define NULL_VALUE 0x05
#define OID 0x06
#define UTF8_STRING 0x0c
#define NUMERIC_STRING 0x12
#define PRINTABLE_STRING 0x13
#define T61_STRING 0x14
#define IA5_STRING 0x16
#define UTC_TIME 0x17
#define GENERALIZED_TIME 0x18
#define SEQUENCE 0x30
#define SET 0x31
#define CONTEXT(n) ((uint8_t)(0xa0 | (n)))
#define CONTEXT_PLAIN(n) ((uint8_t)(0x80 | (n)))

/* ---- scalars ---- */

static bool integer(struct span *in, struct span *out)
{
	if (!der_next(in, INTEGER, out) || out->n == 0)
		return false;
	return out->n == 1 || !((out->p[0] == 0 && out->p[1] < 0x80) || (out->p[0] == 0xff && out->p[1] >= 0x80));
}

static bool unsigned_integer(struct span *in, struct span *out)
{
	if (!integer(in, out) || out->p[0] >= 0x80)
		return false;
	if (out->p[0] == 0)
		*out = span_skip(*out, 1);
	return true;
}

/* Arcs in base 128, as short as they can be. */
static bool oid_ok(struct span id)
{
	bool start = true;

	for (size_t i = 0; i < id.n; i++) {
		if (start && id.p[i] == 0x80)
			return false;
		start = id.p[i] < 0x80;
	}
	return id.n > 0 && start;
}

static bool algorithm_ok(struct span alg)
{
	struct span id, content;
	uint8_t tag;

	if (!der_next(&alg, OID, &id) || !oid_ok(id))
		return false;
	if (alg.n == 0)
		return true;
	if (!der_any(&alg, &tag, &content) || alg.n != 0)
		return false;
	return tag == SEQUENCE || (tag == NULL_VALUE && content.n == 0) || (tag == OID && oid_ok(content));
}

static bool two(struct span *s, int64_t *out)
{
	if (s->n < 2 || s->p[0] < '0' || s->p[0] > '9' || s->p[1] < '0' || s->p[1] > '9')
		return false;
	*out = 10 * (s->p[0] - '0') + (s->p[1] - '0');
	*s = span_skip(*s, 2);
	return true;
}

bool cert_time(struct span *in, int64_t *out)
{
	int64_t century, year, f[5], day; /* month, day, hour, minute, second */
	struct span t;
	uint8_t tag;

	if (!der_any(in, &tag, &t) || (tag != UTC_TIME && tag != GENERALIZED_TIME))
		return false;
	if (tag == GENERALIZED_TIME && !two(&t, &century))
		return false;
	if (!two(&t, &year))
		return false;
	if (tag == UTC_TIME)
		century = year < 50 ? 20 : 19;
	year += 100 * century;
	for (size_t i = 0; i < 5; i++)
		if (!two(&t, &f[i]))
			return false;
	if (t.n != 1 || t.p[0] != 'Z' || f[0] < 1 || f[0] > 12 || f[1] < 1 || f[1] > month_days(year, (int)f[0]) || f[2] > 23 ||
	    f[3] > 59 || f[4] > 59)
		return false;
	day = year_start(year) + f[1] - 1;
	for (int m = 1; m < f[0]; m++)
		day += month_days(year, m);
	*out = ((day * 24 + f[2]) * 60 + f[3]) * 60 + f[4];
	return true;
}

/* ---- names ---- */

/* Not BMPString and UniversalString: makers of evidence have no such names, and RFC 5280 4.1.2.4 wants none in new ones. */
static bool text_ok(uint8_t tag, struct span v)
{
	return tag == UTF8_STRING ? utf8_ok(v)
	                          : tag == NUMERIC_STRING || tag == PRINTABLE_STRING || tag == T61_STRING || tag == IA5_STRING;
}

/* RDNSequence ::= SEQUENCE OF SET SIZE (1..MAX) OF SEQUENCE { OID, value } */
static bool name_ok(struct span name)
{
	while (name.n > 0) {
		struct span set, pair, id, value;
		uint8_t tag;

		if (!der_next(&name, SET, &set) || set.n == 0)
			return false;
		while (set.n > 0)
			if (!der_next(&set, SEQUENCE, &pair) || !der_next(&pair, OID, &id) || !oid_ok(id) ||
			    !der_any(&pair, &tag, &value) || pair.n != 0 || !text_ok(tag, value))
				return false;
	}
	return true;
}

/* ---- extensions ---- */

/* BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL } */
static bool read_basic(struct span v, struct cert_fields *c)
{
	struct span seq, flag, n;

	if (!der_next(&v, SEQUENCE, &seq) || v.n != 0)
		return false;
	if (seq.n > 0 && seq.p[0] == BOOLEAN) {
		if (!der_next(&seq, BOOLEAN, &flag) || flag.n != 1 || (flag.p[0] != 0 && flag.p[0] != 0xff))
			return false;
		c->ca = flag.p[0] == 0xff;
	}
	if (seq.n == 0)
		return true;
	if (!unsigned_integer(&seq, &n) || seq.n != 0 || n.n > 4)
		return false;
	c->pathlen = 0;
	for (size_t i = 0; i < n.n; i++)
		c->pathlen = c->pathlen << 8 | n.p[i];
	return c->ca || c->pathlen == 0; /* makers of leaves write a zero */
}

static bool read_usage(struct span v, struct cert_fields *c)
{
	struct span bits;

	if (!der_next(&v, BIT_STRING, &bits) || v.n != 0 || bits.n < 2 || bits.n > 3 || bits.p[0] > 7 ||
	    (bits.p[bits.n - 1] & ((1u << bits.p[0]) - 1)) != 0)
		return false;
	for (unsigned i = 0; i < 9 && 1 + i / 8 < bits.n; i++)
		if (bits.p[1 + i / 8] & (0x80u >> i % 8))
			c->usage |= (uint16_t)(1u << i);
	c->has_usage = true;
	return c->usage != 0;
}

/* ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF OID; whether `want`, which may be empty, is one of them. */
static bool read_purposes(struct span v, struct span want, bool *found)
{
	struct span list, id;

	*found = false;
	if (!der_next(&v, SEQUENCE, &list) || v.n != 0 || list.n == 0)
		return false;
	while (list.n > 0) {
		if (!der_next(&list, OID, &id) || !oid_ok(id))
			return false;
		*found = *found || span_eq(id, want);
	}
	return true;
}

/* GeneralNames ::= SEQUENCE SIZE (1..MAX) OF GeneralName, which are [0] to [8]. */
static bool read_other_names(struct span v)
{
	struct span list, content;
	uint8_t tag;

	if (!der_next(&v, SEQUENCE, &list) || v.n != 0 || list.n == 0)
		return false;
	while (list.n > 0)
		if (!der_any(&list, &tag, &content) || (tag & 0xc0) != 0x80 || (tag & 0x1f) > 8)
			return false;
	return true;
}

static void look_at(struct span id, bool critical, struct span value, struct cert_fields *c)
{
	uint8_t which = id.n == 3 && id.p[0] == 0x55 && id.p[1] == 0x1d ? id.p[2] : 0; /* id-ce */
	bool any;

	if (which == 19)
		c->bad_use = !read_basic(value, c) || c->bad_use;
	else if (which == 15)
		c->bad_use = !read_usage(value, c) || c->bad_use;
	else if (which == 37)
		c->bad_use = !read_purposes(value, (struct span){ 0 }, &any) || c->bad_use;
	else if (which == 17)
		c->bad_use = !read_other_names(value) || c->bad_use;
	else if (critical)
		c->critical_unknown = true;
}

bool cert_fields_for(const struct cert_fields *c, struct span purpose)
{
	static const uint8_t ext_key_usage[] = { 0x55, 0x1d, 0x25 };
	struct span value;
	bool found;

	return der_cert_ext(&c->d, SPAN(ext_key_usage), &value) && read_purposes(value, purpose, &found) && found;
}

bool cert_fields_allow(const struct cert_fields *c, uint16_t usage)
{
	return !c->bad_use && (!c->has_usage || (c->usage & usage));
}

bool cert_fields_issuer(const struct cert_fields *c, size_t below)
{
	return !c->bad_use && !c->critical_unknown && c->ca && (c->pathlen < 0 || below <= (size_t)c->pathlen) &&
	       cert_fields_allow(c, CERT_USE_SIGN_CERTS);
}

static bool read_extension(struct span *list, struct cert_fields *c, struct span *id)
{
	struct span ext, flag, value;
	bool critical = false;

	if (!der_next(list, SEQUENCE, &ext) || !der_next(&ext, OID, id) || !oid_ok(*id))
		return false;
	if (ext.n > 0 && ext.p[0] == BOOLEAN) {
		if (!der_next(&ext, BOOLEAN, &flag) || flag.n != 1 || (flag.p[0] != 0 && flag.p[0] != 0xff))
			return false;
		critical = flag.p[0] == 0xff;
	}
	if (!der_next(&ext, OCTET_STRING, &value) || ext.n != 0)
		return false;
	look_at(*id, critical, value, c);
	return true;
}

static bool read_extensions(struct cert_fields *c)
{
	struct span list = c->d.extensions, seen[CERT_EXTENSIONS_MAX];

	for (size_t n = 0; list.n > 0; n++) {
		if (n == CERT_EXTENSIONS_MAX || !read_extension(&list, c, &seen[n]))
			return false;
		for (size_t i = 0; i < n; i++)
			if (span_eq(seen[i], seen[n]))
				return false;
	}
	return true;
}

/* ---- the whole ---- */

/* *version: 1, 2 or 3; the first is never written. */
static bool read_version(struct span *tbs, int *version)
{
	struct span wrap, v;

	*version = 1;
	if (tbs->n == 0 || tbs->p[0] != CONTEXT(0))
		return true;
	if (!der_next(tbs, CONTEXT(0), &wrap) || !integer(&wrap, &v) || wrap.n != 0 || v.n != 1 || v.p[0] < 1 || v.p[0] > 2)
		return false;
	*version = v.p[0] + 1;
	return true;
}

/* Unique identifiers [1] and [2] from version 2 on, extensions [3] in version 3. */
static bool read_tail(struct span tbs, int version, struct cert_fields *c)
{
	struct span skip, wrap;

	for (uint8_t i = 1; i <= 2; i++)
		if (tbs.n > 0 && tbs.p[0] == CONTEXT_PLAIN(i) &&
		    (version < 2 || !der_next(&tbs, CONTEXT_PLAIN(i), &skip) || skip.n == 0 || skip.p[0] > 7))
			return false;
	if (tbs.n == 0)
		return true;
	return version == 3 && der_next(&tbs, CONTEXT(3), &wrap) && tbs.n == 0 && der_next(&wrap, SEQUENCE, &c->d.extensions) &&
	       wrap.n == 0 && c->d.extensions.n > 0 && read_extensions(c);
}

static bool spki_ok(struct span spki)
{
	struct span seq, alg, bits;

	return der_next(&spki, SEQUENCE, &seq) && der_next(&seq, SEQUENCE, &alg) && algorithm_ok(alg) &&
	       der_next(&seq, BIT_STRING, &bits) && seq.n == 0 && bits.n > 0 && bits.p[0] == 0;
}

static bool read_tbs(struct span tbs, struct cert_fields *c, struct span *inner)
{
	struct span dates;
	int version;

	if (!read_version(&tbs, &version) || !unsigned_integer(&tbs, &c->serial) || c->serial.n > CERT_PARSED_SERIAL_MAX ||
	    !der_next(&tbs, SEQUENCE, inner) || !algorithm_ok(*inner) || !der_next(&tbs, SEQUENCE, &c->issuer) ||
	    !name_ok(c->issuer) || !der_next(&tbs, SEQUENCE, &dates))
		return false;
	if (!cert_time(&dates, &c->not_before) || !cert_time(&dates, &c->not_after) || dates.n != 0)
		return false;
	return der_next(&tbs, SEQUENCE, &c->subject) && name_ok(c->subject) && der_next_whole(&tbs, SEQUENCE, &c->d.spki) &&
	       spki_ok(c->d.spki) && read_tail(tbs, version, c);
}

enum coffer_rc cert_parse(struct span der, struct cert_fields *out, struct err *e)
{
	struct cert_fields c = { .pathlen = -1 };
	struct span outer, whole, tbs, inner, bits;
	bool ok = der_next(&der, SEQUENCE, &outer) && der.n == 0 && der_next_whole(&outer, SEQUENCE, &c.d.signed_part);

	whole = c.d.signed_part;
	ok = ok && der_next(&whole, SEQUENCE, &tbs) && read_tbs(tbs, &c, &inner);
	ok = ok && der_next(&outer, SEQUENCE, &c.d.algorithm) && der_next(&outer, BIT_STRING, &bits) && outer.n == 0;
	if (!ok || !span_eq(c.d.algorithm, inner) || bits.n < 2 || bits.p[0] != 0)
		return err_set(e, COFFER_E_INPUT, "certificate: malformed DER");
	c.d.signature = span_skip(bits, 1);
	*out = c;
	return COFFER_OK;
}
