/* One party's own folder: keys, who it is, which genesis and service it trusts.
 *
 *   config.json   {"party","genesis":"<hex>","service":"https://..."}   (genesis and service once known)
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

struct home {
	char    dir[512];
	char    party[PARTY_MAX];
	bool    has_genesis;
	uint8_t genesis[32];
	char    service[256]; /* "" if none */
};

/* --home, else $COFFER_HOME, else ~/.config/coffer. COFFER_E_INPUT naming `coffer init` when there is no party. */
enum coffer_rc home_load(const struct cli *c, struct home *out, struct err *e) NODISCARD;
enum coffer_rc home_dir(const struct cli *c, char *out, size_t n, struct err *e) NODISCARD;
enum coffer_rc home_save(const struct home *h, struct err *e) NODISCARD;
enum coffer_rc home_file(const struct home *h, const char *name, char *out, size_t n, struct err *e) NODISCARD;

/* The passphrase: --passphrase-file, else $COFFER_PASSPHRASE_FILE, else asked on the terminal (twice when `fresh`).
 * The first line of the file counts, without its newline. */
enum coffer_rc passphrase_get(const struct cli *c, bool fresh, struct secret *out, struct err *e) NODISCARD;

enum coffer_rc home_sign_key(const struct cli *c, const struct home *h, struct privkey **out, struct err *e) NODISCARD;
enum coffer_rc home_encrypt_key(const struct cli *c, const struct home *h, struct privkey **out, struct err *e) NODISCARD;

/* Checked connection to the configured service. */
enum coffer_rc home_connect(const struct home *h, struct service_conn **out, struct err *e) NODISCARD;

#define OPT_PASSPHRASE \
	{ "passphrase-file", "FILE", \
	    "file whose first line opens this party's keys (default $COFFER_PASSPHRASE_FILE, else asked)", false, false }
