/* The keys of one's own party: the next signing key while it waits, recovery keys in files, and statements that several keys sign. */
#pragma once
#include "cli/home.h"
#include "cli/publish.h"
#include "trust/party_life.h"

#define RECOVERY_FILES_MAX PARTY_KEYS_MAX
struct recovery { struct privkey *key[RECOVERY_FILES_MAX]; size_t n; };
void recovery_clear(struct recovery *r); /* CLEANUP-ready */
/* The private keys that --recovery names. */
enum coffer_rc recovery_read(const struct cli *c, struct recovery *out, struct err *e) NODISCARD;
#define OPT_RECOVERY \
	{ "recovery", "FILE", "recovery key (private, as 'coffer party recovery-key' made it) that signs too; several make the quorum", true, false }, \
	{ "recovery-passphrase-file", "FILE", "file whose first line opens the recovery keys (default: that of the party's keys)", false, false }

/* The next signing key: beside the present one until it is in effect. COFFER_E_NOTFOUND: none waits. */
enum coffer_rc next_key_make(const struct cli *c, const struct home *h, enum key_kind kind, struct privkey **out, struct err *e) NODISCARD;
enum coffer_rc next_party_save(const struct home *h, const struct party *p, struct err *e) NODISCARD;
enum coffer_rc next_party_read(const struct home *h, struct party *out, struct err *e) NODISCARD;
enum coffer_rc next_install(const struct home *h, const struct party *p, struct err *e) NODISCARD; /* the old key stays as sign-old.pem */
void           next_drop(const struct home *h);

/* party.json's text. */
enum coffer_rc party_text(const struct party *p, struct wr *out, struct err *e) NODISCARD;

/* Own statement that the keys given sign (and no other): to --out, or logged. *l.seq 0: written to a file. */
struct by_keys {
	const struct privkey *key[2 + RECOVERY_FILES_MAX];
	size_t                n;
	const struct privkey *asks; /* for a party token, where what was said before is not public; or NULL */
};
enum coffer_rc say_by(struct home *h, struct service_conn *conn, const struct draft *d, const struct by_keys *by, struct logged *l,
    struct err *e) NODISCARD;
