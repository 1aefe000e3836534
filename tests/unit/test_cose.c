/* COSE_Sign1 and COSE_Key, by keys made here: each algorithm with its key, and every reason not to. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cose.h"
#include "tests/cosekit.h"
#include "tests/evkit.h"
#include "tests/t.h"

#define MAX (1u << 16)

static const char payload[] = "what is signed";

static void make(EVP_PKEY *k, int64_t alg, struct wr *out)
{
	CLEANUP(wr_close) struct wr p = wr_open(MAX);

	cosekit_protected(alg, &p);
	cosekit_sign(k, &(struct cosekit){ .protected = wr_span(&p), .alg = alg }, span_of(payload), out);
}

static struct vkey *public_of(EVP_PKEY *k)
{
	CLEANUP(wr_close) struct wr der = wr_open(MAX);
	struct vkey *v = NULL;
	struct err e = { 0 };

	evkit_spki(k, &der);
	CHECK(vkey_spki(wr_span(&der), &v, &e) == COFFER_OK);
	return v;
}

static const struct {
	int64_t alg;
	const char *group;
} algs[] = { { -7, "P-256" }, { -35, "P-384" }, { -36, "P-521" }, { -37, NULL }, { -38, NULL }, { -39, NULL } };

static void each_algorithm_verifies_by_its_key_alone(void)
{
	EVP_PKEY *other = evkit_ec("P-384");
	struct vkey *foreign = public_of(other);

	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		CLEANUP(wr_close) struct wr msg = wr_open(MAX);
		EVP_PKEY *k = algs[i].group ? evkit_ec(algs[i].group) : evkit_rsa();
		struct vkey *v = public_of(k);
		struct cose_sign1 m;
		struct err e = { 0 };

		make(k, algs[i].alg, &msg);
		CHECK(cose_sign1_parse(wr_span(&msg), &m, &e) == COFFER_OK && m.alg == algs[i].alg);
		CHECK(span_eq_str(m.payload, payload) && m.n_x5 == 0);
		CHECK(cose_sign1_verify(&m, v) && !cose_sign1_verify(&m, foreign) && !cose_sign1_verify(&m, NULL));
		m.alg = i == 0 ? -35 : -7; /* another algorithm than the key's */
		CHECK(!cose_sign1_verify(&m, v));
		m.alg = algs[i].alg == -37 ? -38 : algs[i].alg == -38 ? -39 : -37; /* another digest, or another kind */
		CHECK(!cose_sign1_verify(&m, v));
		vkey_free(v);
		EVP_PKEY_free(k);
	}
	vkey_free(foreign);
	EVP_PKEY_free(other);
}

/* A good signature, but ES256 is P-256's here. */
static void algorithm_with_another_curve_is_refused(void)
{
	CLEANUP(wr_close) struct wr p = wr_open(MAX), msg = wr_open(MAX);
	EVP_PKEY *k = evkit_ec("P-384");
	struct vkey *v = public_of(k);
	struct cose_sign1 m;
	struct err e = { 0 };

	cosekit_protected(-7, &p);
	cosekit_sign(k, &(struct cosekit){ .protected = wr_span(&p), .alg = -7, .half = 48 }, span_of(payload), &msg);
	CHECK(cose_sign1_parse(wr_span(&msg), &m, &e) == COFFER_OK && m.signature.n == 96 && !cose_sign1_verify(&m, v));
	vkey_free(v);
	EVP_PKEY_free(k);
}

static void every_byte_and_every_cut_counts(void)
{
	CLEANUP(wr_close) struct wr msg = wr_open(MAX);
	EVP_PKEY *k = evkit_ec("P-256");
	struct vkey *v = public_of(k);
	struct cose_sign1 m = { .alg = 77 };
	struct err e = { 0 };

	make(k, -7, &msg);
	for (size_t i = 0; i < msg.n; i++) {
		msg.p[i] ^= 1;
		CHECK(cose_sign1_parse(wr_span(&msg), &m, &e) != COFFER_OK || !cose_sign1_verify(&m, v));
		msg.p[i] ^= 1;
	}
	m.alg = 77;
	for (size_t n = 0; n < msg.n; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, msg.p, n);
		CHECK(cose_sign1_parse((struct span){ exact, n }, &m, &e) == COFFER_E_INPUT && m.alg == 77);
		free(exact);
	}
	vkey_free(v);
	EVP_PKEY_free(k);
}

static void untagged_is_the_same_and_another_tag_is_refused(void)
{
	CLEANUP(wr_close) struct wr p = wr_open(MAX), msg = wr_open(MAX), other = wr_open(MAX);
	EVP_PKEY *k = evkit_ec("P-256");
	struct vkey *v = public_of(k);
	struct cose_sign1 m;
	struct err e = { 0 };

	cosekit_protected(-7, &p);
	cosekit_sign(k, &(struct cosekit){ .protected = wr_span(&p), .alg = -7, .untagged = true }, span_of(payload), &msg);
	CHECK(cose_sign1_parse(wr_span(&msg), &m, &e) == COFFER_OK && cose_sign1_verify(&m, v));
	cb_tag(&other, 98);
	wr_put(&other, wr_span(&msg));
	CHECK(cose_sign1_parse(wr_span(&other), &m, &e) == COFFER_E_INPUT);
	vkey_free(v);
	EVP_PKEY_free(k);
}

/* ---- headers ---- */

/* Both headers as they are; the signature is good. */
static enum coffer_rc with_headers(EVP_PKEY *k, const struct wr *p, const struct wr *u, struct cose_sign1 *m, struct wr *msg)
{
	struct err e = { 0 };

	cosekit_sign(k, &(struct cosekit){ wr_span(p), wr_span(u), -7, false, 0 }, span_of(payload), msg);
	return cose_sign1_parse(wr_span(msg), m, &e);
}

static void int_text(struct wr *w, int64_t key, const char *text)
{
	cb_int(w, key);
	cb_text(w, text);
}

static void headers_that_are_not_understood_are_refused(void)
{
	EVP_PKEY *k = evkit_ec("P-256");
	struct cose_sign1 m = { .alg = 77 };

	for (int what = 0; what < 9; what++) {
		CLEANUP(wr_close) struct wr p = wr_open(MAX), u = wr_open(MAX), msg = wr_open(MAX);

		switch (what) {
		case 0:
			cb_map(&p, 0);
			break; /* no algorithm */
		case 1:
			cb_map(&p, 0);
			cb_map(&u, 1);
			cb_int(&u, 1);
			cb_int(&u, -7);
			break; /* the algorithm outside */
		case 2:
			cb_map(&p, 1);
			cb_int(&p, 1);
			cb_int(&p, -8);
			break; /* EdDSA */
		case 3:
			cb_map(&p, 1);
			int_text(&p, 1, "ES256");
			break;
		case 4:
			cb_map(&p, 2);
			cb_int(&p, 1);
			cb_int(&p, -7);
			cb_int(&p, 2);
			cb_arr(&p, 1);
			cb_int(&p, 1);
			break; /* crit */
		case 5:
			cosekit_protected(-7, &p);
			cb_map(&u, 1);
			cb_int(&u, 2);
			cb_arr(&u, 1);
			cb_int(&u, 1);
			break;
		case 6:
			cb_map(&p, 2);
			cb_int(&p, 1);
			cb_int(&p, -7);
			int_text(&p, 3, "a");
			cb_map(&u, 1);
			int_text(&u, 3, "b");
			break;
		case 7:
			cb_arr(&p, 1);
			cb_int(&p, 1);
			break; /* no map */
		default:
			cosekit_protected(-7, &p);
			cb_arr(&u, 0);
			break;
		}
		CHECK(with_headers(k, &p, &u, &m, &msg) == COFFER_E_INPUT && m.alg == 77);
	}
	EVP_PKEY_free(k);
}

static void parts_of_other_types_are_refused(void)
{
	static const uint8_t bad[][16] = {
		{ 0x83, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x41, 0x00 },		/* three parts */
		{ 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0xf6, 0x41, 0x00 },	/* detached */
		{ 0x84, 0xa1, 0x01, 0x26, 0xa0, 0x41, 0x00, 0x41, 0x00 },	/* a header not in bytes */
		{ 0x84, 0x43, 0xa1, 0x01, 0x26, 0xa0, 0x41, 0x00, 0x61, 0x41 }, /* a signature in text */
		{ 0x84, 0x40, 0xa0, 0x41, 0x00, 0x41, 0x00 },			/* an empty header */
	};
	static const size_t len[] = { 8, 9, 9, 10, 7 };
	struct cose_sign1 m;
	struct err e = { 0 };

	for (size_t i = 0; i < 5; i++)
		CHECK(cose_sign1_parse((struct span){ bad[i], len[i] }, &m, &e) == COFFER_E_INPUT);
}

static void chains_are_returned_from_either_header(void)
{
	EVP_PKEY *k = evkit_ec("P-256");
	struct cose_sign1 m;

	for (size_t n = 0; n <= COSE_X5_MAX + 1; n++) {
		CLEANUP(wr_close) struct wr p = wr_open(MAX), u = wr_open(MAX), msg = wr_open(MAX);

		cosekit_protected(-7, &p);
		cb_map(&u, 1);
		cb_int(&u, 33);
		cb_arr(&u, n);
		for (size_t i = 0; i < n; i++)
			cb_bytes(&u, span_of("cert"));
		CHECK(with_headers(k, &p, &u, &m, &msg) == (n == 0 || n > COSE_X5_MAX ? COFFER_E_INPUT : COFFER_OK));
		CHECK(n == 0 || n > COSE_X5_MAX || (m.n_x5 == n && span_eq_str(m.x5[n - 1], "cert") && !m.x5_protected));
	}
	for (int one = 0; one < 2; one++) {
		CLEANUP(wr_close) struct wr p = wr_open(MAX), u = wr_open(MAX), msg = wr_open(MAX);

		cb_map(&p, 2);
		cb_int(&p, 1);
		cb_int(&p, -7);
		cb_int(&p, 33);
		if (one)
			cb_bytes(&p, span_of("cert"));
		else
			cb_text(&p, "cert");
		cb_map(&u, 0);
		CHECK(with_headers(k, &p, &u, &m, &msg) == (one ? COFFER_OK : COFFER_E_INPUT));
		CHECK(!one || (m.n_x5 == 1 && m.x5_protected));
	}
	EVP_PKEY_free(k);
}

/* ---- keys ---- */

struct key_how {
	int64_t kty, crv;
	size_t half;
	int64_t alg;
	bool private, compressed;
};

static enum coffer_rc read_key(EVP_PKEY *k, size_t real_half, struct key_how h)
{
	CLEANUP(wr_close) struct wr w = wr_open(MAX);
	struct vkey *v = NULL;
	struct err e = { 0 };
	uint8_t xy[132];
	enum coffer_rc rc;

	evkit_xy(k, xy, real_half);
	cb_map(&w, 4u + (h.alg != 0) + h.private);
	cb_int(&w, 1);
	cb_int(&w, h.kty);
	cb_int(&w, -1);
	cb_int(&w, h.crv);
	cb_int(&w, -2);
	cb_bytes(&w, (struct span){ xy, h.half });
	cb_int(&w, -3);
	if (h.compressed)
		wr_u8(&w, 0xf5);
	else
		cb_bytes(&w, (struct span){ xy + real_half, h.half });
	if (h.alg != 0) {
		cb_int(&w, 3);
		cb_int(&w, h.alg);
	}
	if (h.private) {
		cb_int(&w, -4);
		cb_bytes(&w, (struct span){ xy, h.half });
	}
	rc = cose_key_read(wr_span(&w), &v, &e);
	CHECK((rc == COFFER_OK) == (v != NULL));
	vkey_free(v);
	return rc;
}

static void keys_of_three_curves_are_read_and_no_others(void)
{
	EVP_PKEY *a = evkit_ec("P-256"), *b = evkit_ec("P-384"), *c = evkit_ec("P-521");

	CHECK(read_key(a, 32, (struct key_how){ 2, 1, 32, 0, false, false }) == COFFER_OK);
	CHECK(read_key(b, 48, (struct key_how){ 2, 2, 48, -35, false, false }) == COFFER_OK);
	CHECK(read_key(c, 66, (struct key_how){ 2, 3, 66, -36, false, false }) == COFFER_OK);
	CHECK(read_key(b, 48, (struct key_how){ 1, 2, 48, 0, false, false }) == COFFER_E_INPUT);   /* OKP */
	CHECK(read_key(b, 48, (struct key_how){ 2, 8, 48, 0, false, false }) == COFFER_E_INPUT);   /* secp256k1 */
	CHECK(read_key(b, 48, (struct key_how){ 2, 1, 48, 0, false, false }) == COFFER_E_INPUT);   /* too long */
	CHECK(read_key(b, 48, (struct key_how){ 2, 2, 47, 0, false, false }) == COFFER_E_INPUT);   /* too short */
	CHECK(read_key(a, 32, (struct key_how){ 2, 1, 32, -35, false, false }) == COFFER_E_INPUT); /* another curve's algorithm */
	CHECK(read_key(a, 32, (struct key_how){ 2, 1, 32, 0, true, false }) == COFFER_E_INPUT);
	CHECK(read_key(a, 32, (struct key_how){ 2, 1, 32, 0, false, true }) == COFFER_E_INPUT);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	EVP_PKEY_free(c);
}

static void key_off_its_curve_is_refused(void)
{
	uint8_t text[] = { 0xa4, 0x01, 0x02, 0x20, 0x01, 0x21, 0x58, 0x20, [40] = 0x22, 0x58, 0x20, [74] = 1 };
	struct vkey *v = NULL;
	struct err e = { 0 };

	CHECK(cose_key_read((struct span){ text, 75 }, &v, &e) == COFFER_E_INPUT && !v);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(each_algorithm_verifies_by_its_key_alone),
		T(algorithm_with_another_curve_is_refused),
		T(every_byte_and_every_cut_counts),
		T(untagged_is_the_same_and_another_tag_is_refused),
		T(headers_that_are_not_understood_are_refused),
		T(parts_of_other_types_are_refused),
		T(chains_are_returned_from_either_header),
		T(keys_of_three_curves_are_read_and_no_others),
		T(key_off_its_curve_is_refused),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
