/* Keys that evidence is verified with. */
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/cert_parse.h"
#include "crypto/vkey_priv.h"
#include "fmt/enc.h"
#include "tests/evkit.h"
#include "tests/t.h"

static void vkey_verifies_each_scheme_and_no_other_key_message_or_length(void)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096), sig = wr_open(4096);
	EVP_PKEY *ec = evkit_ec("P-384"), *rsa = evkit_rsa();
	struct vkey *k = NULL, *r = NULL;
	struct err e = { 0 };
	uint8_t rs[96], xy[96];
	struct span msg = span_of("message");

	evkit_xy(ec, xy, 48);
	evkit_sign(ec, "SHA384", msg, rs, 48);
	CHECK(vkey_ec(VKEY_P384, SPAN(xy), &k, &e) == COFFER_OK && vkey_kind(k) == VKEY_P384);
	CHECK(vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA384, msg, SPAN(rs)));
	CHECK(!vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA256, msg, SPAN(rs)) &&
	      !vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA384, span_of("Message"), SPAN(rs)));
	CHECK(!vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA384, msg, (struct span){ rs, 95 }) &&
	      !vkey_verify(k, SIG_RSASSA, HASH_SHA384, msg, SPAN(rs)));
	rs[95] ^= 1;
	CHECK(!vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA384, msg, SPAN(rs)));
	xy[95] ^= 1;
	vkey_free(k);
	k = NULL;
	CHECK(vkey_ec(VKEY_P384, SPAN(xy), &k, &e) == COFFER_E_INPUT && !k); /* off the curve */
	evkit_spki(rsa, &spki);
	evkit_sign_rsa(rsa, msg, &sig);
	CHECK(vkey_spki(wr_span(&spki), &r, &e) == COFFER_OK && vkey_kind(r) == VKEY_RSA);
	CHECK(vkey_verify(r, SIG_RSASSA, HASH_SHA256, msg, wr_span(&sig)) &&
	      !vkey_verify(r, SIG_RSAPSS, HASH_SHA256, msg, wr_span(&sig)));
	CHECK(!vkey_verify(r, SIG_ECDSA_RAW, HASH_SHA256, msg, wr_span(&sig)) &&
	      !vkey_verify(r, SIG_RSASSA, HASH_SHA1, msg, wr_span(&sig)));
	vkey_free(r);
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
}

/* Our own writing of keys against the library's, and keys in seldom forms are as good as others. */
static void keys_are_written_as_the_library_writes_them(void)
{
	static const char *const forms[][3] = { { "P-256" }, { "P-384" }, { "P-521" }, { "SM2" }, { "P-256", "point-format", "compressed" },
		{ "P-384", "encoding", "explicit" }, { NULL } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		CLEANUP(wr_close) struct wr spki = wr_open(4096);
		EVP_PKEY *pkey = !forms[i][0] ? evkit_rsa()
		    : strcmp(forms[i][0], "SM2") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "SM2")
						      : evkit_ec(forms[i][0]);
		struct vkey *k = NULL;
		struct err e = { 0 };

		CHECK(!forms[i][1] || EVP_PKEY_set_utf8_string_param(pkey, forms[i][1], forms[i][2]) == 1);
		evkit_spki(pkey, &spki);
		CHECK(vkey_spki(wr_span(&spki), &k, &e) == COFFER_OK && span_eq(vkey_der(k), wr_span(&spki)));
		vkey_free(k);
		k = NULL;
		CHECK(vkey_spki((struct span){ spki.p, spki.n - 1 }, &k, &e) == COFFER_E_INPUT && !k);
		wr_u8(&spki, 0);
		CHECK(vkey_spki(wr_span(&spki), &k, &e) == COFFER_E_INPUT && !k);
		EVP_PKEY_free(pkey);
	}
}

/* The longest signatures there are: two coordinates of 66 bytes. */
static void vkey_of_521_bits_verifies_with_its_own_length_and_point(void)
{
	EVP_PKEY *ec = evkit_ec("P-521");
	struct vkey *k = NULL, *other = NULL;
	struct err e = { 0 };
	uint8_t rs[132], xy[132];
	struct span msg = span_of("message");

	evkit_xy(ec, xy, 66);
	evkit_sign(ec, "SHA512", msg, rs, 66);
	CHECK(vkey_ec(VKEY_P521, SPAN(xy), &k, &e) == COFFER_OK && vkey_kind(k) == VKEY_P521);
	CHECK(vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA512, msg, SPAN(rs)));
	CHECK(!vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA512, msg, (struct span){ rs, 131 }) &&
	      !vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA384, msg, SPAN(rs)));
	CHECK(vkey_ec(VKEY_P521, (struct span){ xy, 131 }, &other, &e) == COFFER_E_INPUT && !other);
	xy[131] ^= 1;
	CHECK(vkey_ec(VKEY_P521, SPAN(xy), &other, &e) == COFFER_E_INPUT && !other); /* off the curve */
	rs[131] ^= 1;
	CHECK(!vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA512, msg, SPAN(rs)));
	vkey_free(k);
	EVP_PKEY_free(ec);
}

/* GM/T 0003.5, A.2 (the recommended curve; the identifier is GM/T 0009's default) */
static void sm2_gives_the_answer_of_the_standard(void)
{
	uint8_t xy[64], rs[64];
	struct vkey *k = NULL, *other = NULL;
	EVP_PKEY *ec = evkit_ec("P-256");
	struct span id = span_of("1234567812345678"), msg = span_of("message digest");
	struct err e = { 0 };

	CHECK(hex_fixed(span_of("09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
				"ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"), xy, 64));
	CHECK(hex_fixed(span_of("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
				"b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"), rs, 64));
	CHECK(vkey_ec(VKEY_SM2, SPAN(xy), &k, &e) == COFFER_OK && vkey_kind(k) == VKEY_SM2);
	CHECK(vkey_verify_sm2(k, id, msg, rs));
	CHECK(!vkey_verify_sm2(k, span_of("1234567812345679"), msg, rs) && !vkey_verify_sm2(k, span_of(""), msg, rs));
	CHECK(!vkey_verify_sm2(k, id, span_of("message digesT"), rs));
	CHECK(!vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA256, msg, SPAN(rs))); /* another scheme */
	evkit_xy(ec, xy, 32);
	CHECK(vkey_ec(VKEY_P256, SPAN(xy), &other, &e) == COFFER_OK && !vkey_verify_sm2(other, id, msg, rs));
	for (size_t i = 0; i < 64; i += 9) {
		rs[i] ^= 1;
		CHECK(!vkey_verify_sm2(k, id, msg, rs));
		rs[i] ^= 1;
	}
	vkey_free(k);
	vkey_free(other);
	EVP_PKEY_free(ec);
}

static void shared_key_is_there_until_its_last_holder_frees_it(void)
{
	CLEANUP(wr_close) struct wr spki = wr_open(4096), sig = wr_open(4096);
	EVP_PKEY *rsa = evkit_rsa();
	struct vkey *k = NULL, *held;
	struct err e = { 0 };
	struct span msg = span_of("message");

	evkit_spki(rsa, &spki);
	evkit_sign_rsa(rsa, msg, &sig);
	CHECK(vkey_spki(wr_span(&spki), &k, &e) == COFFER_OK);
	held = vkey_share(k);
	CHECK(vkey_eq(held, k));
	vkey_free(k);
	CHECK(vkey_verify(held, SIG_RSASSA, HASH_SHA256, msg, wr_span(&sig)) && span_eq(vkey_der(held), wr_span(&spki)));
	vkey_free(held);
	EVP_PKEY_free(rsa);
}

/* The library's object of a key that is freed serves the next one: its point must not, and who was shown it keeps it. */
static void freed_key_leaves_nothing_to_the_next_one(void)
{
	EVP_PKEY *first = evkit_ec("P-256"), *second = evkit_ec("P-256"), *held;
	struct vkey *k = NULL;
	struct err e = { 0 };
	struct span msg = span_of("message");
	uint8_t xy1[64], xy2[64], s1[64], s2[64], bad[64] = { 1 };

	evkit_xy(first, xy1, 32);
	evkit_xy(second, xy2, 32);
	evkit_sign(first, "SHA256", msg, s1, 32);
	evkit_sign(second, "SHA256", msg, s2, 32);
	for (int i = 0; i < 20; i++) { /* longer than there is room for those that wait */
		CHECK(vkey_ec(VKEY_P256, i % 2 ? SPAN(xy1) : SPAN(xy2), &k, &e) == COFFER_OK);
		CHECK(vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA256, msg, i % 2 ? SPAN(s1) : SPAN(s2)) &&
		      !vkey_verify(k, SIG_ECDSA_RAW, HASH_SHA256, msg, i % 2 ? SPAN(s2) : SPAN(s1)));
		vkey_free(k);
		k = NULL;
		CHECK(vkey_ec(VKEY_P256, SPAN(bad), &k, &e) == COFFER_E_INPUT && !k);
	}
	CHECK(vkey_ec(VKEY_P256, SPAN(xy1), &k, &e) == COFFER_OK);
	held = vkey_evp(k);
	EVP_PKEY_up_ref(held);
	vkey_free(k);
	for (int i = 0; i < 20; i++) {
		CHECK(vkey_ec(VKEY_P256, SPAN(xy2), &k, &e) == COFFER_OK);
		vkey_free(k);
	}
	CHECK(EVP_PKEY_eq(held, first) == 1);
	EVP_PKEY_free(held);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(vkey_verifies_each_scheme_and_no_other_key_message_or_length),
		T(keys_are_written_as_the_library_writes_them),
		T(vkey_of_521_bits_verifies_with_its_own_length_and_point),
		T(sm2_gives_the_answer_of_the_standard),
		T(shared_key_is_there_until_its_last_holder_frees_it),
		T(freed_key_leaves_nothing_to_the_next_one),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
