/* coffer statement cosign, pending: what several parties do together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "cli/home.h"
#include "cli/party_keys.h"
#include "cli/publish.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "fmt/enc.h"
#include "os/file.h"

#define FILE_MAX (8u << 20)
#define ASSETS_MAX 256
#define APPROVALS_MAX 256

const struct opt_spec opts_statement_cosign[] = {
	{ "out", "FILE", "where to write it with your signature (default: over the same file)", false, false },
	{ "yes", NULL, "do not ask on the terminal", false, false }, OPT_TO_SIGN, OPT_RECOVERY, OPT_PASSPHRASE, { NULL, NULL, NULL, false, false } };

/* ---- statement cosign ---- */

/* As for whoever signs elsewhere: what counts for nothing would only look as if this party had agreed. */
static enum coffer_rc may_cosign(const struct cli *c, const struct home *h, const struct dsse *env, const struct statement *s, struct err *e)
{
	uint8_t thumb[32] = { 0 };
	struct party me;

	if (cli_opt(c, "recovery"))
		return sign_may_recover(s, e);
	if (s->kind == ST_GENESIS) { /* of others the key does not decide */
		TRY(home_party(h, &me, e));
		pubkey_thumbprint(&me.keys[0], thumb);
	}
	return sign_may(h, &(struct signer){ thumb, env->n_sigs }, s, e);
}

/* Shown as 'coffer sign' shows it. What goes to another machine is shown and asked about there. */
static enum coffer_rc confirm(const struct cli *c, const struct home *h, const struct dsse *env, struct err *e)
{
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(wr_close) struct wr text = wr_open((size_t)4 * DSSE_ENVELOPE_MAX);

	TRY(statement_parse(wr_span(&env->payload), &s, e));
	TRY(statement_text(&s, &text, e));
	(void)fprintf(stderr, "%.*ssignatures so far: %zu\n", (int)text.n, (const char *)text.p, env->n_sigs);
	TRY(may_cosign(c, h, env, &s, e));
	return to_sign_wanted(h) ? COFFER_OK : home_confirm(c, "Sign?", NULL, e);
}

/* An envelope, or an object with one as member "statement", whose other members stay as they are. */
static void write_again(const struct json *root, const struct dsse *env, struct wr *out)
{
	struct json_wr j = jw_open(out, false);

	if (!json_get(root, "statement")) {
		dsse_write(env, &j);
		return;
	}
	jw_obj(&j);
	jw_name(&j, "statement");
	dsse_write(env, &j);
	for (size_t i = 0; i < json_len(root); i++) {
		if (span_eq_str(json_name(root, i), "statement"))
			continue;
		jw_namen(&j, json_name(root, i));
		jw_value(&j, json_at(root, i));
	}
	jw_obj_end(&j);
}

/* What several sign: the file's JSON, and the statement in it. */
struct shared { struct json_doc *doc; const struct json *root; struct dsse env; };
static void shared_clear(struct shared *s)
{
	dsse_clear(&s->env);
	json_free(s->doc);
}

static enum coffer_rc shared_read(const char *path, struct shared *out, struct err *e)
{
	CLEANUP(shared_clear) struct shared s = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	const struct json *statement;

	TRY(file_read_arg(path, FILE_MAX, &text, e));
	if (json_parse(wr_span(&text), FILE_MAX, &s.doc, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	s.root = json_root(s.doc);
	statement = json_get(s.root, "statement");
	if (dsse_parse_json(statement ? statement : s.root, &s.env, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	*out = s;
	s = (struct shared){ 0 };
	return COFFER_OK;
}

static enum coffer_rc shared_write(const struct shared *s, const char *path, struct err *e)
{
	CLEANUP(wr_close) struct wr out = wr_open(FILE_MAX);

	write_again(s->root, &s->env, &out);
	TRY(wr_done(&out, "statement", e));
	return file_write(path, wr_span(&out), 0644, e);
}

enum coffer_rc envelope_merge(const struct cli *c, const char *path, const struct dsse *env, struct err *e)
{
	CLEANUP(shared_clear) struct shared s = { 0 };

	TRY(shared_read(path, &s, e));
	if (!span_eq(wr_span(&s.env.payload), wr_span(&env->payload)))
		return err_deny(e, "statement", "%s is another statement than the one that was signed", path);
	for (size_t i = 0; i < env->n_sigs; i++)
		TRY(dsse_add(&s.env, &env->sigs[i], e));
	TRY(shared_write(&s, path, e));
	(void)printf(c->json ? "{\"file\":\"%s\",\"signatures\":%zu}\n" : "%s has %zu signatures now\n", path, s.env.n_sigs);
	return COFFER_OK;
}

/* Recovery keys where any are given, else one's own. */
static enum coffer_rc cosigners(struct cli *c, const struct home *h, const struct recovery *r, struct privkey **own, struct by_keys *by,
    struct err *e)
{
	bool away = false;

	by_recovery(by, r);
	if (r->n > 0)
		return COFFER_OK;
	TRY(own_key(c, h, own, &away, e));
	by_add(by, *own, away);
	return COFFER_OK;
}

enum coffer_rc cmd_statement_cosign(struct cli *c, struct err *e)
{
	const char *file = cli_opt(c, "out") ? cli_opt(c, "out") : c->pos[0];
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	CLEANUP(recovery_clear) struct recovery r = { 0 };
	CLEANUP(shared_clear) struct shared s = { 0 };
	struct home h = { .cli = c };
	struct by_keys by = { 0 };

	if (!cli_opt(c, "recovery")) /* who only keeps a recovery key is no party */
		TRY(home_load(c, &h, e));
	TRY(shared_read(c->pos[0], &s, e));
	TRY(confirm(c, &h, &s.env, e));
	TRY(recovery_read(c, &r, e));
	TRY(cosigners(c, &h, &r, &key, &by, e));
	for (size_t i = 0; i < by.n; i++)
		if (!by.away[i])
			TRY(dsse_sign(&s.env, by.key[i], e));
	TRY(ask_others(&h, &by, &s.env, file, e));
	TRY(shared_write(&s, file, e));
	(void)fprintf(stderr, "%s has %zu signature%s now\n", file, s.env.n_sigs, s.env.n_sigs == 1 ? "" : "s");
	return COFFER_OK;
}

/* ---- pending ---- */

struct said { char issuer[PARTY_MAX]; struct approval body; };
struct pending {
	struct asset_body *asset; /* those that name me, and more than me */
	size_t             n_assets;
	struct said       *said;  /* of one asset */
	size_t             n_said;
	const struct asset_body *about;
	const char        *me;
	size_t             printed;
};

static void pending_clear(struct pending *p)
{
	free(p->asset);
	free(p->said);
}

static enum coffer_rc take_asset(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct pending *p = arg;
	struct asset_body b;

	(void)env;
	TRY(asset_read(s, &b, e));
	if (b.n_of < 2 || !asset_names(&b, p->me) || p->n_assets == ASSETS_MAX)
		return COFFER_OK;
	b.policy = (struct span){ 0 };
	p->asset[p->n_assets++] = b;
	return COFFER_OK;
}

static enum coffer_rc take_approval(void *arg, const struct dsse *env, const struct statement *s, struct err *e)
{
	struct pending *p = arg;
	struct said *to = &p->said[p->n_said];

	(void)env;
	if (p->n_said == APPROVALS_MAX)
		return COFFER_OK;
	TRY(approval_read(s, &to->body, e));
	/* One that the asset does not name spoke for its owner. */
	(void)snprintf(to->issuer, sizeof(to->issuer), "%s", asset_names(p->about, s->issuer) ? s->issuer : p->about->path.owner);
	p->n_said += to->body.until > clock_now();
	return COFFER_OK;
}

static const struct said *said_by(const struct pending *p, const char *party, const uint8_t workload[static 32])
{
	for (size_t i = 0; i < p->n_said; i++)
		if (strcmp(p->said[i].issuer, party) == 0 && span_eq(SPAN(p->said[i].body.workload), (struct span){ workload, 32 }))
			return &p->said[i];
	return NULL;
}

static void print_consent(const struct said *s)
{
	char until[CLOCK_TEXT_LEN];

	clock_text(s->body.until, until);
	(void)printf("  %s approved, until %s, on", s->issuer, until);
	for (size_t i = 0; i < s->body.n_platforms; i++)
		(void)printf(" %s", s->body.platform[i]);
	if (s->body.n_boot_images == 0) /* which platform sample has none of, and every other needs */
		(void)printf(", no boot image named");
	else
		(void)printf(" in %zu boot image%s", s->body.n_boot_images, s->body.n_boot_images == 1 ? "" : "s");
	if (s->body.has_uses)
		(void)printf(", %llu uses", (unsigned long long)s->body.uses);
	(void)printf("\n");
}

static void print_workload(struct pending *p, const uint8_t workload[static 32])
{
	const struct asset_body *b = p->about;
	char digest[HEX32_LEN];
	size_t have = 0;

	for (size_t i = 0; i < b->n_of; i++)
		have += said_by(p, b->of[i], workload) != NULL;
	if (have >= b->k)
		return;
	hex32(workload, digest);
	(void)printf("%s\n  workload %s: %zu of %llu approvals\n", b->path.text, digest, have, (unsigned long long)b->k);
	for (size_t i = 0; i < b->n_of; i++) {
		const struct said *s = said_by(p, b->of[i], workload);

		if (s)
			print_consent(s);
		else
			(void)printf("  %s is missing: %s\n", b->of[i], have + 1 >= b->k ? "its approval would open it, as far as all agree" :
			    "its approval would not suffice yet");
	}
	p->printed++;
}

static enum coffer_rc print_asset(struct session *s, struct pending *p, struct err *e)
{
	CLEANUP(wr_close) struct wr q = wr_open(4096);
	CLEANUP(freep) char *query = NULL;

	wr_str(&q, "kind=approval&subject=");
	query_encode(&q, span_of(p->about->path.text));
	query = wr_take(&q, NULL);
	if (!query)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	p->n_said = 0;
	TRY(statements_query(NULL, &s->h, s->key, s->conn, query, take_approval, p, e));
	for (size_t i = 0; i < p->n_said; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen = seen || span_eq(SPAN(p->said[k].body.workload), SPAN(p->said[i].body.workload));
		if (!seen)
			print_workload(p, p->said[i].body.workload);
	}
	return COFFER_OK;
}

/* Changes of parties' keys that wait for their hold to end: one's own first of all, and those of others one deals with. */
static enum coffer_rc print_waiting(const struct session *s, struct pending *p, struct err *e)
{
	const struct parties *all = NULL;
	char when[CLOCK_TEXT_LEN];

	TRY(service_parties(s->conn, &all, e));
	for (size_t i = 0; i < all->n; i++) {
		const struct party_life *l = &all->life[i];

		if (!l->waits || clock_now() >= l->from)
			continue;
		clock_text(l->from, when);
		(void)printf("the keys of %s change at %s\n", l->body.id, when);
		if (l->body.quorum > 0)
			(void)printf("  %llu of its %zu recovery keys can end it: coffer party cancel\n", (unsigned long long)l->body.quorum, l->body.n_recovery);
		else
			(void)printf("  without recovery keys nobody can end it\n");
		p->printed++;
	}
	return COFFER_OK;
}

enum coffer_rc cmd_pending(struct cli *c, struct err *e)
{
	CLEANUP(session_end) struct session s = { 0 };
	CLEANUP(pending_clear) struct pending p = { 0 };

	TRY(session_begin(c, &s, e));
	TRY(print_waiting(&s, &p, e));
	p.me = s.h.party;
	p.asset = calloc(ASSETS_MAX, sizeof(*p.asset));
	p.said = calloc(APPROVALS_MAX + 1, sizeof(*p.said));
	if (!p.asset || !p.said)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	TRY(statements_query(c, &s.h, s.key, s.conn, "kind=asset", take_asset, &p, e));
	for (size_t i = 0; i < p.n_assets; i++) {
		p.about = &p.asset[i];
		TRY(print_asset(&s, &p, e));
	}
	if (!p.printed)
		(void)printf("nothing waits for another approval\n");
	return COFFER_OK;
}
