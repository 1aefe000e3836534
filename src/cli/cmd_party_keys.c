/* coffer party recovery-key, rotate, finish, cancel, compromise, lift, post: the life of one's own keys. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/party_keys.h"
#include "cli/verbs.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "os/file.h"

#define TEN_YEARS (INT64_C(3650) * 86400)
#define END { NULL, NULL, NULL, false, false }
#define OPT_OUT \
	{ "out", "FILE", "do not log it: write it for other holders of recovery keys ('coffer statement cosign --recovery'), then 'coffer party post'", \
	    false, false }

const struct opt_spec opts_party_recovery_key[] = {
	{ "no-passphrase", NULL, "store it unencrypted", false, false }, OPT_PASSPHRASE, END };
const struct opt_spec opts_party_rotate[] = {
	OPT_NEW_KEY, { "new-party", "FILE", "the new key is on another machine, where 'coffer party next-key' made this party-next.json", false, false },
	{ "lost", NULL, "the present key is gone: the recovery keys alone replace it", false, false },
	OPT_RECOVERY, OPT_OUT, OPT_TO_SIGN, OPT_PASSPHRASE, END };
const struct opt_spec opts_party_next_key[] = { OPT_NEW_KEY, OPT_PASSPHRASE, END };
const struct opt_spec opts_party_finish[] = {
	{ "offline", NULL, "ask nobody: 'coffer party show' says elsewhere that the new key is in effect", false, false },
	{ "yes", NULL, "with --offline: before the hold can have ended, where 'coffer party show' says elsewhere that it is in effect all the same", false, false },
	{ "drop", NULL, "forget the new key, which was never logged or was ended", false, false }, OPT_PASSPHRASE, END };
const struct opt_spec opts_party_cancel[] = { OPT_RECOVERY, OPT_OUT, OPT_TO_SIGN, OPT_PASSPHRASE, END };
const struct opt_spec opts_party_compromise[] = {
	{ "from", "TIME", "from when on the key was not yours alone, as 2027-01-31T00:00:00Z", false, true },
	{ "reason", "TEXT", "why", false, false }, OPT_RECOVERY, OPT_OUT, OPT_TO_SIGN, OPT_PASSPHRASE, END };
const struct opt_spec opts_party_lift[] = {
	{ "reason", "TEXT", "why", false, false }, OPT_RECOVERY, OPT_OUT, OPT_TO_SIGN, OPT_AFTER, OPT_PASSPHRASE, END };
const struct opt_spec opts_party_post[] = { OPT_PASSPHRASE, END };

/* ---- recovery-key ---- */

enum coffer_rc cmd_party_recovery_key(struct cli *c, struct err *e)
{
	CLEANUP(freep) char *public = str_fmt("%s.pub", c->pos[0]);
	CLEANUP(wr_close) struct wr pem = wr_open(16u << 10), pub = wr_open(4096);
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(secret_free) struct secret pass = { 0 };

	if (!public)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	if (file_exists(c->pos[0]) || file_exists(public))
		return err_set(e, COFFER_E_INPUT, "%s is there already; keys are not overwritten", c->pos[0]);
	if (!cli_flag(c, "no-passphrase"))
		TRY(passphrase_get(c, true, &pass, e));
	TRY(privkey_new(KEY_ED25519, &k, e));
	TRY(pem_write_private(k, (struct span){ pass.p, pass.n }, &pem, e));
	TRY(pem_write_public(privkey_public(k), &pub, e));
	TRY(file_write(c->pos[0], wr_span(&pem), 0600, e));
	TRY(file_write(public, wr_span(&pub), 0644, e));
	(void)printf(c->json ? "{\"key\":\"%s\",\"public\":\"%s\"}\n"
			     : "recovery key made: keep %s away from this machine; give %s to 'coffer init --recovery-key'\n",
	    c->pos[0], public);
	return COFFER_OK;
}

/* ---- what is in effect ---- */

static void say_installed(const struct cli *c, const struct home *h)
{
	if (c->json)
		(void)printf("{\"in-effect\":true}\n");
	else if (strcmp(h->key, KEY_AWAY) == 0)
		(void)printf("the new key is in effect; run 'coffer party finish --offline' on the machine that has it\n");
	else
		(void)printf("the new key is in effect; an old one in a file is kept as %s/sign-old.pem\n", h->dir);
}

static enum coffer_rc my_life(const struct home *h, struct service_conn *conn, const struct party_life **out, struct err *e)
{
	const struct parties *all = NULL;

	TRY(service_parties(conn, &all, e));
	*out = parties_life(all, span_of(h->party));
	return *out ? COFFER_OK : err_set(e, COFFER_E_NOTFOUND, "the trust service does not know %s; see 'coffer party request'", h->party);
}

/* What waits, and who could end it: without recovery keys nobody can. */
static void say_waits(const struct cli *c, const struct party_life *l)
{
	char when[CLOCK_TEXT_LEN];

	clock_text(l->from, when);
	if (c->json)
		(void)printf("{\"in-effect\":false,\"from\":\"%s\"}\n", when);
	else if (l->body.quorum > 0)
		(void)printf("the new key waits until %s; until then the old one signs, and %llu of your %zu recovery keys can end it ('coffer party cancel')\n"
			     "then run 'coffer party finish'\n", when, (unsigned long long)l->body.quorum, l->body.n_recovery);
	else
		(void)printf("the new key waits until %s; until then the old one signs, and nobody can end it: you have no recovery keys\n"
			     "then run 'coffer party finish'\n", when);
}

/* Asks anew: what this connection knows is older than what was logged by it. */
enum coffer_rc next_settle(const struct cli *c, struct home *h, const struct party *next, bool must, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	const struct party_life *l = NULL;
	int64_t now = clock_now();
	char when[CLOCK_TEXT_LEN];

	TRY(home_connect(h, &conn, e));
	TRY(my_life(h, conn, &l, e));
	clock_text(l->from, when);
	if (pubkey_eq(&life_party(l, now)->keys[0], &next->keys[0])) {
		TRY(next_install(h, next, e));
		say_installed(c, h);
		return COFFER_OK;
	}
	if (!l->waits || !pubkey_eq(&l->next.keys[0], &next->keys[0]))
		return err_deny(e, "hold", "the change does not wait any more: the recovery quorum ended it, or it was never logged; "
		    "'coffer party show' says what is in effect, 'coffer party finish --drop' forgets the key that waited here");
	if (must)
		return err_deny(e, "hold", "the new key waits until %s, and the old one signs until then; run 'coffer party finish' again from then on", when);
	say_waits(c, l);
	return COFFER_OK;
}

/* ---- rotate, finish, cancel ---- */

static enum coffer_rc party_draft(const struct home *h, const struct party *p, struct wr *text, struct draft *d, struct err *e)
{
	*d = (struct draft){ .kind = ST_PARTY, .expires = clock_now() + TEN_YEARS };
	draft_subject_name(d, span_of(h->party));
	TRY(party_text(p, text, e));
	d->body = wr_span(text);
	return COFFER_OK;
}

static enum coffer_rc say_party(struct home *h, struct service_conn *conn, const struct party *p, const struct by_keys *by,
    struct logged *l, struct err *e)
{
	CLEANUP(wr_close) struct wr text = wr_open(64u << 10);
	struct draft d;

	TRY(party_draft(h, p, &text, &d, e));
	return say_by(h, conn, &d, by, l, e);
}

/* What is not logged yet is in a file, and what comes next was said where it is asked for elsewhere. */
static bool in_files(const struct logged *l)
{
	return l->seq == 0;
}

static enum coffer_rc wrote(const struct cli *c)
{
	if (cli_opt(c, "out") && (!c->json || !cli_opt(c, "to-sign")))
		(void)printf(c->json ? "{\"file\":\"%s\"}\n" : "%s is to be signed by the other recovery keys, then 'coffer party post'\n", cli_opt(c, "out"));
	return COFFER_OK;
}

static enum coffer_rc rotate_options(const struct cli *c, const struct home *h, struct err *e)
{
	const char *type = cli_opt(c, "key-type");

	if (type && strcmp(type, "p256") != 0 && strcmp(type, "ed25519") != 0)
		return cli_bad(e, "--key-type %s: ed25519 or p256", type);
	if ((type != NULL) + (cli_opt(c, "new-key") != NULL) + (cli_opt(c, "new-party") != NULL) > 1)
		return cli_bad(e, "--key-type, --new-key and --new-party exclude each other: the new key is made here, in a token, or on another machine");
	if (cli_flag(c, "lost") && !cli_opt(c, "recovery"))
		return cli_bad(e, "--lost needs --recovery: without the present key the recovery keys decide");
	if (cli_opt(c, "to-sign") || cli_opt(c, "out"))
		return COFFER_OK;
	if (strcmp(h->key, KEY_AWAY) == 0 && !cli_flag(c, "lost"))
		return cli_bad(e, "the signing key is on another machine: --to-sign FILE writes what to sign there");
	if (cli_opt(c, "new-party"))
		return cli_bad(e, "--new-party goes with --to-sign FILE: the new key proves on its own machine that it is there");
	return COFFER_OK;
}

/* What was never said to anybody will never be in effect. */
static enum coffer_rc unsaid(struct home *h, struct err *e)
{
	if (e->rc == COFFER_E_DENIED || e->rc == COFFER_E_INPUT)
		next_drop(h);
	return e->rc;
}

enum coffer_rc cmd_party_rotate(struct cli *c, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *old = NULL, *new = NULL;
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(recovery_clear) struct recovery r = { 0 };
	struct by_keys by = { 0 };
	bool away = false;
	struct logged l;
	struct party p;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(rotate_options(c, &h, e));
	TRY(home_party(&h, &p, e));
	TRY(recovery_read(c, &r, e));
	if (!cli_flag(c, "lost"))
		TRY(own_key(c, &h, &old, &away, e));
	TRY(home_connect(&h, &conn, e));
	TRY(next_make(c, &h, &p, &new, e)); /* kept before anything is said: nothing gets lost */
	if (old)
		by_add(&by, old, away);
	by_add(&by, new, cli_opt(c, "new-party") != NULL);
	by_recovery(&by, &r);
	if (say_party(&h, conn, &p, &by, &l, e) != COFFER_OK)
		return unsaid(&h, e);
	return in_files(&l) ? wrote(c) : next_settle(c, &h, &p, false, e);
}

/* On a machine without network: the key alone, which 'party rotate --new-party' then brings. */
enum coffer_rc cmd_party_next_key(struct cli *c, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *new = NULL;
	struct party p;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(rotate_options(c, &h, e));
	TRY(home_party(&h, &p, e));
	TRY(next_make(c, &h, &p, &new, e));
	(void)printf(c->json ? "{\"file\":\"%s/party-next.json\"}\n"
			     : "made; bring %s/party-next.json to the machine that publishes: coffer party rotate --new-party FILE --to-sign FILE\n", h.dir);
	return COFFER_OK;
}

static enum coffer_rc forget(const struct cli *c, struct home *h)
{
	next_drop(h);
	(void)printf(c->json ? "{\"dropped\":true}\n" : "the new key is forgotten; one in a file stays as the newest sign-dropped*.pem\n");
	return COFFER_OK;
}

/* Not one that may still take effect: it would be the party's only key, and gone. */
static enum coffer_rc drop(const struct cli *c, struct home *h, const struct party *next, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	const struct party_life *l = NULL;

	if (h->has_genesis && h->service[0]) { /* a machine that knows no service cannot ask one */
		TRY(home_connect(h, &conn, e));
		TRY(my_life(h, conn, &l, e));
		if (life_had(l, &next->keys[0]))
			return err_deny(e, "hold", "that key is logged: it is in effect, waits for its hold, or was in effect; 'coffer party show' says which");
	}
	return forget(c, h);
}

/* Without the service nobody here knows when it was logged. Not before it was made: so its hold has not ended either, unless recovery keys replaced one that was lost. */
static enum coffer_rc may_take_up(const struct cli *c, const struct home *h, const struct party *next, struct err *e)
{
	char path[600], made[CLOCK_TEXT_LEN], from[CLOCK_TEXT_LEN];
	struct party now;
	struct stat st;
	int64_t ends;

	TRY(home_party(h, &now, e));
	if (pubkey_eq(&now.keys[0], &next->keys[0])) /* taken up in part, when the power went */
		return COFFER_OK;
	TRY(home_file(h, "party-next.json", path, sizeof(path), e));
	if (stat(path, &st) != 0)
		return err_set(e, COFFER_E_SYSTEM, "%s: %s", path, strerror(errno));
	ends = st.st_mtim.tv_sec + (int64_t)now.hold_hours * 3600;
	if (ends <= clock_now() || cli_flag(c, "yes"))
		return COFFER_OK;
	clock_text(st.st_mtim.tv_sec, made);
	clock_text(ends, from);
	return err_deny(e, "hold", "the new key was made here at %s and waits %llu hours from when it was logged: it is not in effect before %s, and the old one signs until then. "
	    "Where 'coffer party show' says elsewhere that it is in effect, as one that recovery keys put in the place of a lost one is at once: --yes", made,
	    (unsigned long long)now.hold_hours, from);
}

static enum coffer_rc take_up(const struct cli *c, struct home *h, const struct party *next, struct err *e)
{
	TRY(may_take_up(c, h, next, e));
	TRY(next_install(h, next, e));
	if (c->json)
		(void)printf("{\"taken-up\":true}\n");
	else
		(void)printf("the new key is taken up: it signs here from now on. Whether it is in effect yet the service alone says ('coffer party show %s', elsewhere)\n"
			     "an old one in a file is kept as %s/sign-old.pem, what party.json was as %s/party-old.json\n", h->party, h->dir, h->dir);
	return COFFER_OK;
}

enum coffer_rc cmd_party_finish(struct cli *c, struct err *e)
{
	struct party p;
	struct home h;

	if (cli_flag(c, "offline") && cli_flag(c, "drop"))
		return cli_bad(e, "--offline takes the new key up, --drop forgets it: not both");
	if (cli_flag(c, "yes") && !cli_flag(c, "offline"))
		return cli_bad(e, "--yes goes with --offline");
	TRY(home_load(c, &h, e));
	if (cli_flag(c, "drop") && next_half_made(&h))
		return forget(c, &h);
	if (next_party_read(&h, &p, e) != COFFER_OK)
		return e->rc == COFFER_E_NOTFOUND ? err_set(e, COFFER_E_NOTFOUND, "no change of your key waits; 'coffer party rotate' begins one") : e->rc;
	if (cli_flag(c, "drop"))
		return drop(c, &h, &p, e);
	if (!cli_flag(c, "offline"))
		return next_settle(c, &h, &p, true, e);
	return take_up(c, &h, &p, e);
}

enum coffer_rc cmd_party_cancel(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(recovery_clear) struct recovery r = { 0 };
	const struct party_life *life = NULL;
	struct by_keys by = { 0 };
	struct logged l;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	TRY(my_life(&h, conn, &life, e));
	if (!life->waits || clock_now() >= life->from)
		return err_set(e, COFFER_E_NOTFOUND, "no change of your keys waits; what is in effect is replaced with 'coffer party rotate --lost --recovery FILE'");
	TRY(recovery_read(c, &r, e));
	if (r.n == 0)
		return cli_bad(e, life->body.quorum ? "--recovery FILE is needed: what waits is ended by the recovery quorum alone (%s)"
			: "what waits is ended by recovery keys alone, and %s has none: it takes effect then", life->body.id);
	by_recovery(&by, &r);
	TRY(say_party(&h, conn, &life->body, &by, &l, e));
	if (in_files(&l))
		return wrote(c);
	next_drop(&h);
	logged_print(c, "party", &l);
	return COFFER_OK;
}

/* ---- compromise, lift ---- */

static enum coffer_rc say_revocation(struct home *h, struct service_conn *conn, struct draft *d, const char *body, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *own = NULL, *asks = NULL;
	CLEANUP(recovery_clear) struct recovery r = { 0 };
	const bool of_key = d->subject[0].name.n < 2 * sizeof(d->subject[0].sha256); /* public: what was said of it can be asked without a token */
	struct by_keys by = { 0 };
	bool away = false;
	struct logged l;

	d->kind = ST_REVOCATION;
	d->expires = clock_now() + TEN_YEARS;
	d->body = span_of(body);
	TRY(recovery_read(h->cli, &r, e));
	if (r.n == 0) {
		TRY(own_key(h->cli, h, &own, &away, e));
		by_add(&by, own, away);
	}
	if (!of_key)
		TRY(home_sign_key(h->cli, h, &asks, e));
	by.asks = asks;
	by_recovery(&by, &r);
	TRY(say_by(h, conn, d, &by, &l, e));
	if (in_files(&l))
		return wrote(h->cli);
	logged_print(h->cli, "revocation", &l);
	return COFFER_OK;
}

static void reason_member(const struct cli *c, struct json_wr *j, const char *otherwise)
{
	jw_m_text(j, "reason", cli_opt(c, "reason") ? cli_opt(c, "reason") : otherwise);
}

/* A party that names its only key and has nobody to recover it has spoken for the last time. */
static enum coffer_rc check_not_last(const struct home *h, struct service_conn *conn, const uint8_t thumb[static 32], struct err *e)
{
	const struct party_life *l = NULL;
	const struct party *p;
	size_t left = 0;

	TRY(my_life(h, conn, &l, e));
	p = life_party(l, clock_now());
	for (size_t i = 0; i < p->n_keys; i++) {
		uint8_t t[32];

		pubkey_thumbprint(&p->keys[i], t);
		left += !life_dead(l, t) && !span_eq(SPAN(t), (struct span){ thumb, 32 });
	}
	if (left == 0 && p->quorum == 0)
		return err_set(e, COFFER_E_INPUT, "%s has no other key and no recovery keys: nobody could speak for it again. Replace the key first: "
		    "'coffer party rotate', then 'coffer party finish'", h->party);
	return COFFER_OK;
}

enum coffer_rc cmd_party_compromise(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(wr_close) struct wr name = wr_open(64), text = wr_open(4096);
	CLEANUP(freep) char *body = NULL;
	struct json_wr j = jw_open(&text, false);
	char when[CLOCK_TEXT_LEN];
	struct draft d = { 0 };
	uint8_t thumb[32];
	int64_t from = 0;
	struct party me;
	struct home h;

	TRY(expires_opt(c, "from", &from, e));
	TRY(home_load(c, &h, e));
	TRY(home_party(&h, &me, e));
	pubkey_thumbprint(&me.keys[0], thumb);
	if (c->n_pos > 0 && !key_thumb(c->pos[0], thumb))
		return cli_bad(e, "%s: not a key's thumbprint; 'coffer party show' lists yours", c->pos[0]);
	b64url_write(&name, SPAN(thumb));
	TRY(wr_done(&name, "key", e));
	clock_text(from, when);
	jw_obj(&j);
	jw_m_text(&j, "from", when);
	jw_m_str(&j, "key", wr_span(&name));
	reason_member(c, &j, "compromised");
	jw_obj_end(&j);
	body = wr_take(&text, NULL);
	if (!body)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	draft_subject_digest(&d, wr_span(&name), thumb);
	TRY(home_connect(&h, &conn, e));
	TRY(check_not_last(&h, conn, thumb, e));
	TRY(say_revocation(&h, conn, &d, body, e));
	if (!c->json && !cli_opt(c, "out") && !cli_opt(c, "to-sign"))
		(void)printf("what this voids: coffer party affected\n");
	return COFFER_OK;
}

enum coffer_rc cmd_party_lift(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(wr_close) struct wr text = wr_open(4096);
	CLEANUP(freep) char *body = NULL;
	struct json_wr j = jw_open(&text, false);
	struct draft d = { 0 };
	uint8_t id[32];
	struct home h;

	if (!hex_fixed(span_of(c->pos[0]), id, sizeof(id)))
		return cli_bad(e, "%s: not a statement's id (64 hex digits)", c->pos[0]);
	if (!cli_opt(c, "recovery"))
		return cli_bad(e, "--recovery FILE is needed: what a stolen key revoked is lifted by the recovery quorum alone");
	jw_obj(&j);
	reason_member(c, &j, "a compromised key signed it");
	jw_m_text(&j, "statement", c->pos[0]);
	jw_obj_end(&j);
	body = wr_take(&text, NULL);
	if (!body)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	draft_subject_digest(&d, span_of(c->pos[0]), id);
	TRY(home_load(c, &h, e));
	TRY(home_connect(&h, &conn, e));
	return say_revocation(&h, conn, &d, body, e);
}

/* ---- post ---- */

enum coffer_rc cmd_party_post(struct cli *c, struct err *e)
{
	CLEANUP(service_closep) struct service_conn *conn = NULL;
	CLEANUP(statement_clear) struct statement s = { 0 };
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	CLEANUP(wr_close) struct wr text = { 0 };
	struct logged l = { 0 };
	struct party next;
	struct home h;

	TRY(home_load(c, &h, e));
	TRY(file_read_arg(c->pos[0], DSSE_ENVELOPE_MAX, &text, e));
	if (dsse_parse(wr_span(&text), &env, e) != COFFER_OK || statement_parse(wr_span(&env.payload), &s, e) != COFFER_OK)
		return err_wrap(e, "%s", c->pos[0]);
	if (s.kind != ST_PARTY && s.kind != ST_REVOCATION)
		return err_set(e, COFFER_E_INPUT, "%s: a %s statement; this logs what is said of a party's keys", c->pos[0], statement_kind_name(s.kind));
	TRY(home_connect(&h, &conn, e));
	TRY(envelope_post(conn, &env, &l, e));
	l.serial = s.serial;
	logged_print(c, statement_kind_name(s.kind), &l);
	if (s.kind == ST_PARTY && strcmp(s.issuer, h.party) == 0 && next_party_read(&h, &next, e) == COFFER_OK)
		return next_settle(c, &h, &next, false, e);
	return COFFER_OK;
}
