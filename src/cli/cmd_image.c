/* coffer image: what an image provider does with OCI layouts and registries. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/remote.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "image/tool.h"
#include "os/file.h"

#define END { NULL, NULL, NULL, false, false }

const struct opt_spec opts_image_encrypt[] = {
	{ "kid", "URI", "name of the wrapping key, as kbs:///<you>/image-key/<tag>", false, false },
	{ "key-file", "FILE", "the 32-byte wrapping key (put the same file with 'coffer asset put')", false, false },
	{ "jwe", "FILE", "RSA public key (PEM) of a recipient, as skopeo reads it", false, false },
	END };
const struct opt_spec opts_image_decrypt[] = {
	{ "key-file", "FILE", "the 32-byte wrapping key", false, false },
	{ "private-key", "FILE", "private key (PEM) of a JWE recipient", false, false },
	END };
const struct opt_spec opts_image_sign[] = { OPT_PLAIN, OPT_CA, OPT_TO_SIGN, OPT_PASSPHRASE, END };
const struct opt_spec opts_image_verify[] = {
	{ "policy", "FILE", "policy.json; without one every image is rejected", false, false },
	{ "key", "FILE", "or: a public key (PEM) that must have signed it", false, false },
	OPT_PLAIN, OPT_CA, END };
const struct opt_spec opts_image_push[] = { OPT_PLAIN, OPT_CA, END };
/* "dir[:tag]": a colon after the last slash separates. */
static enum coffer_rc layout_arg(const char *arg, char *dir, size_t n, struct image_at *out, struct err *e)
{
	const char *slash = strrchr(arg, '/'), *colon = strrchr(slash ? slash : arg, ':');
	size_t len = colon ? (size_t)(colon - arg) : strlen(arg);

	if (len == 0 || len >= n || (colon && !colon[1]))
		return cli_bad(e, "%s: an image in a layout is FOLDER or FOLDER:TAG", arg);
	memcpy(dir, arg, len);
	dir[len] = 0;
	*out = (struct image_at){ dir, colon ? colon + 1 : NULL };
	return COFFER_OK;
}

static void print_digest(const struct cli *c, const char *what, const uint8_t digest[static 32])
{
	char text[REF_DIGEST_TEXT];

	ref_digest_text(digest, text);
	(void)printf(c->json ? "{\"%s\":\"%s\"}\n" : "%s %s\n", what, text);
}

enum coffer_rc cmd_image_encrypt(struct cli *c, struct err *e)
{
	CLEANUP(secret_free) struct secret kek = { 0 };
	CLEANUP(wr_close) struct wr pem = { 0 };
	struct image_encrypt_opts o = { .kid = cli_opt(c, "kid") };
	char in_dir[1024], out_dir[1024];
	struct image_at in, out;
	uint8_t digest[32];

	if (!o.kid != !cli_opt(c, "key-file"))
		return cli_bad(e, "--kid and --key-file belong together");
	if (!o.kid && !cli_opt(c, "jwe"))
		return cli_bad(e, "for whom? Give --kid with --key-file, or --jwe, or both");
	TRY(layout_arg(c->pos[0], in_dir, sizeof(in_dir), &in, e));
	TRY(layout_arg(c->pos[1], out_dir, sizeof(out_dir), &out, e));
	if (o.kid) {
		TRY(file_read_secret(cli_opt(c, "key-file"), 1024, &kek, e));
		if (kek.n != 32)
			return err_set(e, COFFER_E_INPUT,
			    "%s: a wrapping key is exactly 32 bytes; make one with 'openssl rand -out FILE 32'",
			    cli_opt(c, "key-file"));
		o.kek = &kek;
	}
	if (cli_opt(c, "jwe"))
		TRY(file_read(cli_opt(c, "jwe"), 64u << 10, &pem, e));
	o.jwe_pem = wr_span(&pem);
	TRY(image_encrypt(&in, &out, &o, digest, e));
	print_digest(c, "encrypted", digest);
	return COFFER_OK;
}

/* One key for every packet; which one it is, the user said by naming the file. */
static enum coffer_rc give_key(void *arg, const char *kid, struct secret *out, struct err *e)
{
	const struct secret *kek = arg;

	(void)kid;
	TRY(secret_new(kek->n, out, e));
	memcpy(out->p, kek->p, kek->n);
	return COFFER_OK;
}

enum coffer_rc cmd_image_decrypt(struct cli *c, struct err *e)
{
	CLEANUP(secret_free) struct secret kek = { 0 }, pem = { 0 };
	struct crypt_keys keys = { 0 };
	char in_dir[1024], out_dir[1024];
	struct image_at in, out;
	uint8_t digest[32];

	if (!cli_opt(c, "key-file") && !cli_opt(c, "private-key"))
		return cli_bad(e, "with which key? Give --key-file or --private-key");
	TRY(layout_arg(c->pos[0], in_dir, sizeof(in_dir), &in, e));
	TRY(layout_arg(c->pos[1], out_dir, sizeof(out_dir), &out, e));
	if (cli_opt(c, "key-file")) {
		TRY(file_read_secret(cli_opt(c, "key-file"), 1024, &kek, e));
		keys.get_key = give_key;
		keys.arg = &kek;
	}
	if (cli_opt(c, "private-key")) {
		TRY(file_read_secret(cli_opt(c, "private-key"), 64u << 10, &pem, e));
		keys.pem = (struct span){ pem.p, pem.n };
	}
	TRY(image_decrypt(&in, &out, &keys, digest, e));
	print_digest(c, "decrypted", digest);
	return COFFER_OK;
}

enum coffer_rc cmd_image_inspect(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(8u << 20);
	char dir[1024];
	struct image_at in;

	TRY(layout_arg(c->pos[0], dir, sizeof(dir), &in, e));
	TRY(image_inspect(&in, c->json, &w, e));
	(void)fwrite(w.p, 1, w.n, stdout);
	return COFFER_OK;
}

/* A digest in the reference says which image the caller means. */
static enum coffer_rc is_named(const struct image_at *in, const struct ref *ref, struct err *e)
{
	CLEANUP(layout_freep) struct layout *l = NULL;
	const struct descriptor *d = NULL;

	if (!ref->has_digest)
		return COFFER_OK;
	TRY(layout_open(in->dir, &l, e));
	TRY(layout_find(l, in->tag, &d, e));
	if (!span_eq(SPAN(d->digest), SPAN(ref->digest)))
		return err_deny(e, "digest", "the image in %s is not the one that the reference names by digest; 'coffer image inspect' shows what it is", in->dir);
	return COFFER_OK;
}

enum coffer_rc cmd_image_push(struct cli *c, struct err *e)
{
	CLEANUP(remote_end) struct remote r = { 0 };
	char dir[1024], name[REF_NAME_MAX + 1], digest_text[REF_DIGEST_TEXT];
	struct image_at in = { 0 };
	uint8_t digest[32];

	TRY(layout_arg(c->pos[0], dir, sizeof(dir), &in, e));
	TRY(remote_open(c, c->pos[1], &r, e));
	TRY(is_named(&in, &r.ref, e));
	TRY(image_push(&in, r.reg, r.ref.tag[0] ? r.ref.tag : NULL, digest, e));
	ref_name(&r.ref, name);
	ref_digest_text(digest, digest_text);
	(void)printf(c->json ? "{\"reference\":\"%s@%s\"}\n" : "pushed %s@%s\n", name, digest_text);
	return COFFER_OK;
}

enum coffer_rc cmd_image_sign(struct cli *c, struct err *e)
{
	CLEANUP(remote_end) struct remote r = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(remote_open(c, c->pos[0], &r, e));
	TRY(remote_need_digest(&r.ref, c->pos[0], e));
	TRY(home_sign_key(c, &h, &key, e));
	if (to_sign_wanted(&h))
		return to_sign_image(&h, key, &r.ref, e);
	TRY(image_sign_registry(r.reg, &r.ref, key, e));
	print_digest(c, "signed", r.ref.digest);
	return COFFER_OK;
}

/* policy.json that wants one key and the exact repository; what --key means. */
static enum coffer_rc policy_for_key(struct span pem, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);
	CLEANUP(wr_close) struct wr b64 = wr_open(64u << 10);

	b64_write(&b64, pem);
	jw_obj(&j);
	jw_name(&j, "default");
	jw_arr(&j);
	jw_obj(&j);
	jw_m_text(&j, "type", "sigstoreSigned");
	jw_m_str(&j, "keyData", wr_span(&b64));
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_name(&j, "transports");
	jw_obj(&j);
	jw_obj_end(&j);
	jw_obj_end(&j);
	return wr_done(w, "policy", e);
}

enum coffer_rc cmd_image_verify(struct cli *c, struct err *e)
{
	CLEANUP(remote_end) struct remote r = { 0 };
	CLEANUP(wr_close) struct wr pem = { 0 }, policy = { 0 }, made = wr_open(128u << 10);
	uint8_t digest[32];

	if (!cli_opt(c, "policy") == !cli_opt(c, "key"))
		return cli_bad(e, cli_opt(c, "policy") ? "--policy and --key exclude each other" : "by what is it to be verified? Give --key FILE (who signed it) or --policy FILE");
	if (cli_opt(c, "policy"))
		TRY(file_read(cli_opt(c, "policy"), POLICY_MAX, &policy, e));
	if (cli_opt(c, "key")) {
		TRY(file_read(cli_opt(c, "key"), 64u << 10, &pem, e));
		TRY(policy_for_key(wr_span(&pem), &made, e));
	}
	TRY(remote_open(c, c->pos[0], &r, e));
	TRY(image_verify_registry(r.reg, &r.ref, cli_opt(c, "key") ? wr_span(&made) : wr_span(&policy), digest, e));
	print_digest(c, "verified", digest);
	return COFFER_OK;
}
