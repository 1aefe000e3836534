/* coffer asset: an owner's secrets, sealed here to the trust service's receive key. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/assets.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/publish.h"
#include "cli/rests.h"
#include "cli/self.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "crypto/hash.h"
#include "crypto/jwe.h"
#include "fmt/enc.h"
#include "os/file.h"
#include "policy/policy.h"
#include "proto/eval.h"
#include "trust/data_file.h"

#define CONTENT_MAX ((1u << 20) - 64) /* with its salt it must fit KEEP_ASSET_MAX */
#define SALT_LEN 32
#define BODY_MAX (4u << 20)
#define POLICY_RULE "data.policy.allow"

#define OPT_TYPE \
	{ "type", "TYPE", \
	    "key, data, image-key, registry-credential or attestation (default: as before, or else the path's second segment if it is one of them, else data)", \
	    false, false }
#define OPT_POLICY \
	{ "policy", "FILE", "release policy in Rego (default: the one the asset has, or else the strict one that ships)", false, false }
#define OPT_LEASE \
	{ "lease", "L,C,G", "seconds: guests attest anew after L, ask whether they may keep it every C, bear G of silence (first: 300,60,900)", \
	    false, false }, \
	{ "least-action", "stop|wipe", "what a guest does when that lapses: stop the container (first), or only wipe its files", false, false }
#define OPT_REPLACE_KEY { "yes", NULL, "do not ask on the terminal: a key that is there may be replaced, and the type changed", false, false }
const struct opt_spec opts_asset_seal[] = {
	{ "asset", "PATH", "kbs:///<you>/<type>/<tag>", false, true }, OPT_TYPE, OPT_POLICY, OPT_LEASE, OPT_EXPIRES,
	{ "out", "FILE", "where to write the sealed body (default: standard output)", false, false },
	{ "owner", "PARTY", "decides too: signs with 'coffer statement cosign' (default: as before, or else you alone)", true, false },
	{ "k", "N", "how many of you and these must approve a workload (with --owner; default: all)", false, false },
	OPT_REPLACE_KEY, OPT_SELF, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_asset_put[] = {
	{ "file", "FILE", "the content; '-' or absent = standard input. Never given as an argument", false, false },
	{ "sealed", "FILE", "a body made before by 'coffer asset seal'", false, false },
	OPT_TYPE, OPT_POLICY, OPT_LEASE, OPT_EXPIRES, OPT_REPLACE_KEY, OPT_SELF, OPT_TO_SIGN, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_asset_policy[] = {
	{ "out", "FILE", "write it here for others to sign instead of sending it; then 'coffer asset put --sealed'", false, false },
	{ "default", NULL, "go back to the strict policy that ships: every part of the platform appraised as affirming", false, false },
	{ "as-amended", NULL, "go by the genesis as it was last amended, which you accept for this asset ('coffer genesis show')", false, false },
	OPT_LEASE, OPT_EXPIRES, OPT_TO_SIGN, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_asset_list[] = { OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };
const struct opt_spec opts_asset_delete[] = {
	{ "yes", NULL, "do not ask on the terminal, though approvals or bindings in force name it", false, false },
	OPT_TOKEN_AWAY, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

enum coffer_rc asset_own_path(const struct home *h, struct span text, struct asset_path *out, struct err *e)
{
	TRY(cli_arg(asset_path_parse(text, out, e), e));
	if (strcmp(out->owner, h->party) != 0)
		return err_deny(e, "owner", "%s belongs to %s; you are %s, and a party speaks only for its own paths", out->text,
		    out->owner, h->party);
	return COFFER_OK;
}

static enum coffer_rc own_path(const struct session *s, const char *text, struct asset_path *out, struct err *e)
{
	return asset_own_path(&s->h, span_of(text), out, e);
}

static const char *const types[] = { "key", "data", "image-key", "registry-credential", "attestation" };

/* What it was, where nothing else is said: a key that is put anew without a word about its type is no data. */
static const char *asset_type(const struct cli *c, const struct asset_path *p, const struct asset_newest *last)
{
	const char *given = cli_opt(c, "type"), *mid = strchr(asset_path_tail(p), '/') + 1;
	size_t n = strcspn(mid, "/");

	if (given)
		return given;
	if (last->type[0])
		return last->type;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i]) == n && strncmp(types[i], mid, n) == 0)
			return types[i];
	return "data";
}

/* What the service would refuse of a statement that is signed already. */
static enum coffer_rc check_type(const struct cli *c, struct err *e)
{
	const char *given = cli_opt(c, "type");

	for (size_t i = 0; given && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], given) == 0)
			return COFFER_OK;
	return given ? cli_bad(e, "--type %s: none of key, data, image-key, registry-credential and attestation", given) : COFFER_OK;
}

/* A policy that does not load would deny everything: better said here than at the first release. */
static enum coffer_rc policy_read(const char *path, struct wr *out, struct err *e)
{
	CLEANUP(rego_policy_freep) struct rego_policy *p = NULL;
	struct rego_options o = rego_options_default();
	struct source src = { .name = path };
	struct rego_error re = { 0 };

	o.memory_max = EVAL_POLICY_MEMORY;
	*out = wr_open(ASSET_POLICY_MAX);
	TRY(file_read_arg(path, ASSET_POLICY_MAX, out, e));
	src.text = wr_span(out);
	if (src.text.n == 0)
		return err_set(e, COFFER_E_INPUT, "%s: the policy is empty", path);
	if (!rego_compile(&src, 1, (struct span){ 0 }, &o, &p, &re) && re.line == 0)
		return err_set(e, COFFER_E_INPUT, "%s: %s: the trust service does not take it", path, rego_code_name(re.code));
	if (!p)
		return err_set(e, COFFER_E_INPUT, "%s:%u:%u: %s: %s", re.file, re.line, re.col, rego_code_name(re.code), re.text);
	if (!rego_rule_find(p, POLICY_RULE))
		return err_set(e, COFFER_E_INPUT, "%s: has no rule " POLICY_RULE " (`package policy` with a rule `allow`)", path);
	return COFFER_OK;
}

struct saying {
	const char *type;
	uint64_t    version;
	struct span policy;
	struct lease_terms lease;
	const uint8_t *amendment; /* of the genesis, by which the asset goes; NULL: as founded */
	const char *of[ASSET_OWNERS_MAX]; /* none: the owner alone */
	size_t      n_of;
	uint64_t    k;
};

/* Who decided until now. */
static void say_before(const struct asset_newest *last, struct saying *say)
{
	for (say->n_of = 0; say->n_of < last->n_of; say->n_of++)
		say->of[say->n_of] = last->of[say->n_of];
	say->k = last->k;
	say->lease = last->version > 0 ? last->lease : lease_default();
}

static enum coffer_rc say_lease(const struct cli *c, struct saying *say, struct err *e)
{
	const char *text = cli_opt(c, "lease"), *action = cli_opt(c, "least-action");
	struct span s = span_of(text ? text : ""), part[3];
	struct lease_terms *t = &say->lease;

	if (action && strcmp(action, "stop") != 0 && strcmp(action, "wipe") != 0)
		return cli_bad(e, "--least-action %s: stop or wipe", action);
	t->stop = action ? strcmp(action, "stop") == 0 : t->stop;
	if (!text)
		return COFFER_OK;
	for (size_t i = 0; i < 3; i++) {
		part[i] = (struct span){ s.p, span_find(s, ',') };
		s = span_skip(s, part[i].n + 1);
	}
	if (s.n > 0 || !span_u64(part[0], &t->lease) || !span_u64(part[1], &t->check) || !span_u64(part[2], &t->grace) || t->lease < 1 ||
	    t->lease > LEASE_DAY || t->check < 1 || t->check > LEASE_CHECK_MAX || t->grace > LEASE_DAY)
		return cli_bad(e, "--lease %s: three numbers, 1 to %d, 1 to %d and 0 to %d seconds", text, LEASE_DAY, LEASE_CHECK_MAX, LEASE_DAY);
	return COFFER_OK;
}


static enum coffer_rc say_owners(const struct cli *c, const struct session *s, struct saying *say, struct err *e)
{
	const char *k = cli_opt(c, "k"), *party;

	if (k && !cli_opt(c, "owner"))
		return cli_bad(e, "--k goes with --owner");
	if (!cli_opt(c, "owner"))
		return COFFER_OK;
	say->of[0] = s->h.party;
	say->n_of = 1;
	for (size_t i = 0; (party = cli_opt_at(c, "owner", i)) != NULL; i++) {
		if (say->n_of == ASSET_OWNERS_MAX)
			return cli_bad(e, "--owner: at most %d beside you", ASSET_OWNERS_MAX - 1);
		if (strcmp(party, s->h.party) != 0)
			say->of[say->n_of++] = party;
	}
	say->k = say->n_of;
	if (k && (!span_u64(span_of(k), &say->k) || say->k < 1 || say->k > say->n_of))
		return cli_bad(e, "--k %s: a number from 1 to %zu", k, say->n_of);
	return COFFER_OK;
}

/* Nothing where nothing was ever said. */
static void write_lease(const struct lease_terms *t, struct json_wr *j)
{
	const struct lease_terms usual = lease_default();

	if (t->lease == usual.lease && t->check == usual.check && t->grace == usual.grace)
		return;
	jw_name(j, "lease");
	jw_obj(j);
	jw_m_u64(j, "lease", t->lease);
	jw_m_u64(j, "check", t->check);
	jw_m_u64(j, "grace", t->grace);
	jw_obj_end(j);
}

static enum coffer_rc asset_body_json(
    const struct session *s, const struct asset_path *p, const struct saying *say, struct wr *w, struct err *e)
{
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_text(&j, "path", p->text);
	jw_m_text(&j, "type", say->type);
	jw_m_u64(&j, "version", say->version);
	jw_m_u64(&j, "k", say->n_of ? say->k : 1);
	jw_name(&j, "of");
	jw_arr(&j);
	for (size_t i = 0; i < say->n_of; i++)
		jw_text(&j, say->of[i]);
	if (say->n_of == 0)
		jw_text(&j, s->h.party);
	jw_arr_end(&j);
	jw_m_text(&j, "least-action", say->lease.stop ? "stop" : "wipe");
	write_lease(&say->lease, &j);
	if (say->amendment) {
		char id[HEX32_LEN];

		hex32(say->amendment, id);
		jw_m_text(&j, "amendment", id);
	}
	if (say->policy.n > 0) {
		jw_name(&j, "policy");
		jw_obj(&j);
		jw_m_str(&j, "rego", say->policy);
		jw_obj_end(&j);
	}
	jw_obj_end(&j);
	return wr_done(w, "asset", e);
}

/* salt || content in locked memory; the statement carries SHA-256 of exactly that. */
static enum coffer_rc salted(const struct secret *content, struct secret *out, struct err *e)
{
	TRY(secret_new(SALT_LEN + content->n, out, e));
	random_bytes(out->p, SALT_LEN);
	memcpy(out->p + SALT_LEN, content->p, content->n);
	return COFFER_OK;
}

static enum coffer_rc asset_statement(struct cli *c, struct session *s, const struct asset_path *p, const uint8_t digest[static 32],
    const struct saying *say, struct dsse *out, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(DSSE_PAYLOAD_MAX);
	struct draft d = { .kind = ST_ASSET };
	uint64_t serial = 0;

	TRY(asset_body_json(s, p, say, &body, e));
	draft_subject_digest(&d, span_of(p->text), digest);
	d.body = wr_span(&body);
	TRY(expires_opt(c, "expires", &d.expires, e));
	TRY(draft_make(&s->h, s->key, s->conn, &d, out, &serial, e));
	return to_sign_wanted(&s->h) ? COFFER_OK : dsse_sign(out, s->key, e);
}

/* What is put goes by the genesis as it is amended by then. */
static enum coffer_rc last_amendment(const struct session *s, const uint8_t **out, struct err *e)
{
	const struct parties *all = NULL;

	TRY(service_parties(s->conn, &all, e));
	*out = all->n_amended ? all->amended[all->n_amended - 1].id : NULL;
	return COFFER_OK;
}

/* What a key sealed no other opens. A file of data in its place would be found out by the first guest, when the key is gone. */
static enum coffer_rc check_key(const struct asset_path *p, const char *type, struct span content, struct err *e)
{
	struct span first = { content.p, span_find(content, '\n') };

	if ((strcmp(type, "key") != 0 && strcmp(type, "image-key") != 0) || content.n == DATA_KEY_LEN)
		return COFFER_OK;
	if (strcmp(type, "key") == 0)
		return err_set(e, COFFER_E_INPUT, "%s: a key is %d bytes, as 'coffer data seal --key-out' makes it; this has %zu. Data is put with --type data", p->text,
		    DATA_KEY_LEN, content.n);
	if (span_starts(first, "-----BEGIN ") && span_ends(first, "PRIVATE KEY-----"))
		return COFFER_OK;
	return err_set(e, COFFER_E_INPUT, "%s: an image key is %d bytes, as 'openssl rand -out image.key 32' makes it, or the PEM of a private key; this is neither, of %zu bytes. Data is put with --type data",
	    p->text, DATA_KEY_LEN, content.n);
}

/* The service gives the newest version alone: the key of before is with whoever kept it. */
static enum coffer_rc may_replace(const struct cli *c, const struct asset_path *p, const char *type, const struct asset_newest *last, struct err *e)
{
	bool image = strcmp(last->type, "image-key") == 0, key = image || strcmp(last->type, "key") == 0;
	bool other = last->type[0] && strcmp(last->type, type) != 0;

	if (last->version == 0 || (!key && !other))
		return COFFER_OK;
	if (key)
		(void)fprintf(stderr, "%s is %s, version %llu: no later one opens what it sealed, and guests get the newest alone\n", p->text, image ? "an image key" : "a key",
		    (unsigned long long)last->version);
	if (other)
		(void)fprintf(stderr, "%s is of type %s; this makes it one of type %s\n", p->text, last->type, type);
	return home_confirm(c, "Replace it?", NULL, e);
}

/* A new version keeps the policy of the version before, unless another is given: nobody loses one by not naming it. */
static enum coffer_rc content_statement(struct cli *c, struct session *s, const struct asset_path *p, struct span salted_content, struct dsse *out, uint64_t *version,
    struct err *e)
{
	CLEANUP(asset_newest_clear) struct asset_newest last = { 0 };
	CLEANUP(wr_close) struct wr policy = { 0 };
	struct saying say = { 0 };
	uint8_t digest[32];

	TRY(asset_newest(&s->h, s->key, s->conn, p, &last, e));
	say.type = asset_type(c, p, &last);
	TRY(check_key(p, say.type, span_skip(salted_content, SALT_LEN), e));
	TRY(may_replace(c, p, say.type, &last, e));
	*version = say.version = last.version + 1;
	say.policy = wr_span(&last.policy);
	say_before(&last, &say);
	TRY(last_amendment(s, &say.amendment, e));
	TRY(say_owners(c, s, &say, e));
	TRY(say_lease(c, &say, e));
	if (cli_opt(c, "policy")) {
		TRY(policy_read(cli_opt(c, "policy"), &policy, e));
		say.policy = wr_span(&policy);
	}
	sha256(salted_content, digest);
	return asset_statement(c, s, p, digest, &say, out, e);
}

static enum coffer_rc seal_body(struct cli *c, struct session *s, const struct asset_path *p, const struct secret *content, struct wr *out, uint64_t *version,
    struct err *e)
{
	CLEANUP(secret_free) struct secret plain = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct json_wr j = jw_open(out, false);

	TRY(salted(content, &plain, e));
	TRY(content_statement(c, s, p, (struct span){ plain.p, plain.n }, &env, version, e));
	wr_str(out, "{\"statement\":");
	dsse_write(&env, &j);
	wr_str(out, ",\"sealed\":");
	TRY(jwe_seal(&service_keys(s->conn)->receive, (struct span){ plain.p, plain.n }, NULL, out, e));
	wr_str(out, "}");
	return wr_done(out, "sealed asset", e);
}

enum coffer_rc asset_content(const char *path, struct secret *out, struct err *e)
{
	TRY(file_read_secret(strcmp(path, "-") == 0 ? "/dev/stdin" : path, CONTENT_MAX, out, e));
	if (out->n == 0)
		return err_set(e, COFFER_E_INPUT, "%s: the content is empty", path);
	return COFFER_OK;
}

/* What others signed already is not lost to a second sealing. */
static enum coffer_rc may_write(const char *path, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct err other = { 0 };

	if (!path || !file_exists(path) || file_read(path, BODY_MAX, &text, &other) != COFFER_OK || json_parse(wr_span(&text), BODY_MAX, &doc, &other) != COFFER_OK ||
	    dsse_parse_json(json_get(json_root(doc), "statement"), &env, &other) != COFFER_OK || env.n_sigs < 2)
		return COFFER_OK;
	return err_set(e, COFFER_E_INPUT, "%s is there already, and %zu keys signed it; name another --out", path, env.n_sigs);
}

enum coffer_rc cmd_asset_seal(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(secret_free) struct secret content = { 0 };
	CLEANUP(wr_close) struct wr body = wr_open(BODY_MAX);
	struct self_seen self;
	struct asset_path p;
	uint64_t version = 0;

	TRY(check_type(c, e));
	TRY(may_write(cli_opt(c, "out"), e));
	TRY(session_begin(c, &s, e));
	TRY(own_path(&s, cli_opt(c, "asset"), &p, e));
	TRY(self_check(&s.h, false, s.conn, &self, e)); /* before anything of the content is read */
	(void)fprintf(stderr, "sealed to %s: %s\n", service_keys(s.conn)->id, self_words(&self));
	TRY(asset_content(c->pos[0], &content, e));
	TRY(seal_body(c, &s, &p, &content, &body, &version, e));
	if (version > 1)
		(void)fprintf(stderr, "version %llu; once it is put it replaces version %llu\n", (unsigned long long)version, (unsigned long long)version - 1);
	if (cli_opt(c, "out"))
		return file_write(cli_opt(c, "out"), wr_span(&body), 0644, e);
	(void)printf("%.*s\n", (int)body.n, (const char *)body.p);
	return COFFER_OK;
}

/* What is to be signed elsewhere, and beside it the sealed content, which stays here until the signature is back. */
static enum coffer_rc put_away(struct cli *c, struct session *s, const struct asset_path *p, const struct secret *content, struct err *e)
{
	CLEANUP(freep) char *file = str_fmt("%s.sealed", cli_opt(c, "to-sign"));
	CLEANUP(secret_free) struct secret plain = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr jwe = wr_open(BODY_MAX);
	uint64_t version = 0;

	if (!file)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(salted(content, &plain, e));
	TRY(content_statement(c, s, p, (struct span){ plain.p, plain.n }, &env, &version, e));
	if (version > 1)
		(void)fprintf(stderr, "version %llu; once it is signed and submitted it replaces version %llu\n", (unsigned long long)version, (unsigned long long)version - 1);
	TRY(jwe_seal(&service_keys(s->conn)->receive, (struct span){ plain.p, plain.n }, NULL, &jwe, e));
	TRY(wr_done(&jwe, "sealed asset", e));
	TRY(to_sign_out(&s->h, s->key, &env, e)); /* which removes what lay there of another */
	return file_write(file, wr_span(&jwe), 0644, e);
}

static enum coffer_rc resource_call(
    struct session *s, const char *method, const struct asset_path *p, struct span body, struct http_res *res, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("/kbs/v0/resource/%s", asset_path_tail(p));
	const struct service_req q = { .method = method, .path = path, .body = body, .content_type = "application/json" };
	const struct asker me = { &s->h, s->key, s->conn };

	return path ? home_call(&me, &q, 64u << 10, res, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

enum coffer_rc asset_put(struct cli *c, struct session *s, const struct asset_path *p, const struct secret *content, uint64_t *version, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(BODY_MAX);
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	TRY(seal_body(c, s, p, content, &body, version, e));
	return resource_call(s, "POST", p, wr_span(&body), &res, e);
}

/* To whom it is sealed was looked at then. */
static enum coffer_rc put_sealed(struct session *s, const struct asset_path *p, const char *file, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(BODY_MAX);
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	TRY(file_read_arg(file, BODY_MAX, &body, e));
	return resource_call(s, "POST", p, wr_span(&body), &res, e);
}

static void say_put(const struct session *s, const struct asset_path *p, uint64_t version, const struct self_seen *self)
{
	const unsigned long long is = version, was = version - 1;

	if (s->h.cli->json) {
		(void)printf("{\"asset\":\"%s\",\"version\":%llu,", p->text, is);
		if (was > 0)
			(void)printf("\"replaces\":%llu,", was);
		(void)printf("\"service-attested\":%s,\"service-emulated\":%s}\n", self->attested ? "true" : "false", self->emulated ? "true" : "false");
		return;
	}
	(void)printf("%s, version %llu", p->text, is);
	if (was > 0)
		(void)printf(", replaces version %llu and", was);
	(void)printf(" is kept by %s, sealed to its receive key; %s\n", service_keys(s->conn)->id, self_words(self));
}

enum coffer_rc cmd_asset_put(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(secret_free) struct secret content = { 0 };
	const char *file = cli_opt(c, "file"), *sealed = cli_opt(c, "sealed");
	struct self_seen self = { 0 };
	struct asset_path p;
	uint64_t version = 0;

	TRY(check_type(c, e));
	if (file && sealed)
		return cli_bad(e, "--file and --sealed exclude each other");
	if (sealed && cli_opt(c, "to-sign"))
		return cli_bad(e, "--sealed and --to-sign exclude each other: what is sealed is signed already");
	if (sealed && (cli_opt(c, "attested") || cli_opt(c, "unattested") || cli_opt(c, "accept-service") || cli_opt(c, "roots")))
		return cli_bad(e, "--sealed asks the service for no evidence: to whom it is sealed was decided by 'coffer asset seal', which takes these options");
	TRY(session_begin(c, &s, e));
	TRY(own_path(&s, c->pos[0], &p, e));
	if (sealed) {
		TRY(put_sealed(&s, &p, sealed, e));
	} else {
		TRY(self_check(&s.h, false, s.conn, &self, e)); /* before anything of the content is read */
		TRY(asset_content(file ? file : "-", &content, e));
		if (to_sign_wanted(&s.h))
			return put_away(c, &s, &p, &content, e);
		TRY(asset_put(c, &s, &p, &content, &version, e));
	}
	if (sealed)
		(void)printf(c->json ? "{\"asset\":\"%s\"}\n" : "%s is kept by %s\n", p.text, service_keys(s.conn)->id);
	else
		say_put(&s, &p, version, &self);
	return COFFER_OK;
}

/* ---- the release policy alone: the owner says anew what is kept ---- */

static enum coffer_rc show_policy(const struct cli *c, const struct asset_path *p, const struct asset_newest *last, struct err *e)
{
	CLEANUP(wr_close) struct wr out = wr_open(DSSE_ENVELOPE_MAX);
	struct json_wr j = jw_open(&out, false);

	if (!c->json) {
		if (last->policy.n == 0)
			(void)printf("%s has no policy of its own: the strict one that ships holds (every part of the platform affirming)\n", p->text);
		else
			(void)fwrite(last->policy.p, 1, last->policy.n, stdout);
		return COFFER_OK;
	}
	jw_obj(&j);
	jw_m_text(&j, "asset", p->text);
	jw_m_u64(&j, "version", last->version);
	if (last->policy.n > 0)
		jw_m_str(&j, "policy", wr_span(&last->policy));
	jw_obj_end(&j);
	TRY(wr_done(&out, "policy", e));
	(void)printf("%.*s\n", (int)out.n, (const char *)out.p);
	return COFFER_OK;
}

/* sealed: empty where the statement says anew what is kept. */
static enum coffer_rc statement_body(const struct dsse *env, struct span sealed, struct wr *body, struct err *e)
{
	struct json_wr j = jw_open(body, false);

	wr_str(body, "{\"statement\":");
	dsse_write(env, &j);
	if (sealed.n) {
		wr_str(body, ",\"sealed\":");
		wr_put(body, sealed);
	}
	wr_str(body, "}");
	return wr_done(body, "statement", e);
}

static enum coffer_rc statement_file(const char *path, const struct dsse *env, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(BODY_MAX);

	TRY(statement_body(env, (struct span){ 0 }, &body, e));
	return file_write(path, wr_span(&body), 0644, e);
}

static enum coffer_rc put_statement(
    struct session *s, const struct asset_path *p, const struct dsse *env, struct span sealed, struct err *e)
{
	CLEANUP(wr_close) struct wr body = wr_open(BODY_MAX);
	CLEANUP(http_res_clear) struct http_res res = { 0 };

	TRY(statement_body(env, sealed, &body, e));
	return resource_call(s, "POST", p, wr_span(&body), &res, e);
}

enum coffer_rc asset_submit(struct cli *c, const struct dsse *env, const struct statement *st, const char *sealed, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(wr_close) struct wr jwe = { 0 };
	struct asset_body b;

	TRY(asset_read(st, &b, e));
	if (file_exists(sealed))
		TRY(file_read(sealed, BODY_MAX, &jwe, e));
	TRY(session_begin(c, &s, e));
	TRY(put_statement(&s, &b.path, env, wr_span(&jwe), e));
	(void)printf(c->json ? "{\"asset\":\"%s\",\"version\":%llu}\n" : "%s, version %llu is kept\n", b.path.text, (unsigned long long)b.version);
	return COFFER_OK;
}

/* The others' signatures are asked for: who they are, and by which commands it goes on. */
static void name_others(const struct session *s, const struct asset_newest *last, char *out, size_t n)
{
	size_t at = 0;

	out[0] = 0;
	for (size_t i = 0; i < last->n_of; i++) {
		int more = strcmp(last->of[i], s->h.party) == 0 ? 0 : snprintf(out + at, n - at, "%s%s", at ? ", " : "", last->of[i]);

		at += more > 0 && (size_t)more < n - at ? (size_t)more : 0;
	}
}

/* Of an asset of several parties nothing goes by one signature. */
static enum coffer_rc alone(const struct session *s, const struct asset_path *p, const struct asset_newest *last, struct err *e)
{
	char others[ASSET_OWNERS_MAX * (PARTY_MAX + 2)];

	if (last->n_of < 2 || cli_opt(s->h.cli, "out"))
		return COFFER_OK;
	name_others(s, last, others, sizeof(others));
	return err_deny(e, "owner", "%s also decide%s of %s, and sign%s what changes: write it with --out FILE, each signs it with 'coffer statement cosign FILE', then 'coffer asset put %s --sealed FILE'",
	    others, last->n_of == 2 ? "s" : "", p->text, last->n_of == 2 ? "s" : "", p->text);
}

static enum coffer_rc handed_on(const struct session *s, const struct asset_path *p, const struct asset_newest *last, const struct dsse *env, struct err *e)
{
	const char *file = cli_opt(s->h.cli, "out");
	char others[ASSET_OWNERS_MAX * (PARTY_MAX + 2)];

	TRY(statement_file(file, env, e));
	name_others(s, last, others, sizeof(others));
	(void)printf(s->h.cli->json ? "{\"file\":\"%s\"}\n" : "%s is signed by you, and changes nothing yet.", file);
	if (!s->h.cli->json && others[0])
		(void)printf(" To be signed by %s: coffer statement cosign %s.", others, file);
	if (!s->h.cli->json)
		(void)printf(" Then: coffer asset put %s --sealed %s\n", p->text, file);
	return COFFER_OK;
}

static enum coffer_rc set_policy(struct cli *c, struct session *s, const struct asset_path *p, const struct asset_newest *last,
    struct err *e)
{
	CLEANUP(wr_close) struct wr policy = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	struct saying say = { .type = last->type, .version = last->version };

	if (c->n_pos == 2) {
		TRY(policy_read(c->pos[1], &policy, e));
		say.policy = wr_span(&policy);
	} else if (!cli_flag(c, "default")) {
		say.policy = wr_span(&last->policy);
	}
	TRY(alone(s, p, last, e));
	say_before(last, &say);
	say.amendment = last->amended ? last->amendment : NULL; /* what is there keeps what its owners accepted */
	if (cli_flag(c, "as-amended"))
		TRY(last_amendment(s, &say.amendment, e));
	TRY(say_lease(c, &say, e));
	TRY(asset_statement(c, s, p, last->digest, &say, &env, e));
	if (to_sign_wanted(&s->h))
		return to_sign_out(&s->h, s->key, &env, e);
	if (cli_opt(c, "out"))
		return handed_on(s, p, last, &env, e);
	TRY(put_statement(s, p, &env, (struct span){ 0 }, e));
	if (c->json)
		(void)printf("{\"asset\":\"%s\",\"version\":%llu}\n", p->text, (unsigned long long)say.version);
	else
		(void)printf("%s, version %llu: released only where %s allows it\n", p->text, (unsigned long long)say.version,
		    c->n_pos == 2 ? c->pos[1] : say.policy.n > 0 ? "the policy of before" : "the strict policy that ships");
	return COFFER_OK;
}

enum coffer_rc cmd_asset_policy(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(asset_newest_clear) struct asset_newest last = { 0 };
	struct asset_path p;

	if (cli_flag(c, "default") && c->n_pos == 2)
		return cli_bad(e, "--default and a policy file exclude each other");
	TRY(session_begin(c, &s, e));
	TRY(own_path(&s, c->pos[0], &p, e));
	TRY(asset_newest(&s.h, s.key, s.conn, &p, &last, e));
	if (last.version == 0)
		return err_set(e, COFFER_E_NOTFOUND, "no asset %s is kept; `coffer asset put %s --policy FILE` puts one", p.text, p.text);
	if (c->n_pos == 1 && !cli_flag(c, "default") && !cli_flag(c, "as-amended") && !cli_opt(c, "lease") && !cli_opt(c, "least-action"))
		return show_policy(c, &p, &last, e);
	return set_policy(c, &s, &p, &last, e);
}

struct asset_listing { bool json; size_t n; };

static enum coffer_rc print_asset(void *arg, const struct json *a, struct err *e)
{
	struct asset_listing *l = arg;
	struct span path, type, issued;
	uint64_t version;

	TRY(json_need_str(a, "path", "asset", &path, e));
	TRY(json_need_str(a, "type", "asset", &type, e));
	TRY(json_need_str(a, "issued", "asset", &issued, e));
	TRY(json_need_u64(a, "version", "asset", &version, e));
	if (l->json) {
		CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
		struct json_wr j = jw_open(&w, false);

		jw_value(&j, a);
		TRY(wr_done(&w, "asset", e));
		(void)printf("%s%.*s", l->n ? "," : "", (int)w.n, (const char *)w.p);
	} else {
		char shown[ASSET_PATH_MAX], kind[32], time[32];

		span_plain(path, shown, sizeof(shown));
		span_plain(type, kind, sizeof(kind));
		span_plain(issued, time, sizeof(time));
		(void)printf("%-48s version %-4llu %-20s %s\n", shown, (unsigned long long)version, kind, time);
	}
	l->n++;
	return COFFER_OK;
}

/* By statements, newest first: those that the service's own list leaves out. */
struct by_statement { struct asset_listing *l; const struct home *h; struct service_conn *conn; bool own; };

static bool decides_of(const struct asset_body *b, const char *party)
{
	for (size_t i = 0; i < b->n_of; i++)
		if (strcmp(b->of[i], party) == 0)
			return true;
	return false;
}

static enum coffer_rc print_stated(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(1u << 14);
	struct json_wr j = jw_open(&w, false);
	struct by_statement *x = arg;
	struct asset_body b;
	char issued[CLOCK_TEXT_LEN];

	TRY(asset_read(s, &b, e));
	if ((strcmp(s->issuer, x->h->party) == 0) != x->own || (!x->own && !decides_of(&b, x->h->party)))
		return COFFER_OK;
	TRY(statement_check_issuer(x->conn, env, s, e));
	clock_text(s->issued, issued);
	jw_obj(&j);
	jw_m_text(&j, "issued", issued);
	jw_m_text(&j, "path", b.path.text);
	jw_m_text(&j, "type", b.type);
	jw_m_u64(&j, "version", b.version);
	jw_obj_end(&j);
	TRY(wr_done(&w, "asset", e));
	if (x->l->json)
		(void)printf("%s%.*s", x->l->n ? "," : "", (int)w.n, (const char *)w.p);
	else
		(void)printf("%-48s version %-4llu %-20s %s%s%s%s\n", b.path.text, (unsigned long long)b.version, b.type, issued, x->own ? "" : " (of ", x->own ? "" : s->issuer,
		    x->own ? "" : ", who shares it with you)");
	x->l->n++;
	return COFFER_OK;
}

/* The service lists what it keeps of whom a token names, which beside a key elsewhere is the reader; and of nobody what is shared. */
static enum coffer_rc list_assets(const struct cli *c, const struct session *s, struct asset_listing *l, struct err *e)
{
	const bool by_reader = strcmp(s->h.key, KEY_AWAY) == 0;
	CLEANUP(freep) char *own = str_fmt("kind=asset&issuer=%s", s->h.party);
	struct by_statement x = { l, &s->h, s->conn, .own = true };

	if (!own)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (!by_reader)
		TRY(assets_each(&(struct asker){ &s->h, s->key, s->conn }, print_asset, l, e));
	else
		TRY(statements_query(c, &s->h, s->key, s->conn, own, print_stated, &x, e));
	x.own = false;
	TRY(statements_query(c, &s->h, s->key, s->conn, "kind=asset", print_stated, &x, e));
	if (by_reader)
		(void)fprintf(stderr, "by the statements in force, which any party may read: one whose content was deleted is among them\n");
	return COFFER_OK;
}

enum coffer_rc cmd_asset_list(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	struct asset_listing l = { .json = c->json };

	TRY(session_begin(c, &s, e));
	if (l.json)
		(void)printf("{\"assets\":[");
	TRY(list_assets(c, &s, &l, e));
	if (l.json)
		(void)printf("]}\n");
	else if (l.n == 0)
		(void)printf("no asset of %s is kept\n", s.h.party);
	return COFFER_OK;
}

static enum coffer_rc delete_elsewhere(const struct session *s, const struct asset_path *p, struct err *e)
{
	CLEANUP(freep) char *path = str_fmt("/kbs/v0/resource/%s", asset_path_tail(p));

	return path ? token_to_sign(&(struct asker){ &s->h, s->key, s->conn }, "DELETE", path, e) : err_set(e, COFFER_E_SYSTEM, "out of memory");
}

/* Only where something would miss it. */
static enum coffer_rc confirm_delete(const struct cli *c, const struct session *s, const struct asset_path *p, struct err *e)
{
	size_t n = 0;

	if (strcmp(s->h.key, KEY_AWAY) == 0) /* is refused: a reader deletes nothing */
		return COFFER_OK;
	TRY(rests_on_asset(&(struct asker){ &s->h, s->key, s->conn }, p, &n, e));
	return n > 0 ? home_confirm(c, "Delete it all the same?", NULL, e) : COFFER_OK;
}

enum coffer_rc cmd_asset_delete(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct asset_path p;

	TRY(session_begin(c, &s, e));
	TRY(own_path(&s, c->pos[0], &p, e));
	if (to_sign_wanted(&s.h))
		return delete_elsewhere(&s, &p, e);
	if (!cli_opt(c, "signed")) /* who signed the request was shown it, and it is good for an hour */
		TRY(confirm_delete(c, &s, &p, e));
	TRY(resource_call(&s, "DELETE", &p, (struct span){ 0 }, &res, e));
	(void)printf(c->json ? "{\"deleted\":\"%s\"}\n" : "%s is deleted; what was released before is not undone\n", p.text);
	return COFFER_OK;
}
