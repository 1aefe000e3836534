/* The policies that ship with the program, by name and SHA-256: what a genesis names, so that no release of the program changes what its
 * founders agreed to by a default (docs/protocol/statements.md, "Shipped policies"). The digests are of the very files that are built in. */
#pragma once
#include "fmt/json.h"

enum { SHIPPED_RELEASE, SHIPPED_CPU, SHIPPED_GPU, SHIPPED_SWITCH, SHIPPED_PPCIE, SHIPPED_N };
const char *shipped_name(size_t i); /* "release", "attestation-cpu", ... */

/* What is named, or what a program has: of each policy, whether, and its digest. */
struct shipped { bool has[SHIPPED_N]; uint8_t sha256[SHIPPED_N][32]; };
extern const struct shipped shipped_here; /* of this program: all of them */

/* Member "policies" of body: an object of these names alone, each with a digest; it may be empty. COFFER_E_INPUT. */
enum coffer_rc shipped_read(const struct json *body, const char *where, struct shipped *out, struct err *e) NODISCARD;
void           shipped_write(const struct shipped *s, struct json_wr *j); /* the object */

/* Nothing is named, or what is named is what is held. */
bool shipped_same(const struct shipped *named, const struct shipped *held, size_t i);
