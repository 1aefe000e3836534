/* A thin caller of src/image/tool.h for test_skopeo.sh: image_tool VERB ARGS... Layouts are DIR:TAG. Exit code 0, or
 * 1 with "<check>: <reason>" on stderr. */
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/pem.h"
#include "image/ref.h"
#include "image/tool.h"
#include "os/file.h"

static struct image_at at(char *text)
{
	char *colon = strrchr(text, ':');

	if (colon)
		*colon = '\0';
	return (struct image_at){ .dir = text, .tag = colon ? colon + 1 : NULL };
}

static enum coffer_rc one_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	(void)kid;
	return file_read_secret(arg, 64, out, e);
}

static enum coffer_rc encrypt(char **a, struct err *e)
{
	CLEANUP(secret_free) struct secret kek = { 0 };
	CLEANUP(wr_close) struct wr pem = { 0 };
	struct image_at in = at(a[1]), out = at(a[2]);
	struct image_encrypt_opts o = { 0 };
	uint8_t digest[32];

	if (strcmp(a[0], "encrypt-jwe") == 0) {
		TRY(file_read(a[3], 65536, &pem, e));
		o.jwe_pem = wr_span(&pem);
	} else {
		TRY(file_read_secret(a[4], 64, &kek, e));
		o.kid = a[3];
		o.kek = &kek;
	}
	return image_encrypt(&in, &out, &o, digest, e);
}

static enum coffer_rc decrypt(char **a, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = { 0 };
	struct image_at in = at(a[1]), out = at(a[2]);
	struct crypt_keys k = { 0 };
	uint8_t digest[32];

	if (strcmp(a[0], "decrypt-jwe") == 0) {
		TRY(file_read(a[3], 65536, &pem, e));
		k.pem = wr_span(&pem);
	} else {
		k.get_key = one_key;
		k.arg = a[3];
	}
	return image_decrypt(&in, &out, &k, digest, e);
}

static enum coffer_rc open_registry(const struct ref *r, struct json_doc **plain, struct registry **out, struct err *e)
{
	CLEANUP(freep) char *list = str_fmt("[\"%s\"]", r->host);
	struct registry_opts o = { .host = r->host, .repo = r->repo };

	TRY(json_parse(span_of(list), 1024, plain, e));
	o.plain_http = json_root(*plain);
	return registry_new(&o, out, e);
}

static enum coffer_rc push(char **a, struct err *e)
{
	CLEANUP(registry_freep) struct registry *reg = NULL;
	CLEANUP(json_freep) struct json_doc *plain = NULL;
	struct image_at in = at(a[1]);
	char text[REF_DIGEST_TEXT];
	uint8_t digest[32];
	struct ref r;

	TRY(ref_parse(span_of(a[2]), &r, e));
	TRY(open_registry(&r, &plain, &reg, e));
	TRY(image_push(&in, reg, r.tag, digest, e));
	ref_digest_text(digest, text);
	(void)puts(text);
	return COFFER_OK;
}

static enum coffer_rc sign(char **a, struct err *e)
{
	CLEANUP(registry_freep) struct registry *reg = NULL;
	CLEANUP(json_freep) struct json_doc *plain = NULL;
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(wr_close) struct wr pem = { 0 };
	struct image_at in;
	uint8_t digest[32];
	struct ref r;

	TRY(file_read(a[3], 65536, &pem, e));
	TRY(pem_read_private(wr_span(&pem), (struct span){ NULL, 0 }, &k, e));
	if (strcmp(a[0], "sign") == 0) {
		in = at(a[1]);
		return image_sign_layout(&in, a[2], k, digest, e);
	}
	TRY(ref_parse(span_of(a[1]), &r, e));
	TRY(open_registry(&r, &plain, &reg, e));
	return image_sign_registry(reg, &r, k, e);
}

static enum coffer_rc verify(char **a, struct err *e)
{
	CLEANUP(registry_freep) struct registry *reg = NULL;
	CLEANUP(json_freep) struct json_doc *plain = NULL;
	CLEANUP(wr_close) struct wr policy = { 0 };
	struct image_at in;
	uint8_t digest[32];
	struct ref r;

	TRY(file_read(a[3], 65536, &policy, e));
	if (strcmp(a[0], "verify") == 0) {
		in = at(a[1]);
		return image_verify_layout(&in, a[2], wr_span(&policy), digest, e);
	}
	TRY(ref_parse(span_of(a[1]), &r, e));
	TRY(open_registry(&r, &plain, &reg, e));
	return image_verify_registry(reg, &r, wr_span(&policy), digest, e);
}

static enum coffer_rc inspect(char **a, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open((size_t)1 << 20);
	struct image_at in = at(a[1]);

	TRY(image_inspect(&in, strcmp(a[2], "json") == 0, &w, e));
	(void)fwrite(w.p, 1, w.n, stdout);
	return COFFER_OK;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int         args;
		enum coffer_rc (*run)(char **a, struct err *e);
	} verbs[] = {
		{ "encrypt-jwe", 3, encrypt }, { "encrypt-kid", 4, encrypt }, { "decrypt-jwe", 3, decrypt }, { "decrypt-kid", 3, decrypt },
		{ "push", 2, push }, { "sign", 3, sign }, { "sign-remote", 3, sign }, { "verify", 3, verify }, { "verify-remote", 3, verify },
		{ "inspect", 2, inspect },
	};
	struct err e = { 0 };

	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0 || argc != verbs[i].args + 2)
			continue;
		if (verbs[i].run(argv + 1, &e) == COFFER_OK)
			return 0;
		(void)fprintf(stderr, "%s: %s\n", e.check[0] ? e.check : "error", e.msg);
		return 1;
	}
	(void)fprintf(stderr, "usage: image_tool VERB ARGS\n");
	return 2;
}
