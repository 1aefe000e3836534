/* Layouts and the tool on a small image of two layers. */
#include "image/tool.h"

#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "image/ref.h"
#include "os/file.h"
#include "tests/unit/image_help.h"

#define GZ "application/vnd.oci.image.layer.v1.tar+gzip"
#define DOCKER_GZ "application/vnd.docker.image.rootfs.diff.tar.gzip"

static void put_desc(struct wr *w, const char *type, struct span body)
{
	uint8_t d[32];
	char text[REF_DIGEST_TEXT];

	sha256(body, d);
	ref_digest_text(d, text);
	wr_fmt(w, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{\"keep\":\"me\"}}", type, text, body.n);
}

/* An image tagged "v1" in dir; layers are arbitrary bytes, which the tool never unpacks. */
static void make_image(const char *dir, const char *manifest_type, const char *config_type, const char *layer_type)
{
	static const char config[] = "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Cmd\":[\"/bin/sh\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
	    "\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
	    "\"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]}}";
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(wr_close) struct wr m = wr_open(1 << 16);
	CLEANUP(freep) uint8_t *big = calloc(1, 300001);
	struct span layer[2] = { span_of("first layer"), { big, 300001 } };
	uint8_t d[32];
	struct err e;

	CHECK(layout_create(dir, &l, &e) == COFFER_OK && layout_put(l, span_of(config), d, &e) == COFFER_OK);
	wr_fmt(&m, "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":", manifest_type);
	put_desc(&m, config_type, span_of(config));
	wr_str(&m, ",\"layers\":[");
	for (int i = 0; i < 2; i++) {
		CHECK(layout_put(l, layer[i], d, &e) == COFFER_OK);
		wr_str(&m, i ? "," : "");
		put_desc(&m, layer_type, layer[i]);
	}
	wr_str(&m, "],\"annotations\":{\"also\":\"kept\"}}");
	CHECK(layout_tag(l, "v1", manifest_type, wr_span(&m), d, &e) == COFFER_OK);
}

static void load(const char *dir, const char *tag, struct image_manifest *m)
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	const struct descriptor *d = NULL;
	struct err e;

	CHECK(layout_open(dir, &l, &e) == COFFER_OK && layout_find(l, tag, &d, &e) == COFFER_OK);
	CHECK(d && layout_read(l, d, MANIFEST_MAX, &text, &e) == COFFER_OK && image_manifest_parse(wr_span(&text), m, &e) == COFFER_OK);
}

static enum coffer_rc give_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	if (strcmp(kid, "kbs:///org/image-key/app") != 0)
		return err_set(e, COFFER_E_NOTFOUND, "no key %s", kid);
	TRY(secret_new(32, out, e));
	memset(out->p, *(const uint8_t *)arg, 32);
	return COFFER_OK;
}

static enum coffer_rc encrypt(const char *from, const char *to, const char *kid, struct err *e)
{
	CLEANUP(secret_free) struct secret kek = { 0 };
	const struct image_at in = { from, "v1" }, out = { to, "v1" };
	struct image_encrypt_opts o = { .kid = kid, .kek = &kek };
	uint8_t d[32];

	TRY(secret_new(32, &kek, e));
	memset(kek.p, 7, 32);
	return image_encrypt(&in, &out, &o, d, e);
}

static void round_trip(const char *dir)
{
	CLEANUP(freep) char *a = str_fmt("%s/a", dir), *b = str_fmt("%s/b", dir), *c = str_fmt("%s/c", dir);
	CLEANUP(image_manifest_clear) struct image_manifest plain = { 0 }, enc = { 0 }, dec = { 0 };
	uint8_t fill = 7, wrong = 8, d[32];
	struct crypt_keys k = { .get_key = give_key, .arg = &fill };
	const struct image_at eat = { b, "v1" }, out = { c, "v1" };
	struct layer_kind kind;
	struct err e;

	load(a, "v1", &plain);
	CHECK(encrypt(a, b, "/org/image-key/app", &e) == COFFER_OK);
	load(b, "v1", &enc);
	CHECK(enc.n_layers == 2 && !enc.docker && span_eq_str(enc.config.media_type, MEDIA_OCI_CONFIG));
	for (size_t i = 0; i < enc.n_layers; i++) {
		CHECK(span_eq_str(enc.layers[i].media_type, GZ "+encrypted") && enc.layers[i].size == plain.layers[i].size);
		CHECK(layer_kind_of(enc.layers[i].media_type, &kind, &e) == COFFER_OK && kind.encrypted);
		CHECK(!span_eq(SPAN(enc.layers[i].digest), SPAN(plain.layers[i].digest)));
		CHECK(span_eq_str(descriptor_note(&enc.layers[i], "keep"), "me") && descriptor_note(&enc.layers[i], CRYPT_NOTE_PUBOPTS).n > 0);
	}
	CHECK(json_get(json_root(enc.doc), "annotations") != NULL);
	CHECK(encrypt(b, c, "/org/image-key/app", &e) == COFFER_E_INPUT); /* nothing left to encrypt */
	k.arg = &wrong;
	CHECK(image_decrypt(&eat, &out, &k, d, &e) == COFFER_E_DENIED && strcmp(e.check, "decrypt") == 0);
	k.arg = &fill;
	CHECK(image_decrypt(&eat, &out, &k, d, &e) == COFFER_OK);
	load(c, "v1", &dec);
	for (size_t i = 0; i < dec.n_layers; i++) {
		CHECK(span_eq(SPAN(dec.layers[i].digest), SPAN(plain.layers[i].digest)) && span_eq_str(dec.layers[i].media_type, GZ));
		CHECK(descriptor_note(&dec.layers[i], CRYPT_NOTE_PUBOPTS).n == 0 && descriptor_note(&dec.layers[i], CRYPT_NOTE_PACKETS).n == 0);
	}
}

static void encrypt_and_decrypt_give_the_same_layers(void)
{
	static const char *const kinds[2][3] = { { MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, GZ }, { MEDIA_DOCKER_MANIFEST, MEDIA_DOCKER_CONFIG, DOCKER_GZ } };

	for (int i = 0; i < 2; i++) {
		char dir[64];
		CLEANUP(freep) char *a = NULL;

		CHECK(temp_make(dir));
		a = str_fmt("%s/a", dir);
		make_image(a, kinds[i][0], kinds[i][1], kinds[i][2]);
		round_trip(dir);
		temp_remove(dir);
	}
}

/* The manifest of dir:v1 again, with the first layer's digest replaced: what an attacker who owns the registry serves. */
static void retag_with(const char *dir, const struct image_manifest *m, const uint8_t fresh[static 32])
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	const struct descriptor *d = NULL;
	char old_text[REF_DIGEST_TEXT], new_text[REF_DIGEST_TEXT];
	uint8_t ignored[32];
	struct err e;
	char *at;

	ref_digest_text(m->layers[0].digest, old_text);
	ref_digest_text(fresh, new_text);
	CHECK(layout_open(dir, &l, &e) == COFFER_OK && layout_find(l, "v1", &d, &e) == COFFER_OK);
	CHECK(layout_read(l, d, MANIFEST_MAX, &text, &e) == COFFER_OK);
	at = memmem(text.p, text.n, old_text, strlen(old_text));
	CHECK(at != NULL);
	if (at)
		memcpy(at, new_text, strlen(new_text));
	CHECK(layout_tag(l, "v1", MEDIA_OCI_MANIFEST, wr_span(&text), ignored, &e) == COFFER_OK);
}

static void decrypt_refuses_a_layer_changed_in_the_registry(void)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	CLEANUP(layout_freep) struct layout *l = NULL, *out_l = NULL;
	CLEANUP(freep) char *a = NULL, *b = NULL, *c = NULL;
	CLEANUP(wr_close) struct wr blob = { 0 };
	struct image_at in = { NULL, "v1" }, out = { NULL, "v1" };
	uint8_t fill = 7, fresh[32], d[32];
	const struct crypt_keys k = { .get_key = give_key, .arg = &fill };
	char dir[64];
	struct err e;

	CHECK(temp_make(dir));
	a = str_fmt("%s/a", dir);
	b = str_fmt("%s/b", dir);
	c = str_fmt("%s/c", dir);
	in.dir = b;
	out.dir = c;
	make_image(a, MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, GZ);
	CHECK(encrypt(a, b, "kbs:///org/image-key/app", &e) == COFFER_OK);
	load(b, "v1", &m);
	CHECK(layout_open(b, &l, &e) == COFFER_OK && layout_read(l, &m.layers[0], 100, &blob, &e) == COFFER_OK);
	blob.p[3] ^= 1;
	CHECK(layout_put(l, wr_span(&blob), fresh, &e) == COFFER_OK);
	retag_with(b, &m, fresh);
	CHECK(image_decrypt(&in, &out, &k, d, &e) == COFFER_E_DENIED && strcmp(e.check, "decrypt") == 0 && strstr(e.msg, "HMAC"));
	CHECK(layout_open(c, &out_l, &e) == COFFER_OK && layout_index(out_l)->n == 0);
	temp_remove(dir);
}

static void encrypt_refuses_without_recipient_or_with_bad_names(void)
{
	const struct image_at in = { "/nonexistent", NULL }, out = { "/nonexistent/out", NULL };
	uint8_t d[32];
	struct err e;

	CHECK(image_encrypt(&in, &out, &(struct image_encrypt_opts){ 0 }, d, &e) == COFFER_E_INPUT);
	CHECK(image_encrypt(&in, &out, &(struct image_encrypt_opts){ .kid = "/a/b/c" }, d, &e) == COFFER_E_INPUT);
	CHECK(encrypt("/nonexistent", "/nonexistent/out", "kbs:///a/b", &e) == COFFER_E_INPUT);
	CHECK(encrypt("/nonexistent", "/nonexistent/out", "kbs:///a/b/c", &e) == COFFER_E_NOTFOUND);
}

static char *some_blob(const char *dir, const struct descriptor *d)
{
	char hex[HEX32_LEN];

	hex32(d->digest, hex);
	return str_fmt("%s/blobs/sha256/%s", dir, hex);
}

static void layout_refuses_changed_short_and_odd_blobs(void)
{
	CLEANUP(image_manifest_clear) struct image_manifest m = { 0 };
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(wr_close) struct wr w = { 0 };
	CLEANUP(layout_unmap) struct span mapped = { NULL, 0 };
	CLEANUP(freep) char *path = NULL;
	char dir[64];
	struct err e;

	CHECK(temp_make(dir));
	make_image(dir, MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, GZ);
	load(dir, "v1", &m);
	path = some_blob(dir, &m.layers[0]);
	CHECK(layout_open(dir, &l, &e) == COFFER_OK);
	CHECK(layout_read(l, &m.layers[0], 4, &w, &e) == COFFER_E_LIMIT);
	CHECK(layout_read(l, &m.layers[0], 100, &w, &e) == COFFER_OK && span_eq_str(wr_span(&w), "first layer"));
	CHECK(layout_map(l, &m.layers[0], &mapped, &e) == COFFER_OK && span_eq_str(mapped, "first layer"));
	CHECK(layout_has(l, m.layers[0].digest));
	m.layers[0].size++; /* the right bytes under a descriptor that lies about their number */
	CHECK(layout_read(l, &m.layers[0], 100, &w, &e) == COFFER_E_DENIED && strcmp(e.check, "digest") == 0);
	m.layers[0].size--;
	CHECK(file_write(path, span_of("first lay3r"), 0600, &e) == COFFER_OK);
	CHECK(layout_read(l, &m.layers[0], 100, &w, &e) == COFFER_E_DENIED && strcmp(e.check, "digest") == 0);
	CHECK(file_write(path, span_of("first laye"), 0600, &e) == COFFER_OK);
	CHECK(layout_read(l, &m.layers[0], 100, &w, &e) == COFFER_E_DENIED && strcmp(e.check, "digest") == 0);
	CHECK(unlink(path) == 0 && symlink("/etc/hostname", path) == 0);
	CHECK(layout_read(l, &m.layers[0], 100, &w, &e) == COFFER_E_SYSTEM);
	CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
	CHECK(layout_read(l, &m.layers[0], 100, &w, &e) == COFFER_E_INPUT);
	CHECK(unlink(path) == 0 && layout_read(l, &m.layers[0], 100, &w, &e) == COFFER_E_NOTFOUND);
	temp_remove(dir);
}

static void layout_find_and_tag_name_one_image(void)
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	const struct descriptor *d = NULL;
	uint8_t a[32], b[32];
	char dir[64];
	struct err e;

	CHECK(temp_make(dir));
	CHECK(layout_open(dir, &l, &e) == COFFER_E_NOTFOUND && !l);
	CHECK(layout_create(dir, &l, &e) == COFFER_OK && layout_find(l, NULL, &d, &e) == COFFER_E_NOTFOUND);
	CHECK(layout_tag(l, "x", MEDIA_OCI_MANIFEST, span_of("{}"), a, &e) == COFFER_OK);
	CHECK(layout_tag(l, "sha256-00.sig", MEDIA_OCI_MANIFEST, span_of("{ }"), b, &e) == COFFER_OK);
	CHECK(layout_find(l, NULL, &d, &e) == COFFER_OK && span_eq(SPAN(d->digest), SPAN(a)));
	CHECK(layout_tag(l, "x", MEDIA_OCI_MANIFEST, span_of("{  }"), b, &e) == COFFER_OK && layout_index(l)->n == 2);
	CHECK(layout_find(l, "x", &d, &e) == COFFER_OK && span_eq(SPAN(d->digest), SPAN(b)));
	CHECK(layout_tag(l, "y", MEDIA_OCI_MANIFEST, span_of("{}"), a, &e) == COFFER_OK);
	CHECK(layout_find(l, NULL, &d, &e) == COFFER_E_INPUT && layout_find(l, "z", &d, &e) == COFFER_E_NOTFOUND);
	CHECK(layout_tag(l, NULL, MEDIA_OCI_MANIFEST, span_of("{}"), a, &e) == COFFER_OK);
	CHECK(layout_tag(l, NULL, MEDIA_OCI_MANIFEST, span_of("{}"), a, &e) == COFFER_OK && layout_index(l)->n == 4);
	temp_remove(dir);
}

static void layout_blob_given_up_leaves_no_file(void)
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(freep) char *blobs = NULL;
	struct layout_blob *b = NULL;
	char dir[64];
	struct err e;

	CHECK(temp_make(dir));
	blobs = str_fmt("%s/blobs/sha256", dir);
	CHECK(layout_create(dir, &l, &e) == COFFER_OK && layout_blob_new(l, &b, &e) == COFFER_OK && layout_blob_add(b, span_of("x"), &e) == COFFER_OK);
	layout_blob_free(b);
	CHECK(rmdir(blobs) == 0); /* empty */
	blobs[strlen(blobs) - 7] = '\0';
	CHECK(rmdir(blobs) == 0);
	temp_remove(dir);
}

static enum coffer_rc verify(const char *dir, const char *ref, const char *key, struct err *e)
{
	CLEANUP(freep) char *policy = str_fmt("{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s\"}]}", key);
	const struct image_at in = { dir, "v1" };
	uint8_t d[32];

	return image_verify_layout(&in, ref, span_of(policy), d, e);
}

static void sign_and_verify_in_a_layout(void)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr pem = wr_open(4096), out = wr_open(1 << 16);
	CLEANUP(freep) char *a = NULL, *key = NULL;
	struct image_at in = { NULL, "v1" };
	uint8_t d[32];
	char dir[64];
	struct err e;

	CHECK(temp_make(dir));
	a = str_fmt("%s/a", dir);
	in.dir = a;
	key = str_fmt("%s/k.pub", dir);
	make_image(a, MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, GZ);
	CHECK(privkey_new(KEY_P256, &k, &e) == COFFER_OK && pem_write_public(privkey_public(k), &pem, &e) == COFFER_OK);
	CHECK(file_write(key, wr_span(&pem), 0600, &e) == COFFER_OK);
	CHECK(verify(a, "r.io/a:v1", key, &e) == COFFER_E_DENIED && strcmp(e.check, "signature") == 0);
	CHECK(image_sign_layout(&in, "r.io/a:v1", k, d, &e) == COFFER_OK);
	CHECK(verify(a, "r.io/a:v1", key, &e) == COFFER_OK);
	CHECK(image_sign_layout(&in, "r.io/b:v1", k, d, &e) == COFFER_OK); /* a second one beside it */
	CHECK(verify(a, "r.io/a:v1", key, &e) == COFFER_OK && verify(a, "r.io/b:v1", key, &e) == COFFER_OK);
	CHECK(verify(a, "r.io/c:v1", key, &e) == COFFER_E_DENIED);
	CHECK(verify(a, "r.io/a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", key, &e) == COFFER_E_DENIED &&
	    strcmp(e.check, "digest") == 0);
	in.tag = NULL;
	CHECK(image_inspect(&in, false, &out, &e) == COFFER_OK && strstr((const char *)out.p, "signatures  2"));
	temp_remove(dir);
}

static void an_index_is_reduced_to_linux_amd64_but_signed_as_a_whole(void)
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	CLEANUP(image_manifest_clear) struct image_manifest enc = { 0 };
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr x = wr_open(4096), shown = wr_open(1 << 16);
	CLEANUP(secret_free) struct secret kek = { 0 };
	CLEANUP(freep) char *a = NULL, *b = NULL;
	struct image_encrypt_opts o = { .kid = "/org/image-key/app", .kek = &kek };
	struct image_at in = { NULL, "multi" }, out = { NULL, "v1" };
	const struct descriptor *d = NULL;
	uint8_t top[32], got[32];
	char dir[64], text[REF_DIGEST_TEXT];
	struct err e;

	CHECK(temp_make(dir) && secret_new(32, &kek, &e) == COFFER_OK && privkey_new(KEY_P256, &k, &e) == COFFER_OK);
	a = str_fmt("%s/a", dir);
	b = str_fmt("%s/b", dir);
	in.dir = a;
	out.dir = b;
	make_image(a, MEDIA_OCI_MANIFEST, MEDIA_OCI_CONFIG, GZ);
	CHECK(layout_open(a, &l, &e) == COFFER_OK && layout_find(l, "v1", &d, &e) == COFFER_OK);
	ref_digest_text(d->digest, text);
	wr_fmt(&x, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST
	    "\",\"digest\":\"%s\",\"size\":%llu,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}", text, (unsigned long long)d->size);
	CHECK(layout_tag(l, "multi", MEDIA_OCI_INDEX, wr_span(&x), top, &e) == COFFER_OK);
	CHECK(image_encrypt(&in, &out, &o, got, &e) == COFFER_OK);
	load(b, "v1", &enc);
	CHECK(enc.n_layers == 2 && span_eq_str(enc.layers[0].media_type, GZ "+encrypted"));
	CHECK(image_sign_layout(&in, "r.io/a:v1", k, got, &e) == COFFER_OK && span_eq(SPAN(got), SPAN(top)));
	CHECK(image_inspect(&in, true, &shown, &e) == COFFER_OK);
	wr_u8(&shown, 0);
	CHECK(strstr((const char *)shown.p, text) && strstr((const char *)shown.p, "\"signatures\": 1"));
	temp_remove(dir);
}

int main(void)
{
	static const struct t_case cases[] = { T(encrypt_and_decrypt_give_the_same_layers), T(decrypt_refuses_a_layer_changed_in_the_registry),
		T(encrypt_refuses_without_recipient_or_with_bad_names),
		T(layout_refuses_changed_short_and_odd_blobs), T(layout_find_and_tag_name_one_image), T(layout_blob_given_up_leaves_no_file),
		T(sign_and_verify_in_a_layout), T(an_index_is_reduced_to_linux_amd64_but_signed_as_a_whole) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
