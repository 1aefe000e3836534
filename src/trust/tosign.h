/* What travels to a machine without network to be signed, and what comes back: docs/protocol/statements.md, "Signing elsewhere".
 *
 * Form, and that the parts of a file agree with each other. Nothing in a request is believed by who signs: what it asks for is read
 * from the payload itself. Nothing in a signature file is believed by who asked: it is verified over the bytes that were sent.
 */
#pragma once
#include "trust/dsse.h"

enum to_sign_what { TO_SIGN_STATEMENT = 1, TO_SIGN_IMAGE, TO_SIGN_TOKEN };
#define TO_SIGN_MAX (768u << 10) /* of one file */
#define TO_SIGN_IMAGE_MAX (64u << 10)

struct to_sign {
	enum to_sign_what what;
	struct dsse       env;        /* statement: the payload and who has signed already; image: the payload alone; token (reqtoken.h): header, dot and payload as they are signed */
	uint8_t           keyid[32];  /* thumbprint of the key that is asked to sign */
};
void to_sign_clear(struct to_sign *t); /* CLEANUP-ready */

/* The bytes that are signed: DSSE's PAE of a statement, an image's payload and a token's text as they stand. Appends. */
void to_sign_input(const struct to_sign *t, struct wr *out);

/* `summary` is for people who look at the file; whoever signs is shown the payload instead. */
enum coffer_rc to_sign_write(const struct to_sign *t, const char *summary, struct wr *w, struct err *e) NODISCARD;
/* Closed; COFFER_E_DENIED (check "to-sign") when the digest in it is not that of the bytes in it. */
enum coffer_rc to_sign_parse(struct span text, struct to_sign *out, struct err *e) NODISCARD;

struct detached {
	uint8_t keyid[32];
	uint8_t input[32]; /* SHA-256 of what was signed */
	uint8_t sig[SIG_LEN];
};
enum coffer_rc detached_make(const struct to_sign *t, const struct privkey *k, struct detached *out, struct err *e) NODISCARD;
enum coffer_rc detached_write(const struct detached *d, struct wr *w, struct err *e) NODISCARD;
enum coffer_rc detached_parse(struct span text, struct detached *out, struct err *e) NODISCARD;

/* d is by k, which t asked, over what t asked to sign. COFFER_E_DENIED (check "signature"). */
enum coffer_rc detached_check(const struct detached *d, const struct to_sign *t, const struct pubkey *k, struct err *e) NODISCARD;
/* detached_check, and adds the signature to t->env (a statement's). */
enum coffer_rc detached_add(const struct detached *d, struct to_sign *t, const struct pubkey *k, struct err *e) NODISCARD;
