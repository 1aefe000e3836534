#include "tests/csvkit.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>

#include "base/own.h"
#include "base/str.h"

static const uint8_t anonce[4] = { 0x26, 0xd7, 0xc7, 0x5d };

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void le32(uint8_t *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* Two numbers, big endian, as fields of 72 bytes. */
static void put_pair(uint8_t *p, const uint8_t be[static 64])
{
	memset(p, 0, 144);
	for (size_t i = 0; i < 32; i++) {
		p[i] = be[31 - i];
		p[72 + i] = be[63 - i];
	}
}

static void sign(EVP_PKEY *k, const char *id, struct span msg, uint8_t *fields)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	const unsigned char *p;
	uint8_t der[128], rs[64];
	size_t n = sizeof(der);
	ECDSA_SIG *s;

	must(EVP_DigestSignInit(c, &pc, EVP_sm3(), NULL, k) == 1 && EVP_PKEY_CTX_set1_id(pc, id, (int)strlen(id)) == 1 &&
	      EVP_DigestSign(c, der, &n, msg.p, msg.n) == 1);
	p = der;
	s = d2i_ECDSA_SIG(NULL, &p, (long)n);
	must(s && BN_bn2binpad(ECDSA_SIG_get0_r(s), rs, 32) == 32 && BN_bn2binpad(ECDSA_SIG_get0_s(s), rs + 32, 32) == 32);
	put_pair(fields, rs);
	ECDSA_SIG_free(s);
	EVP_MD_CTX_free(c);
}

static void put_key(uint8_t *p, EVP_PKEY *k, const char *id)
{
	uint8_t xy[64];

	le32(p, 3);
	evkit_xy(k, xy, 32);
	put_pair(p + 4, xy);
	p[148] = (uint8_t)strlen(id);
	memcpy(p + 150, id, strlen(id));
}

void csvkit_ca(struct csvkit *r)
{
	uint8_t *p = r->both;

	memset(p, 0, CSV_CA_LEN);
	le32(p, 1);
	le32(p + 36, CSV_HSK);
	put_key(p + 64, r->hsk, "HSK");
	sign(r->hrk, "HRK", (struct span){ p, 576 }, p + 576);
}

void csvkit_chip(uint8_t *p, const struct csvkit_chip *c, size_t slot)
{
	memset(p, 0, CSV_CERT_LEN);
	le32(p, 2);
	le32(p + 8, c->usage);
	le32(p + 12, CSV_ALGO_SM2);
	put_key(p + 16, c->key, c->id);
	le32(p + 1044, 0x1000); /* nobody's */
	le32(p + 1564, 0x1000);
	p += 1044 + 520 * slot;
	le32(p, c->signer_usage);
	le32(p + 4, CSV_ALGO_SM2);
	sign(c->signer, c->signer_id, (struct span){ p - 1044 - 520 * slot, 1044 }, p + 8);
}

void csvkit_report(struct csvkit *r, uint32_t usage)
{
	uint8_t *p = r->page;

	memset(p, 0, sizeof(r->page));
	memset(p + 64, 0xda, 64);  /* report data */
	memset(p + 144, 0x3e, 32); /* measure */
	le32(p + 176, r->policy ? r->policy : 0x45);
	le32(p + 180, usage);
	le32(p + 184, CSV_ALGO_SM2);
	for (size_t i = 0; i < 188; i++)
		p[i] ^= anonce[i % 4];
	memcpy(p + 188, anonce, 4);
	sign(r->pek, "PEK", (struct span){ p, CSV_SIGNED_LEN }, p + 192);
}

void csvkit_remake(struct csvkit *r)
{
	csvkit_ca(r);
	csvkit_chip(r->both + CSV_CA_LEN, &(struct csvkit_chip){ r->cek, r->hsk, "CEK", "HSK", CSV_CEK, CSV_HSK }, 0);
	csvkit_chip(r->pek_cert, &(struct csvkit_chip){ r->pek, r->cek, "PEK", "CEK", CSV_PEK, CSV_CEK }, 1);
	csvkit_report(r, CSV_PEK);
	r->col.other[0] = SPAN(r->both);
	r->col.n_other = 1;
	r->in_evidence = false;
	r->magic = r->flags = 0;
}

void csvkit_open(struct csvkit *r)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096);
	struct vkey *k = NULL;
	struct err e = { 0 };

	*r = (struct csvkit){ .hrk = EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), .hsk = EVP_PKEY_Q_keygen(NULL, NULL, "SM2"),
		.cek = EVP_PKEY_Q_keygen(NULL, NULL, "SM2"), .pek = EVP_PKEY_Q_keygen(NULL, NULL, "SM2") };
	evkit_spki(r->hrk, &spki);
	must(vkey_spki(wr_span(&spki), &k, &e) == COFFER_OK && anchors_add(&r->roots, "HRK", k, &e) == COFFER_OK);
	csvkit_remake(r);
}

void csvkit_close(struct csvkit *r)
{
	EVP_PKEY_free(r->hrk);
	EVP_PKEY_free(r->hsk);
	EVP_PKEY_free(r->cek);
	EVP_PKEY_free(r->pek);
	wr_close(&r->json);
	anchors_clear(&r->roots);
	ev_out_clear(&r->out);
}

/* ---- upstream's JSON ---- */

static void ints(struct wr *w, const char *name, const uint8_t *p, size_t n)
{
	wr_fmt(w, "\"%s\":[", name);
	for (size_t i = 0; i < n; i++)
		wr_fmt(w, i ? ",%u" : "%u", p[i]);
	wr_str(w, "]");
}

static unsigned num(const uint8_t *p, size_t n)
{
	unsigned v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static void point(struct wr *w, const uint8_t *p)
{
	wr_fmt(w, "{\"g\":%u,", num(p, 4));
	ints(w, "x", p + 4, 72);
	wr_str(w, ",");
	ints(w, "y", p + 76, 72);
	wr_fmt(w, "},\"uid_size\":%u,", num(p + 148, 2));
	ints(w, "user_id", p + 150, 254);
}

static void rs_fields(struct wr *w, const uint8_t *p)
{
	wr_str(w, "\"signature\":{");
	ints(w, "r", p, 72);
	wr_str(w, ",");
	ints(w, "s", p + 72, 72);
	wr_str(w, "},");
}

static void ca_json(struct wr *w, const uint8_t *p)
{
	wr_fmt(w, "{\"body\":{\"preamble\":{\"ver\":%u,\"data\":{\"usage\":%u,", num(p, 4), num(p + 36, 4));
	ints(w, "kid", p + 4, 16);
	wr_str(w, ",");
	ints(w, "sid", p + 20, 16);
	wr_str(w, ",");
	ints(w, "reserved", p + 40, 24);
	wr_str(w, "}},\"pubkey\":");
	point(w, p + 64);
	wr_str(w, ",");
	ints(w, "reserved", p + 468, 108);
	wr_str(w, "},");
	rs_fields(w, p + 576);
	ints(w, "_reserved", p + 720, 112);
	wr_str(w, "}");
}

static void chip_json(struct wr *w, const uint8_t *p)
{
	wr_fmt(w, "{\"body\":{\"ver\":%u,\"data\":{\"firmware\":{\"major\":%u,\"minor\":%u},\"reserved1\":%u,", num(p, 4), p[4], p[5],
	    num(p + 6, 2));
	wr_str(w, "\"pubkey\":{");
	wr_fmt(w, "\"usage\":%u,\"algo\":%u,\"key\":", num(p + 8, 4), num(p + 12, 4));
	{
		CLEANUP(wr_close) struct wr key = wr_open(8192);
		const char *end;

		point(&key, p + 16);
		wr_u8(&key, 0);
		end = strstr((const char *)key.p, "},\"uid_size") + 1; /* the identifier stands one level up */
		wr_put(w, (struct span){ key.p, (size_t)(end - (const char *)key.p) });
		wr_fmt(w, "}%s,", end);
	}
	ints(w, "sid", p + 420, 16);
	wr_str(w, ",");
	ints(w, "reserved2", p + 436, 608);
	wr_str(w, "}},\"sigs\":[");
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *s = p + 1044 + 520 * i;

		wr_fmt(w, "%s{\"usage\":%u,\"algo\":%u,", i ? "," : "", num(s, 4), num(s + 4, 4));
		rs_fields(w, s + 8);
		ints(w, "_reserved", s + 152, 368);
		wr_str(w, "}");
	}
	wr_str(w, "]}");
}

void csvkit_json(struct csvkit *r)
{
	static const uint8_t serial[64] = "KPA0001";
	uint8_t magic[16] = { 0 };
	struct wr *w = &r->json;

	if (r->magic)
		memcpy(magic, "ATTESTATION_EXT", 16);
	wr_close(w);
	*w = wr_open(1u << 18);
	wr_str(w, "{\"attestation_report\":{");
	ints(w, "data", r->page, sizeof(r->page));
	wr_fmt(w, ",\"flags\":%u,", r->flags);
	ints(w, "magic", magic, 16);
	wr_str(w, "},\"cert_chain\":{\"pek\":");
	chip_json(w, r->pek_cert);
	if (r->in_evidence) {
		wr_str(w, ",\"hsk_cek\":{\"hsk\":");
		ca_json(w, r->both);
		wr_str(w, ",\"cek\":");
		chip_json(w, r->both + CSV_CA_LEN);
		wr_str(w, "}");
	}
	wr_str(w, "},");
	ints(w, "serial_number", serial, 64);
	wr_str(w, "}");
	must(wr_ok(w));
}
