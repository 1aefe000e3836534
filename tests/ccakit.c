#include "tests/ccakit.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fmt/enc.h"
#include "fmt/json.h"

#define MAX (1u << 16)

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* ---- claims ---- */

void ccakit_drop(struct ccakit_claims *c, int64_t key)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->c[i].key != key)
			continue;
		wr_close(&c->c[i].value);
		c->c[i] = c->c[--c->n];
		return;
	}
}

struct wr *ccakit_set(struct ccakit_claims *c, int64_t key)
{
	ccakit_drop(c, key);
	must(c->n < CCAKIT_CLAIMS);
	c->c[c->n].key = key;
	c->c[c->n].value = wr_open(MAX);
	return &c->c[c->n++].value;
}

void ccakit_write(const struct ccakit_claims *c, struct wr *out)
{
	cb_map(out, c->n);
	for (size_t i = 0; i < c->n; i++) {
		cb_int(out, c->c[i].key);
		wr_put(out, wr_span(&c->c[i].value));
	}
}

static void claims_close(struct ccakit_claims *c)
{
	while (c->n > 0)
		ccakit_drop(c, c->c[0].key);
}

static void fill(struct ccakit_claims *c, int64_t key, uint8_t byte, size_t n)
{
	uint8_t v[64];

	memset(v, byte, n);
	cb_bytes(ccakit_set(c, key), (struct span){ v, n });
}

static void make_platform(struct ccakit *k)
{
	struct ccakit_claims *p = &k->platform;
	uint8_t id[33] = { 1 }, value[32] = { 3 };
	struct wr *w;

	cb_text(ccakit_set(p, 265), k->second ? "tag:arm.com,2023:cca_platform#1.0.0" : "http://arm.com/CCA-SSD/1.0.0");
	fill(p, 2396, 0x1a, 32);
	cb_bytes(ccakit_set(p, 256), SPAN(id));
	fill(p, 2401, 0xcf, 4);
	cb_int(ccakit_set(p, 2395), 0x3003);
	cb_text(ccakit_set(p, 2402), "sha-256");
	cb_text(ccakit_set(p, 2400), "https://verifier.example");
	w = ccakit_set(p, 2399);
	cb_arr(w, 1);
	cb_map(w, 4);
	cb_int(w, 1);
	cb_text(w, "BL");
	cb_int(w, 2);
	cb_bytes(w, SPAN(value));
	cb_int(w, 4);
	cb_text(w, "1.2.3");
	cb_int(w, 5);
	cb_bytes(w, SPAN(value));
}

/* An uncompressed point, or an encoded COSE_Key in a byte string. */
static void make_rak(struct ccakit *k)
{
	CLEANUP(wr_close) struct wr key = wr_open(MAX);
	uint8_t xy[96];

	evkit_xy(k->rak, xy, 48);
	if (k->second) {
		cb_map(&key, 4);
		cb_int(&key, 1);
		cb_int(&key, 2);
		cb_int(&key, -1);
		cb_int(&key, 2);
		cb_int(&key, -2);
		cb_bytes(&key, (struct span){ xy, 48 });
		cb_int(&key, -3);
		cb_bytes(&key, (struct span){ xy + 48, 48 });
	} else {
		wr_u8(&key, 4);
		wr_put(&key, SPAN(xy));
	}
	cb_bytes(ccakit_set(&k->realm, 44237), wr_span(&key));
}

static void make_realm(struct ccakit *k)
{
	struct ccakit_claims *r = &k->realm;
	uint8_t rem[64];
	struct wr *w;

	if (k->second)
		cb_text(ccakit_set(r, 265), "tag:arm.com,2023:realm#1.0.0");
	fill(r, 10, 0xd1, 64);
	fill(r, 44235, 0x1d, 64);
	fill(r, 44238, 0x3e, 64);
	cb_text(ccakit_set(r, 44236), "sha-512");
	cb_text(ccakit_set(r, 44240), "sha-384");
	w = ccakit_set(r, 44239);
	cb_arr(w, 4);
	for (uint8_t i = 0; i < 4; i++) {
		memset(rem, i, sizeof(rem));
		cb_bytes(w, SPAN(rem));
	}
	make_rak(k);
}

void ccakit_bind(struct ccakit *k)
{
	uint8_t digest[HASH_MAX];
	struct err e = { 0 };

	for (size_t i = 0; i < k->realm.n; i++) {
		struct cbor v;

		if (k->realm.c[i].key != 44237)
			continue;
		must(cbor_open(wr_span(&k->realm.c[i].value), MAX, &v, &e) == COFFER_OK);
		hash_once(HASH_SHA384, v.body, digest);
	}
	cb_bytes(ccakit_set(&k->platform, 10), (struct span){ digest, 48 });
}

/* ---- the store ---- */

static void b64url_m(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(MAX);

	b64url_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

static void hex_m(struct json_wr *j, const char *name, struct span s)
{
	CLEANUP(wr_close) struct wr w = wr_open(MAX);

	hex_write(&w, s);
	jw_m_str(j, name, wr_span(&w));
}

void ccakit_anchor(struct ccakit *k, EVP_PKEY *key)
{
	uint8_t xy[96], instance[33] = { 1 }, implementation[32];
	struct json_wr j;

	memset(implementation, 0x1a, sizeof(implementation));
	evkit_xy(key, xy, 48);
	wr_close(&k->store);
	k->store = wr_open(MAX);
	j = jw_open(&k->store, false);
	jw_arr(&j);
	jw_obj(&j);
	hex_m(&j, "implementation-id", SPAN(implementation));
	hex_m(&j, "instance-id", SPAN(instance));
	jw_name(&j, "pkey");
	jw_obj(&j);
	jw_m_text(&j, "crv", "P-384");
	jw_m_text(&j, "kty", "EC");
	b64url_m(&j, "x", (struct span){ xy, 48 });
	b64url_m(&j, "y", (struct span){ xy + 48, 48 });
	jw_obj_end(&j);
	jw_obj_end(&j);
	jw_arr_end(&j);
	k->col.json[0] = wr_span(&k->store);
	k->col.n_json = 1;
}

void ccakit_open(struct ccakit *k, bool second)
{
	*k = (struct ccakit){ .cpak = evkit_ec("P-384"), .rak = evkit_ec("P-384"), .second = second };
	make_platform(k);
	make_realm(k);
	ccakit_bind(k);
	ccakit_anchor(k, k->cpak);
}

static void put_token(const struct ccakit *k, EVP_PKEY *key, const struct ccakit_claims *c, struct wr *out)
{
	CLEANUP(wr_close) struct wr claims = wr_open(MAX), protected = wr_open(MAX), msg = wr_open(MAX);

	ccakit_write(c, &claims);
	cosekit_protected(-35, &protected);
	cosekit_sign(key, &(struct cosekit){ .protected = wr_span(&protected), .alg = -35 }, wr_span(&claims), &msg);
	if (k->second) {
		cb_arr(out, 2);
		cb_int(out, 263);
	}
	cb_bytes(out, wr_span(&msg));
}

void ccakit_token(const struct ccakit *k, struct wr *out)
{
	cb_tag(out, k->second ? 907 : 399);
	cb_map(out, 2);
	cb_int(out, 44234);
	put_token(k, k->cpak, &k->platform, out);
	cb_int(out, 44241);
	put_token(k, k->rak, &k->realm, out);
	must(wr_ok(out));
}

void ccakit_close(struct ccakit *k)
{
	EVP_PKEY_free(k->cpak);
	EVP_PKEY_free(k->rak);
	claims_close(&k->platform);
	claims_close(&k->realm);
	wr_close(&k->store);
}
