#include "cli/party_keys.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "crypto/pem.h"
#include "os/file.h"

#define KEY_FILE_MAX (16u << 10)
#define NEXT_KEY "sign-next.pem"
#define NEXT_PARTY "party-next.json"

void recovery_clear(struct recovery *r)
{
	for (size_t i = 0; i < r->n; i++)
		privkey_free(r->key[i]);
	*r = (struct recovery){ 0 };
}

static enum coffer_rc read_one(const struct cli *c, const char *path, struct privkey **out, struct err *e)
{
	const char *file = cli_opt(c, "recovery-passphrase-file");
	CLEANUP(secret_free) struct secret pass = { 0 };
	CLEANUP(wr_close) struct wr pem = { 0 };

	TRY(file_read(path, KEY_FILE_MAX, &pem, e));
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
		TRY(read_one(c, path, &r.key[r.n], e));
		r.n++;
	}
	*out = r;
	r = (struct recovery){ 0 };
	return COFFER_OK;
}

/* ---- the next key ---- */

enum coffer_rc next_key_make(const struct cli *c, const struct home *h, enum key_kind kind, struct privkey **out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;
	CLEANUP(secret_free) struct secret pass = { 0 };
	CLEANUP(wr_close) struct wr pem = wr_open(KEY_FILE_MAX);
	CLEANUP(wr_close) struct wr old = { 0 };
	char path[600];

	TRY(home_file(h, "encrypt.pem", path, sizeof(path), e));
	TRY(file_read(path, KEY_FILE_MAX, &old, e));
	if (!span_starts(wr_span(&old), "-----BEGIN PRIVATE KEY-----")) /* as the others of this folder are kept */
		TRY(passphrase_get(c, true, &pass, e));
	TRY(privkey_new(kind, &k, e));
	TRY(pem_write_private(k, (struct span){ pass.p, pass.n }, &pem, e));
	TRY(home_file(h, NEXT_KEY, path, sizeof(path), e));
	if (file_exists(path))
		return err_set(e, COFFER_E_INPUT, "%s is there: a change of your key waits already; 'coffer party finish' says until when", path);
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

enum coffer_rc next_party_save(const struct home *h, const struct party *p, struct err *e)
{
	return save(h, NEXT_PARTY, p, e);
}

enum coffer_rc next_party_read(const struct home *h, struct party *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	char path[600];

	TRY(home_file(h, NEXT_PARTY, path, sizeof(path), e));
	TRY(file_read(path, 64u << 10, &text, e));
	if (json_parse(wr_span(&text), 64u << 10, &doc, e) != COFFER_OK || party_read(json_root(doc), out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
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
enum coffer_rc next_install(const struct home *h, const struct party *p, struct err *e)
{
	char path[600];

	TRY(home_file(h, NEXT_KEY, path, sizeof(path), e));
	if (file_exists(path)) {
		TRY(move(h, "sign.pem", "sign-old.pem", e));
		TRY(move(h, NEXT_KEY, "sign.pem", e));
	}
	TRY(save(h, "party.json", p, e));
	TRY(home_file(h, NEXT_PARTY, path, sizeof(path), e));
	(void)unlink(path);
	return COFFER_OK;
}

void next_drop(const struct home *h)
{
	struct err e = { 0 };
	char path[600];

	if (home_file(h, NEXT_KEY, path, sizeof(path), &e) == COFFER_OK)
		(void)unlink(path);
	if (home_file(h, NEXT_PARTY, path, sizeof(path), &e) == COFFER_OK)
		(void)unlink(path);
}

/* ---- signing ---- */

enum coffer_rc say_by(struct home *h, struct service_conn *conn, const struct draft *d, const struct by_keys *by, struct logged *l,
    struct err *e)
{
	CLEANUP(dsse_clear) struct dsse env = { 0 };
	uint64_t serial = 0;

	*l = (struct logged){ 0 };
	TRY(draft_make(h, by->asks, conn, d, &env, &serial, e));
	for (size_t i = 0; i < by->n; i++)
		TRY(dsse_sign(&env, by->key[i], e));
	l->serial = serial;
	if (cli_opt(h->cli, "out"))
		return envelope_write(cli_opt(h->cli, "out"), &env, e);
	return envelope_post(conn, &env, l, e);
}
