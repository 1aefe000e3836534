/* Signing on another machine: what goes there, and the verb that answers there. What comes back: cmd_statement.c, submit. */
#pragma once
#include "cli/home.h"
#include "image/ref.h"
#include "trust/dsse.h"

/* --to-sign was given. */
bool to_sign_wanted(const struct home *h);

/* Writes --to-sign's file, asking `key` (its public half counts) to sign the statement, and says what next. */
enum coffer_rc to_sign_out(const struct home *h, const struct privkey *key, const struct dsse *env, struct err *e) NODISCARD;
/* The same for several keys: the first one's file is --to-sign's, the next ones' end in .2, .3, ... `into`: what is signed there goes to this file
 * and is not published; or NULL. */
enum coffer_rc to_sign_each(const struct home *h, const struct privkey *const *key, size_t n, const struct dsse *env, const char *into,
    struct err *e) NODISCARD;
/* The same for an image's signature, as cosign makes it. */
enum coffer_rc to_sign_image(const struct home *h, const struct privkey *key, const struct ref *ref, struct err *e) NODISCARD;

/* Bytes outside ASCII, and control characters but line ends, as \\xHH. */
void text_plain(struct span s, struct wr *out);
/* A statement for people: what it is in a few lines, then its body. Bytes outside ASCII are escaped: who wrote the statement may want a
 * terminal to show something else. */
enum coffer_rc statement_text(const struct statement *s, struct wr *out, struct err *e) NODISCARD;
