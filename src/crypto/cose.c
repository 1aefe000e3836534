#include "crypto/cose.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"

#define TAG_SIGN1 18
enum { HDR_ALG = 1, HDR_CRIT = 2, HDR_X5CHAIN = 33 };
enum { KEY_KTY = 1, KEY_ALG = 3, KEY_CRV = -1, KEY_X = -2, KEY_Y = -3, KEY_D = -4 };
#define KTY_EC2 2

static const struct {
	int64_t id;
	enum vkey_kind kind;
	enum sig_scheme scheme;
	enum hash_alg hash;
} algs[] = {
	{ -7, VKEY_P256, SIG_ECDSA_RAW, HASH_SHA256 },
	{ -35, VKEY_P384, SIG_ECDSA_RAW, HASH_SHA384 },
	{ -36, VKEY_P521, SIG_ECDSA_RAW, HASH_SHA512 },
	{ -37, VKEY_RSA, SIG_RSAPSS, HASH_SHA256 },
	{ -38, VKEY_RSA, SIG_RSAPSS, HASH_SHA384 },
	{ -39, VKEY_RSA, SIG_RSAPSS, HASH_SHA512 },
};
#define N_ALGS (sizeof(algs) / sizeof(algs[0]))

static size_t alg_row(int64_t id)
{
	size_t i = 0;

	while (i < N_ALGS && algs[i].id != id)
		i++;
	return i;
}

/* ---- headers ---- */

static bool has_key(const struct cbor *map, const struct cbor *key)
{
	struct cbor_iter it = cbor_pairs(map);
	struct cbor k, v;

	while (cbor_next_pair(&it, &k, &v))
		if (span_eq(k.raw, key->raw))
			return true;
	return false;
}

/* RFC 9052 section 3: a label must not occur twice, in one header or in both. */
static enum coffer_rc check_headers(const struct cose_sign1 *m, struct err *e)
{
	struct cbor_iter it = cbor_pairs(&m->unprotected);
	struct cbor k, v;

	while (cbor_next_pair(&it, &k, &v))
		if (has_key(&m->protected, &k))
			return err_set(e, COFFER_E_INPUT, "cose: a label is in both headers");
	if (cbor_get(&m->protected, HDR_CRIT, &v) || cbor_get(&m->unprotected, HDR_CRIT, &v))
		return err_set(e, COFFER_E_INPUT, "cose: the header has critical labels; none is understood here");
	return COFFER_OK;
}

static enum coffer_rc read_alg(struct cose_sign1 *m, struct err *e)
{
	struct cbor v;

	if (!cbor_get(&m->protected, HDR_ALG, &v) || !cbor_int(&v, &m->alg))
		return err_set(e, COFFER_E_INPUT, "cose: the protected header names no algorithm");
	if (alg_row(m->alg) == N_ALGS)
		return err_set(e, COFFER_E_INPUT, "cose: algorithm %lld is not one of ES256, ES384, ES512, PS256, PS384, PS512",
		    (long long)m->alg);
	return COFFER_OK;
}

static enum coffer_rc read_x5(const struct cbor *v, struct cose_sign1 *m, struct err *e)
{
	struct cbor_iter it = cbor_items(v);
	struct cbor c;

	if (v->type == CBOR_BYTES) {
		m->x5[m->n_x5++] = v->body;
		return COFFER_OK;
	}
	if (v->type != CBOR_ARRAY || v->u == 0 || v->u > COSE_X5_MAX)
		return err_set(e, COFFER_E_INPUT, "cose: x5chain is no list of 1 to %d certificates", COSE_X5_MAX);
	while (cbor_next(&it, &c)) {
		if (c.type != CBOR_BYTES)
			return err_set(e, COFFER_E_INPUT, "cose: x5chain holds what is no byte string");
		m->x5[m->n_x5++] = c.body;
	}
	return COFFER_OK;
}

static enum coffer_rc read_headers(struct cose_sign1 *m, struct err *e)
{
	struct cbor v;

	TRY(check_headers(m, e));
	TRY(read_alg(m, e));
	m->x5_protected = cbor_get(&m->protected, HDR_X5CHAIN, &v);
	if (m->x5_protected || cbor_get(&m->unprotected, HDR_X5CHAIN, &v))
		TRY(read_x5(&v, m, e));
	return COFFER_OK;
}

/* ---- the message ---- */

static enum coffer_rc read_parts(const struct cbor *list, struct cose_sign1 *m, struct err *e)
{
	struct cbor part[4];

	if (list->type != CBOR_ARRAY || list->u != 4)
		return err_set(e, COFFER_E_INPUT, "cose: COSE_Sign1 is no array of four");
	for (size_t i = 0; i < 4; i++)
		if (!cbor_at(list, i, &part[i]) || (i == 1 ? part[i].type != CBOR_MAP : part[i].type != CBOR_BYTES))
			return err_set(
			    e, COFFER_E_INPUT, "cose: part %zu of COSE_Sign1 is no %s", i, i == 1 ? "map" : "byte string");
	m->protected_bytes = part[0].body;
	m->unprotected = part[1];
	m->payload = part[2].body;
	m->signature = part[3].body;
	TRY(cbor_open(m->protected_bytes, COSE_MAX, &m->protected, e));
	return m->protected.type == CBOR_MAP ? COFFER_OK : err_set(e, COFFER_E_INPUT, "cose: the protected header is no map");
}

enum coffer_rc cose_sign1_parse(struct span in, struct cose_sign1 *out, struct err *e)
{
	struct cose_sign1 m = { 0 };
	struct cbor whole, list;

	TRY(cbor_open(in, COSE_MAX, &whole, e));
	if (!cbor_untag(&whole, TAG_SIGN1, &list))
		list = whole;
	TRY(read_parts(&list, &m, e));
	TRY(read_headers(&m, e));
	*out = m;
	return COFFER_OK;
}

/* Section 4.4; the heads of byte strings in their shortest form. */
static void put_bytes(struct wr *w, struct span s)
{
	if (s.n < 24) {
		wr_u8(w, (uint8_t)(0x40 | s.n));
	} else if (s.n <= UINT8_MAX) {
		wr_u8(w, 0x58);
		wr_u8(w, (uint8_t)s.n);
	} else if (s.n <= UINT16_MAX) {
		wr_u8(w, 0x59);
		wr_be16(w, (uint16_t)s.n);
	} else {
		wr_u8(w, 0x5a);
		wr_be32(w, (uint32_t)s.n);
	}
	wr_put(w, s);
}

bool cose_sign1_verify(const struct cose_sign1 *m, const struct vkey *k)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)COSE_MAX + 64);
	size_t a = alg_row(m->alg);

	if (a == N_ALGS || !k || vkey_kind(k) != algs[a].kind)
		return false;
	wr_str(&w, "\x84\x6aSignature1");
	put_bytes(&w, m->protected_bytes);
	put_bytes(&w, (struct span){ 0 });
	put_bytes(&w, m->payload);
	return wr_ok(&w) && vkey_verify(k, algs[a].scheme, algs[a].hash, wr_span(&w), m->signature);
}

/* ---- keys ---- */

static const struct {
	int64_t crv, alg;
	enum vkey_kind kind;
	size_t half;
} curves[] = { { 1, -7, VKEY_P256, 32 }, { 2, -35, VKEY_P384, 48 }, { 3, -36, VKEY_P521, 66 } };
#define N_CURVES (sizeof(curves) / sizeof(curves[0]))

static bool is_int(const struct cbor *map, int64_t label, int64_t want)
{
	struct cbor v;
	int64_t n;

	return cbor_get(map, label, &v) && cbor_int(&v, &n) && n == want;
}

static bool coordinate(const struct cbor *map, int64_t label, size_t half, uint8_t *out)
{
	struct cbor v;

	if (!cbor_get(map, label, &v) || v.type != CBOR_BYTES || v.body.n != half)
		return false;
	memcpy(out, v.body.p, half);
	return true;
}

enum coffer_rc cose_key_read(struct span in, struct vkey **out, struct err *e)
{
	uint8_t xy[2 * 66];
	struct cbor map, v;
	size_t c = 0;

	TRY(cbor_open(in, COSE_MAX, &map, e));
	while (c < N_CURVES && !is_int(&map, KEY_CRV, curves[c].crv))
		c++;
	if (!is_int(&map, KEY_KTY, KTY_EC2) || c == N_CURVES)
		return err_set(e, COFFER_E_INPUT, "cose: the key is not of P-256, P-384 or P-521");
	if (cbor_get(&map, KEY_D, &v))
		return err_set(e, COFFER_E_INPUT, "cose: the key has its private part");
	if (cbor_get(&map, KEY_ALG, &v) && !is_int(&map, KEY_ALG, curves[c].alg))
		return err_set(e, COFFER_E_INPUT, "cose: the key's algorithm is not its curve's");
	if (!coordinate(&map, KEY_X, curves[c].half, xy) || !coordinate(&map, KEY_Y, curves[c].half, xy + curves[c].half))
		return err_set(e, COFFER_E_INPUT, "cose: a coordinate of the key is not as long as its curve");
	return vkey_ec(curves[c].kind, (struct span){ xy, 2 * curves[c].half }, out, e);
}
