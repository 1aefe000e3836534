/* Where a party's keys are: in its folder, in a token, or on another machine. */
#include "cli/home.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cli/away.h"
#include "crypto/pem.h"
#include "crypto/token.h"
#include "os/file.h"

#define KEY_FILE_MAX (16u << 10)
#define PIN_MAX 256u
#define TOKEN_MAX (8u << 10)

static enum coffer_rc load_key(const struct cli *c, const struct home *h, const char *name, struct privkey **out, struct err *e)
{
	CLEANUP(secret_free) struct secret pass = { 0 };
	CLEANUP(wr_close) struct wr pem = { 0 };
	char path[600];

	TRY(home_file(h, name, path, sizeof(path), e));
	TRY(file_read(path, KEY_FILE_MAX, &pem, e));
	if (!span_starts(wr_span(&pem), "-----BEGIN PRIVATE KEY-----")) /* an unencrypted one needs none */
		TRY(passphrase_get(c, false, &pass, e));
	if (pem_read_private(wr_span(&pem), (struct span){ pass.p, pass.n }, out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

enum coffer_rc home_party(const struct home *h, struct party *out, struct err *e)
{
	CLEANUP(json_freep) struct json_doc *doc = NULL;
	CLEANUP(wr_close) struct wr text = { 0 };
	char path[600];

	TRY(home_file(h, "party.json", path, sizeof(path), e));
	TRY(file_read(path, 64u << 10, &text, e));
	if (json_parse(wr_span(&text), 64u << 10, &doc, e) != COFFER_OK || party_read(json_root(doc), out, e) != COFFER_OK)
		return err_wrap(e, "%s", path);
	return COFFER_OK;
}

/* ---- tokens ---- */

static enum coffer_rc pin_from_fd(int fd, struct secret *out, struct err *e)
{
	CLEANUP(secret_free) struct secret line = { 0 };
	size_t n = 0;
	ssize_t got;

	TRY(secret_new(PIN_MAX, &line, e));
	while (n < line.n) {
		got = read(fd, line.p + n, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(e, COFFER_E_INPUT, "PIN: descriptor %d cannot be read", fd);
		if (got == 0 || line.p[n] == '\n')
			break;
		n++;
	}
	if (n == 0)
		return err_set(e, COFFER_E_INPUT, "PIN: descriptor %d gives an empty line", fd);
	TRY(secret_new(n, out, e));
	memcpy(out->p, line.p, n);
	return COFFER_OK;
}

static enum coffer_rc get_pin(void *arg, struct secret *out, struct err *e)
{
	const struct p11uri *u = arg;
	char prompt[64];

	if (u->pin_file[0])
		return secret_first_line(u->pin_file, "PIN", out, e);
	if (u->pin_fd >= 0)
		return pin_from_fd(u->pin_fd, out, e);
	(void)snprintf(prompt, sizeof(prompt), "PIN of token %s: ", u->token[0] ? u->token : u->serial);
	return secret_ask(prompt, "a PIN is needed: add pin-source=file:/PATH or pin-source=fd:N to the key's URI", out, e);
}

enum coffer_rc home_token_key(const char *uri, struct privkey **out, struct err *e)
{
	struct p11uri u;

	TRY(p11uri_parse(span_of(uri), &u, e));
	return token_open(&u, get_pin, &u, out, e);
}

/* Others know the party by party.json: what another key signs nobody takes. */
static enum coffer_rc token_key(const struct home *h, const char *uri, const struct pubkey *pub, struct privkey **out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;

	TRY(home_token_key(uri, &k, e));
	if (!pubkey_eq(privkey_public(k), pub))
		return err_deny(e, "key", "the token's key is another than the one in %s/party%s.json", h->dir, uri == h->next_key ? "-next" : "");
	*out = MOVE(k);
	return COFFER_OK;
}

/* ---- keys on another machine ---- */

static enum coffer_rc refuse(void *arg, const struct pubkey *pub, struct span msg, uint8_t sig[static 64], struct err *e)
{
	(void)arg, (void)pub, (void)msg, (void)sig;
	return cli_bad(e, "the signing key is on another machine: --to-sign FILE, where a command takes it, writes what to sign there");
}

static const struct key_elsewhere away = { refuse, NULL };

enum coffer_rc home_away_key(const struct pubkey *pub, struct privkey **out, struct err *e)
{
	return privkey_elsewhere(pub, &away, NULL, out, e);
}

enum coffer_rc home_next_key(const struct cli *c, const struct home *h, const struct pubkey *pub, struct privkey **out, struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *k = NULL;

	if (strcmp(h->next_key, KEY_AWAY) == 0)
		return home_away_key(pub, out, e);
	if (h->next_key[0] && strcmp(h->next_key, KEY_FILE) != 0)
		return token_key(h, h->next_key, pub, out, e);
	TRY(load_key(c, h, "sign-next.pem", &k, e));
	if (!pubkey_eq(privkey_public(k), pub))
		return err_deny(e, "key", "%s/sign-next.pem is another key than the one in party-next.json", h->dir);
	*out = MOVE(k);
	return COFFER_OK;
}

enum coffer_rc home_sign_key(const struct cli *c, const struct home *h, struct privkey **out, struct err *e)
{
	struct party me;

	if (!h->key[0])
		return load_key(c, h, "sign.pem", out, e);
	TRY(home_party(h, &me, e));
	if (strcmp(h->key, KEY_AWAY) == 0)
		return home_away_key(&me.keys[0], out, e);
	return token_key(h, h->key, &me.keys[0], out, e);
}

bool home_opens_unasked(const struct home *h)
{
	CLEANUP(wr_close) struct wr pem = { 0 };
	const char *file = getenv("COFFER_PASSPHRASE_FILE");
	char path[600];
	struct err why;

	if (h->key[0]) /* in a token, which counts wrong tries, or away */
		return false;
	return home_file(h, "sign.pem", path, sizeof(path), &why) == COFFER_OK && file_read(path, KEY_FILE_MAX, &pem, &why) == COFFER_OK &&
	    ((file && *file) || span_starts(wr_span(&pem), "-----BEGIN PRIVATE KEY-----"));
}

enum coffer_rc home_encrypt_key(const struct cli *c, const struct home *h, struct privkey **out, struct err *e)
{
	return load_key(c, h, "encrypt.pem", out, e);
}

static enum coffer_rc reader_token(const struct home *h, const char *method, const char *path, struct span body, struct wr *out,
    struct err *e)
{
	CLEANUP(privkey_freep) struct privkey *key = NULL;
	struct cli c = *h->cli;
	struct home r;

	c.home = h->reader;
	TRY(home_load(&c, &r, e));
	if (strcmp(r.key, KEY_AWAY) == 0)
		return err_set(e, COFFER_E_INPUT, "%s: the reader's key is on another machine too", h->reader);
	TRY(home_sign_key(&c, &r, &key, e));
	return party_token(key, r.party, method, path, body, clock_now(), out, e);
}

enum coffer_rc home_token(const struct home *h, const struct privkey *key, const char *method, const char *path, struct span body,
    struct wr *out, struct err *e)
{
	if (strcmp(h->key, KEY_AWAY) != 0)
		return party_token(key, h->party, method, path, body, clock_now(), out, e);
	return h->reader[0] ? reader_token(h, method, path, body, out, e) : COFFER_OK;
}

static enum coffer_rc call_once(const struct asker *a, const struct service_req *q, size_t max_body, struct http_res *out, struct err *e)
{
	CLEANUP(wr_close) struct wr token = wr_open(TOKEN_MAX);
	CLEANUP(freep) char *bearer = NULL;
	struct service_req with = *q;

	if (a->key && cli_opt(a->h->cli, "signed"))
		TRY(token_signed(a->h, a->key, q, &token, e));
	else if (a->key)
		TRY(home_token(a->h, a->key, q->method, q->path, q->body, &token, e));
	bearer = token.n ? wr_take(&token, NULL) : NULL;
	with.bearer = bearer;
	return service_call(a->conn, &with, max_body, out, e);
}

enum coffer_rc home_call(const struct asker *a, const struct service_req *q, size_t max_body, struct http_res *out, struct err *e)
{
	enum coffer_rc rc = call_once(a, q, max_body, out, e);

	if (rc != COFFER_E_UPSTREAM || !service_unanswered(a->conn))
		return rc;
	http_res_clear(out);
	return call_once(a, q, max_body, out, e); /* by another token: the first one may have arrived */
}
