/* SubjectPublicKeyInfo of a key, as OpenSSL's own encoder writes it: that one looks through all its encoders first, which takes
 * as long as some verifications. Forms that are seldom (compressed points, explicit curves) are left to it. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"
#include "crypto/vkey_priv.h"

DEFINE_CLEANUP(BIGNUM *, BN_free)

#define POINT_MAX (1 + 2 * 66)
#define NUMBER_MAX 1024 /* of RSA's, bytes */

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

static bool put_point(EVP_PKEY *pkey, enum vkey_kind kind, struct wr *w)
{
	struct span head = head_of(kind);
	uint8_t point[POINT_MAX];
	char form[24] = "";
	size_t n = 0;

	if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, form, sizeof(form), NULL) != 1 ||
	    strcmp(form, OSSL_PKEY_EC_ENCODING_GROUP) != 0 ||
	    EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) != 1 || point[0] != 4)
		return false;
	wr_put(w, head);
	wr_put(w, (struct span){ point, n });
	return true;
}

/* ---- RSA ---- */

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

static bool put_number(EVP_PKEY *pkey, const char *name, struct wr *w)
{
	CLEANUP(BN_freep) BIGNUM *v = NULL;
	uint8_t be[1 + NUMBER_MAX] = { 0 };
	int n;

	if (EVP_PKEY_get_bn_param(pkey, name, &v) != 1 || BN_is_negative(v) || BN_is_zero(v) || BN_num_bytes(v) > NUMBER_MAX)
		return false;
	n = BN_num_bits(v) / 8 + 1; /* with a zero in front where the highest bit is set */
	if (BN_bn2binpad(v, be, n) != n)
		return false;
	put_head(w, 0x02, (size_t)n);
	wr_put(w, (struct span){ be, (size_t)n });
	return true;
}

static bool put_rsa(EVP_PKEY *pkey, struct wr *w)
{
	static const uint8_t algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
		0x00 };
	CLEANUP(wr_close) struct wr pair = wr_open(4096), bits = wr_open(4096), body = wr_open(4096);

	if (!put_number(pkey, OSSL_PKEY_PARAM_RSA_N, &pair) || !put_number(pkey, OSSL_PKEY_PARAM_RSA_E, &pair))
		return false;
	wr_u8(&bits, 0);
	put_head(&bits, 0x30, pair.n);
	wr_put(&bits, wr_span(&pair));
	wr_put(&body, SPAN(algorithm));
	put_head(&body, 0x03, bits.n);
	wr_put(&body, wr_span(&bits));
	put_head(w, 0x30, body.n);
	wr_put(w, wr_span(&body));
	return wr_ok(&pair) && wr_ok(&bits) && wr_ok(&body);
}

int vkey_encode(EVP_PKEY *pkey, enum vkey_kind kind, uint8_t **out)
{
	CLEANUP(wr_close) struct wr w = wr_open(4096);

	if (!(kind == VKEY_RSA ? put_rsa(pkey, &w) : put_point(pkey, kind, &w)) || !wr_ok(&w))
		return i2d_PUBKEY(pkey, out);
	*out = OPENSSL_memdup(w.p, w.n);
	return *out ? (int)w.n : -1;
}
