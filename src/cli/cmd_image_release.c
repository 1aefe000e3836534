/* coffer image release, keys: what a provider states of its image, in the ledger and beside the image. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/remote.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "image/referrers.h"
#include "os/file.h"

#define END { NULL, NULL, NULL, false, false }
#define RELEASE_TYPE "application/vnd.coffer.image-release.v1+json"
#define DSSE_MEDIA "application/vnd.dsse.envelope.v1+json"
#define INTOTO_MEDIA "application/vnd.in-toto+json"
#define ATTESTATIONS_MAX 32

const struct opt_spec opts_image_release[] = {
	{ "key", "URI", "a key that opens the image, as kbs:///<you>/image-key/<tag>", true, false },
	{ "security-version", "N", "minimum versions are compared with it (default 1)", false, false },
	{ "verify-key", "FILE", "public key (PEM) that signs the image (default: this party's signing key)", false, false },
	{ "attestation", "TYPE=FILE", "put FILE beside the image and list it; TYPE: provenance, sbom, scan, tests, or a predicate type's URI", true, false },
	{ "publish", NULL, "put the signed statement beside the image too, for 'coffer image keys'", false, false },
	OPT_PLAIN, OPT_CA, OPT_EXPIRES, OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, END };
const struct opt_spec opts_image_keys[] = {
	{ "out", "DIR", "also fetch the artefacts that the releases list, by digest, into DIR", false, false }, OPT_PLAIN, OPT_CA, OPT_PASSPHRASE, END };

/* ---- attestations ---- */

static const struct { const char *name, *type; } short_types[] = {
	{ "provenance", "https://slsa.dev/provenance/v1" }, { "sbom", "https://spdx.dev/Document" },
	{ "scan", "https://in-toto.io/attestation/vulns/v0.2" }, { "tests", "https://in-toto.io/attestation/test-result/v0.1" } };

struct attested { char type[256]; uint8_t digest[32]; };
struct release { struct remote r; struct attested at[ATTESTATIONS_MAX]; size_t n; };

static void release_end(struct release *x)
{
	remote_end(&x->r);
}

static enum coffer_rc type_of(const char *arg, size_t n, char out[static 256], struct err *e)
{
	for (size_t i = 0; i < sizeof(short_types) / sizeof(short_types[0]); i++)
		if (strlen(short_types[i].name) == n && memcmp(short_types[i].name, arg, n) == 0) { /* public: a name */
			(void)snprintf(out, 256, "%s", short_types[i].type);
			return COFFER_OK;
		}
	if (n >= 256 || !memchr(arg, ':', n))
		return cli_bad(e, "--attestation %s: TYPE is provenance, sbom, scan, tests or a URI", arg);
	(void)snprintf(out, 256, "%.*s", (int)n, arg);
	return COFFER_OK;
}

static enum coffer_rc attach(struct release *x, const char *arg, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct attested *to = &x->at[x->n];
	const char *eq = strrchr(arg, '=');
	struct referrer_new n = { .subject = x->r.ref.digest, .type = INTOTO_MEDIA, .media_type = INTOTO_MEDIA };

	if (!eq || x->n == ATTESTATIONS_MAX)
		return cli_bad(e, "--attestation %s: TYPE=FILE, at most %d", arg, ATTESTATIONS_MAX);
	TRY(type_of(arg, (size_t)(eq - arg), to->type, e));
	TRY(file_read(eq + 1, REFERRER_BYTES_MAX, &text, e));
	n.body = wr_span(&text);
	TRY(referrer_put(x->r.reg, &n, to->digest, e));
	x->n++;
	return COFFER_OK;
}

static enum coffer_rc attach_all(const struct cli *c, struct release *x, struct err *e)
{
	const char *arg;

	if (!cli_opt(c, "attestation") && !cli_flag(c, "publish"))
		return COFFER_OK;
	TRY(remote_open(c, c->pos[0], &x->r, e));
	for (size_t i = 0; (arg = cli_opt_at(c, "attestation", i)) != NULL; i++)
		TRY(attach(x, arg, e));
	return COFFER_OK;
}

/* ---- release ---- */

static void attestation_members(const struct release *x, struct json_wr *j)
{
	char hex[HEX32_LEN];

	if (x->n == 0)
		return;
	jw_name(j, "attestations");
	jw_arr(j);
	for (size_t i = 0; i < x->n; i++) {
		hex32(x->at[i].digest, hex);
		jw_obj(j);
		jw_m_text(j, "digest", hex);
		jw_m_text(j, "type", x->at[i].type);
		jw_obj_end(j);
	}
	jw_arr_end(j);
}

static enum coffer_rc release_body(const struct cli *c, const struct ref *ref, const struct release *x, struct span pem, struct wr *w, struct err *e)
{
	char name[REF_NAME_MAX + 1];
	struct json_wr j = jw_open(w, false);
	uint64_t version = 1;
	const char *uri;

	if (cli_opt(c, "security-version") && !span_u64(span_of(cli_opt(c, "security-version")), &version))
		return cli_bad(e, "--security-version %s: not a number", cli_opt(c, "security-version"));
	ref_name(ref, name);
	jw_obj(&j);
	jw_m_text(&j, "repository", name);
	jw_m_u64(&j, "version", version);
	jw_name(&j, "methods");
	jw_arr(&j);
	jw_obj(&j);
	jw_m_text(&j, "type", "sigstoreSigned");
	jw_m_str(&j, "key", pem);
	jw_obj_end(&j);
	jw_arr_end(&j);
	jw_name(&j, "keys");
	jw_arr(&j);
	for (size_t i = 0; (uri = cli_opt_at(c, "key", i)) != NULL; i++) {
		struct asset_path p;

		TRY(asset_path_parse(span_of(uri), &p, e));
		jw_text(&j, p.text);
	}
	jw_arr_end(&j);
	attestation_members(x, &j);
	jw_obj_end(&j);
	return wr_done(w, "image-release", e);
}

static enum coffer_rc publish(struct session *s, struct release *x, const struct draft *d, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX);
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct json_wr j = jw_open(&text, false);
	struct referrer_new n = { .subject = x->r.ref.digest, .type = RELEASE_TYPE, .media_type = DSSE_MEDIA };
	struct logged l = { 0 };
	uint64_t serial = 0;
	uint8_t digest[32];

	TRY(draft_sign(&s->h, s->key, s->conn, d, &env, &serial, e));
	TRY(envelope_post(s->conn, &env, &l, e)); /* first: what is not logged is no release */
	l.serial = serial;
	dsse_write(&env, &j);
	TRY(wr_done(&text, "release", e));
	n.body = wr_span(&text);
	TRY(referrer_put(x->r.reg, &n, digest, e));
	logged_print(s->h.cli, "image-release", &l);
	return COFFER_OK;
}

enum coffer_rc cmd_image_release(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr pem = wr_open(64u << 10), body = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(release_end) struct release x = { 0 };
	struct draft d = { .kind = ST_IMAGE_RELEASE };
	char name[REF_NAME_MAX + 1];
	struct ref ref;

	if (cli_flag(c, "publish") && cli_opt(c, "to-sign"))
		return cli_bad(e, "--publish and --to-sign exclude each other: the statement is signed elsewhere");
	TRY(ref_parse(span_of(c->pos[0]), &ref, e));
	TRY(remote_need_digest(&ref, c->pos[0], e));
	TRY(session_begin(c, &s, e));
	if (cli_opt(c, "verify-key"))
		TRY(file_read(cli_opt(c, "verify-key"), 64u << 10, &pem, e));
	else
		TRY(pem_write_public(privkey_public(s.key), &pem, e));
	TRY(attach_all(c, &x, e));
	TRY(release_body(c, &ref, &x, wr_span(&pem), &body, e));
	ref_name(&ref, name);
	draft_subject_digest(&d, span_of(name), ref.digest);
	d.body = wr_span(&body);
	TRY(expires_opt(c, "expires", &d.expires, e));
	return cli_flag(c, "publish") ? publish(&s, &x, &d, e) : draft_out(&s.h, s.key, s.conn, &d, e);
}

/* ---- keys ---- */

struct keys { struct cli *c; struct session s; struct remote r; size_t shown, refused; struct json_wr *j; };

static void keys_end(struct keys *k)
{
	remote_end(&k->r);
	session_end(&k->s);
}

static enum coffer_rc count(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	(void)env, (void)s, (void)e;
	++*(size_t *)arg;
	return COFFER_OK;
}

static enum coffer_rc in_force(struct keys *k, const struct statement *s, struct err *e)
{
	char hex[HEX32_LEN], query[160];
	size_t n = 0;

	hex32(s->id, hex);
	(void)snprintf(query, sizeof(query), "kind=image-release&id=%s", hex);
	TRY(statements_query(k->c, &k->s.h, NULL, k->s.conn, query, count, &n, e));
	return n > 0 ? COFFER_OK : err_deny(e, "in-force", "the release %.16s is signed by %s, but not in force: not logged, superseded or revoked", hex, s->issuer);
}

/* The bytes of each artefact are those whose digest the release names; whether they say anything true is for who reads them. */
static enum coffer_rc fetch_artefacts(struct keys *k, const struct image_release *v, const char *dir, struct err *e)
{
	TRY(file_mkdirs(dir, 0755, e));
	for (size_t i = 0; i < json_len(v->attestations); i++) {
		CLEANUP(wr_close) struct wr body = wr_open(REFERRER_BYTES_MAX);
		CLEANUP(freep) char *path = NULL;
		char hex[HEX32_LEN];
		uint8_t digest[32];

		if (!hex_fixed(json_str(json_get(json_at(v->attestations, i), "digest")), digest, sizeof(digest)))
			return err_set(e, COFFER_E_BUG, "release: a digest changed");
		TRY(referrer_read(k->r.reg, k->r.ref.digest, digest, &body, e));
		hex32(digest, hex);
		path = str_fmt("%s/%s.json", dir, hex);
		if (!path)
			return err_set(e, COFFER_E_SYSTEM, "out of memory");
		TRY(file_write(path, wr_span(&body), 0644, e));
	}
	return COFFER_OK;
}

static void print_release(struct keys *k, const struct statement *s, const struct image_release *v)
{
	char id[HEX32_LEN];

	hex32(s->id, id);
	if (k->c->json) {
		jw_obj(k->j);
		jw_m_text(k->j, "provider", s->issuer);
		jw_m_text(k->j, "statement", id);
		jw_name(k->j, "release");
		jw_value(k->j, s->body);
		jw_obj_end(k->j);
		return;
	}
	(void)printf("release %s by %s, security version %llu\n", id, s->issuer, (unsigned long long)v->version);
	for (size_t i = 0; i < json_len(v->methods); i++) {
		struct span type = json_str(json_get(json_at(v->methods, i), "type")), pem = json_str(json_get(json_at(v->methods, i), "key"));

		(void)printf("  verified by %.*s with\n%.*s", (int)type.n, (const char *)type.p, (int)pem.n, (const char *)pem.p);
	}
	for (size_t i = 0; i < json_len(v->keys); i++)
		(void)printf("  opened by   %.*s\n", (int)json_str(json_at(v->keys, i)).n, (const char *)json_str(json_at(v->keys, i)).p);
	for (size_t i = 0; i < json_len(v->attestations); i++) {
		struct span type = json_str(json_get(json_at(v->attestations, i), "type")), d = json_str(json_get(json_at(v->attestations, i), "digest"));

		(void)printf("  comes with  %.*s, artefact sha256:%.*s\n", (int)type.n, (const char *)type.p, (int)d.n, (const char *)d.p);
	}
}

static enum coffer_rc show_one(struct keys *k, const struct referrer *x, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(REFERRER_BYTES_MAX);
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct image_release v;

	TRY(referrer_read(k->r.reg, k->r.ref.digest, x->digest, &text, e));
	TRY(dsse_parse(wr_span(&text), &env, e));
	TRY(statement_parse(wr_span(&env.payload), &s, e));
	TRY(image_release_read(&s, &v, e));
	if (!span_eq(SPAN(v.digest), SPAN(k->r.ref.digest)))
		return err_deny(e, "digest", "a release of another image");
	TRY(statement_check_issuer(k->s.conn, &env, &s, e));
	TRY(in_force(k, &s, e));
	print_release(k, &s, &v);
	k->shown++;
	return cli_opt(k->c, "out") ? fetch_artefacts(k, &v, cli_opt(k->c, "out"), e) : COFFER_OK;
}

/* Anybody may put anything beside an image: what does not hold is named and passed over. */
static void show_all(struct keys *k, const struct referrers *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct err e = { 0 };

		if (strcmp(list->at[i].type, RELEASE_TYPE) != 0 || show_one(k, &list->at[i], &e) == COFFER_OK)
			continue;
		k->refused++;
		(void)fprintf(stderr, "passed over: %s%s%s\n", e.check, e.check[0] ? ": " : "", e.msg);
	}
}

enum coffer_rc cmd_image_keys(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr out = wr_open(4u << 20);
	CLEANUP(freep) struct referrers *list = calloc(1, sizeof(*list));
	CLEANUP(keys_end) struct keys k = { .c = c };
	struct json_wr j = jw_open(&out, false);

	if (!list)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(remote_open(c, c->pos[0], &k.r, e));
	TRY(remote_need_digest(&k.r.ref, c->pos[0], e));
	TRY(home_load(c, &k.s.h, e));
	TRY(home_connect(&k.s.h, &k.s.conn, e));
	TRY(referrers_list(k.r.reg, k.r.ref.digest, list, e));
	k.j = &j;
	jw_arr(&j);
	show_all(&k, list);
	jw_arr_end(&j);
	if (k.shown == 0)
		return k.refused ? err_deny(e, "release", "nothing beside the image is a release in force by the party that says so") :
		    err_set(e, COFFER_E_NOTFOUND, "no release is beside the image; its provider publishes one with 'coffer image release --publish'");
	TRY(wr_done(&out, "releases", e));
	if (c->json)
		(void)printf("%.*s\n", (int)out.n, (const char *)out.p);
	return COFFER_OK;
}
