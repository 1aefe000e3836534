/* Reference values of a CoRIM (draft-ietf-rats-corim): the digests and raw values of its CoMID tags' reference triples.
 *
 * Named as upstream's extractor names them: vendor, model, measured element (UUID, text, or "claim" and its number), name and
 * serial number, as far as they are there, then "digests" or "raw_bytes", with slashes between. A part that has a slash or a
 * control character itself is refused: it could be another value's name. Other triples, and tags that are no CoMID, are passed
 * over; so are validity times and whom the environment names beyond its class. */
#pragma once
#include "crypto/cose.h"
#include "fmt/json.h"

#define CORIM_MAX COSE_MAX
#define CORIM_VALUES_MAX 1024
#define CORIM_NAME_MAX 256 /* with the NUL */
#define CORIM_DIGESTS_MAX 8

struct corim_value { char name[CORIM_NAME_MAX]; struct span bytes[CORIM_DIGESTS_MAX]; size_t n; };

enum corim_proof {
	CORIM_UNSIGNED,   /* no signature: whoever uses the values must have another's word for the whole text */
	CORIM_UNVERIFIED, /* signed, and no key was given */
	CORIM_VERIFIED,
};
/* Borrows the text; owns the list. */
struct corim { enum corim_proof proof; struct corim_value *v; size_t n; };
void corim_clear(struct corim *c); /* CLEANUP-ready */

/* Signed (COSE_Sign1) or not, each with or without the outer tags 500 and 502. With a key the text must be signed by it:
 * COFFER_E_DENIED (check "corim") otherwise. COFFER_E_INPUT, COFFER_E_LIMIT, COFFER_E_SYSTEM. *out untouched on failure. */
enum coffer_rc corim_read(struct span in, const struct vkey *key, struct corim *out, struct err *e) NODISCARD;

/* The values as a JSON object: name -> list of hex, names in the text's order; what comes under one name twice is one list.
 * Signatures are NOT judged (corim_read is for that). */
enum coffer_rc corim_reference_values(struct span in, struct json_wr *out, struct err *e) NODISCARD;
