#include "cli/party_keys.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "crypto/pem.h"
#include "fmt/enc.h"
#include "os/file.h"

#define KEY_FILE_MAX (16u << 10)
#define NEXT_KEY "sign-next.pem"
#define NEXT_PARTY "party-next.json"

bool key_thumb(const char *text, uint8_t out[static 32])
{
	return b64url_fixed(span_of(text), out, 32) || (strlen(text) == 64 && hex_fixed(span_of(text), out, 32));
}

void recovery_clear(struct recovery *r)
{
	for (size_t i = 0; i < r->n; i++)
		privkey_free(r->key[i]);
	*r = (struct recovery){ 0 };
}

/* The public half alone: the other is on another machine. */
static enum coffer_rc read_away(const char *path, struct span pem, struct privkey **out, struct err *e)
{
	struct pubkey pub;

	if (pem_read_public(pem, &pub, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return home_away_key(&pub, out, e);
}

static enum coffer_rc read_one(const struct cli *c, const char *path, struct privkey **out, bool *away, struct err *e)
{
	const char *file = cli_opt(c, "recovery-passphrase-file");
	CLEANUP(secret_free) struct secret pass = { 0 };
	CLEANUP(wr_close) struct wr pem = { 0 };

	if (strncmp(path, "pkcs11:", 7) == 0)
		return home_token_key(path, out, e);
	TRY(file_read(path, KEY_FILE_MAX, &pem, e));
	*away = span_starts(wr_span(&pem), "-----BEGIN PUBLIC KEY-----");
	if (*away)
		return read_away(path, wr_span(&pem), out, e);
	if (!span_starts(wr_span(&pem), "-----BEGIN PRIVATE KEY-----"))
		TRY(file ? secret_first_line(file, "passphrase", &pass, e) : passphrase_get(c, false, &pass, e));
	if (pem_read_private(wr_span(&pem), (struct span){ pass.p, pass.n }, out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

enum coffer_rc recovery_read(const struct cli *c, struct recovery *out, struct err *e)
{
	CLEANUP(recovery_clear) struct recovery r = { 0 };
	const char *path;

	for (size_t i = 0; (path = cli_opt_at(c, "recovery", i)) != NULL; i++) {
		if (i == RECOVERY_FILES_MAX)
			return cli_bad(e, "--recovery: at most %d", RECOVERY_FILES_MAX);
		TRY(read_one(c, path, &r.key[r.n], &r.away[r.n], e));
		r.n++;
	}
	*out = r;
	r = (struct recovery){ 0 };
	return COFFER_OK;
}

/* ---- the next key ---- */

/* Encrypted as the others of this folder are; where there are none, unless --no-passphrase says otherwise. */
static enum coffer_rc plain_folder(const struct cli *c, const struct home *h, bool *plain, struct err *e)
{
	CLEANUP(wr_close) struct wr old = { 0 };
	char path[600];

	TRY(home_file(h, "encrypt.pem", path, sizeof(path), e));
	*plain = cli_flag(c, "no-passphrase");
	if (!file_exists(path))
		return COFFER_OK;
	TRY(file_read(path, KEY_FILE_MAX, &old, e));
	*plain = span_starts(wr_span(&old), "-----BEGIN PRIVATE KEY-----");
	return COFFER_OK;
}

static enum coffer_rc make_file(const struct cli *c, const struct home *h, struct privkey **out, struct err *e)
{
	const char *type = cli_opt(c, "key-type");
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(secret_free) struct secret pass = { 0 };
	CLEANUP(wr_close) struct wr pem = wr_open(KEY_FILE_MAX);
	bool plain = false;
	char path[600];

	TRY(plain_folder(c, h, &plain, e));
	if (!plain)
		TRY(passphrase_get(c, true, &pass, e));
	TRY(privkey_new(type && strcmp(type, "p256") == 0 ? KEY_P256 : KEY_ED25519, &k, e));
	TRY(pem_write_private(k, (struct span){ pass.p, pass.n }, &pem, e));
	TRY(home_file(h, NEXT_KEY, path, sizeof(path), e));
	TRY(file_write(path, wr_span(&pem), 0600, e));
	*out = MOVE(k);
	return COFFER_OK;
}

enum coffer_rc party_text(const struct party *p, struct wr *out, struct err *e)
{
	struct json_wr j = jw_open(out, true);

	party_write(p, &j);
	return wr_done(out, "party", e);
}

static enum coffer_rc save(const struct home *h, const char *name, const struct party *p, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(64u << 10);
	char path[600];

	TRY(party_text(p, &w, e));
	wr_str(&w, "\n");
	TRY(wr_done(&w, name, e));
	TRY(home_file(h, name, path, sizeof(path), e));
	return file_write(path, wr_span(&w), 0644, e);
}

static enum coffer_rc party_file(const char *path, struct party *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };

	TRY(file_read(path, 64u << 10, &text, e));
	if (json_parse(wr_span(&text), 64u << 10, &doc, e) != COFFER_OK || party_read(json_root(doc), out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

static enum coffer_rc none_waits(const struct home *h, struct err *e)
{
	static const char *const left[] = { NEXT_KEY, NEXT_PARTY };
	char path[600];

	for (size_t i = 0; i < 2; i++) {
		TRY(home_file(h, left[i], path, sizeof(path), e));
		if (file_exists(path))
			return err_set(e, COFFER_E_INPUT, "%s is there: a change of your key waits already; 'coffer party finish' says until when, "
			    "'coffer party finish --drop' forgets a key that was never logged", path);
	}
	return COFFER_OK;
}

/* Its new key's public half; what else that machine thinks of the party does not count here. */
static enum coffer_rc from_machine(const char *path, const struct party *p, struct privkey **out, struct err *e)
{
	struct party there;

	TRY(party_file(path, &there, e));
	if (strcmp(there.id, p->id) != 0)
		return err_deny(e, "party", "%s is of %s; you are %s", path, there.id, p->id);
	return home_away_key(&there.keys[0], out, e);
}

enum coffer_rc next_make(const struct cli *c, struct home *h, struct party *p, struct privkey **out, struct err *e)
{
	const char *uri = cli_opt(c, "new-key"), *machine = cli_opt(c, "new-party");
	const char *where = uri ? uri : machine ? KEY_AWAY : KEY_FILE;
	CLEANUP(privkey_freep) struct privkey *k = NULL;

	TRY(none_waits(h, e));
	if (uri && strlen(uri) >= sizeof(h->next_key))
		return cli_bad(e, "--new-key: too long");
	if (uri)
		TRY(home_token_key(uri, &k, e));
	else if (machine)
		TRY(from_machine(machine, p, &k, e));
	else
		TRY(make_file(c, h, &k, e));
	if (pubkey_eq(privkey_public(k), &p->keys[0]))
		return err_set(e, COFFER_E_INPUT, "--new-key: that is the present key; name another");
	p->keys[0] = *privkey_public(k);
	(void)snprintf(h->next_key, sizeof(h->next_key), "%s", where);
	TRY(home_save(h, e));
	TRY(save(h, NEXT_PARTY, p, e));
	*out = MOVE(k);
	return COFFER_OK;
}

enum coffer_rc next_party_read(const struct home *h, struct party *out, struct err *e)
{
	char path[600];

	TRY(home_file(h, NEXT_PARTY, path, sizeof(path), e));
	return party_file(path, out, e);
}

static enum coffer_rc move(const struct home *h, const char *from, const char *to, struct err *e)
{
	char a[600], b[600];

	TRY(home_file(h, from, a, sizeof(a), e));
	TRY(home_file(h, to, b, sizeof(b), e));
	if (!file_exists(a))
		return COFFER_OK;
	return rename(a, b) == 0 ? COFFER_OK : err_set(e, COFFER_E_SYSTEM, "%s: cannot be renamed to %s", a, b);
}

/* Each step may be the last one before the power goes; running it again ends it. */
enum coffer_rc next_install(struct home *h, const struct party *p, struct err *e)
{
	bool in_file = !h->next_key[0] || strcmp(h->next_key, KEY_FILE) == 0;
	struct party old;
	char path[600];

	TRY(home_file(h, NEXT_KEY, path, sizeof(path), e));
	if (!in_file || file_exists(path))
		TRY(move(h, "sign.pem", "sign-old.pem", e));
	if (in_file)
		TRY(move(h, NEXT_KEY, "sign.pem", e));
	TRY(home_party(h, &old, e));
	if (!pubkey_eq(&old.keys[0], &p->keys[0]))
		TRY(save(h, "party-old.json", &old, e));
	TRY(save(h, "party.json", p, e));
	if (h->next_key[0]) {
		(void)snprintf(h->key, sizeof(h->key), "%s", in_file ? "" : h->next_key);
		h->next_key[0] = '\0';
		TRY(home_save(h, e));
	}
	TRY(home_file(h, NEXT_PARTY, path, sizeof(path), e));
	(void)unlink(path);
	return COFFER_OK;
}

#define DROPPED_MAX 1000

/* Not deleted, and no earlier one overwritten: a service may refuse what it logged all the same, and refuse the next one too. */
static enum coffer_rc put_aside(const struct home *h, struct err *e)
{
	char name[32] = "sign-dropped.pem", path[600];

	for (unsigned n = 2; n < DROPPED_MAX; n++) {
		TRY(home_file(h, name, path, sizeof(path), e));
		if (!file_exists(path))
			return move(h, NEXT_KEY, name, e);
		(void)snprintf(name, sizeof(name), "sign-dropped-%u.pem", n);
	}
	return err_set(e, COFFER_E_LIMIT, "%s: too many keys were dropped here", h->dir);
}

bool next_half_made(const struct home *h)
{
	struct err e = { 0 };
	char key[600], party[600];

	return home_file(h, NEXT_KEY, key, sizeof(key), &e) == COFFER_OK && home_file(h, NEXT_PARTY, party, sizeof(party), &e) == COFFER_OK &&
	    !file_exists(party) && (h->next_key[0] || file_exists(key));
}

void next_drop(struct home *h)
{
	struct err e = { 0 };
	char path[600];

	h->next_key[0] = '\0';
	if (home_save(h, &e) != COFFER_OK)
		(void)fprintf(stderr, "warning: %s\n", e.msg);
	if (put_aside(h, &e) != COFFER_OK)
		(void)fprintf(stderr, "warning: %s\n", e.msg);
	if (home_file(h, NEXT_PARTY, path, sizeof(path), &e) == COFFER_OK)
		(void)unlink(path);
}

/* ---- signing ---- */

void by_add(struct by_keys *by, const struct privkey *k, bool away)
{
	by->away[by->n] = away;
	by->key[by->n++] = k;
}

void by_recovery(struct by_keys *by, const struct recovery *r)
{
	for (size_t i = 0; i < r->n; i++)
		by_add(by, r->key[i], r->away[i]);
}

enum coffer_rc own_key(const struct cli *c, const struct home *h, struct privkey **out, bool *away, struct err *e)
{
	struct party me;

	*away = to_sign_wanted(h) || strcmp(h->key, KEY_AWAY) == 0;
	if (!*away)
		return home_sign_key(c, h, out, e);
	TRY(home_party(h, &me, e));
	return home_away_key(&me.keys[0], out, e);
}

/* Those that are elsewhere are asked with the signatures of the others on it. */
enum coffer_rc ask_others(const struct home *h, const struct by_keys *by, const struct dsse *env, const char *into, struct err *e)
{
	const struct privkey *asked[DSSE_SIGS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < by->n && n < DSSE_SIGS_MAX; i++)
		if (by->away[i])
			asked[n++] = by->key[i];
	if (n == 0)
		return COFFER_OK;
	if (!to_sign_wanted(h))
		return cli_bad(e, "%s on another machine: --to-sign FILE writes what to sign there",
		    n == 1 ? "a key that signs this is" : "keys that sign this are");
	return to_sign_each(h, asked, n, env, into, e);
}

enum coffer_rc say_by(struct home *h, struct service_conn *conn, const struct draft *d, const struct by_keys *by, struct logged *l,
    struct err *e)
{
	bool away = false;
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	uint64_t serial = 0;

	*l = (struct logged){ 0 };
	TRY(draft_make(h, by->asks, conn, d, &env, &serial, e));
	for (size_t i = 0; i < by->n; i++)
		if (by->away[i])
			away = true;
		else
			TRY(dsse_sign(&env, by->key[i], e));
	l->serial = serial;
	if (cli_opt(h->cli, "out"))
		TRY(envelope_write(cli_opt(h->cli, "out"), &env, e));
	if (away)
		return ask_others(h, by, &env, cli_opt(h->cli, "out"), e);
	return cli_opt(h->cli, "out") ? COFFER_OK : envelope_post(conn, &env, l, e);
}
