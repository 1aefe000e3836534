#include "image/crypt.h"

#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/cryptjwe.h"
#include "tests/unit/image_help.h"

#define KID "kbs:///org/image-key/app"
#define B32 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define B16 "AAECAwQFBgcICQoLDA0ODw=="
#define PRIVATE "{\"symkey\":\"" B32 "\",\"digest\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"," \
	"\"cipheroptions\":{\"nonce\":\"" B16 "\"}}"

static enum coffer_rc pubopts(const char *json)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	struct crypt_pubopts p;
	struct err e;
	enum coffer_rc rc;

	b64_write(&w, span_of(json));
	rc = crypt_pubopts_parse(wr_span(&w), &p, &e);
	if (rc == COFFER_E_DENIED && strcmp(e.check, "decrypt") != 0)
		return COFFER_E_BUG;
	return rc;
}

static bool is_pubopts(struct span s)
{
	struct crypt_pubopts p;
	struct err e;

	return crypt_pubopts_parse(s, &p, &e) == COFFER_OK;
}

static void pubopts_refuse_a_public_nonce_and_other_ciphers(void)
{
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" B32 "\",\"cipheroptions\":{}}") == COFFER_OK);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" B32 "\",\"cipheroptions\":null}") == COFFER_OK);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" B32 "\"}") == COFFER_OK);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" B32 "\",\"cipheroptions\":{\"nonce\":\"" B16 "\"}}") == COFFER_E_DENIED);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" B32 "\",\"cipheroptions\":{\"x\":1}}") == COFFER_E_INPUT);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" B32 "\",\"cipheroptions\":[]}") == COFFER_E_INPUT);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR\",\"hmac\":\"" B32 "\"}") == COFFER_E_INPUT);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\",\"hmac\":\"" B16 "\"}") == COFFER_E_INPUT);
	CHECK(pubopts("{\"cipher\":\"AES_256_CTR_HMAC_SHA256\"}") == COFFER_E_INPUT);
	CHECK(pubopts("") == COFFER_E_INPUT);
}

static void pubopts_round_trip_and_refuse_prefixes(void)
{
	const struct crypt_pubopts p = { { 1, 2, 3 } };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct crypt_pubopts got;
	struct err e;

	CHECK(crypt_pubopts_write(&p, &w, &e) == COFFER_OK && crypt_pubopts_parse(wr_span(&w), &got, &e) == COFFER_OK);
	CHECK(span_eq(SPAN(got.hmac), SPAN(p.hmac)));
	wr_u8(&w, 0);
	CHECK(all_prefixes_refused((const char *)w.p, is_pubopts));
}

static bool is_private(struct span s)
{
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	struct err e;
	bool ok = crypt_private_parse(s, &p, &e) == COFFER_OK;

	if (!ok && p.key.p)
		t_failed = 1;
	return ok;
}

static void private_options_round_trip_and_refuse_prefixes(void)
{
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct err e;

	CHECK(crypt_private_parse(span_of(PRIVATE), &p, &e) == COFFER_OK && p.key.n == 32 && p.key.p[31] == 31 && p.nonce[15] == 15);
	CHECK(crypt_private_write(&p, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), PRIVATE));
	CHECK(all_prefixes_refused(PRIVATE, is_private));
	CHECK(!is_private(span_of("{\"symkey\":\"" B16 "\",\"digest\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
				  "\"cipheroptions\":{\"nonce\":\"" B16 "\"}}")));
	CHECK(!is_private(span_of("{\"symkey\":\"" B32 "\",\"digest\":\"\",\"cipheroptions\":{\"nonce\":\"" B16 "\"}}")));
	CHECK(!is_private(span_of("{\"symkey\":\"" B32 "\",\"digest\":\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
				  "\"cipheroptions\":{}}")));
}

static struct secret make_kek(uint8_t fill, size_t n)
{
	struct secret s = { 0 };
	struct err e;

	if (secret_new(n, &s, &e) != COFFER_OK)
		t_failed = 1;
	else
		memset(s.p, fill, n);
	return s;
}

static void seal_note(const char *kid, uint8_t fill, const struct crypt_private *p, struct wr *note)
{
	CLEANUP(secret_free) struct secret kek = make_kek(fill, 32);
	struct err e;

	CHECK(crypt_packet_seal(kid, &kek, p, note, &e) == COFFER_OK);
}

static bool is_packets(struct span s)
{
	CLEANUP(crypt_packets_clear) struct crypt_packets l = { 0 };
	struct err e;

	return crypt_packets_parse(s, &l, &e) == COFFER_OK;
}

static bool is_packet(struct span s)
{
	CLEANUP(crypt_packet_clear) struct crypt_packet p = { 0 };
	struct err e;

	return crypt_packet_parse(s, &p, &e) == COFFER_OK;
}

static void packet_opens_with_its_key_alone(void)
{
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	CLEANUP(crypt_private_clear) struct crypt_private got = { 0 };
	CLEANUP(crypt_packets_clear) struct crypt_packets l = { 0 };
	CLEANUP(secret_free) struct secret right = make_kek(7, 32);
	CLEANUP(secret_free) struct secret wrong = make_kek(8, 32);
	CLEANUP(secret_free) struct secret tiny = make_kek(7, 16);
	CLEANUP(wr_close) struct wr note = wr_open(CRYPT_NOTE_MAX);
	struct err e;

	CHECK(crypt_private_parse(span_of(PRIVATE), &p, &e) == COFFER_OK);
	seal_note(KID, 7, &p, &note);
	CHECK(crypt_packets_parse(wr_span(&note), &l, &e) == COFFER_OK && l.n == 1 && strcmp(l.at[0].kid, KID) == 0);
	CHECK(crypt_packet_open(&l.at[0], &wrong, &got, &e) == COFFER_E_DENIED && strcmp(e.check, "decrypt") == 0 && !got.key.p);
	CHECK(crypt_packet_open(&l.at[0], &tiny, &got, &e) == COFFER_E_DENIED);
	CHECK(crypt_packet_open(&l.at[0], &right, &got, &e) == COFFER_OK);
	CHECK(ct_eq((struct span){ got.key.p, 32 }, (struct span){ p.key.p, 32 }) && span_eq(SPAN(got.nonce), SPAN(p.nonce)));
	wr_str(&note, "");
	wr_u8(&note, 0);
	CHECK(all_prefixes_refused((const char *)note.p, is_packets));
	for (size_t i = 0; i < l.at[0].wrapped.n; i++) { /* every byte is under the tag */
		l.at[0].wrapped.p[i] ^= 1;
		CHECK(crypt_packet_open(&l.at[0], &right, &got, &e) == COFFER_E_DENIED);
		l.at[0].wrapped.p[i] ^= 1;
	}
}

static void packet_with_ctr_refuses_another_key_by_its_content(void)
{
	CLEANUP(crypt_packet_clear) struct crypt_packet p = { 0 };
	CLEANUP(crypt_private_clear) struct crypt_private got = { 0 };
	CLEANUP(secret_free) struct secret wrong = make_kek(8, 32);
	struct err e;

	CHECK(crypt_packet_parse(span_of("{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"" B16 "\",\"wrap_type\":\"A256CTR\"}"), &p, &e) == COFFER_OK);
	CHECK(crypt_packet_open(&p, &wrong, &got, &e) == COFFER_E_DENIED && strcmp(e.check, "decrypt") == 0);
}

static void packet_parse_refuses_what_is_not_built(void)
{
	static const char *const bad[] = {
		"{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A128GCM\"}",
		"{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"" B16 "\",\"wrap_type\":\"A256GCM\"}",
		"{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256CTR\"}",
		"{\"kid\":\"\",\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256GCM\"}",
		"{\"kid\":\"k\",\"wrapped_data\":\"" B16 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256GCM\"}",
		"{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"wrap_type\":\"A256GCM\"}",
		"{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256GCM\",\"provider\":\"aliyun\"}",
		"{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256GCM\",\"version\":\"0.2.0\"}",
		"{\"kid\":1,\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256GCM\"}",
	};
	static const char good[] = "{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256GCM\",\"x\":1}";

	CHECK(is_packet(span_of(good)) && all_prefixes_refused(good, is_packet));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (is_packet(span_of(bad[i])))
			printf("# accepted %zu\n", i), t_failed = 1;
}

static void packets_are_bounded_in_number(void)
{
	CLEANUP(wr_close) struct wr one = wr_open(8192);
	CLEANUP(wr_close) struct wr many = wr_open(CRYPT_NOTE_MAX);

	b64_write(&one, span_of("{\"kid\":\"k\",\"wrapped_data\":\"" B32 "\",\"iv\":\"AAECAwQFBgcICQoL\",\"wrap_type\":\"A256GCM\"}"));
	for (int i = 0; i < CRYPT_PACKETS_MAX; i++) {
		wr_str(&many, i ? "," : "");
		wr_put(&many, wr_span(&one));
	}
	CHECK(is_packets(wr_span(&many)));
	wr_str(&many, ",");
	CHECK(!is_packets(wr_span(&many)));
	wr_put(&many, wr_span(&one));
	CHECK(!is_packets(wr_span(&many)));
}

static enum coffer_rc give_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	if (strcmp(kid, KID) != 0)
		return err_set(e, COFFER_E_NOTFOUND, "no key %s", kid);
	TRY(secret_new(32, out, e));
	memset(out->p, *(const uint8_t *)arg, 32);
	return COFFER_OK;
}

/* A descriptor with the annotations given as JSON text. */
static enum coffer_rc unlock(const char *notes, const struct crypt_keys *k, struct err *e)
{
	CLEANUP(crypt_layer_clear) struct crypt_layer l = { 0 };
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	struct descriptor d = { 0 };

	if (json_parse(span_of(notes), 1 << 20, &doc, e) != COFFER_OK)
		return COFFER_E_BUG;
	d.annotations = json_root(doc);
	return crypt_unlock(&d, k, &l, e);
}

static void unlock_skips_unknown_keys_and_says_why_it_fails(void)
{
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	CLEANUP(wr_close) struct wr pub = wr_open(4096);
	CLEANUP(wr_close) struct wr two = wr_open(CRYPT_NOTE_MAX);
	CLEANUP(wr_close) struct wr one = wr_open(CRYPT_NOTE_MAX);
	CLEANUP(freep) char *both = NULL, *stranger = NULL, *bare = NULL;
	const struct crypt_pubopts opts = { { 0 } };
	uint8_t fill = 7, other = 9;
	struct crypt_keys k = { .get_key = give_key, .arg = &fill };
	struct err e;

	CHECK(crypt_private_parse(span_of(PRIVATE), &p, &e) == COFFER_OK && crypt_pubopts_write(&opts, &pub, &e) == COFFER_OK);
	seal_note("kbs:///org/other/key", 3, &p, &two);
	seal_note("kbs:///org/other/key", 3, &p, &one);
	wr_str(&two, ",");
	seal_note(KID, 7, &p, &two);
	both = str_fmt("{\"" CRYPT_NOTE_PUBOPTS "\":\"%.*s\",\"" CRYPT_NOTE_PACKETS "\":\"%.*s\"}", (int)pub.n, (const char *)pub.p, (int)two.n, (const char *)two.p);
	stranger = str_fmt("{\"" CRYPT_NOTE_PUBOPTS "\":\"%.*s\",\"" CRYPT_NOTE_PACKETS "\":\"%.*s\"}", (int)pub.n, (const char *)pub.p, (int)one.n, (const char *)one.p);
	bare = str_fmt("{\"" CRYPT_NOTE_PACKETS "\":\"%.*s\"}", (int)one.n, (const char *)one.p);
	CHECK(unlock(both, &k, &e) == COFFER_OK);
	CHECK(unlock(stranger, &k, &e) == COFFER_E_NOTFOUND && strstr(e.msg, "no key"));
	CHECK(unlock(bare, &k, &e) == COFFER_E_INPUT);
	k.arg = &other;
	CHECK(unlock(both, &k, &e) != COFFER_OK);
	CHECK(unlock(both, &(struct crypt_keys){ 0 }, &e) == COFFER_E_DENIED && strcmp(e.check, "decrypt") == 0);
}

static void stream_refuses_changed_bytes_wrong_mac_and_wrong_digest(void)
{
	for (int what = 0; what < 4; what++) {
		CLEANUP(crypt_layer_clear) struct crypt_layer l = { 0 };
		CLEANUP(crypt_freep) struct crypt_stream *enc = NULL;
		CLEANUP(crypt_freep) struct crypt_stream *dec = NULL;
		uint8_t digest[32], buf[100] = "layer bytes";
		struct err e;

		sha256(SPAN(buf), digest);
		CHECK(crypt_private_new(digest, &l.priv, &e) == COFFER_OK && crypt_encrypt(&l.priv, &enc, &e) == COFFER_OK);
		CHECK(crypt_add(enc, SPAN(buf), buf, &e) == COFFER_OK);
		crypt_finish(enc, &l.pub);
		buf[99] ^= what == 1;
		l.pub.hmac[0] ^= what == 2;
		l.priv.nonce[0] ^= what == 3; /* no MAC covers it: the digest must tell */
		CHECK(crypt_decrypt(&l, &dec, &e) == COFFER_OK && crypt_add(dec, SPAN(buf), buf, &e) == COFFER_OK);
		CHECK(crypt_verify(dec, &e) == (what ? COFFER_E_DENIED : COFFER_OK));
		CHECK(!what || strcmp(e.check, "decrypt") == 0);
		CHECK(crypt_verify(dec, &e) == COFFER_E_BUG); /* ended */
		CHECK(crypt_add(dec, SPAN(buf), buf, &e) == COFFER_E_BUG);
	}
}

static void kid_normal_refuses_what_is_no_key_name(void)
{
	static const char *const bad[] = { "", "/", "kbs://", "kbs:///a/b", "kbs:///a/b/c/d", "kbs:///a//c", "kbs:///a/b/", "kbs:///../b/c", "kbs:///a/b/c?x",
		"kbs:///a/b/%41", "x y/a/b/c", "kbs://u@h/a/b/c", "kbs:///a/b/\xff" };
	CLEANUP(freep) char *ok = NULL;
	struct err e;

	CHECK(crypt_kid_normal(span_of("/a/b/c.d-e_F"), &ok, &e) == COFFER_OK && strcmp(ok, "kbs:///a/b/c.d-e_F") == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *out = NULL;

		CHECK(crypt_kid_normal(span_of(bad[i]), &out, &e) == COFFER_E_INPUT && !out);
		free(out);
	}
}

static void jwe_refuses_what_is_no_jwe_and_no_key(void)
{
	static const char *const texts[] = { "", "{}", "{\"protected\":\"e30\",\"ciphertext\":\"AA\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"encrypted_key\":\"AA\"}",
		"{\"protected\":\"eyJlbmMiOiJBMjU2R0NNIn0\",\"ciphertext\":\"AA\",\"iv\":\"AAAAAAAAAAAAAAAA\",\"tag\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"recipients\":[]}" };
	CLEANUP(crypt_private_clear) struct crypt_private p = { 0 };
	CLEANUP(wr_close) struct wr note = wr_open(4096);
	struct err e;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(4096);
		struct crypt_private got = { 0 };

		b64_write(&w, span_of(texts[i]));
		CHECK(cryptjwe_open(wr_span(&w), span_of("no pem"), span_of(""), &got, &e) != COFFER_OK && !got.key.p);
	}
	CHECK(crypt_private_parse(span_of(PRIVATE), &p, &e) == COFFER_OK);
	CHECK(cryptjwe_seal(span_of("no pem"), &p, &note, &e) == COFFER_E_INPUT && note.n == 0);
}

int main(void)
{
	static const struct t_case cases[] = { T(pubopts_refuse_a_public_nonce_and_other_ciphers), T(pubopts_round_trip_and_refuse_prefixes),
		T(private_options_round_trip_and_refuse_prefixes),
		T(packet_opens_with_its_key_alone), T(packet_with_ctr_refuses_another_key_by_its_content), T(packet_parse_refuses_what_is_not_built),
		T(packets_are_bounded_in_number), T(unlock_skips_unknown_keys_and_says_why_it_fails),
		T(stream_refuses_changed_bytes_wrong_mac_and_wrong_digest), T(kid_normal_refuses_what_is_no_key_name),
		T(jwe_refuses_what_is_no_jwe_and_no_key) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
