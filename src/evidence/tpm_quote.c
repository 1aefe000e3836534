#include "evidence/tpm_quote.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wr.h"

#define MAGIC 0xff544347u
#define ST_ATTEST_QUOTE 0x8018
#define ALG_RSA 0x0001
#define ALG_NULL 0x0010
#define ALG_RSASSA 0x0014
#define ALG_ECDSA 0x0018
#define ALG_ECC 0x0023

bool tpm_hash(uint16_t alg, enum hash_alg *out)
{
	switch (alg) {
	case TPM_ALG_SHA1:   *out = HASH_SHA1; return true;
	case TPM_ALG_SHA256: *out = HASH_SHA256; return true;
	case TPM_ALG_SHA384: *out = HASH_SHA384; return true;
	case TPM_ALG_SHA512: *out = HASH_SHA512; return true;
	default:             return false;
	}
}

static struct span sized(struct rd *r, size_t max)
{
	size_t n = rd_be16(r);

	if (n > max)
		r->bad = true;
	return rd_span(r, r->bad ? 0 : n);
}

static uint64_t be64(struct rd *r)
{
	uint64_t hi = rd_be32(r);

	return hi << 32 | rd_be32(r);
}

/* ---- quotes ---- */

static void read_selection(struct rd *r, struct tpm_attest *a)
{
	size_t n = rd_count(r, rd_be32(r), 3, TPM_SELECTIONS_MAX);

	for (size_t i = 0; i < n; i++) {
		struct span bits;

		a->sel[i].alg = rd_be16(r);
		bits = rd_span(r, rd_u8(r));
		for (size_t k = 0; k < bits.n; k++) {
			if (k < 3)
				a->sel[i].pcrs |= (uint32_t)bits.p[k] << (8 * k);
			else if (bits.p[k] != 0)
				r->bad = true;
		}
		for (size_t k = 0; k < i; k++)
			r->bad = r->bad || a->sel[k].alg == a->sel[i].alg;
	}
	a->n_sel = n;
}

enum coffer_rc tpm_attest_parse(struct span in, struct tpm_attest *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct tpm_attest a = { 0 };

	if (rd_be32(&r) != MAGIC || rd_be16(&r) != ST_ATTEST_QUOTE)
		return err_set(e, COFFER_E_INPUT, "tpm: the message is no quote of a TPM");
	a.qualified_signer = sized(&r, 2 + HASH_MAX);
	a.extra_data = sized(&r, HASH_MAX);
	a.clock = be64(&r);
	a.reset_count = rd_be32(&r);
	a.restart_count = rd_be32(&r);
	a.safe = rd_u8(&r) == 1;
	a.firmware = be64(&r);
	read_selection(&r, &a);
	a.pcr_digest = sized(&r, HASH_MAX);
	if (!rd_done(&r) || a.n_sel == 0)
		return err_set(e, COFFER_E_INPUT, "tpm: the quote is malformed near byte %zu", r.off);
	*out = a;
	return COFFER_OK;
}

bool tpm_pcr_digest(
    const struct tpm_attest *a, const struct tpm_bank *bank, size_t n_banks, enum hash_alg h, uint8_t out[static HASH_MAX])
{
	CLEANUP(hash_freep) struct hash_stream *s = hash_open(h);

	for (size_t i = 0; i < a->n_sel; i++) {
		const struct tpm_bank *b = NULL;
		enum hash_alg alg;

		for (size_t k = 0; k < n_banks; k++)
			b = bank[k].alg == a->sel[i].alg ? &bank[k] : b;
		if (!b || !tpm_hash(a->sel[i].alg, &alg))
			return false;
		for (size_t p = 0; p < TPM_PCRS; p++) {
			if (!(a->sel[i].pcrs >> p & 1))
				continue;
			if (b->value[p].n != hash_len(alg))
				return false;
			hash_add(s, b->value[p]);
		}
	}
	hash_end(MOVE(s), out);
	return true;
}

/* ---- signatures ---- */

enum coffer_rc tpm_sig_parse(struct span in, struct tpm_sig *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct tpm_sig s = { 0 };
	uint16_t alg = rd_be16(&r);

	if (alg != ALG_RSASSA && alg != ALG_ECDSA)
		return err_set(e, COFFER_E_INPUT, "tpm: a signature scheme that is neither RSASSA nor ECDSA");
	s.rsa = alg == ALG_RSASSA;
	if (!tpm_hash(rd_be16(&r), &s.hash) || s.hash == HASH_SHA1)
		return err_set(e, COFFER_E_INPUT, "tpm: a signature over no SHA-2 digest");
	s.a = sized(&r, 1024);
	if (!s.rsa)
		s.b = sized(&r, 1024);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "tpm: the signature is malformed near byte %zu", r.off);
	*out = s;
	return COFFER_OK;
}

/* A TPM leaves leading zeros of r and s away. */
static bool place(struct span v, uint8_t *out, size_t half)
{
	while (v.n > half && v.p[0] == 0)
		v = span_skip(v, 1);
	if (v.n > half || v.n == 0)
		return false;
	memset(out, 0, half);
	memcpy(out + half - v.n, v.p, v.n);
	return true;
}

bool tpm_sig_verify(const struct vkey *k, const struct tpm_sig *s, struct span msg)
{
	size_t half = vkey_kind(k) == VKEY_P384 ? 48 : 32;
	uint8_t raw[96];

	if (s->rsa)
		return vkey_verify(k, SIG_RSASSA, s->hash, msg, s->a);
	return place(s->a, raw, half) && place(s->b, raw + half, half) &&
	       vkey_verify(k, SIG_ECDSA_RAW, s->hash, msg, (struct span){ raw, 2 * half });
}

/* ---- keys ---- */

/* An algorithm that may be null, with what follows it when it is not. */
static void skip_symmetric(struct rd *r)
{
	if (rd_be16(r) != ALG_NULL)
		(void)rd_span(r, 4); /* key bits, mode */
}

static void skip_scheme(struct rd *r)
{
	if (rd_be16(r) != ALG_NULL)
		(void)rd_span(r, 2); /* hash */
}

static enum coffer_rc read_rsa(struct rd *r, struct vkey **out, struct err *e)
{
	uint8_t exp[4] = { 0, 1, 0, 1 };
	struct span n;
	uint32_t v;

	skip_symmetric(r);
	skip_scheme(r);
	(void)rd_be16(r); /* key bits: the modulus says it */
	v = rd_be32(r);
	for (size_t i = 0; v != 0 && i < 4; i++)
		exp[i] = (uint8_t)(v >> (24 - 8 * i));
	n = sized(r, 1024);
	if (!rd_done(r))
		return err_set(e, COFFER_E_INPUT, "tpm: the public key is malformed near byte %zu", r->off);
	return vkey_rsa(n, SPAN(exp), out, e);
}

static enum coffer_rc read_ecc(struct rd *r, struct vkey **out, struct err *e)
{
	uint8_t xy[96];
	struct span x, y;
	uint16_t curve;
	size_t half;

	skip_symmetric(r);
	skip_scheme(r);
	curve = rd_be16(r);
	skip_scheme(r); /* kdf */
	x = sized(r, 66);
	y = sized(r, 66);
	half = curve == 0x0004 ? 48 : 32;
	if (!rd_done(r) || (curve != 0x0003 && curve != 0x0004) || !place(x, xy, half) || !place(y, xy + half, half))
		return err_set(e, COFFER_E_INPUT, "tpm: the public key is malformed, or on a curve that is not P-256 or P-384");
	return vkey_ec(curve == 0x0004 ? VKEY_P384 : VKEY_P256, (struct span){ xy, 2 * half }, out, e);
}

enum coffer_rc tpm_public_parse(struct span in, struct tpm_public *out, struct err *e)
{
	struct rd r = rd_open(in);
	struct tpm_public p = { 0 };
	uint16_t type = rd_be16(&r), name_alg = rd_be16(&r);
	enum hash_alg h;

	p.attributes = rd_be32(&r);
	(void)sized(&r, HASH_MAX); /* policy */
	if (!tpm_hash(name_alg, &h) || (type != ALG_RSA && type != ALG_ECC))
		return err_set(e, COFFER_E_INPUT, "tpm: the public area is no RSA or ECC key");
	TRY(type == ALG_RSA ? read_rsa(&r, &p.key, e) : read_ecc(&r, &p.key, e));
	p.name[0] = (uint8_t)(name_alg >> 8);
	p.name[1] = (uint8_t)name_alg;
	hash_once(h, in, p.name + 2);
	p.name_n = 2 + hash_len(h);
	*out = p;
	return COFFER_OK;
}

void tpm_public_clear(struct tpm_public *p)
{
	vkey_free(p->key);
	*p = (struct tpm_public){ 0 };
}
