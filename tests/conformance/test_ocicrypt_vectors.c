/* guest/ocicrypt: images, packets and cipher of upstream, as expected.json says they end. */
#include "tests/conformance/vec.h"

#include "crypto/hash.h"
#include "fmt/enc.h"
#include "fmt/inflate.h"
#include "image/crypt.h"
#include "image/ref.h"
#include "image/tool.h"

static bool hex_member(const struct json *o, const char *name, struct wr *out)
{
	*out = wr_open(1 << 16);
	return hex_read(json_str(json_get(o, name)), out) && wr_ok(out);
}

static void cipher_kat_matches_both_ways(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("ocicrypt/blockcipher_kat.json");
	const struct json *cases = json_get(json_root(doc), "cases");

	CHECK(json_len(cases) == 4);
	for (size_t i = 0; i < json_len(cases); i++) {
		const struct json *c = json_at(cases, i);
		CLEANUP(wr_close) struct wr plain = { 0 };
		CLEANUP(wr_close) struct wr ct = { 0 };
		CLEANUP(crypt_layer_clear) struct crypt_layer l = { 0 };
		CLEANUP(crypt_freep) struct crypt_stream *enc = NULL;
		CLEANUP(crypt_freep) struct crypt_stream *dec = NULL;
		struct crypt_pubopts pub;
		uint8_t buf[1024];
		struct err e;

		CHECK(hex_member(c, "plaintext_hex", &plain) && hex_member(c, "ciphertext_hex", &ct) && plain.n <= sizeof(buf));
		CHECK(secret_new(32, &l.priv.key, &e) == COFFER_OK);
		CHECK(hex_fixed(json_str(json_get(c, "key_hex")), l.priv.key.p, 32));
		CHECK(hex_fixed(json_str(json_get(c, "nonce_hex")), l.priv.nonce, 16));
		CHECK(hex_fixed(json_str(json_get(c, "hmac_sha256_hex")), l.pub.hmac, 32));
		sha256(wr_span(&plain), l.priv.digest);
		CHECK(crypt_encrypt(&l.priv, &enc, &e) == COFFER_OK);
		CHECK(crypt_add(enc, wr_span(&plain), buf, &e) == COFFER_OK);
		crypt_finish(enc, &pub);
		CHECK(span_eq((struct span){ buf, ct.n }, wr_span(&ct)) && span_eq(SPAN(pub.hmac), SPAN(l.pub.hmac)));
		CHECK(crypt_decrypt(&l, &dec, &e) == COFFER_OK);
		for (size_t k = 0; k < ct.n; k += 7) /* odd pieces, in place */
			CHECK(crypt_add(dec, (struct span){ buf + k, ct.n - k < 7 ? ct.n - k : 7 }, buf + k, &e) == COFFER_OK);
		CHECK(span_eq((struct span){ buf, plain.n }, wr_span(&plain)));
		CHECK(crypt_verify(dec, &e) == COFFER_OK);
	}
}

/* arg: object kid -> base64 of the key */
static enum coffer_rc key_from(void *arg, const char *kid, struct secret *out, struct err *e)
{
	struct span b64 = json_str(json_get(arg, kid));

	if (b64.n == 0)
		return err_set(e, COFFER_E_NOTFOUND, "no key %s", kid);
	TRY(secret_new(32, out, e));
	return b64_fixed(b64, out->p, 32) ? COFFER_OK : err_set(e, COFFER_E_INPUT, "key of wrong length");
}

static bool unwraps_to(struct span packet, const struct json *kids, struct span expect)
{
	CLEANUP(crypt_packet_clear) struct crypt_packet p = { 0 };
	CLEANUP(crypt_private_clear) struct crypt_private priv = { 0 };
	CLEANUP(secret_free) struct secret kek = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	struct err e;

	return crypt_packet_parse(packet, &p, &e) == COFFER_OK && key_from((void *)(uintptr_t)kids, p.kid, &kek, &e) == COFFER_OK &&
	    crypt_packet_open(&p, &kek, &priv, &e) == COFFER_OK && crypt_private_write(&priv, &text, &e) == COFFER_OK &&
	    span_eq(wr_span(&text), expect);
}

static void unwrap_cases_end_as_listed(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("ocicrypt/packets/unwrap_cases.json");
	const struct json *cases = json_get(json_root(doc), "cases"), *kids = json_get(json_root(doc), "kids");

	CHECK(json_len(cases) >= 7);
	for (size_t i = 0; i < json_len(cases); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(1 << 16);
		struct json_wr j = jw_open(&w, false);
		struct span expect = json_str(json_get(json_at(cases, i), "expect"));

		jw_value(&j, json_get(json_at(cases, i), "packet"));
		if (unwraps_to(wr_span(&w), kids, expect) == span_eq_str(expect, "error"))
			printf("# case %zu\n", i);
		CHECK(unwraps_to(wr_span(&w), kids, expect) == !span_eq_str(expect, "error"));
	}
}

static void upstream_packets_parse_and_sample_unwraps(void)
{
	static const char *const notes[] = { "ocicrypt/packets/readme_annotation_0.b64" };
	CLEANUP(json_freep) struct json_doc *exp = vec_json("ocicrypt/expected.json");
	const struct json *sample = json_get(json_root(exp), "packets/sample_kbc_annotation.json");
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(wr_close) struct wr note = { 0 };
	CLEANUP(wr_close) struct wr pub = { 0 };
	CLEANUP(wr_close) struct wr plain = wr_open(4096);
	CLEANUP(crypt_packet_clear) struct crypt_packet v1 = { 0 };
	CLEANUP(crypt_packet_clear) struct crypt_packet p = { 0 };
	CLEANUP(crypt_packets_clear) struct crypt_packets list = { 0 };
	CLEANUP(crypt_private_clear) struct crypt_private priv = { 0 };
	CLEANUP(secret_free) struct secret kek = { 0 };
	struct crypt_pubopts opts;
	struct err e;

	CHECK(vec_read("ocicrypt/packets/cdh_v1.json", &text));
	CHECK(crypt_packet_parse(wr_span(&text), &v1, &e) == COFFER_OK);
	CHECK(vec_read("ocicrypt/packets/sample_kbc_annotation.json", &text));
	CHECK(crypt_packet_parse(wr_span(&text), &p, &e) == COFFER_OK);
	CHECK(secret_new(32, &kek, &e) == COFFER_OK && b64_fixed(json_str(json_get(sample, "kek_b64")), kek.p, 32));
	CHECK(crypt_packet_open(&p, &kek, &priv, &e) == COFFER_OK && crypt_private_write(&priv, &plain, &e) == COFFER_OK);
	CHECK(span_eq(wr_span(&plain), json_str(json_get(sample, "plaintext"))));
	CHECK(vec_read(notes[0], &note) && vec_read("ocicrypt/packets/readme_annotation_1.b64", &pub));
	while (note.n > 0 && note.p[note.n - 1] == '\n')
		note.n--;
	while (pub.n > 0 && pub.p[pub.n - 1] == '\n')
		pub.n--;
	CHECK(crypt_packets_parse(wr_span(&note), &list, &e) == COFFER_OK && list.n == 1);
	CHECK(crypt_pubopts_parse(wr_span(&pub), &opts, &e) == COFFER_OK);
}

struct inflated {
	struct hash_stream *h;
};

static enum coffer_rc hash_piece(void *arg, struct span piece, struct err *e)
{
	(void)e;
	hash_add(((struct inflated *)arg)->h, piece);
	return COFFER_OK;
}

/* The layer of the decrypted image, unpacked, has the diff_id that was listed. */
static bool layer_is(const struct layout *l, const struct descriptor *d, struct span diff_id)
{
	CLEANUP(wr_close) struct wr blob = { 0 };
	CLEANUP(inflate_freep) struct inflate *z = NULL;
	struct inflated in = { hash_open(HASH_SHA256) };
	uint8_t got[HASH_MAX], want[32];
	struct layer_kind k;
	struct err e;
	bool ok;

	ok = layer_kind_of(d->media_type, &k, &e) == COFFER_OK && !k.encrypted && k.compression == INFLATE_GZIP &&
	    layout_read(l, d, 1 << 24, &blob, &e) == COFFER_OK &&
	    inflate_open(k.compression, 1 << 26, hash_piece, &in, &z, &e) == COFFER_OK && inflate_add(z, wr_span(&blob), &e) == COFFER_OK &&
	    inflate_end(z, &e) == COFFER_OK && ref_digest_parse(diff_id, want, &e) == COFFER_OK;
	hash_end(in.h, got);
	return ok && span_eq((struct span){ got, 32 }, SPAN(want));
}

static enum coffer_rc decrypt_vector(const char *name, const struct crypt_keys *keys, const char *to, struct err *e)
{
	CLEANUP(freep) char *rel = str_fmt("ocicrypt/%s", name);
	CLEANUP(freep) char *dir = vec_path(rel);
	const struct image_at in = { dir, "latest" }, out = { to, "plain" };
	uint8_t digest[32];

	return image_decrypt(&in, &out, keys, digest, e);
}

static void check_image(const char *name, const struct crypt_keys *keys)
{
	CLEANUP(json_freep) struct json_doc *exp = vec_json("ocicrypt/expected.json");
	const struct json *layers = json_get(json_get(json_root(exp), name), "layers");
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	const struct descriptor *d = NULL;
	char tmp[64];
	struct err e = { 0 };

	CHECK(vec_temp(tmp));
	CHECK(decrypt_vector(name, keys, tmp, &e) == COFFER_OK);
	if (e.msg[0])
		printf("# %s\n", e.msg);
	CHECK(layout_open(tmp, &l, &e) == COFFER_OK && layout_find(l, "plain", &d, &e) == COFFER_OK);
	CHECK(d && layout_read(l, d, MANIFEST_MAX, &text, &e) == COFFER_OK && image_manifest_parse(wr_span(&text), &m, &e) == COFFER_OK);
	CHECK(m.n_layers == 3 && json_len(layers) == 3);
	for (size_t i = 0; i < m.n_layers; i++)
		CHECK(layer_is(l, &m.layers[i], json_str(json_get(json_at(layers, i), "diff_id"))));
	vec_remove(tmp);
}

static void image_jwe_decrypts(void)
{
	CLEANUP(wr_close) struct wr pem = { 0 };
	struct crypt_keys keys = { 0 };

	CHECK(vec_read("ocicrypt/keys/image-rs-test-private_key.pem", &pem));
	keys.pem = wr_span(&pem);
	check_image("image-jwe", &keys);
}

static struct json_doc *kids(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("ocicrypt/packets/unwrap_cases.json");
	CLEANUP(wr_close) struct wr w = wr_open(4096);
	struct json_wr j = jw_open(&w, false);
	struct json_doc *out = NULL;
	struct err e;

	jw_value(&j, json_get(json_root(doc), "kids"));
	if (json_parse(wr_span(&w), 4096, &out, &e) != COFFER_OK)
		t_failed = 1;
	return out;
}

static void image_keyprovider_v1_and_v2_decrypt(void)
{
	CLEANUP(json_freep) struct json_doc *k = kids();
	const struct crypt_keys keys = { .get_key = key_from, .arg = (void *)(uintptr_t)json_root(k) };

	check_image("image-keyprovider-v1", &keys);
	check_image("image-keyprovider-v2", &keys);
}

static void image_tampered_is_refused_and_leaves_no_image(void)
{
	CLEANUP(json_freep) struct json_doc *k = kids();
	const struct crypt_keys keys = { .get_key = key_from, .arg = (void *)(uintptr_t)json_root(k) };
	CLEANUP(layout_freep) struct layout *l = NULL;
	char tmp[64];
	struct err e;

	CHECK(vec_temp(tmp));
	CHECK(decrypt_vector("image-tampered-ciphertext", &keys, tmp, &e) == COFFER_E_DENIED);
	CHECK(strcmp(e.check, "decrypt") == 0 && strstr(e.msg, "HMAC"));
	CHECK(layout_open(tmp, &l, &e) == COFFER_OK && layout_index(l)->n == 0);
	vec_remove(tmp);
}

static void key_names_are_read_as_listed(void)
{
	CLEANUP(json_freep) struct json_doc *doc = vec_json("resource-uri/keyprovider_keyid.json");

	CHECK(json_len(json_root(doc)) == 4);
	for (size_t i = 0; i < json_len(json_root(doc)); i++) {
		const struct json *c = json_at(json_root(doc), i);
		struct span addr = json_str(json_get(c, "addr")), path = json_str(json_get(c, "path"));
		CLEANUP(freep) char *want = str_fmt("kbs://%.*s/%.*s", (int)addr.n, (const char *)addr.p, (int)path.n, (const char *)path.p);
		CLEANUP(freep) char *got = NULL;
		struct err e;

		CHECK(crypt_kid_normal(json_str(json_get(c, "input")), &got, &e) == COFFER_OK && strcmp(got, want) == 0);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(cipher_kat_matches_both_ways), T(unwrap_cases_end_as_listed), T(upstream_packets_parse_and_sample_unwraps),
		T(image_jwe_decrypts), T(image_keyprovider_v1_and_v2_decrypt), T(image_tampered_is_refused_and_leaves_no_image),
		T(key_names_are_read_as_listed),
	};

	return vec_main("ocicrypt/expected.json", cases, sizeof(cases) / sizeof(cases[0]));
}
