#include "crypto/cipher.h"

#include "crypto/hash.h"
#include "crypto_util.h"
#include "tests/t.h"

static const char gcm16_key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char gcm16_plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
				  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char gcm16_ct[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
			       "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";

struct gcm {
	uint8_t key[32], iv[GCM_IV], aad[20], in[60], ct[60], tag[GCM_TAG];
};

/* Test case 16 of McGrew and Viega's GCM specification. */
static void gcm16(struct gcm *g)
{
	struct err e;

	hex(gcm16_key, g->key, 32);
	hex("cafebabefacedbaddecaf888", g->iv, GCM_IV);
	hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", g->aad, 20);
	hex(gcm16_plain, g->in, 60);
	CHECK(gcm_seal(g->key, g->iv, SPAN(g->aad), SPAN(g->in), g->ct, g->tag, &e) == COFFER_OK);
}

static void gcm_seal_spec_cases_give_their_answers(void)
{
	uint8_t key[32] = { 0 }, iv[GCM_IV] = { 0 }, in[16] = { 0 }, tag[GCM_TAG];
	struct gcm g;
	struct err e;

	CHECK(gcm_seal(key, iv, (struct span){ 0 }, (struct span){ 0 }, in, tag, &e) == COFFER_OK);
	CHECK(is_hex(SPAN(tag), "530f8afbc74536b9a963b4f1c4cb738b"));
	CHECK(gcm_seal(key, iv, (struct span){ 0 }, SPAN(in), in, tag, &e) == COFFER_OK); /* in place */
	CHECK(is_hex(SPAN(in), "cea7403d4d606b6e074ec5d3baf39d18"));
	CHECK(is_hex(SPAN(tag), "d0d1c8a799996bf0265b98b5d48ab919"));
	gcm16(&g);
	CHECK(is_hex(SPAN(g.ct), gcm16_ct));
	CHECK(is_hex(SPAN(g.tag), "76fc6ece0f4e1768cddf8853bb2d551b"));
}

static void gcm_open_sealed_gives_content(void)
{
	uint8_t out[60];
	struct gcm g;
	struct err e;

	gcm16(&g);
	CHECK(gcm_open(g.key, g.iv, SPAN(g.aad), SPAN(g.ct), g.tag, out, &e) == COFFER_OK);
	CHECK(is_hex(SPAN(out), gcm16_plain));
}

static void refuse_flipped(const struct gcm *good, size_t at)
{
	struct gcm g = *good;
	uint8_t out[60];
	struct err e;

	((uint8_t *)&g)[at] ^= 1;
	memset(out, 0xaa, sizeof(out));
	CHECK(gcm_open(g.key, g.iv, SPAN(g.aad), SPAN(g.ct), g.tag, out, &e) == COFFER_E_DENIED);
	CHECK(strcmp(e.check, "seal") == 0);
	for (size_t i = 0; i < sizeof(out); i++)
		CHECK(out[i] == 0);
}

static void gcm_open_any_byte_flipped_is_denied_and_wiped(void)
{
	struct gcm g;

	gcm16(&g);
	for (size_t i = 0; i < sizeof(g); i++) {
		bool unused = i >= offsetof(struct gcm, in) && i < offsetof(struct gcm, ct);

		if (!unused)
			refuse_flipped(&g, i);
	}
}

static void ctr_run_sp800_38a_gives_answer_in_any_pieces(void)
{
	static const char want[] = "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
				   "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6";
	static const char in_hex[] = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
				     "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
	uint8_t key[32], iv[16], in[64], out[64];
	struct err e;

	hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", key, 32);
	hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", iv, 16);
	hex(in_hex, in, 64);
	for (size_t piece = 1; piece <= 64; piece++) {
		CLEANUP(ctr_freep) struct ctr_stream *c = NULL;

		CHECK(ctr_open(key, iv, &c, &e) == COFFER_OK);
		for (size_t at = 0; at < 64; at += piece)
			CHECK(ctr_run(c, (struct span){ in + at, at + piece > 64 ? 64 - at : piece }, out + at, &e) == COFFER_OK);
		CHECK(is_hex(SPAN(out), want));
	}
	ctr_free(NULL);
}

/* RFC 3394, 4.6 */
static const char kw_want[] = "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21";

static void kw_wrap_rfc3394_gives_answer(void)
{
	uint8_t kek[32], key[32], wrapped[40], back[32];
	struct err e;

	hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", kek, 32);
	hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f", key, 32);
	CHECK(kw_wrap(kek, SPAN(key), wrapped, &e) == COFFER_OK);
	CHECK(is_hex(SPAN(wrapped), kw_want));
	CHECK(kw_unwrap(kek, SPAN(wrapped), back, &e) == COFFER_OK);
	CHECK(ct_eq(SPAN(back), SPAN(key)));
}

static void kw_unwrap_any_byte_flipped_is_denied(void)
{
	uint8_t kek[32], wrapped[40], back[32];
	struct err e;

	hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", kek, 32);
	for (size_t i = 0; i < 40; i++) {
		hex(kw_want, wrapped, 40);
		wrapped[i] ^= 0x80;
		CHECK(kw_unwrap(kek, SPAN(wrapped), back, &e) == COFFER_E_DENIED);
		CHECK(strcmp(e.check, "seal") == 0);
	}
}

static void kw_sizes_that_are_no_keys_are_refused(void)
{
	static const size_t bad[] = { 0, 1, 7, 8, 15, 17, 33, 4104 };
	uint8_t kek[32] = { 0 }, in[4200] = { 0 }, out[4200];
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(kw_wrap(kek, (struct span){ in, bad[i] }, out, &e) == COFFER_E_INPUT);
		CHECK(kw_unwrap(kek, (struct span){ in, bad[i] + 8 }, out, &e) == COFFER_E_INPUT);
	}
	for (size_t n = 0; n < 8; n++)
		CHECK(kw_unwrap(kek, (struct span){ in, n }, out, &e) == COFFER_E_INPUT);
}

int main(void)
{
	static const struct t_case c[] = {
		T(gcm_seal_spec_cases_give_their_answers), T(gcm_open_sealed_gives_content),
		T(gcm_open_any_byte_flipped_is_denied_and_wiped), T(ctr_run_sp800_38a_gives_answer_in_any_pieces),
		T(kw_wrap_rfc3394_gives_answer), T(kw_unwrap_any_byte_flipped_is_denied), T(kw_sizes_that_are_no_keys_are_refused),
	};
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
