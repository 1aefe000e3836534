/* What others say of an image, beside it in its registry: artefacts whose manifest names the image as its subject (OCI image
 * specification 1.1, "manifest" and "referrers"; distribution specification 1.1, "Listing Referrers").
 *
 * A registry that has the referrers API lists them itself; for one that has not, their index is kept under the tag
 * sha256-<hex> of the subject, as that specification has it. Neither list is believed: an artefact counts by its digest, and what it says
 * by whoever signed it. Two writers at once may lose one entry of such a tag; the artefact stays, by digest.
 */
#pragma once
#include "image/registry.h"

#define REFERRERS_MAX 64
#define REFERRER_TYPE_MAX 256
#define REFERRER_BYTES_MAX ((size_t)8 << 20)

struct referrer {
	char    type[REFERRER_TYPE_MAX]; /* artifactType; "" where none is said */
	uint8_t digest[32];              /* of its manifest */
};
struct referrers { size_t n; struct referrer at[REFERRERS_MAX]; };

/* What the registry lists for the subject; none is COFFER_OK with n == 0. Those beyond REFERRERS_MAX are not shown. */
enum coffer_rc referrers_list(struct registry *r, const uint8_t subject[static 32], struct referrers *out, struct err *e) NODISCARD;

/* The artefact's one blob, checked against the digests on the way from `digest`, and that it is about the subject. COFFER_E_DENIED check "digest". */
enum coffer_rc referrer_read(struct registry *r, const uint8_t subject[static 32], const uint8_t digest[static 32], struct wr *out,
    struct err *e) NODISCARD;

struct referrer_new {
	const uint8_t *subject; /* 32 bytes; an image that is in the registry */
	const char    *type;    /* artifactType */
	const char    *media_type; /* of the blob */
	struct span    body;
};
/* Uploads it. *digest: of its manifest. */
enum coffer_rc referrer_put(struct registry *r, const struct referrer_new *n, uint8_t digest[static 32], struct err *e) NODISCARD;
