#include "crypto/hash.h"

#include "crypto_util.h"
#include "tests/t.h"

static void hash_once_abc_gives_fips_180_answers(void)
{
	uint8_t h[HASH_MAX];

	sha256(span_of("abc"), h);
	CHECK(is_hex((struct span){ h, 32 }, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	hash_once(HASH_SHA256, (struct span){ 0 }, h);
	CHECK(is_hex((struct span){ h, 32 }, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
	hash_once(HASH_SHA384, span_of("abc"), h);
	CHECK(is_hex((struct span){ h, 48 }, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"));
	hash_once(HASH_SHA512, span_of("abc"), h);
	CHECK(is_hex((struct span){ h, 64 }, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
					     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"));
}

static void hash_stream_in_pieces_equals_one_shot(void)
{
	static const enum hash_alg algs[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
	uint8_t text[1000], a[HASH_MAX], b[HASH_MAX];

	random_bytes(text, sizeof(text));
	for (size_t i = 0; i < 3; i++) {
		struct hash_stream *h = hash_open(algs[i]);

		for (size_t at = 0; at < sizeof(text); at += 100)
			hash_add(h, (struct span){ text + at, 100 });
		hash_add(h, (struct span){ 0 });
		hash_end(h, a);
		hash_once(algs[i], SPAN(text), b);
		CHECK(memcmp(a, b, hash_len(algs[i])) == 0); /* public: test data */
	}
}

static void hash_by_name_knows_three_names_only(void)
{
	enum hash_alg a = HASH_SHA512;

	CHECK(hash_by_name(span_of("sha256"), &a) && a == HASH_SHA256 && hash_len(a) == 32);
	CHECK(hash_by_name(span_of("sha384"), &a) && a == HASH_SHA384 && hash_len(a) == 48);
	CHECK(hash_by_name(span_of("sha512"), &a) && a == HASH_SHA512 && hash_len(a) == 64);
	CHECK(strcmp(hash_name(HASH_SHA384), "sha384") == 0);
	CHECK(!hash_by_name(span_of("SHA256"), &a) && !hash_by_name(span_of("sha1"), &a) && !hash_by_name(span_of(""), &a));
	CHECK(a == HASH_SHA512);
}

static void hmac_rfc4231_cases_give_their_answers(void)
{
	uint8_t key[131], mac[HASH_MAX];
	struct hash_stream *h;

	hmac_sha256(span_of("Jefe"), span_of("what do ya want for nothing?"), mac);
	CHECK(is_hex((struct span){ mac, 32 }, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
	memset(key, 0xaa, sizeof(key));
	h = hmac_open(SPAN(key));
	hash_add(h, span_of("Test Using Larger Than Block-Size Key - "));
	hash_add(h, span_of("Hash Key First"));
	hash_end(h, mac);
	CHECK(is_hex((struct span){ mac, 32 }, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
	hmac_sha256((struct span){ 0 }, (struct span){ 0 }, mac);
	CHECK(is_hex((struct span){ mac, 32 }, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

static void hkdf_rfc5869_cases_give_their_answers(void)
{
	uint8_t ikm[22], salt[13], info[10], out[42];

	memset(ikm, 0x0b, sizeof(ikm));
	hex("000102030405060708090a0b0c", salt, sizeof(salt));
	hex("f0f1f2f3f4f5f6f7f8f9", info, sizeof(info));
	hkdf_sha256(SPAN(ikm), SPAN(salt), SPAN(info), out, sizeof(out));
	CHECK(is_hex(SPAN(out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"));
	hkdf_sha256(SPAN(ikm), (struct span){ 0 }, (struct span){ 0 }, out, sizeof(out));
	CHECK(is_hex(SPAN(out), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"));
}

static void random_bytes_twice_differ(void)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK(!ct_eq(SPAN(a), SPAN(b)));
}

static void hash_free_accepts_null_and_unfinished(void)
{
	CLEANUP(hash_freep) struct hash_stream *h = hash_open(HASH_SHA256);

	hash_free(NULL);
	hash_add(h, span_of("x"));
}

int main(void)
{
	static const struct t_case c[] = {
		T(hash_once_abc_gives_fips_180_answers), T(hash_stream_in_pieces_equals_one_shot),
		T(hash_by_name_knows_three_names_only),	 T(hmac_rfc4231_cases_give_their_answers),
		T(hkdf_rfc5869_cases_give_their_answers), T(random_bytes_twice_differ),
		T(hash_free_accepts_null_and_unfinished),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
