/* Inside trust/ only: the readers that every closed schema here needs besides those of
 * fmt/json.h. Messages read "<where>: member "x" ..." (COFFER_E_INPUT); outputs are written only on success. */
#pragma once
#include "crypto/key.h"
#include "fmt/json.h"
#include "trust/name.h"

#define FORM_NUMBER_MAX ((UINT64_C(1) << 53) - 1) /* what JCS can carry (RFC 7493, 2.2) */

/* 64 lower-case hex characters, the only spelling of a digest in a statement. */
bool form_hex32(struct span s, uint8_t out[static 32]) NODISCARD;
void form_put_hex32(struct json_wr *j, const char *name, const uint8_t d[static 32]);

bool form_text_ok(struct span s, size_t max); /* 1..max bytes without control characters */
bool form_ascii_ok(struct span s, size_t max); /* 1..max bytes, 0x21..0x7E */

enum coffer_rc form_digest(const struct json *o, const char *name, const char *where, uint8_t out[static 32],
    struct err *e) NODISCARD;
enum coffer_rc form_party(const struct json *o, const char *name, const char *where, char out[static PARTY_MAX],
    struct err *e) NODISCARD;
enum coffer_rc form_time(const struct json *o, const char *name, const char *where, int64_t *out, struct err *e) NODISCARD;
/* form_text_ok, at most 512 bytes */
enum coffer_rc form_text(const struct json *o, const char *name, const char *where, struct span *out, struct err *e) NODISCARD;
/* JWK */
enum coffer_rc form_key(const struct json *o, const char *name, const char *where, struct pubkey *out, struct err *e) NODISCARD;
enum coffer_rc form_p256(const struct json *o, const char *name, const char *where, struct pubkey *out, struct err *e) NODISCARD;
/* The full form "kbs:///..." only: one spelling, because names are hashed and compared. */
enum coffer_rc form_asset(struct span s, const char *where, struct asset_path *out, struct err *e) NODISCARD;

struct form_range { uint64_t min, max; };
enum coffer_rc form_number(const struct json *o, const char *name, const char *where, struct form_range r, uint64_t *out,
    struct err *e) NODISCARD;

/* An array member of r.min to r.max items. */
enum coffer_rc form_list(const struct json *o, const char *name, const char *where, struct form_range r,
    const struct json **out, struct err *e) NODISCARD;

/* Every item a string and no two equal. */
enum coffer_rc form_unique(const struct json *list, const char *name, const char *where, struct err *e) NODISCARD;

/* A platform's name as an owner or provider accepts it: "snp", or "snp+debug". */
bool form_platform_ok(struct span s);

/* A verification method of an image: sigstoreSigned with a PEM public key (whose content is not judged here). */
#define FORM_PEM_MAX 4096
bool form_method_ok(struct span type, struct span key);

/* A predicate type of in-toto: a URI, as "https://slsa.dev/provenance/v1". */
bool form_predicate_ok(struct span s);
