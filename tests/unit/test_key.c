#include "crypto/key.h"

#include "crypto/hash.h"
#include "crypto_util.h"
#include "tests/t.h"

/* RFC 8032, 7.1, tests 1 and 2 */
static void key_sign_ed25519_rfc8032_gives_answer(void)
{
	static const struct {
		const char *seed, *pub, *msg, *sig;
	} t[] = {
		{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
		  "5141438e7a100b" },
		{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "r",
		  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb0"
		  "0d291612bb0c00" },
	};
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(privkey_freep) struct privkey *k = NULL;
		uint8_t seed[32], sig[SIG_LEN];

		hex(t[i].seed, seed, 32);
		CHECK(privkey_from_raw(KEY_ED25519, SPAN(seed), &k, &e) == COFFER_OK);
		CHECK(is_hex(SPAN(privkey_public(k)->x), t[i].pub));
		CHECK(key_sign(k, span_of(t[i].msg), sig, &e) == COFFER_OK);
		CHECK(is_hex(SPAN(sig), t[i].sig));
		CHECK(key_verify(privkey_public(k), span_of(t[i].msg), SPAN(sig)));
	}
}

static void rfc6979_key(struct pubkey *k)
{
	*k = (struct pubkey){ .kind = KEY_P256 };
	hex("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", k->x, 32);
	hex("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299", k->y, 32);
}

static const char rfc6979_sig[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
				  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

/* RFC 6979, A.2.5 */
static void key_verify_p256_rfc6979_accepts_and_refuses_changes(void)
{
	struct pubkey k;
	uint8_t sig[SIG_LEN];

	rfc6979_key(&k);
	hex(rfc6979_sig, sig, SIG_LEN);
	CHECK(key_verify(&k, span_of("sample"), SPAN(sig)));
	CHECK(!key_verify(&k, span_of("samplf"), SPAN(sig)));
	CHECK(!key_verify(&k, (struct span){ 0 }, SPAN(sig)));
	for (size_t i = 0; i < SIG_LEN; i++) {
		sig[i] ^= 1;
		CHECK(!key_verify(&k, span_of("sample"), SPAN(sig)));
		sig[i] ^= 1;
	}
}

/* Whatever differs from the last good one is verified, and what is verified and bad replaces nothing. */
static void key_verify_seen_knows_nothing_but_the_very_same(void)
{
	CLEANUP(privkey_freep) struct privkey *other = NULL;
	struct key_seen seen = { 0 };
	uint8_t sig[SIG_LEN], by_other[SIG_LEN];
	struct pubkey k, y;
	struct err e;

	rfc6979_key(&k);
	hex(rfc6979_sig, sig, SIG_LEN);
	CHECK(privkey_new(KEY_P256, &other, &e) == COFFER_OK && key_sign(other, span_of("sample"), by_other, &e) == COFFER_OK);
	CHECK(!key_verify_seen(&k, span_of("samplf"), SPAN(sig), &seen) && !seen.any);
	CHECK(key_verify_seen(&k, span_of("sample"), SPAN(sig), &seen) && seen.any);
	CHECK(key_verify_seen(&k, span_of("sample"), SPAN(sig), &seen));
	CHECK(!key_verify_seen(&k, span_of("samplf"), SPAN(sig), &seen));
	CHECK(!key_verify_seen(&k, span_of("sampl"), SPAN(sig), &seen));
	CHECK(!key_verify_seen(&k, (struct span){ 0 }, SPAN(sig), &seen));
	CHECK(!key_verify_seen(privkey_public(other), span_of("sample"), SPAN(sig), &seen));
	CHECK(!key_verify_seen(&k, span_of("sample"), SPAN(by_other), &seen));
	CHECK(!key_verify_seen(&k, span_of("sample"), (struct span){ sig, SIG_LEN - 1 }, &seen));
	for (size_t i = 0; i < SIG_LEN; i++) {
		sig[i] ^= 1;
		CHECK(!key_verify_seen(&k, span_of("sample"), SPAN(sig), &seen));
		sig[i] ^= 1;
	}
	for (size_t i = 0; i < 64; i++) {
		y = k;
		(i < 32 ? y.x : y.y)[i % 32] ^= 1;
		CHECK(!key_verify_seen(&y, span_of("sample"), SPAN(sig), &seen));
	}
	y = k;
	y.kind = KEY_ED25519;
	CHECK(!key_verify_seen(&y, span_of("sample"), SPAN(sig), &seen));
	CHECK(key_verify_seen(privkey_public(other), span_of("sample"), SPAN(by_other), &seen));
	CHECK(key_verify_seen(&k, span_of("sample"), SPAN(sig), &seen));
}

static void key_verify_every_other_length_is_false(void)
{
	struct pubkey k;
	uint8_t sig[SIG_LEN + 1] = { 0 };

	rfc6979_key(&k);
	hex(rfc6979_sig, sig, SIG_LEN);
	for (size_t n = 0; n <= sizeof(sig); n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, sig, n);
		CHECK(key_verify(&k, span_of("sample"), (struct span){ exact, n }) == (n == SIG_LEN));
		free(exact);
	}
}

static void key_verify_zero_and_oversized_numbers_are_false(void)
{
	struct pubkey k;
	uint8_t sig[SIG_LEN] = { 0 };

	rfc6979_key(&k);
	CHECK(!key_verify(&k, span_of("sample"), SPAN(sig)));
	memset(sig, 0xff, sizeof(sig));
	CHECK(!key_verify(&k, span_of("sample"), SPAN(sig)));
}

static void key_verify_point_off_curve_is_false(void)
{
	struct pubkey k;
	uint8_t sig[SIG_LEN];

	rfc6979_key(&k);
	hex(rfc6979_sig, sig, SIG_LEN);
	k.y[31] ^= 1;
	CHECK(!key_verify(&k, span_of("sample"), SPAN(sig)));
	memset(&k.x, 0, sizeof(k.x));
	memset(&k.y, 0, sizeof(k.y));
	CHECK(!key_verify(&k, span_of("sample"), SPAN(sig)));
	k.kind = (enum key_kind)3;
	CHECK(!key_verify(&k, span_of("sample"), SPAN(sig)));
}

static void key_sign_fresh_keys_verify_under_themselves_only(void)
{
	static const enum key_kind kinds[] = { KEY_ED25519, KEY_P256 };
	uint8_t sig[SIG_LEN];
	struct err e;

	for (size_t round = 0; round < 64; round++) { /* short r or s come up about once in 128 signatures */
		CLEANUP(privkey_freep) struct privkey *a = fresh(kinds[round % 2]);
		CLEANUP(privkey_freep) struct privkey *b = fresh(kinds[round % 2]);

		CHECK(key_sign(a, span_of("message"), sig, &e) == COFFER_OK);
		CHECK(key_verify(privkey_public(a), span_of("message"), SPAN(sig)));
		CHECK(!key_verify(privkey_public(b), span_of("message"), SPAN(sig)));
		CHECK(pubkey_eq(privkey_public(a), privkey_public(a)) && !pubkey_eq(privkey_public(a), privkey_public(b)));
	}
}

static void key_sign_p256_many_all_verify(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	uint8_t sig[SIG_LEN];
	struct err e;

	for (uint32_t i = 0; i < 600; i++) { /* enough for leading zero bytes on both sides of the DER form */
		struct span msg = { (const uint8_t *)&i, sizeof(i) };

		CHECK(key_sign(k, msg, sig, &e) == COFFER_OK);
		CHECK(key_verify(privkey_public(k), msg, SPAN(sig)));
	}
}

static void privkey_raw_roundtrip_is_same_key(void)
{
	static const enum key_kind kinds[] = { KEY_ED25519, KEY_P256 };
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(privkey_freep) struct privkey *a = fresh(kinds[i]);
		CLEANUP(privkey_freep) struct privkey *b = NULL;
		CLEANUP(secret_free) struct secret s = { 0 };

		CHECK(privkey_to_raw(a, &s, &e) == COFFER_OK && s.n == 32);
		CHECK(privkey_from_raw(kinds[i], (struct span){ s.p, s.n }, &b, &e) == COFFER_OK);
		CHECK(pubkey_eq(privkey_public(a), privkey_public(b)));
	}
}

static void privkey_from_raw_bad_scalars_are_refused(void)
{
	static const char *const bad[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", /* the order */
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	};
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	uint8_t raw[33] = { 1 };
	struct err e;

	for (size_t i = 0; i < 3; i++) {
		hex(bad[i], raw, 32);
		CHECK(privkey_from_raw(KEY_P256, (struct span){ raw, 32 }, &k, &e) == COFFER_E_INPUT);
	}
	raw[0] = 1;
	CHECK(privkey_from_raw(KEY_P256, (struct span){ raw, 31 }, &k, &e) == COFFER_E_INPUT);
	CHECK(privkey_from_raw(KEY_P256, (struct span){ raw, 33 }, &k, &e) == COFFER_E_INPUT);
	CHECK(privkey_from_raw(KEY_ED25519, (struct span){ raw, 31 }, &k, &e) == COFFER_E_INPUT);
	CHECK(privkey_from_raw((enum key_kind)7, (struct span){ raw, 32 }, &k, &e) == COFFER_E_INPUT);
	CHECK(k == NULL);
}

static void privkey_from_raw_order_minus_one_is_accepted(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	uint8_t raw[32];
	struct err e;

	hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550", raw, 32);
	CHECK(privkey_from_raw(KEY_P256, SPAN(raw), &k, &e) == COFFER_OK);
	CHECK(is_hex(SPAN(privkey_public(k)->x), "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"));
}

/* RFC 7518, appendix C: both sides reach the same Z. */
static void key_ecdh_rfc7518_gives_z(void)
{
	CLEANUP(privkey_freep) struct privkey *alice = p256_of("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
	CLEANUP(privkey_freep) struct privkey *bob = p256_of("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
	static const char want[] = "9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4";
	uint8_t x[32], z[32];
	struct err e;

	b64u("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", x, 32);
	CHECK(ct_eq(SPAN(privkey_public(alice)->x), SPAN(x)));
	CHECK(key_ecdh(alice, privkey_public(bob), z, &e) == COFFER_OK && is_hex(SPAN(z), want));
	CHECK(key_ecdh(bob, privkey_public(alice), z, &e) == COFFER_OK && is_hex(SPAN(z), want));
}

static void key_ecdh_wrong_peers_are_refused(void)
{
	CLEANUP(privkey_freep) struct privkey *k = fresh(KEY_P256);
	CLEANUP(privkey_freep) struct privkey *ed = fresh(KEY_ED25519);
	struct pubkey off = *privkey_public(k);
	uint8_t z[32];
	struct err e;

	off.x[0] ^= 1;
	CHECK(key_ecdh(k, &off, z, &e) == COFFER_E_INPUT);
	memset(off.x, 0, 32);
	memset(off.y, 0, 32);
	CHECK(key_ecdh(k, &off, z, &e) == COFFER_E_INPUT);
	CHECK(key_ecdh(k, privkey_public(ed), z, &e) == COFFER_E_INPUT);
	CHECK(key_ecdh(ed, privkey_public(k), z, &e) == COFFER_E_INPUT);
}

static void thumbprint_rfc8037_gives_answer(void)
{
	struct pubkey k = { .kind = KEY_ED25519 };
	uint8_t got[32], want[32];

	hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", k.x, 32);
	b64u("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", want, 32);
	pubkey_thumbprint(&k, got);
	CHECK(ct_eq(SPAN(got), SPAN(want)));
}

static void thumbprint_p256_is_hash_of_required_members(void)
{
	static const char text[] = "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
				   "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
	struct pubkey k = { .kind = KEY_P256 };
	uint8_t got[32], want[32];

	b64u("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", k.x, 32);
	b64u("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", k.y, 32);
	sha256(span_of(text), want);
	pubkey_thumbprint(&k, got);
	CHECK(ct_eq(SPAN(got), SPAN(want)));
}

static void key_sign_digest_verifies_over_the_message(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL, *ed = NULL;
	uint8_t digest[32], sig[SIG_LEN];
	struct err e;

	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK && privkey_new(KEY_ED25519, &ed, &e) == COFFER_OK);
	sha256(span_of("message"), digest);
	CHECK(key_sign_digest(k, digest, sig, &e) == COFFER_OK);
	CHECK(key_verify(privkey_public(k), span_of("message"), SPAN(sig)));
	CHECK(!key_verify(privkey_public(k), span_of("massage"), SPAN(sig)));
	CHECK(key_sign_digest(ed, digest, sig, &e) == COFFER_E_INPUT);
}

struct far { struct privkey *k; unsigned asked, ended; };

static enum coffer_rc far_sign(void *arg, const struct pubkey *pub, struct span msg, uint8_t sig[static 64], struct err *e)
{
	struct far *f = arg;

	(void)pub;
	f->asked++;
	return key_sign(f->k, msg, sig, e);
}

static void far_end(void *arg)
{
	((struct far *)arg)->ended++;
}

static const struct key_elsewhere far_how = { far_sign, far_end };

static void privkey_elsewhere_signs_and_does_nothing_else(void)
{
	CLEANUP(privkey_freep) struct privkey *near = NULL;
	CLEANUP(secret_free) struct secret raw = { 0 };
	struct privkey *k = NULL;
	uint8_t sig[SIG_LEN], z[32] = { 0 };
	struct far f = { 0 };
	struct err e;

	CHECK(privkey_new(KEY_P256, &near, &e) == COFFER_OK);
	f.k = near;
	CHECK(privkey_elsewhere(privkey_public(near), &far_how, &f, &k, &e) == COFFER_OK);
	CHECK(key_sign(k, span_of("message"), sig, &e) == COFFER_OK && f.asked == 1);
	CHECK(key_verify(privkey_public(near), span_of("message"), SPAN(sig)));
	CHECK(privkey_to_raw(k, &raw, &e) == COFFER_E_INPUT && strstr(e.msg, "elsewhere"));
	CHECK(key_ecdh(k, privkey_public(near), z, &e) == COFFER_E_INPUT);
	CHECK(key_sign_digest(k, z, sig, &e) == COFFER_E_INPUT);
	privkey_free(k);
	CHECK(f.ended == 1 && f.asked == 1);
}

static void privkey_elsewhere_with_another_keys_signature_is_refused(void)
{
	struct far f = { 0 }; /* outlives k */
	CLEANUP(privkey_freep) struct privkey *mine = NULL, *other = NULL, *k = NULL;
	uint8_t sig[SIG_LEN] = { 0 }, none[SIG_LEN] = { 0 };
	struct err e;

	CHECK(privkey_new(KEY_ED25519, &mine, &e) == COFFER_OK && privkey_new(KEY_ED25519, &other, &e) == COFFER_OK);
	f.k = other;
	CHECK(privkey_elsewhere(privkey_public(mine), &far_how, &f, &k, &e) == COFFER_OK);
	CHECK(key_sign(k, span_of("message"), sig, &e) == COFFER_E_DENIED && strcmp(e.check, "key") == 0);
	CHECK(ct_eq(SPAN(sig), SPAN(none)));
}

int main(void)
{
	static const struct t_case c[] = {
		T(key_sign_ed25519_rfc8032_gives_answer), T(key_verify_p256_rfc6979_accepts_and_refuses_changes),
		T(key_verify_every_other_length_is_false), T(key_verify_seen_knows_nothing_but_the_very_same), T(key_verify_zero_and_oversized_numbers_are_false),
		T(key_sign_digest_verifies_over_the_message), T(key_verify_point_off_curve_is_false), T(key_sign_fresh_keys_verify_under_themselves_only),
		T(key_sign_p256_many_all_verify), T(privkey_raw_roundtrip_is_same_key), T(privkey_from_raw_bad_scalars_are_refused),
		T(privkey_from_raw_order_minus_one_is_accepted), T(key_ecdh_rfc7518_gives_z), T(key_ecdh_wrong_peers_are_refused),
		T(privkey_elsewhere_signs_and_does_nothing_else), T(privkey_elsewhere_with_another_keys_signature_is_refused),
		T(thumbprint_rfc8037_gives_answer), T(thumbprint_p256_is_hash_of_required_members),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
