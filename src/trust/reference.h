/* Reference values inside boot-image and tcb statements: what an attestation policy gets from query_reference_value(name).
 * docs/protocol/statements.md, "Reference values". */
#pragma once
#include "trust/statement.h"

#define REFERENCE_NAMES_MAX 256
#define REFERENCE_LIST_MAX 256
#define REFERENCE_TOTAL_MAX 2048 /* single values, of one statement and of all that are merged: the work grows with their square */

/* An object of 1 to 256 names (1..128 printable ASCII characters without blanks); each value a string, an integer or a
 * boolean, or a list of 1 to 256 of these without a repetition, REFERENCE_TOTAL_MAX of all names. Nothing
 * says that a value is right: that is the signer's word. COFFER_E_INPUT. */
enum coffer_rc reference_check(const struct json *o, const char *where, struct err *e) NODISCARD;
/* The optional member "reference-values" of a body: NULL in *out when there is none. */
enum coffer_rc reference_member(const struct json *body, const char *where, const struct json **out, struct err *e) NODISCARD;

/* Two values: same type and same text. Lists are compared item by item, in order. */
bool reference_same(const struct json *a, const struct json *b) NODISCARD;

/* Merges what these statements say at `now` (Unix seconds) into one JSON object, name -> value. A statement of another kind, or
 * whose time window does not hold now, adds nothing. A name that several give has the list of all their values, each once; a
 * name that one gives has its value as written. Who signed, what is superseded and what is revoked is the caller's to have
 * sorted out. COFFER_E_INPUT when a statement's values are malformed; COFFER_E_LIMIT beyond REFERENCE_TOTAL_MAX values;
 * COFFER_E_SYSTEM when out has no room. */
enum coffer_rc reference_values(const struct statement *const *list, size_t n, int64_t now, struct wr *out,
    struct err *e) NODISCARD;
