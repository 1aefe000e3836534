/* One party's own folder: keys, who it is, which genesis and service it trusts.
 *
 *   config.json   {"party","genesis":"<hex>","service":"https://...","key":"pkcs11:..."|"away","reader":"DIR",
 *                  "next-key":"pkcs11:..."|"away"|"file"}
 *                 (genesis and service once known; key where it is not in sign.pem; reader beside an away key; next-key while a new
 *                 key waits, which party-next.json names)
 *   service-attested  id of the service statement whose machine attested itself to this party last (cli/self.h)
 *   service-named     the same of the last whose statement named its TPM or processor
 *   party.json    the party body of docs/protocol/statements.md (public)
 *   sign.pem      signing key, encrypted PKCS#8
 *   encrypt.pem   P-256 key that named outputs are sealed to, encrypted PKCS#8
 */
#pragma once
#include "base/err.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "client/service.h"
#include "trust/statement.h"

#define HOME_KEY_MAX 1536
#define KEY_AWAY "away"
#define KEY_FILE "file"

struct home {
	char    dir[512];
	char    party[PARTY_MAX];
	bool    has_genesis;
	uint8_t genesis[32];
	char    service[256]; /* "" if none */
	char    key[HOME_KEY_MAX]; /* "": sign.pem; "away": on a machine without network; else a token's URI */
	char    next_key[HOME_KEY_MAX]; /* where the key is that party-next.json names; "": none waits (or it was made before this was kept) */
	char    reader[512];       /* folder of another known party, whose key opens what the service shows to parties only; or "" */
	const struct cli *cli;     /* for passphrases */
};

/* --home, else $COFFER_HOME, else ~/.config/coffer. COFFER_E_NOTFOUND naming `coffer init` when there is no party. */
enum coffer_rc home_load(const struct cli *c, struct home *out, struct err *e) NODISCARD;
enum coffer_rc home_dir(const struct cli *c, char *out, size_t n, struct err *e) NODISCARD;
enum coffer_rc home_save(const struct home *h, struct err *e) NODISCARD;
enum coffer_rc home_file(const struct home *h, const char *name, char *out, size_t n, struct err *e) NODISCARD;

/* The passphrase: --passphrase-file, else $COFFER_PASSPHRASE_FILE, else asked on the terminal (twice when `fresh`).
 * The first line of the file counts, without its newline. */
enum coffer_rc passphrase_get(const struct cli *c, bool fresh, struct secret *out, struct err *e) NODISCARD;

/* One line from the terminal without echo; `needs` is the sentence for where there is none. */
enum coffer_rc secret_ask(const char *prompt, const char *needs, struct secret *out, struct err *e) NODISCARD;
/* The first line of a file, without its newline. An empty one is refused. */
enum coffer_rc secret_first_line(const char *path, const char *what, struct secret *out, struct err *e) NODISCARD;

/* Whoever signs has seen what: asked on the terminal, or says so with --yes. COFFER_E_INPUT as a mistake of usage where nobody is there to ask (`instead`: what else
 * would do, after "or"; NULL: nothing), COFFER_E_DENIED (check "shown") for any other answer than yes. */
enum coffer_rc home_confirm(const struct cli *c, const char *question, const char *instead, struct err *e) NODISCARD;

/* The key that signs, wherever it is (cli/keys.c). One that is away signs nothing: it refuses and names --to-sign.
 * Of party.json's first key, always: another in the token is refused (COFFER_E_DENIED, check "key"). */
enum coffer_rc home_sign_key(const struct cli *c, const struct home *h, struct privkey **out, struct err *e) NODISCARD;
/* It does so without a passphrase or PIN that somebody has to be asked for, which a command that only looks does not do. */
bool home_opens_unasked(const struct home *h) NODISCARD;
enum coffer_rc home_encrypt_key(const struct cli *c, const struct home *h, struct privkey **out, struct err *e) NODISCARD;
/* The key that party-next.json names, wherever it is; of another than that, never (COFFER_E_DENIED, check "key"). */
enum coffer_rc home_next_key(const struct cli *c, const struct home *h, const struct pubkey *pub, struct privkey **out, struct err *e) NODISCARD;
/* A key of which the public half alone is here: signs nothing, and names --to-sign. */
enum coffer_rc home_away_key(const struct pubkey *pub, struct privkey **out, struct err *e) NODISCARD;
/* The key in a token; its PIN is asked for or comes from the URI's pin-source. */
enum coffer_rc home_token_key(const char *uri, struct privkey **out, struct err *e) NODISCARD;

/* party.json of this folder. */
enum coffer_rc home_party(const struct home *h, struct party *out, struct err *e) NODISCARD;

/* A party token for one request: by key, or by the reader's key where ours is away. Nothing is written where ours is away
 * and there is no reader: such a request goes out without one. */
enum coffer_rc home_token(const struct home *h, const struct privkey *key, const char *method, const char *path, struct span body,
    struct wr *out, struct err *e) NODISCARD;

/* service_call with a party token of its own for method, path and body; key NULL: without one. q->bearer is not looked at. */
struct asker { const struct home *h; const struct privkey *key; struct service_conn *conn; };
enum coffer_rc home_call(const struct asker *a, const struct service_req *q, size_t max_body, struct http_res *out, struct err *e) NODISCARD;

/* Checked connection to the configured service, whose ledger continues what this party saw of it (cli/head.h). */
enum coffer_rc home_connect(const struct home *h, struct service_conn **out, struct err *e) NODISCARD;
/* tls: the SHA-256 of the TLS key that it shows, where the statement in force names one that is gone; NULL: as home_connect. */
enum coffer_rc home_connect_to(const struct home *h, const uint8_t *tls, struct service_conn **out, struct err *e) NODISCARD;

#define OPT_PASSPHRASE \
	{ "passphrase-file", "FILE", \
	    "file whose first line opens this party's keys (default $COFFER_PASSPHRASE_FILE, else asked)", false, false }
