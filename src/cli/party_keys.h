/* The keys of one's own party: the next signing key while it waits, recovery keys, and statements that several keys sign. Each key is in a
 * file, in a token, or on another machine, of which --to-sign asks its signature. */
#pragma once
#include "cli/home.h"
#include "cli/publish.h"
#include "trust/party_life.h"

/* A key's thumbprint as people have it: base64url, or the hex that 'coffer genesis show' prints. */
bool key_thumb(const char *text, uint8_t out[static 32]) NODISCARD;

#define RECOVERY_FILES_MAX PARTY_KEYS_MAX
struct recovery { struct privkey *key[RECOVERY_FILES_MAX]; bool away[RECOVERY_FILES_MAX]; size_t n; };
void recovery_clear(struct recovery *r); /* CLEANUP-ready */
/* The keys that --recovery names: a private key's file, a token's URI; of a public key's file the private half is elsewhere. */
enum coffer_rc recovery_read(const struct cli *c, struct recovery *out, struct err *e) NODISCARD;
#define OPT_RECOVERY \
	{ "recovery", "KEY", "recovery key that signs too, several make the quorum: its file, or pkcs11:... of a token, or FILE.pub with --to-sign", true, false }, \
	{ "recovery-passphrase-file", "FILE", "file whose first line opens the recovery keys (default: that of the party's keys)", false, false }

/* The next signing key: beside the present one until it is in effect. By --new-key (a token's), --new-party (on another machine), or else made
 * here, in a file; *p gets its public half, and the folder what it is and where. Refused where one waits already. */
enum coffer_rc next_make(const struct cli *c, struct home *h, struct party *p, struct privkey **out, struct err *e) NODISCARD;
#define OPT_NEW_KEY \
	{ "key-type", "TYPE", "ed25519 (default) or p256, of a key that is made here", false, false }, \
	{ "new-key", "URI", "the new key is in a token: pkcs11:token=...;object=...?module-path=/...&pin-source=file:/...", false, false }, \
	{ "no-passphrase", NULL, "store a key that is made here unencrypted, where this folder has no other key to go by", false, false }
/* COFFER_E_NOTFOUND: none waits. */
enum coffer_rc next_party_read(const struct home *h, struct party *out, struct err *e) NODISCARD;
enum coffer_rc next_install(struct home *h, const struct party *p, struct err *e) NODISCARD; /* the old key stays as sign-old.pem */
void           next_drop(struct home *h); /* a key in a file stays as sign-dropped.pem, or sign-dropped-2.pem, ... */
/* A key whose making was interrupted: nobody was told of it. */
bool           next_half_made(const struct home *h);

/* Takes the new key up if it is in effect by now, and says so or until when it waits. COFFER_E_DENIED (check "hold"): it will not be; or, with must, is not yet. */
enum coffer_rc next_settle(const struct cli *c, struct home *h, const struct party *next, bool must, struct err *e) NODISCARD;

/* party.json's text. */
enum coffer_rc party_text(const struct party *p, struct wr *out, struct err *e) NODISCARD;

/* Own statement that the keys given sign (and no other): logged; or to --out; or, where keys are elsewhere, to --to-sign. *l.seq 0: to a file, and
 * what comes next is said. */
struct by_keys {
	const struct privkey *key[2 + RECOVERY_FILES_MAX];
	bool                  away[2 + RECOVERY_FILES_MAX];
	size_t                n;
	const struct privkey *asks; /* for a party token, where what was said before is not public; or NULL */
};
void by_add(struct by_keys *by, const struct privkey *k, bool away);
void by_recovery(struct by_keys *by, const struct recovery *r);
/* The present signing key; *away: it is asked by --to-sign. */
enum coffer_rc own_key(const struct cli *c, const struct home *h, struct privkey **out, bool *away, struct err *e) NODISCARD;
/* Writes --to-sign's files for those that are elsewhere, with env as it is signed so far; nothing where there are none. `into`: where their
 * signatures go; NULL: they are published. COFFER_E_INPUT without --to-sign. */
enum coffer_rc ask_others(const struct home *h, const struct by_keys *by, const struct dsse *env, const char *into, struct err *e) NODISCARD;
enum coffer_rc say_by(struct home *h, struct service_conn *conn, const struct draft *d, const struct by_keys *by, struct logged *l,
    struct err *e) NODISCARD;
