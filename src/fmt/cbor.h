/* CBOR (RFC 8949) for hostile bytes, read in place: a value is a view of its own bytes, nothing is allocated or copied.
 *
 * Stricter than well-formed, so that bytes have one meaning: heads in their shortest form (section 4.2.1), text in UTF-8, map
 * keys integers or strings and none twice, nothing after the value. Arrays and maps of indefinite length are read; strings in
 * chunks are refused, because nothing that is read here may send them. Floats are passed over, never turned into numbers. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define CBOR_DEPTH_MAX 16
#define CBOR_ITEMS_MAX 16384u /* in one text */
#define CBOR_PAIRS_MAX 64u    /* in one map */

enum cbor_type { CBOR_UINT, CBOR_NINT, CBOR_BYTES, CBOR_TEXT, /* what keys may be; then the others */
	CBOR_ARRAY, CBOR_MAP, CBOR_TAG, CBOR_BOOL, CBOR_NULL, CBOR_UNDEFINED, CBOR_SIMPLE, CBOR_FLOAT };

/* Borrows the text. */
struct cbor {
	enum cbor_type type;
	uint64_t       u;    /* the number (NINT: -1 - u), items, pairs, tag number, 0 or 1, simple value, bits of a float */
	struct span    body; /* BYTES, TEXT: the content; ARRAY, MAP: the items encoded; TAG: the value encoded; else empty */
	struct span    raw;  /* the value encoded, with its head */
};

/* The whole of `in`. COFFER_E_INPUT with the byte offset; COFFER_E_LIMIT for the bounds above and beyond max_bytes. *out is
 * untouched on failure. */
enum coffer_rc cbor_open(struct span in, size_t max_bytes, struct cbor *out, struct err *e) NODISCARD;

/* What follows takes values that cbor_open or one of these gave. NULL or another type: the answer is false or nothing. */

struct cbor_iter { struct rd r; uint64_t left; };
struct cbor_iter cbor_items(const struct cbor *v);                           /* of an array */
bool             cbor_next(struct cbor_iter *it, struct cbor *out) NODISCARD; /* false past the end */
struct cbor_iter cbor_pairs(const struct cbor *v);                           /* of a map */
bool cbor_next_pair(struct cbor_iter *it, struct cbor *key, struct cbor *value) NODISCARD;
bool cbor_at(const struct cbor *v, size_t i, struct cbor *out) NODISCARD;         /* item of an array */
bool cbor_get(const struct cbor *v, int64_t key, struct cbor *out) NODISCARD;     /* member under an integer */
bool cbor_get_text(const struct cbor *v, const char *key, struct cbor *out) NODISCARD;
bool cbor_untag(const struct cbor *v, uint64_t tag, struct cbor *out) NODISCARD;  /* what the tag of that number is on */
bool cbor_int(const struct cbor *v, int64_t *out) NODISCARD;                      /* either sign, if it fits */
