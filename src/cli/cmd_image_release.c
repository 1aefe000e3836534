/* coffer image release: what a provider states of its image, in the ledger and beside the image. What it stated before of the same content is kept unless it
 * says that it is not: nobody drops a key or an SBOM by not naming it. */
#include <inttypes.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/assets.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/released.h"
#include "cli/remote.h"
#include "cli/self.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "image/referrers.h"
#include "os/file.h"
#include "trust/thing.h"

#define DSSE_MEDIA "application/vnd.dsse.envelope.v1+json"
#define INTOTO_MEDIA "application/vnd.in-toto+json"
#define ATTESTATIONS_MAX 32
#define VERSION_MAX ((UINT64_C(1) << 53) - 1)
#define PEM_MAX (64u << 10)

const struct opt_spec opts_image_release[] = {
	{ "key", "URI", "a key that opens the image, as kbs:///<you>/image-key/<tag>", true, false },
	{ "security-version", "N", "manifests may ask for a least one (from 1 on; default: as before, or else 1)", false, false },
	{ "verify-key", "FILE", "public key (PEM) that signs the image (default: as before, or else this party's signing key)", false, false },
	{ "attestation", "TYPE=FILE", "put FILE beside the image and list it; TYPE: provenance, sbom, scan, tests, or a predicate type's URI", true, false },
	{ "private-attestation", "TYPE=FILE", "the same, but sealed to the trust service as an asset of yours, for those whose use of it you approve", true, false },
	{ "replace", NULL, "keep nothing of what your release in force says of this image; the version may be lower", false, false },
	{ "publish", NULL, "put the signed statement beside the image too, for 'coffer image keys'", false, false },
	OPT_PLAIN, OPT_CA, OPT_EXPIRES, OPT_SELF, OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

struct attested { char type[256]; uint8_t digest[32]; char asset[ASSET_PATH_MAX]; /* "": it lies beside the image */ };
struct release {
	struct cli     *c;
	struct session  s;
	struct ref      ref;
	struct remote   r;      /* its registry, where something is put there */
	struct released before;
	struct wr       pem;    /* the key that verifies, where one is named or none was */
	uint64_t        version;
	struct attested at[ATTESTATIONS_MAX];
	size_t          n;
	size_t          kept;   /* things of before that are said again */
};

static void release_end(struct release *x)
{
	remote_end(&x->r);
	released_clear(&x->before);
	wr_close(&x->pem);
	session_end(&x->s);
}

/* ---- what is put beside the image, or sealed ---- */

static const struct { const char *name, *type; } short_types[] = {
	{ "provenance", "https://slsa.dev/provenance/v1" }, { "sbom", "https://spdx.dev/Document" },
	{ "scan", "https://in-toto.io/attestation/vulns/v0.2" }, { "tests", "https://in-toto.io/attestation/test-result/v0.1" } };

static enum coffer_rc type_of(const char *arg, size_t n, char out[static 256], struct err *e)
{
	for (size_t i = 0; i < sizeof(short_types) / sizeof(short_types[0]); i++)
		if (strlen(short_types[i].name) == n && memcmp(short_types[i].name, arg, n) == 0) { /* public: a name */
			(void)snprintf(out, 256, "%s", short_types[i].type);
			return COFFER_OK;
		}
	if (n >= 256 || !memchr(arg, ':', n))
		return cli_bad(e, "attestation %s: TYPE is provenance, sbom, scan, tests or a URI", arg);
	(void)snprintf(out, 256, "%.*s", (int)n, arg);
	return COFFER_OK;
}

/* TYPE=FILE: the next one of the list, and the file. */
static enum coffer_rc next_attested(struct release *x, const char *arg, const char **file, struct err *e)
{
	const char *eq = strrchr(arg, '=');

	if (!eq || x->n == ATTESTATIONS_MAX)
		return cli_bad(e, "attestation %s: TYPE=FILE, at most %d", arg, ATTESTATIONS_MAX);
	TRY(type_of(arg, (size_t)(eq - arg), x->at[x->n].type, e));
	*file = eq + 1;
	return COFFER_OK;
}

static enum coffer_rc attach(struct release *x, const char *arg, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };
	struct referrer_new n = { .subject = x->r.ref.digest, .type = INTOTO_MEDIA, .media_type = INTOTO_MEDIA };
	const char *file = NULL;

	TRY(next_attested(x, arg, &file, e));
	TRY(file_read(file, REFERRER_BYTES_MAX, &text, e));
	n.body = wr_span(&text);
	TRY(referrer_put(x->r.reg, &n, x->at[x->n].digest, e));
	x->n++;
	return COFFER_OK;
}

/* One place for each type of each image, so that what is approved of it holds for its next version: sbom-<image>, or part of the type's digest. */
static enum coffer_rc asset_place(const struct release *x, const struct attested *a, struct asset_path *out, struct err *e)
{
	CLEANUP(freep) char *path = NULL;
	char name[HEX32_LEN], image[HEX32_LEN];
	uint8_t digest[32];

	sha256(span_of(a->type), digest);
	hex32(digest, name);
	name[16] = 0;
	hex32(x->ref.digest, image);
	for (size_t i = 0; i < sizeof(short_types) / sizeof(short_types[0]); i++)
		if (strcmp(short_types[i].type, a->type) == 0)
			(void)snprintf(name, sizeof(name), "%s", short_types[i].name);
	path = str_fmt("kbs:///%s/attestation/%s-%.32s", x->s.h.party, name, image);
	return path ? asset_own_path(&x->s.h, span_of(path), out, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

/* Not beside the image: whoever may have it asks the trust service. */
static enum coffer_rc seal(struct release *x, const char *arg, struct err *e)
{
	CLEANUP(secret_free) struct secret content = { 0 };
	struct attested *to = &x->at[x->n];
	struct asset_path p;
	const char *file = NULL;
	uint64_t version = 0;

	TRY(next_attested(x, arg, &file, e));
	TRY(asset_place(x, to, &p, e));
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->at[i].asset, p.text) == 0)
			return cli_bad(e, "--private-attestation %s: a second one of its type; an image has one asset for each", arg);
	TRY(asset_content(file, &content, e));
	TRY(asset_put(x->c, &x->s, &p, &content, &version, e));
	sha256((struct span){ content.p, content.n }, to->digest);
	(void)snprintf(to->asset, sizeof(to->asset), "%s", p.text);
	(void)fprintf(stderr, "%s is kept by %s; 'coffer approve WORKLOAD --asset %s' lets a workload have it\n", p.text, service_keys(x->s.conn)->id, p.text);
	x->n++;
	return COFFER_OK;
}

static enum coffer_rc seal_all(struct release *x, struct err *e)
{
	struct self_seen self;
	const char *arg;

	if (!cli_opt(x->c, "private-attestation"))
		return COFFER_OK;
	TRY(self_check(&x->s.h, false, x->s.conn, &self, e)); /* before anything of a content is read */
	(void)fprintf(stderr, "sealed to %s: %s\n", service_keys(x->s.conn)->id, self_words(&self));
	for (size_t i = 0; (arg = cli_opt_at(x->c, "private-attestation", i)) != NULL; i++)
		TRY(seal(x, arg, e));
	return COFFER_OK;
}

/* Before anything is put or logged: the registry answers, and has what is released. */
static enum coffer_rc has_image(struct release *x, struct err *e)
{
	char digest[7 + HEX32_LEN] = "sha256:";

	hex32(x->ref.digest, digest + 7);
	return registry_head_manifest(x->r.reg, digest, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "nothing is released yet");
}

static enum coffer_rc attach_all(struct release *x, struct err *e)
{
	const char *arg;

	if (cli_opt(x->c, "attestation") || cli_flag(x->c, "publish")) {
		TRY(remote_open(x->c, x->c->pos[0], &x->r, e));
		TRY(has_image(x, e));
	}
	for (size_t i = 0; (arg = cli_opt_at(x->c, "attestation", i)) != NULL; i++)
		TRY(attach(x, arg, e));
	return seal_all(x, e);
}

/* ---- what was said before ---- */

/* Of the release in force; NULL: there is none. */
static const struct json *said(const struct release *x, const char *list)
{
	return json_get(released_body(&x->before), list);
}

static bool keeps(const struct release *x)
{
	return !cli_flag(x->c, "replace");
}

static void dropped(const char *what, struct span value)
{
	(void)fprintf(stderr, "no longer released with %s %.*s\n", what, (int)value.n, (const char *)value.p);
}

/* Lower is never what somebody meant who did not say so: workloads that ask for more stop. */
static enum coffer_rc decide_version(struct release *x, struct err *e)
{
	const char *given = cli_opt(x->c, "security-version");
	uint64_t before = 1;

	if (released_body(&x->before))
		TRY(json_need_u64(released_body(&x->before), "version", "image-release", &before, e));
	x->version = before > 0 ? before : 1; /* 0 was stated before versions counted from 1 */
	if (given && (!span_u64(span_of(given), &x->version) || x->version < 1 || x->version > VERSION_MAX))
		return cli_bad(e, "--security-version %s: a number from 1 to %" PRIu64, given, VERSION_MAX);
	if (x->version >= before || !keeps(x))
		return COFFER_OK;
	return err_deny(e, "security-version", "your release in force of this image states security version %" PRIu64 ": with %" PRIu64 " whatever workload asks for more is refused it (R8); "
	    "say --replace too if that is meant", before, x->version);
}

/* One that ended or was revoked is nothing to go on from, and whoever forgets that would drop all of it. */
static enum coffer_rc find_before(struct release *x, struct err *e)
{
	const struct asker me = { &x->s.h, x->s.key, x->s.conn };
	CLEANUP(released_clear) struct released ended = { 0 };
	char id[HEX32_LEN];

	TRY(released_find(&me, span_of(x->s.h.party), &x->ref, &x->before, e));
	if (released_body(&x->before) || !keeps(x))
		return COFFER_OK;
	TRY(released_ever(&me, span_of(x->s.h.party), &x->ref, &ended, e));
	if (!released_body(&ended))
		return COFFER_OK;
	hex32(ended.id, id);
	return err_deny(e, "release", "your release %.16s of this image ended or was revoked ('coffer statement list --kind image-release --all'): name its keys, attestations and security "
	    "version again where they are to hold, and say --replace", id);
}

static enum coffer_rc own_keys(const struct release *x, struct err *e)
{
	struct asset_path p;
	const char *uri;

	for (size_t i = 0; (uri = cli_opt_at(x->c, "key", i)) != NULL; i++)
		if (asset_own_path(&x->s.h, span_of(uri), &p, e) != COFFER_OK)
			return e->rc == COFFER_E_DENIED ? err_deny(e, "owner", "%s belongs to %s, and a release hands out keys of who signs it alone. Of an image that you verify for its provider "
			    "release it without --key: the workload's terms list the key (purpose: image-key), and its owner approves the workload for it", p.text, p.owner) : e->rc;
	return COFFER_OK;
}

/* ---- what is worth a word, and forbids nothing ---- */

struct look { const char *path; bool found; };

static enum coffer_rc is_it(void *arg, const struct json *asset, struct err *e)
{
	struct look *l = arg;

	(void)e;
	l->found = l->found || span_eq_str(json_str(json_get(asset, "path")), l->path);
	return COFFER_OK;
}

/* A release may come before its key. Who cannot ask is not told. */
static void warn_no_key(const struct release *x)
{
	const struct asker me = { &x->s.h, x->s.key, x->s.conn };
	struct err none = { 0 };
	const char *uri;

	for (size_t i = 0; strcmp(x->s.h.key, KEY_AWAY) != 0 && (uri = cli_opt_at(x->c, "key", i)) != NULL; i++) {
		struct asset_path p;
		struct look l = { .path = p.text };

		if (asset_path_parse(span_of(uri), &p, &none) != COFFER_OK || assets_each(&me, is_it, &l, &none) != COFFER_OK || l.found)
			continue;
		(void)fprintf(stderr, "warning: the trust service keeps no %s: nobody opens the image by it until 'coffer asset put %s'\n", p.text, p.text);
	}
}

static enum coffer_rc tell_revoked(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	(void)env;
	(void)e;
	(void)fprintf(stderr, "warning: %s revoked this content itself (%s): where its word counts, no release opens anything to it\n", s->issuer, (const char *)arg);
	return COFFER_OK;
}

/* Of the image as a thing, whatever release names it. */
static enum coffer_rc warn_revoked(const struct release *x, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(512);
	CLEANUP(freep) char *query = NULL;
	char subject[THING_SUBJECT_MAX];
	struct thing thing;

	thing_image(x->ref.digest, &thing);
	thing_subject(thing.id, subject);
	wr_str(&q, "kind=revocation&subject=");
	query_encode(&q, span_of(subject));
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return statements_query(NULL, &x->s.h, x->s.key, x->s.conn, query, tell_revoked, thing.text, e);
}

/* ---- the statement ---- */

static bool names_method(const struct release *x, const struct json *m)
{
	return span_eq_str(json_str(json_get(m, "type")), "sigstoreSigned") && span_eq(json_str(json_get(m, "key")), wr_span(&x->pem));
}

/* One that is named now first: manifests take the first. */
static void method_members(struct release *x, struct json_wr *j)
{
	const struct json *before = said(x, "methods");

	jw_name(j, "methods");
	jw_arr(j);
	if (x->pem.n > 0) {
		jw_obj(j);
		jw_m_text(j, "type", "sigstoreSigned");
		jw_m_str(j, "key", wr_span(&x->pem));
		jw_obj_end(j);
	}
	for (size_t i = 0; i < json_len(before); i++) {
		if (names_method(x, json_at(before, i)))
			continue;
		if (keeps(x))
			jw_value(j, json_at(before, i));
		else
			dropped("verification by the key", json_str(json_get(json_at(before, i), "key")));
		x->kept += keeps(x);
	}
	jw_arr_end(j);
}

static bool given_key(const struct release *x, struct span key)
{
	struct asset_path p;
	struct err e;
	const char *uri;

	for (size_t i = 0; (uri = cli_opt_at(x->c, "key", i)) != NULL; i++)
		if (asset_path_parse(span_of(uri), &p, &e) == COFFER_OK && span_eq_str(key, p.text))
			return true;
	return false;
}

static enum coffer_rc key_members(struct release *x, struct json_wr *j, struct err *e)
{
	const struct json *before = said(x, "keys");
	const char *uri;

	jw_name(j, "keys");
	jw_arr(j);
	for (size_t i = 0; i < json_len(before); i++) {
		if (given_key(x, json_str(json_at(before, i))))
			continue;
		if (keeps(x))
			jw_str(j, json_str(json_at(before, i)));
		else
			dropped("the key", json_str(json_at(before, i)));
		x->kept += keeps(x);
	}
	for (size_t i = 0; (uri = cli_opt_at(x->c, "key", i)) != NULL; i++) {
		struct asset_path p;

		TRY(cli_arg(asset_path_parse(span_of(uri), &p, e), e)); /* ours: own_keys */
		jw_text(j, p.text);
	}
	jw_arr_end(j);
	return COFFER_OK;
}

static void attested_member(const struct attested *a, struct json_wr *j)
{
	char hex[HEX32_LEN];

	hex32(a->digest, hex);
	jw_obj(j);
	if (a->asset[0])
		jw_m_text(j, "asset", a->asset);
	jw_m_text(j, "digest", hex);
	jw_m_text(j, "type", a->type);
	jw_obj_end(j);
}

/* A newer SBOM takes the place of the SBOM, and of nothing else. */
static bool stays(const struct release *x, const struct json *v)
{
	for (size_t i = 0; i < x->n; i++)
		if (span_eq_str(json_str(json_get(v, "type")), x->at[i].type))
			return false;
	return keeps(x);
}

static void attestation_members(struct release *x, struct json_wr *j)
{
	const struct json *before = said(x, "attestations");
	bool any = x->n > 0;

	for (size_t i = 0; i < json_len(before); i++)
		any = any || stays(x, json_at(before, i));
	if (any) {
		jw_name(j, "attestations");
		jw_arr(j);
	}
	for (size_t i = 0; i < json_len(before); i++) {
		const struct json *v = json_at(before, i);

		if (stays(x, v))
			jw_value(j, v);
		else
			dropped("the earlier", json_str(json_get(v, "type")));
		x->kept += stays(x, v);
	}
	for (size_t i = 0; i < x->n; i++)
		attested_member(&x->at[i], j);
	if (any)
		jw_arr_end(j);
}

static enum coffer_rc release_body(struct release *x, struct wr *w, struct err *e)
{
	char name[REF_NAME_MAX + 1], id[HEX32_LEN];
	struct json_wr j = jw_open(w, false);

	ref_name(&x->ref, name);
	jw_obj(&j);
	jw_m_text(&j, "repository", name);
	jw_m_u64(&j, "version", x->version);
	method_members(x, &j);
	TRY(key_members(x, &j, e));
	attestation_members(x, &j);
	jw_obj_end(&j);
	hex32(x->before.id, id);
	if (x->kept > 0)
		(void)fprintf(stderr, "%zu thing%s of your release %.16s of this image said again (keys, ways to verify, attestations); --replace leaves them out\n", x->kept,
		    x->kept == 1 ? " is" : "s are", id);
	return wr_done(w, "image-release", e);
}

static enum coffer_rc publish(struct release *x, const struct draft *d, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(DSSE_ENVELOPE_MAX);
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct json_wr j = jw_open(&text, false);
	struct referrer_new n = { .subject = x->r.ref.digest, .type = RELEASE_TYPE, .media_type = DSSE_MEDIA };
	struct logged l = { 0 };
	char id[HEX32_LEN];
	uint64_t serial = 0;
	uint8_t digest[32];

	TRY(draft_sign(&x->s.h, x->s.key, x->s.conn, d, &env, &serial, e));
	TRY(envelope_post(x->s.conn, &env, &l, e)); /* first: what is not logged is no release */
	l.serial = serial;
	dsse_write(&env, &j);
	TRY(wr_done(&text, "release", e));
	n.body = wr_span(&text);
	hex32(l.id, id);
	if (referrer_put(x->r.reg, &n, digest, e) != COFFER_OK)
		return err_wrap(e, "the release is logged as %s and counts, but is not beside the image; the same command again logs it anew and puts it there", id);
	logged_print(x->c, "image-release", &l);
	return COFFER_OK;
}

/* All that can be refused is, before anything is put anywhere. */
static enum coffer_rc prepare(struct release *x, struct err *e)
{
	TRY(cli_arg(ref_parse(span_of(x->c->pos[0]), &x->ref, e), e));
	TRY(remote_need_digest(&x->ref, x->c->pos[0], e));
	TRY(session_begin(x->c, &x->s, e));
	TRY(own_keys(x, e));
	TRY(find_before(x, e));
	TRY(decide_version(x, e));
	warn_no_key(x);
	TRY(warn_revoked(x, e));
	if (cli_opt(x->c, "verify-key"))
		return file_read(cli_opt(x->c, "verify-key"), PEM_MAX, &x->pem, e);
	x->pem = wr_open(PEM_MAX);
	return released_body(&x->before) && keeps(x) ? COFFER_OK : pem_write_public(privkey_public(x->s.key), &x->pem, e);
}

enum coffer_rc cmd_image_release(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	CLEANUP(release_end) struct release x = { .c = c };
	struct draft d = { .kind = ST_IMAGE_RELEASE };
	char name[REF_NAME_MAX + 1];

	if (cli_flag(c, "publish") && cli_opt(c, "to-sign"))
		return cli_bad(e, "--publish and --to-sign exclude each other: the statement is signed elsewhere");
	if (cli_opt(c, "private-attestation") && cli_opt(c, "to-sign"))
		return cli_bad(e, "--private-attestation and --to-sign exclude each other: the asset's own statement is signed here");
	TRY(prepare(&x, e));
	TRY(attach_all(&x, e));
	TRY(release_body(&x, &body, e));
	ref_name(&x.ref, name);
	draft_subject_digest(&d, span_of(name), x.ref.digest);
	d.body = wr_span(&body);
	TRY(expires_opt(c, "expires", &d.expires, e));
	return cli_flag(c, "publish") ? publish(&x, &d, e) : draft_out(&x.s.h, x.s.key, x.s.conn, &d, e);
}
