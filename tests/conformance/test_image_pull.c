/* guest/cosign and guest/ocicrypt of the shared vectors, served by a registry on loopback, through the whole pull. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "fmt/enc.h"
#include "image/pull.h"
#include "image/tree.h"
#include "os/file.h"
#include "tests/regserve.h"
#include "tests/t.h"

struct site {
	struct rs rs;
	char root[512]; /* folder with manifests/ and blobs/, or an OCI layout */
	struct json_doc *plain;
	char dir[64];
	int fd;
	int blobs; /* asked for */
	char kek[64]; /* base64; empty: the key is not given out */
	struct err e;
};

static bool load(const char *root, const char *name, struct wr *w)
{
	CLEANUP(freep) char *path = str_fmt("%s/%s", root, name);
	struct err e = { 0 };

	w->n = 0;
	return path && file_read(path, w->max, w, &e) == COFFER_OK;
}

/* A manifest asked for by its digest may lie under a tag. */
static bool load_tagged(const char *root, const char *hex, struct wr *w)
{
	static const char *const names[] = { "manifests/v1.json", "manifests/latest.json" };

	for (size_t i = 0; i < 2; i++) {
		uint8_t d[32];
		char got[HEX32_LEN];

		if (!load(root, names[i], w))
			continue;
		sha256(wr_span(w), d);
		hex32(d, got);
		if (strcmp(got, hex) == 0)
			return true;
	}
	return false;
}

static void serve(void *arg, struct rs_req *q)
{
	struct site *s = arg;
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	const char *slash = strrchr(q->path, '/');
	const char *ref = slash ? slash + 1 : "";
	char name[200];
	bool ok;

	if (strstr(q->path, "/blobs/"))
		s->blobs++;
	(void)snprintf(name, sizeof(name), "manifests/%.120s.json", ref);
	ok = load(s->root, name, &w);
	if (!ok && strncmp(ref, "sha256:", 7) == 0) {
		(void)snprintf(name, sizeof(name), "blobs/sha256/%.64s", ref + 7);
		ok = load(s->root, name, &w);
		(void)snprintf(name, sizeof(name), "blobs/sha256-%.64s", ref + 7);
		ok = ok || load(s->root, name, &w) || load_tagged(s->root, ref + 7, &w);
	}
	rs_reply(q, ok ? 200 : 404, "", ok ? wr_span(&w) : (struct span){ 0 });
}

static void site_open(struct site *s, const char *folder)
{
	char list[64];

	(void)snprintf(s->root, sizeof(s->root), "%s/vectors/guest/%s", getenv("COFFER_SHARED"), folder);
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/coffer-pull-XXXXXX");
	CHECK(mkdtemp(s->dir) != NULL);
	s->fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(rs_start(&s->rs, serve, s));
	(void)snprintf(list, sizeof(list), "[\"%s\"]", s->rs.host);
	CHECK(json_parse(span_of(list), 64, &s->plain, &s->e) == COFFER_OK);
}

static void site_clear(struct site *s)
{
	struct err e = { 0 };

	rs_stop(&s->rs);
	json_free(s->plain);
	CHECK(tree_empty(s->fd, &e) == COFFER_OK);
	closep(&s->fd);
	(void)rmdir(s->dir);
}
#define SITE(s, folder) CLEANUP(site_clear) struct site s = { .fd = -1 }; site_open(&s, folder)

static enum coffer_rc get_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	struct site *s = arg;

	if (strcmp(kid, "kbs:///default/key/key_id1") != 0 || !*s->kek)
		return err_deny(e, "kbs", "no such key here");
	TRY(secret_new(32, out, e));
	return b64_fixed(span_of(s->kek), out->p, 32) ? COFFER_OK : err_set(e, COFFER_E_BUG, "test key");
}

static enum coffer_rc pull(struct site *s, const char *hex, const char *policy, struct image_pulled *out)
{
	CLEANUP(freep) char *ref = str_fmt("%s/demo/hello@sha256:%s", s->rs.host, hex);
	struct image_pull o = { .reference = ref, .policy = span_of(policy), .plain_http = json_root(s->plain), .get_key = get_key,
	    .key_arg = s, .dir = s->dir };
	enum coffer_rc rc;

	if (!hex_fixed(span_of(hex), o.digest, 32))
		return COFFER_E_BUG;
	rc = image_pull(&o, out, &s->e);
	printf("# %d [%s] %s\n", (int)rc, rc == COFFER_OK ? "" : s->e.check, rc == COFFER_OK ? "pulled" : s->e.msg);
	return rc;
}

static bool empty(const struct site *s)
{
	return rmdir(s->dir) == 0 && mkdir(s->dir, 0700) == 0;
}

static char *signed_by(const char *folder, const char *key, const char *name)
{
	return str_fmt("{\"default\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"%s/vectors/guest/cosign/%s/%s\",\"signedIdentity\":{\"type\":"
	    "\"exactRepository\",\"dockerRepository\":\"%s\"}}]}", getenv("COFFER_SHARED"), folder, key, name);
}

#define HELLO "254153cb84b1d2675ea33abbb894519c72423dc09b577622a237bee1a7f0d8a2"
#define SAMPLE "634a8f35b5f16dcf4aaa0822adc0b1964bb786fca12f6831de8ddc45e5986a00"
#define ANYTHING "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}"

static void signed_image_is_pulled_with_its_keys_only(void)
{
	static const struct { const char *key; bool good; } cases[] = {
		{ "keys/signer-p256.pub", true }, { "keys/signer-rsa2048.pub", true }, { "keys/other-p256.pub", false },
	};

	for (size_t i = 0; i < 3; i++) {
		CLEANUP(freep) char *policy = signed_by("registry-signed", cases[i].key, "registry.test:5000/demo/hello");
		CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
		SITE(s, "cosign/registry-signed");
		enum coffer_rc rc = pull(&s, HELLO, policy, &got);

		if (cases[i].good) {
			CHECK(rc == COFFER_OK && got.n_layers == 3 && got.config && got.bytes > 200000);
			CHECK(faccessat(s.fd, "0", F_OK, 0) == 0 && faccessat(s.fd, "2", F_OK, 0) == 0 && faccessat(s.fd, "3", F_OK, 0) != 0);
		} else {
			CHECK(rc == COFFER_E_DENIED && strcmp(s.e.check, "signature") == 0 && empty(&s));
		}
	}
}

static void signed_for_another_name_is_denied(void)
{
	CLEANUP(freep) char *policy = signed_by("registry-signed", "keys/signer-p256.pub", "registry.test:5000/demo/other");
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s, "cosign/registry-signed");

	CHECK(pull(&s, HELLO, policy, &got) == COFFER_E_DENIED && strcmp(s.e.check, "signature") == 0 && empty(&s));
}

static void no_policy_rejects_and_fetches_no_blob(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s, "cosign/registry-signed");

	CHECK(pull(&s, HELLO, "", &got) == COFFER_E_DENIED && strcmp(s.e.check, "policy") == 0 && s.blobs == 0 && empty(&s));
}

static void containers_image_sample_passes_its_policy_first(void)
{
	static const char *const keys[] = { "cosign.pub", "cosign2.pub" };

	for (size_t i = 0; i < 2; i++) {
		CLEANUP(freep) char *policy = signed_by("containers-image", keys[i], "192.168.64.2:5000/cosign-signed-single-sample");
		CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
		SITE(s, "cosign/registry-single-sample");
		enum coffer_rc rc = pull(&s, SAMPLE, policy, &got);

		/* past the policy the image's own blobs are missing from the vectors */
		CHECK(i == 0 ? rc == COFFER_E_NOTFOUND : rc == COFFER_E_DENIED && strcmp(s.e.check, "signature") == 0);
		CHECK(empty(&s));
	}
}

static void wrong_digest_is_not_found(void)
{
	CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
	SITE(s, "cosign/registry-signed");

	CHECK(pull(&s, "00" "4153cb84b1d2675ea33abbb894519c72423dc09b577622a237bee1a7f0d8a2", ANYTHING, &got) == COFFER_E_NOTFOUND && empty(&s));
}

#define KEK "REXwTCcCFObQdE9ZfL0a/iZtucCwBIo36/L0aL5l7UA="
#define OTHER_KEK "AAAATCcCFObQdE9ZfL0a/iZtucCwBIo36/L0aL5l7UA="

static void encrypted_images_are_opened_with_their_key_only(void)
{
	static const struct { const char *folder, *hex, *kek, *check; } cases[] = {
		{ "ocicrypt/image-keyprovider-v1", "09da65069e8defb55e9bd20c72ac4ae894fc0ea36134e6484810bf47116a0457", KEK, NULL },
		{ "ocicrypt/image-keyprovider-v2", "88efb4092a9e2d7ab4a10c2d4edfb8f086451963e408df2efe1f04901a989041", KEK, NULL },
		{ "ocicrypt/image-keyprovider-v1", "09da65069e8defb55e9bd20c72ac4ae894fc0ea36134e6484810bf47116a0457", OTHER_KEK, "decrypt" },
		{ "ocicrypt/image-keyprovider-v2", "88efb4092a9e2d7ab4a10c2d4edfb8f086451963e408df2efe1f04901a989041", OTHER_KEK, "decrypt" },
		{ "ocicrypt/image-keyprovider-v1", "09da65069e8defb55e9bd20c72ac4ae894fc0ea36134e6484810bf47116a0457", "", "kbs" },
		{ "ocicrypt/image-tampered-ciphertext", "d0ab746104d350c85a44a97320e8e140ce0135860f804acdd9a222389b13fb30", KEK, "decrypt" },
		{ "ocicrypt/image-jwe", "9491b719cde70f3e7670ff9c06f4c0ceb3496949a60da3e767fcf224065fe8cc", KEK, "decrypt" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(image_pulled_clear) struct image_pulled got = { 0 };
		SITE(s, cases[i].folder);
		enum coffer_rc rc;

		(void)snprintf(s.kek, sizeof(s.kek), "%s", cases[i].kek);
		rc = pull(&s, cases[i].hex, ANYTHING, &got);
		if (cases[i].check)
			CHECK(rc == COFFER_E_DENIED && strcmp(s.e.check, cases[i].check) == 0 && empty(&s));
		else
			CHECK(rc == COFFER_OK && got.n_layers == 3 && faccessat(s.fd, "2", F_OK, 0) == 0);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(signed_image_is_pulled_with_its_keys_only), T(signed_for_another_name_is_denied), T(no_policy_rejects_and_fetches_no_blob),
		T(containers_image_sample_passes_its_policy_first), T(wrong_digest_is_not_found), T(encrypted_images_are_opened_with_their_key_only),
	};
	CLEANUP(freep) char *dir = str_fmt("%s/vectors/guest/cosign/expected.json", getenv("COFFER_SHARED") ? getenv("COFFER_SHARED") : "");

	if (!dir || access(dir, R_OK) != 0 || geteuid() != 0) {
		printf("1..%zu\n", sizeof(cases) / sizeof(cases[0]));
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			printf("ok %zu %s # SKIP %s\n", i + 1, cases[i].name, geteuid() != 0 ? "unpacking needs root" : "no shared vectors");
		return 0;
	}
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
