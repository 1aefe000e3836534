/* Signing on another machine: what goes there, and the verb that answers there. What comes back: cmd_statement.c, submit. */
#pragma once
#include "cli/home.h"
#include "image/ref.h"
#include "trust/dsse.h"

/* --to-sign was given. */
bool to_sign_wanted(const struct home *h);

/* Such a file's text; FILE.sig and FILE.sealed beside it, of what FILE asked before, are removed: they would go along with it. */
enum coffer_rc to_sign_put(const char *file, struct span text, struct err *e) NODISCARD;
/* Writes --to-sign's file, asking `key` (its public half counts) to sign the statement, and says what next. */
enum coffer_rc to_sign_out(const struct home *h, const struct privkey *key, const struct dsse *env, struct err *e) NODISCARD;
/* The same for several keys: the first one's file is --to-sign's, the next ones' end in .2, .3, ... `into`: what is signed there goes to this file
 * and is not published; or NULL. */
enum coffer_rc to_sign_each(const struct home *h, const struct privkey *const *key, size_t n, const struct dsse *env, const char *into,
    struct err *e) NODISCARD;
/* The same for an image's signature, as cosign makes it. */
enum coffer_rc to_sign_image(const struct home *h, const struct privkey *key, const struct ref *ref, struct err *e) NODISCARD;

/* One request (reading or deleting) whose party token is signed there: writes --to-sign's file, and says what next. (away_token.c) */
enum coffer_rc token_to_sign(const struct asker *a, const char *method, const char *path, struct err *e) NODISCARD;
/* That token, from --signed's file and the signature beside it (FILE.sig), where it is for this request and the key's. COFFER_E_DENIED (checks "token", "expired",
 * "signature"). */
enum coffer_rc token_signed(const struct home *h, const struct privkey *key, const struct service_req *q, struct wr *out, struct err *e) NODISCARD;
/* For whoever signs. COFFER_E_DENIED (checks "issuer", "expired", "token"). */
struct to_sign;
enum coffer_rc token_text(const struct home *h, const struct to_sign *t, struct wr *out, struct err *e) NODISCARD;
#define OPT_TOKEN_AWAY \
	{ "to-sign", "FILE", "ask nothing: write the request for the key's machine, where 'coffer sign FILE' signs it", false, false }, \
	{ "signed", "FILE", "ask now, by what --to-sign wrote and FILE.sig", false, false }

/* Whose statement may this party put its name under? Its own, a genesis that names its key, a newcomer's that it introduces, and that of an asset
 * of which it decides too; none that has expired or is for another genesis. keyid: of the key that signs; n_sigs: that are there already.
 * COFFER_E_DENIED (checks "expired", "ledger", "genesis", "issuer"). */
struct signer { const uint8_t *keyid; size_t n_sigs; };
enum coffer_rc sign_may(const struct home *h, const struct signer *by, const struct statement *s, struct err *e) NODISCARD;
/* What a recovery key may sign, whoever holds it: what is said of a party's keys. COFFER_E_DENIED (checks "expired", "recovery"). */
enum coffer_rc sign_may_recover(const struct statement *s, struct err *e) NODISCARD;

/* Bytes outside ASCII, and control characters but line ends, as \\xHH. */
void text_plain(struct span s, struct wr *out);
/* What the i-th subject is called for people, as a JSON string: its name, but a revoked thing's by the text that its hash stands for (trust/thing.h). */
void subject_text(const struct statement *s, size_t i, struct wr *out);
/* A statement for people: what it is in a few lines, then its body. Bytes outside ASCII are escaped: who wrote the statement may want a
 * terminal to show something else. */
enum coffer_rc statement_text(const struct statement *s, struct wr *out, struct err *e) NODISCARD;
