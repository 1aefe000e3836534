/* coffer image keys: what providers state of an image, found beside it and held against the ledger. */
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/released.h"
#include "cli/remote.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "image/referrers.h"
#include "os/file.h"

const struct opt_spec opts_image_keys[] = {
	{ "out", "DIR", "also fetch the artefacts that lie beside the image, by digest, into DIR", false, false }, OPT_PLAIN, OPT_CA, OPT_PASSPHRASE,
	{ NULL, NULL, NULL, false, false } };

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
	return n > 0 ? COFFER_OK : err_deny(e, "in-force", "the release %.16s is signed by %s, but not in force: not logged, superseded or revoked; %s states another with 'coffer image release'", hex, s->issuer, s->issuer);
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

		if (json_get(json_at(v->attestations, i), "asset"))
			continue; /* not here to be fetched, and said so */
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
		const struct json *a = json_at(v->attestations, i);
		struct span type = json_str(json_get(a, "type")), d = json_str(json_get(a, "digest")), asset = json_str(json_get(a, "asset"));

		if (asset.n > 0)
			(void)printf("  comes with  %.*s, as the asset %.*s, content sha256:%.*s\n              a container that a manifest entitles to it (purpose api) gets it, "
			    "once %s approves\n", (int)type.n, (const char *)type.p, (int)asset.n, (const char *)asset.p, (int)d.n, (const char *)d.p, s->issuer);
		else
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
		return err_deny(e, "digest", "beside the image is a release of another image; its provider publishes its own with 'coffer image release --publish'");
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
		return k.refused ? err_deny(e, "release", "nothing beside the image is a release in force by the party that says so; its provider publishes one with 'coffer image release --publish'") :
		    err_set(e, COFFER_E_NOTFOUND, "no release is beside the image; its provider publishes one with 'coffer image release --publish'");
	TRY(wr_done(&out, "releases", e));
	if (c->json)
		(void)printf("%.*s\n", (int)out.n, (const char *)out.p);
	return COFFER_OK;
}
