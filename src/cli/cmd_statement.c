/* coffer statement: any statement as a person meets it, and the way back from a machine that signs. */
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/party_keys.h"
#include "cli/publish.h"
#include "cli/remote.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "image/sign.h"
#include "image/tool.h"
#include "os/file.h"
#include "trust/thing.h"
#include "trust/tosign.h"

#define TEXT_MAX (4u << 20)
#define END { NULL, NULL, NULL, false, false }

const struct opt_spec opts_statement_sign[] = {
	{ "out", "FILE", "where to write the envelope", false, false }, OPT_TO_SIGN, OPT_PASSPHRASE, END };
const struct opt_spec opts_statement_submit[] = {
	{ "out", "FILE", "also write the signed envelope here (needed for a genesis and for a party's request)", false, false },
	{ "into", "FILE", "publish nothing: add the signatures to this statement, which others sign too", false, false },
	OPT_PLAIN, OPT_CA, OPT_PASSPHRASE, END };
const struct opt_spec opts_statement_verify[] = {
	{ "genesis", "FILE", "ask no service: verify by this genesis alone", false, false },
	{ "party", "FILE", "with --genesis: party statement (envelope) of an issuer that joined later", true, false },
	{ "at", "TIME", "the time at which it is to be valid (default: now)", false, false },
	OPT_PASSPHRASE, END };
const struct opt_spec opts_statement_list[] = {
	{ "kind", "KIND", "party, service, image-release, asset, workload, boot-image, tcb, approval, assessment, binding, delegation, genesis-amendment, pause or revocation", false, false },
	{ "issuer", "PARTY", "of this party alone", false, false },
	{ "subject", "NAME", "about this alone; a chip, an image, its key or a measurement as 'coffer revoke' names it", false, false },
	{ "all", NULL, "also what is no longer in force", false, false },
	OPT_PASSPHRASE, END };

static enum coffer_rc read_statement(const char *path, struct dsse *env, struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read_arg(path, DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), env, e) != COFFER_OK || statement_parse(wr_span(&env->payload), s, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

/* ---- show ---- */

static void keyids(const struct dsse *env, struct json_wr *j)
{
	jw_name(j, "signatures");
	jw_arr(j);
	for (size_t i = 0; i < env->n_sigs; i++) {
		CLEANUP(wr_close) struct wr w = wr_open(64);

		b64url_write(&w, SPAN(env->sigs[i].keyid));
		jw_str(j, wr_span(&w));
	}
	jw_arr_end(j);
}

static enum coffer_rc print_json(const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(TEXT_MAX);
	char id[HEX32_LEN], issued[CLOCK_TEXT_LEN], expires[CLOCK_TEXT_LEN];
	struct json_wr j = jw_open(&w, false);

	hex32(s->id, id);
	clock_text(s->issued, issued);
	clock_text(s->expires, expires);
	jw_obj(&j);
	jw_m_text(&j, "id", id);
	jw_m_text(&j, "kind", statement_kind_name(s->kind));
	jw_m_text(&j, "issuer", s->issuer);
	jw_m_text(&j, "issued", issued);
	jw_m_text(&j, "expires", expires);
	jw_m_u64(&j, "serial", s->serial);
	jw_name(&j, "subjects");
	jw_arr(&j);
	for (size_t i = 0; i < s->n_subjects; i++)
		jw_str(&j, s->subject[i].name);
	jw_arr_end(&j);
	keyids(env, &j);
	jw_name(&j, "body");
	jw_value(&j, s->body);
	jw_obj_end(&j);
	TRY(wr_done(&w, "statement", e));
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return COFFER_OK;
}

enum coffer_rc cmd_statement_show(struct cli *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(wr_close) struct wr out = wr_open((size_t)2 * TEXT_MAX);

	TRY(read_statement(c->pos[0], &env, &s, e));
	if (c->json)
		return print_json(&env, &s, e);
	TRY(statement_text(&s, &out, e));
	for (size_t i = 0; i < env.n_sigs; i++) {
		wr_str(&out, "signed with ");
		b64url_write(&out, SPAN(env.sigs[i].keyid));
		wr_str(&out, "  (said, not verified: see 'coffer statement verify')\n");
	}
	TRY(wr_done(&out, "statement", e));
	(void)fwrite(out.p, 1, out.n, stdout);
	return COFFER_OK;
}

/* ---- verify ---- */

static enum coffer_rc read_genesis(const struct cli *c, const struct home *h, struct genesis *g, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	uint8_t id[32];

	TRY(read_statement(cli_opt(c, "genesis"), &env, &s, e));
	dsse_id(&env, id);
	return chain_genesis(&env, h->has_genesis ? h->genesis : id, g, e);
}

/* A party that joined later: its statement is signed by itself and by a founder, or by one that came before it on the command line. */
static enum coffer_rc add_party(const char *path, const struct genesis *g, struct party *list, size_t *n, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	bool introduced = false;

	TRY(read_statement(path, &env, &s, e));
	if (s.kind != ST_PARTY || !span_eq(SPAN(s.ledger), SPAN(g->id)))
		return err_deny(e, "party", "%s: no party statement for this genesis", path);
	TRY(party_read(s.body, &list[*n], e));
	for (size_t i = 0; i < g->n_parties; i++)
		introduced |= party_signed(&g->party[i], &env);
	for (size_t i = 0; i < *n; i++)
		introduced |= party_signed(&list[i], &env);
	if (!party_signed(&list[*n], &env) || !introduced)
		return err_deny(e, "party", "%s: not signed by the party itself and by one that is known", path);
	(*n)++;
	return COFFER_OK;
}

static enum coffer_rc by_genesis(const struct cli *c, const struct genesis *g, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) struct party *more = calloc(GENESIS_PARTIES_MAX, sizeof(*more));
	const struct party *who = genesis_party(g, s->issuer);
	const char *path;
	size_t n = 0;

	if (!more)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	for (size_t i = 0; i < GENESIS_PARTIES_MAX && (path = cli_opt_at(c, "party", i)) != NULL; i++)
		TRY(add_party(path, g, more, &n, e));
	for (size_t i = 0; !who && i < n; i++)
		if (strcmp(more[i].id, s->issuer) == 0)
			who = &more[i];
	if (!who)
		return err_deny(e, "issuer", "%s is no founder; give its party statement with --party", s->issuer);
	if (!party_signed(who, env))
		return err_deny(e, "signature", "this is not signed by %s: do not go by it, and ask that party for it", s->issuer);
	return COFFER_OK;
}

static enum coffer_rc count_one(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	(void)env, (void)s, (void)e;
	++*(size_t *)arg;
	return COFFER_OK;
}

static enum coffer_rc by_service(const struct cli *c, const struct home *h, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	char hex[HEX32_LEN], query[160];
	size_t n = 0;

	TRY(home_connect(h, &conn, e));
	if (statement_check_issuer(conn, env, s, e) != COFFER_OK)
		return err_deny(e, "signature", "this is not signed by %s: do not go by it, and ask that party for it", s->issuer);
	TRY(home_sign_key(c, h, &key, e));
	hex32(s->id, hex);
	(void)snprintf(query, sizeof(query), "kind=%s&id=%s", statement_kind_name(s->kind), hex);
	TRY(statements_query(c, h, key, conn, query, count_one, &n, e));
	if (n == 0)
		return err_deny(e, "in-force", "signed by %s, but not in force: not logged, superseded or revoked; 'coffer statement list --all --issuer %s' shows what is logged", s->issuer, s->issuer);
	return COFFER_OK;
}

static enum coffer_rc check_window(const struct cli *c, const struct statement *s, struct err *e)
{
	int64_t at = 0;

	TRY(expires_opt(c, "at", &at, e));
	if (!at)
		at = clock_now();
	if (at < s->issued)
		return err_deny(e, "time", "the statement is not valid yet: 'coffer statement show' says from when");
	if (at >= s->expires && s->kind != ST_REVOCATION) /* which is final */
		return err_deny(e, "time", "the statement has expired; %s issues it anew", s->issuer);
	return COFFER_OK;
}

enum coffer_rc cmd_statement_verify(struct cli *c, struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(freep) struct genesis *g = calloc(1, sizeof(*g));
	bool offline = cli_opt(c, "genesis") != NULL;
	struct home h = { .cli = c };
	char id[HEX32_LEN];

	if (!g)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(read_statement(c->pos[0], &env, &s, e));
	offline |= s.kind == ST_GENESIS;
	if (home_load(c, &h, e) != COFFER_OK && !offline) /* offline it only adds which genesis is the right one */
		return e->rc;
	TRY(check_window(c, &s, e));
	if (s.kind == ST_GENESIS) {
		TRY(chain_genesis(&env, h.has_genesis ? h.genesis : s.id, g, e));
	} else if (offline) {
		TRY(read_genesis(c, &h, g, e));
		if (s.has_ledger && !span_eq(SPAN(s.ledger), SPAN(g->id)))
			return err_deny(e, "ledger", "this statement is for another genesis than the one of --genesis; its parties have the right one");
		TRY(by_genesis(c, g, &env, &s, e));
	} else {
		TRY(by_service(c, &h, &env, &s, e));
	}
	hex32(s.id, id);
	if (c->json)
		(void)printf("{\"verified\":\"%s\",\"issuer\":\"%s\",\"in-force\":%s}\n", id, s.issuer, offline ? "null" : "true");
	else
		(void)printf("verified: %s statement %s is %s's%s\n", statement_kind_name(s.kind), id, s.issuer,
		    offline ? "; whether it is logged and still in force only the service can say" : " and in force");
	return COFFER_OK;
}

/* ---- list ---- */

struct statements_listed { bool json; size_t n; };

static enum coffer_rc print_one(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(wr_close) struct wr name = wr_open(4u * ST_SUBJECT_NAME_MAX + 8), shown = wr_open(16u * ST_SUBJECT_NAME_MAX + 32);
	struct statements_listed *l = arg;
	char id[HEX32_LEN], expires[CLOCK_TEXT_LEN];

	l->n++;
	if (l->json)
		return print_json(env, s, e);
	hex32(s->id, id);
	clock_text(s->expires, expires);
	subject_text(s, 0, &name);
	text_plain(wr_span(&name), &shown);
	(void)printf("%s %-13s %-16s serial %-4llu until %s %.*s\n", id, statement_kind_name(s->kind), s->issuer,
	    (unsigned long long)s->serial, expires, (int)shown.n, (const char *)shown.p);
	return COFFER_OK;
}

static void query_member(struct wr *q, const char *name, const char *value)
{
	if (!value)
		return;
	wr_fmt(q, "%s%s=", q->n ? "&" : "", name);
	query_encode(q, span_of(value));
}

/* A thing is asked for as it is listed: by its text. */
static void query_subject(struct wr *q, const char *value)
{
	char subject[THING_SUBJECT_MAX];
	struct thing t;

	if (value && thing_read(span_of(value), &t)) {
		thing_subject(t.id, subject);
		value = subject;
	}
	query_member(q, "subject", value);
}

static enum coffer_rc bad_kind(const char *kind, struct err *e)
{
	char list[256] = "";
	size_t n = 0;

	for (int k = ST_GENESIS; k <= ST_LAST; k++) {
		int more = snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", statement_kind_name((enum statement_kind)k));

		n += more > 0 && (size_t)more < sizeof(list) - n ? (size_t)more : 0;
	}
	return cli_bad(e, "--kind %s: no kind of statement; they are %s", kind, list);
}

enum coffer_rc cmd_statement_list(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(wr_close) struct wr q = wr_open(8u << 10);
	CLEANUP(freep) char *query = NULL;
	struct statements_listed l = { .json = c->json };
	enum statement_kind kind;
	struct home h;

	if (cli_opt(c, "kind") && !statement_kind_by_name(span_of(cli_opt(c, "kind")), &kind))
		return bad_kind(cli_opt(c, "kind"), e);
	query_member(&q, "kind", cli_opt(c, "kind"));
	query_member(&q, "issuer", cli_opt(c, "issuer"));
	query_subject(&q, cli_opt(c, "subject"));
	query_member(&q, "all", cli_flag(c, "all") ? "1" : NULL);
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(home_load(c, &h, e));
	TRY(home_sign_key(c, &h, &key, e));
	TRY(home_connect(&h, &conn, e));
	TRY(statements_query(c, &h, key, conn, query, print_one, &l, e));
	if (l.n == 0 && !c->json) /* not among what is listed */
		(void)fprintf(stderr, "no such statement%s\n", cli_flag(c, "all") ? "" : " is in force; --all lists those of before too");
	return COFFER_OK;
}

/* ---- sign ---- */

enum coffer_rc cmd_statement_sign(struct cli *c, struct err *e)
{
	CLEANUP(wr_close) struct wr payload = { 0 };
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	char id[HEX32_LEN];
	struct home h;

	if (!cli_opt(c, "out") == !cli_opt(c, "to-sign"))
		return cli_bad(e, "give either --out or --to-sign");
	TRY(home_load(c, &h, e));
	TRY(file_read_arg(c->pos[0], DSSE_PAYLOAD_MAX, &payload, e));
	if (statement_parse(wr_span(&payload), &s, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	if (strcmp(s.issuer, h.party) != 0)
		return err_deny(e, "issuer", "this is a statement of %s, which that party alone signs; you are %s (--home names another party's folder)", s.issuer, h.party);
	TRY(home_sign_key(c, &h, &key, e));
	TRY(dsse_new(wr_span(&payload), &env, e));
	if (to_sign_wanted(&h))
		return to_sign_out(&h, key, &env, e);
	TRY(dsse_sign(&env, key, e));
	TRY(envelope_write(cli_opt(c, "out"), &env, e));
	hex32(s.id, id);
	(void)printf(c->json ? "{\"id\":\"%s\",\"kind\":\"%s\"}\n" : "signed %s (%s)\n", id, statement_kind_name(s.kind));
	return COFFER_OK;
}

/* ---- submit ---- */

static enum coffer_rc given_sign(void *arg, const struct pubkey *pub, struct span msg, uint8_t sig[static 64], struct err *e)
{
	const struct detached *d = arg;

	(void)pub, (void)msg, (void)e;
	memcpy(sig, d->sig, SIG_LEN); /* verified over msg before anybody gets it: crypto/key.h */
	return COFFER_OK;
}

static const struct key_elsewhere given = { given_sign, NULL };

static enum coffer_rc submit_image(
    struct cli *c, const struct to_sign *t, struct detached *d, const struct pubkey *pub, struct err *e)
{
	CLEANUP(sign_payload_clear) struct sign_payload p = { 0 };
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(remote_end) struct remote r = { 0 };
	CLEANUP(freep) char *name = NULL;
	char digest[REF_DIGEST_TEXT];

	TRY(detached_check(d, t, pub, e));
	TRY(sign_payload_parse(wr_span(&t->env.payload), &p, e));
	ref_digest_text(p.digest, digest);
	name = str_fmt("%.*s@%s", (int)p.reference.n, (const char *)p.reference.p, digest);
	if (!name)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(remote_open(c, name, &r, e));
	TRY(privkey_elsewhere(pub, &given, d, &key, e));
	TRY(image_sign_registry(r.reg, &r.ref, key, e));
	(void)printf(c->json ? "{\"signed\":\"%s\"}\n" : "signed %s\n", digest);
	return COFFER_OK;
}

/* A newcomer says of itself what its folder says already; a party that changes its key brings another. */
static bool is_request(const struct statement *s, const struct party *me)
{
	struct err why = { 0 };
	struct party said;

	return s->kind == ST_PARTY && s->serial == 1 && strcmp(s->issuer, me->id) == 0 && party_read(s->body, &said, &why) == COFFER_OK &&
	       pubkey_eq(&said.keys[0], &me->keys[0]);
}

/* A genesis waits for the other founders, a newcomer's request for who introduces it: files both. */
static bool only_a_file(const struct party *me, const struct to_sign *t, const struct statement *s)
{
	return s->kind == ST_GENESIS || s->kind == ST_AMENDMENT || (t->env.n_sigs == 1 && is_request(s, me));
}

static enum coffer_rc post(const struct home *h, const struct dsse *env, const struct statement *s, struct logged *l, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;

	if (home_connect(h, &conn, e) == COFFER_OK)
		return envelope_post(conn, env, l, e);
	if (s->kind == ST_SERVICE && (e->rc == COFFER_E_NOTFOUND || strcmp(e->check, "tls") == 0)) /* what was signed names the key that the service has to show */
		return service_statement_post(h, env, l, e);
	return e->rc;
}

static enum coffer_rc submit_asset(struct cli *c, const struct dsse *env, const struct statement *s, struct err *e)
{
	CLEANUP(freep) char *sealed = str_fmt("%s.sealed", c->pos[0]);

	if (!sealed)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	return asset_submit(c, env, s, sealed, e);
}

/* ---- the signatures that came back ---- */

static const struct pubkey *named_by(const struct pubkey *list, size_t n, const uint8_t keyid[static 32])
{
	for (size_t i = 0; i < n; i++) {
		uint8_t thumb[32];

		pubkey_thumbprint(&list[i], thumb);
		if (span_eq(SPAN(thumb), (struct span){ keyid, 32 }))
			return &list[i];
	}
	return NULL;
}

/* Which key a file may ask: this party's; and for what is said of its keys those that the statement brings, or that recover it. */
static const struct pubkey *key_asked(const struct party *me, const struct party *said, const struct to_sign *t)
{
	const struct pubkey *k = named_by(&me->keys[0], 1, t->keyid);

	if (!k)
		k = named_by(me->recovery, me->n_recovery, t->keyid);
	if (!k)
		k = named_by(said->keys, said->n_keys, t->keyid);
	return k ? k : named_by(said->recovery, said->n_recovery, t->keyid);
}

static enum coffer_rc read_pair(const char *ask, const char *answer, struct to_sign *t, struct detached *d, struct err *e)
{
	CLEANUP(wr_close) struct wr text = { 0 }, sig = { 0 };

	TRY(file_read(ask, TO_SIGN_MAX, &text, e));
	TRY(file_read(answer, 4096, &sig, e));
	if (to_sign_parse(wr_span(&text), t, e) != COFFER_OK)
		return err_wrap(e, "%s", ask);
	if (detached_parse(wr_span(&sig), d, e) != COFFER_OK)
		return err_wrap(e, "%s", answer);
	return COFFER_OK;
}

static enum coffer_rc said_of_me(const struct statement *s, const struct party *me, struct party *out, struct err *e)
{
	*out = (struct party){ 0 };
	return s->kind == ST_PARTY && strcmp(s->issuer, me->id) == 0 ? party_read(s->body, out, e) : COFFER_OK;
}

static enum coffer_rc add_one(struct to_sign *t, const struct detached *d, const struct statement *s, const struct party *me, struct err *e)
{
	const struct pubkey *k;
	struct party said;

	TRY(said_of_me(s, me, &said, e));
	k = key_asked(me, &said, t);
	return detached_add(d, t, k ? k : &me->keys[0], e);
}

/* Each further pair asks for another signature of the same statement. */
static enum coffer_rc add_rest(const struct cli *c, const struct statement *s, const struct party *me, struct to_sign *t, struct err *e)
{
	for (size_t i = 2; i + 1 < c->n_pos; i += 2) {
		CLEANUP(to_sign_clear) struct to_sign more = { 0 };
		struct detached d;

		TRY(read_pair(c->pos[i], c->pos[i + 1], &more, &d, e));
		if (more.what != t->what || !span_eq(wr_span(&more.env.payload), wr_span(&t->env.payload)))
			return err_set(e, COFFER_E_INPUT, "%s asks to sign something else than %s", c->pos[i], c->pos[0]);
		memcpy(t->keyid, more.keyid, sizeof(t->keyid));
		TRY(add_one(t, &d, s, me, e));
	}
	return COFFER_OK;
}

static enum coffer_rc hand_on(struct cli *c, const struct to_sign *t, const struct statement *s, struct err *e)
{
	if (!cli_opt(c, "out"))
		return cli_bad(e, "--out FILE is needed: a %s statement is handed on, not logged by you", statement_kind_name(s->kind));
	TRY(envelope_write(cli_opt(c, "out"), &t->env, e));
	(void)printf(c->json ? "{\"file\":\"%s\"}\n" : "signed; the envelope is in %s\n", cli_opt(c, "out"));
	return COFFER_OK;
}

static enum coffer_rc publish(struct cli *c, struct home *h, const struct to_sign *t, const struct statement *s, struct err *e)
{
	struct logged l = { 0 };
	struct party next;
	struct err none = { 0 };

	if (s->kind == ST_ASSET)
		TRY(submit_asset(c, &t->env, s, e));
	else
		TRY(post(h, &t->env, s, &l, e));
	l.serial = s->serial;
	if (cli_opt(c, "out"))
		TRY(envelope_write(cli_opt(c, "out"), &t->env, e));
	if (s->kind != ST_ASSET)
		logged_print(c, statement_kind_name(s->kind), &l);
	if (s->kind == ST_PARTY && strcmp(s->issuer, h->party) == 0 && next_party_read(h, &next, &none) == COFFER_OK)
		return next_settle(c, h, &next, false, e);
	return COFFER_OK;
}

static enum coffer_rc submit_statement(struct cli *c, struct home *h, struct to_sign *t, const struct detached *d, const struct party *me, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };

	TRY(statement_parse(wr_span(&t->env.payload), &s, e));
	if (cli_opt(c, "into"))
		t->env.n_sigs = 0; /* what goes there was verified here: an old file's others replace nothing */
	TRY(add_one(t, d, &s, me, e));
	TRY(add_rest(c, &s, me, t, e));
	if (clock_now() >= s.expires)
		return err_deny(e, "expired", "the statement has expired since it was written; run the command that wrote it again, and sign anew");
	if (cli_opt(c, "into"))
		return envelope_merge(c, cli_opt(c, "into"), &t->env, e);
	if (only_a_file(me, t, &s))
		return hand_on(c, t, &s, e);
	return publish(c, h, t, &s, e);
}

enum coffer_rc cmd_statement_submit(struct cli *c, struct err *e)
{
	CLEANUP(to_sign_clear) struct to_sign t = { 0 };
	struct detached d;
	struct party me;
	struct home h;

	if (c->n_pos % 2 != 0)
		return cli_bad(e, "each FILE comes with its SIGNATURE");
	if (cli_opt(c, "into") && cli_opt(c, "out"))
		return cli_bad(e, "--into and --out exclude each other");
	TRY(home_load(c, &h, e));
	TRY(home_party(&h, &me, e));
	TRY(read_pair(c->pos[0], c->pos[1], &t, &d, e));
	if (t.what == TO_SIGN_TOKEN)
		return cli_bad(e, "%s is a request of another verb: run that again with --signed %s", c->pos[0], c->pos[0]);
	if (t.what == TO_SIGN_IMAGE && c->n_pos > 2)
		return cli_bad(e, "an image is signed by one key");
	if (t.what == TO_SIGN_IMAGE)
		return submit_image(c, &t, &d, &me.keys[0], e);
	return submit_statement(c, &h, &t, &d, &me, e);
}
