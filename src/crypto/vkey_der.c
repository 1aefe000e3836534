/* SubjectPublicKeyInfo from a key's numbers, the very bytes that OpenSSL's encoder writes: that one looks through all its encoders
 * first, which takes as long as some verifications. Spec: RFC 5280 4.1.2.7, RFC 3279, RFC 5480. */
#include "base/own.h"
#include "base/str.h"
#include "crypto/vkey_priv.h"

#define NUMBER_MAX 1024 /* of RSA's, bytes: lengths fit two bytes */

/* ---- points ---- */

/* All that stands before the uncompressed point: algorithm, curve, and the head of the BIT STRING. */
static const uint8_t p256[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
};
static const uint8_t p384[] = {
	0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
	0x22, 0x03, 0x62, 0x00,
};
static const uint8_t p521[] = {
	0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
	0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
};
static const uint8_t sm2[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf,
	0x55, 0x01, 0x82, 0x2d, 0x03, 0x42, 0x00,
};

static struct span head_of(enum vkey_kind kind)
{
	switch (kind) {
	case VKEY_P256: return SPAN(p256);
	case VKEY_P384: return SPAN(p384);
	case VKEY_P521: return SPAN(p521);
	case VKEY_SM2:	return SPAN(sm2);
	case VKEY_RSA:	break;
	}
	return (struct span){ 0 };
}

bool vkey_write_ec(enum vkey_kind kind, struct span xy, struct wr *w)
{
	struct span head = head_of(kind);

	wr_put(w, head);
	wr_u8(w, 4); /* uncompressed */
	wr_put(w, xy);
	return head.n > 0 && wr_ok(w);
}

/* ---- numbers ---- */

/* A head of DER: length in as few bytes as it takes, at most two behind the first. */
static void put_head(struct wr *w, uint8_t tag, size_t n)
{
	wr_u8(w, tag);
	if (n > 0xff) {
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
		return;
	}
	if (n > 0x7f)
		wr_u8(w, 0x81);
	wr_u8(w, (uint8_t)n);
}

/* A positive INTEGER: no leading zeros but the one that keeps it positive. */
static void put_number(struct wr *w, struct span v)
{
	while (v.n > 1 && v.p[0] == 0)
		v = span_skip(v, 1);
	put_head(w, 0x02, v.n + (v.p[0] >= 0x80));
	if (v.p[0] >= 0x80)
		wr_u8(w, 0);
	wr_put(w, v);
}

bool vkey_write_sig(struct span rs, struct wr *w)
{
	CLEANUP(wr_close) struct wr pair = wr_open(NUMBER_MAX);

	if (rs.n == 0 || rs.n % 2)
		return false;
	put_number(&pair, (struct span){ rs.p, rs.n / 2 });
	put_number(&pair, span_skip(rs, rs.n / 2));
	put_head(w, 0x30, pair.n);
	wr_put(w, wr_span(&pair));
	return wr_ok(&pair) && wr_ok(w);
}

bool vkey_write_rsa(struct span n, struct span exponent, struct wr *w)
{
	static const uint8_t algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
		0x00 };
	CLEANUP(wr_close) struct wr pair = wr_open(NUMBER_MAX + 32), bits = wr_open(NUMBER_MAX + 32);

	if (n.n == 0 || n.n > NUMBER_MAX || exponent.n == 0 || exponent.n > 8)
		return false;
	put_number(&pair, n);
	put_number(&pair, exponent);
	wr_u8(&bits, 0);
	put_head(&bits, 0x30, pair.n);
	wr_put(&bits, wr_span(&pair));
	put_head(w, 0x30, sizeof(algorithm) + (bits.n > 0xff ? 4 : 3) + bits.n);
	wr_put(w, SPAN(algorithm));
	put_head(w, 0x03, bits.n);
	wr_put(w, wr_span(&bits));
	return wr_ok(&pair) && wr_ok(&bits) && wr_ok(w);
}
