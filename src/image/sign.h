/* Image signatures as cosign attaches them: a "simple signing" payload, its signature in an annotation, both
 * in a manifest under the tag sha256-<hex>.sig beside the image.
 *
 * Form only. Whether a signature is good enough is image/policy.h's question. Certificates, Rekor entries and
 * bundles among the annotations are skipped: nothing here believes them.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "crypto/key.h"
#include "fmt/json.h"
#include "image/layout.h"
#include "image/ref.h"
#include "image/registry.h"

#define SIGN_MEDIA "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIGN_NOTE "dev.cosignproject.cosign/signature"
#define SIGN_PAYLOAD_MAX ((size_t)64 << 10)
#define SIGN_SET_MAX 64 /* signatures of one image */
#define SIGN_BYTES_MAX 1024 /* of one raw signature */

/* sha256-<hex>.sig */
#define SIGN_TAG_LEN 76 /* with NUL */
void sign_tag(const uint8_t digest[static 32], char out[static SIGN_TAG_LEN]);

struct sign_payload {
	struct json_doc *doc;
	struct span      reference;  /* critical.identity.docker-reference; borrowed from doc, not empty */
	uint8_t          digest[32]; /* critical.image.docker-manifest-digest */
};
void sign_payload_clear(struct sign_payload *p); /* CLEANUP-ready */
/* `critical` must hold exactly its three known members, and type "cosign container image signature". */
enum coffer_rc sign_payload_parse(struct span text, struct sign_payload *out, struct err *e) NODISCARD;
enum coffer_rc sign_payload_write(const char *reference, const uint8_t digest[static 32], struct wr *w, struct err *e) NODISCARD;

/* Candidates, unverified. */
struct sign_one {
	char  *payload; /* owned; the exact signed bytes */
	size_t payload_n;
	char  *sig;     /* owned; raw signature */
	size_t sig_n;
};
struct sign_set {
	size_t          n;
	struct sign_one at[SIGN_SET_MAX];
};
void sign_set_clear(struct sign_set *s); /* CLEANUP-ready */
/* Copies. `note` is the base64 of the annotation (line ends in it are skipped). */
enum coffer_rc sign_set_add(struct sign_set *s, struct span payload, struct span note, struct err *e) NODISCARD;

/* Reads the signatures of an image. None at all is COFFER_OK with n == 0; more than SIGN_SET_MAX is COFFER_E_LIMIT. */
enum coffer_rc sign_fetch(struct registry *r, const uint8_t digest[static 32], struct sign_set *out, struct err *e) NODISCARD;
enum coffer_rc sign_load(const struct layout *l, const uint8_t digest[static 32], struct sign_set *out, struct err *e) NODISCARD;

/* Signs as `cosign sign --key` does: payload and base64 annotation. */
enum coffer_rc sign_make(const struct privkey *k, const char *reference, const uint8_t digest[static 32], struct wr *payload,
    struct wr *note, struct err *e) NODISCARD;
/* The signature manifest; `old` (NULL or the manifest that is there now) keeps its layers before the new one. */
enum coffer_rc sign_manifest_write(const struct image_manifest *old, struct span payload, struct span note, struct span config,
    struct wr *w, struct err *e) NODISCARD;
/* The config blob of such a manifest for n layers with these payload digests. */
enum coffer_rc sign_config_write(const struct image_manifest *old, struct span payload, struct wr *w, struct err *e) NODISCARD;
