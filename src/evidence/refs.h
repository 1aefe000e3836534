/* Reference values: what an attestation policy compares claims with.
 *
 * Two forms of text: a JSON object of name -> value, and the list that upstream's RVPS keeps, [{version, name, expiration,
 * value}]. A value is a string, a number, a boolean, or a list of those. Strict: names are 1 to 128 printable bytes and are given
 * once, expiration is RFC 3339 in UTC, members that are not known refuse. Not checked: who made them. */
#pragma once
#include "fmt/json.h"

#define REFS_TEXT_MAX   (1u << 20)
#define REFS_MAX        4096 /* names */
#define REFS_VALUES_MAX 4096 /* of one name */
#define REFS_NAME_MAX   128

struct refs; /* immutable */

/* `text` may be freed afterwards. COFFER_E_INPUT, COFFER_E_LIMIT, COFFER_E_SYSTEM. */
enum coffer_rc refs_parse(struct span text, struct refs **out, struct err *e) NODISCARD;
void refs_free(struct refs *r); /* NULL is fine */
static inline void refs_freep(struct refs **r) { refs_free(*r); *r = NULL; }

enum ref_state { REF_ABSENT, REF_EXPIRED, REF_HERE };
const char *ref_state_name(enum ref_state s); /* "absent" "expired" "here" */
/* *value (borrowed) only with REF_HERE. now in seconds; < 0: nothing expires. r may be NULL: all are absent. */
enum ref_state refs_find(const struct refs *r, struct span name, int64_t now, const struct json **value);
size_t refs_len(const struct refs *r);
