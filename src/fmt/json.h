/* Strict JSON (RFC 8259) for hostile bytes, and JCS (RFC 8785) for what is hashed.
 *
 * Refused: duplicate member names, invalid UTF-8, lone surrogates, U+0000 in names
 * or strings, anything after the value, a byte order mark, nesting beyond the limit.
 * Number literals are kept as text; nothing is ever rounded through a double.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define JSON_DEPTH_MAX 32

struct json;     /* a value; borrowed from its document */
struct json_doc; /* owns one parsed text and all its values */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Parses the whole of `in` (at most max_bytes). `in` may be freed afterwards.
 * Errors: COFFER_E_INPUT with the byte offset; COFFER_E_LIMIT; COFFER_E_SYSTEM. */
enum coffer_rc json_parse(struct span in, size_t max_bytes, struct json_doc **out, struct err *e) NODISCARD;
void json_free(struct json_doc *d); /* NULL is fine; wipes, since tokens and keys pass through */

/* CLEANUP(json_freep) */
static inline void json_freep(struct json_doc **d) { json_free(*d); *d = NULL; }

const struct json *json_root(const struct json_doc *d);

/* All getters accept NULL and the wrong type, and then answer NULL, 0 or false. */
enum json_type     json_type(const struct json *v);         /* NULL -> JSON_NULL */
const char        *json_type_name(const struct json *v);    /* for messages */
struct span        json_str(const struct json *v);          /* decoded UTF-8; {NULL,0} if no string */
struct span        json_num(const struct json *v);          /* the literal as written */
bool               json_bool(const struct json *v, bool *out) NODISCARD;
bool               json_u64(const struct json *v, uint64_t *out) NODISCARD; /* integer literal only */
bool               json_i64(const struct json *v, int64_t *out) NODISCARD;
/* An array of exactly n integer literals of 0 to 255, as bytes. */
bool               json_bytes(const struct json *v, uint8_t *out, size_t n) NODISCARD;
size_t             json_len(const struct json *v);          /* items or members */
const struct json *json_at(const struct json *v, size_t i); /* item, or member value in text order */
struct span        json_name(const struct json *v, size_t i); /* member name in text order */
const struct json *json_get(const struct json *v, const char *name);
const struct json *json_getn(const struct json *v, struct span name);

/* Readers for closed schemas. `where` names the object in the message, which reads
 * "<where>: member "x" is missing" / "is not a string" and so on (COFFER_E_INPUT). */
enum coffer_rc json_need_str(
    const struct json *o, const char *name, const char *where, struct span *out, struct err *e) NODISCARD;
enum coffer_rc json_need_u64(const struct json *o, const char *name, const char *where, uint64_t *out, struct err *e) NODISCARD;
enum coffer_rc json_need_obj(
    const struct json *o, const char *name, const char *where, const struct json **out, struct err *e) NODISCARD;
enum coffer_rc json_need_arr(
    const struct json *o, const char *name, const char *where, const struct json **out, struct err *e) NODISCARD;

/* Refuses any member that the NULL-terminated list does not name, and a non-object. */
enum coffer_rc json_closed(const struct json *o, const char *const *names, const char *where, struct err *e) NODISCARD;

/* ---- writing ---- */
struct json_wr {
	struct wr *w;         /* errors are the writer's: sticky, see wr_ok */
	unsigned   depth;
	bool       pretty;    /* two spaces a level; otherwise no white space at all */
	bool       want_comma;
	bool       after_name;
};

struct json_wr jw_open(struct wr *w, bool pretty);
void jw_obj(struct json_wr *j);
void jw_obj_end(struct json_wr *j);
void jw_arr(struct json_wr *j);
void jw_arr_end(struct json_wr *j);
void jw_name(struct json_wr *j, const char *name);
void jw_namen(struct json_wr *j, struct span name);
void jw_str(struct json_wr *j, struct span s);     /* invalid UTF-8 makes the writer fail */
void jw_text(struct json_wr *j, const char *s);
void jw_u64(struct json_wr *j, uint64_t v);
void jw_i64(struct json_wr *j, int64_t v);
void jw_bool(struct json_wr *j, bool v);
void jw_null(struct json_wr *j);
void jw_value(struct json_wr *j, const struct json *v); /* a parsed value, members in text order */
void jw_hex(struct json_wr *j, struct span s);     /* bytes as a string of hex (enc.h) */
void jw_b64(struct json_wr *j, struct span s);     /* or base64 with padding */
/* name and value at once */
void jw_m_hex(struct json_wr *j, const char *name, struct span s);
void jw_m_b64(struct json_wr *j, const char *name, struct span s);
void jw_m_text(struct json_wr *j, const char *name, const char *s);
void jw_m_str(struct json_wr *j, const char *name, struct span s);
void jw_m_u64(struct json_wr *j, const char *name, uint64_t v);
void jw_m_bool(struct json_wr *j, const char *name, bool v);

/* RFC 8785: members sorted by UTF-16 code units, shortest escapes. Numbers must be
 * integers within +-2^53 or the writer fails (no text of ours has others; a JSON
 * text that does is refused, never hashed differently from what its sender hashed). */
void json_canon(const struct json *v, struct wr *w);
