/* OCI distribution client for one repository of one registry.
 *
 * Every byte fetched by digest is checked against that digest before the call returns COFFER_OK; a
 * tag is only a lookup, so the caller must compare the digest it gets back with the one it expects.
 * Plain HTTP is spoken only to hosts the caller lists, redirect targets included. At most 5 redirects are
 * followed and no credentials are ever sent anywhere: a registry that asks for a login (401) is
 * refused with a sentence that says so.
 *
 * Connection failures, 429 and 5xx are tried 3 times with a growing pause; a wrong digest never is.
 * Errors: COFFER_E_NOTFOUND (404), COFFER_E_UPSTREAM (everything else the network or registry did),
 * COFFER_E_DENIED check "digest" (bytes are not what was named), COFFER_E_LIMIT, COFFER_E_INPUT (name).
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "fmt/json.h"

#define REGISTRY_MANIFEST_MAX ((size_t)4 << 20) /* bytes; the OCI distribution specification's own bound */
#define REGISTRY_REDIRECTS 5
#define REGISTRY_TRIES 3

struct registry; /* keeps its connections open between calls; one thread at a time */

struct registry_opts {
	const char *host; /* "host[:port]"; port 443, or 80 when listed in plain_http */
	const char *repo; /* "name/of/repo", as ref.h accepts it */
	const struct json *plain_http; /* array of "host[:port]" spoken to without TLS; NULL = none; must outlive the registry */
	struct span ca_pem; /* anchors; empty = the system's store; must outlive the registry */
	int64_t timeout_ms; /* one small request; 0 = 60 s. Blobs get 30 times that */
};

enum coffer_rc registry_new(const struct registry_opts *o, struct registry **out, struct err *e) NODISCARD; /* connects lazily */
void registry_free(struct registry *r);
static inline void registry_freep(struct registry **r) { registry_free(*r); *r = NULL; }

/* `reference` is a tag or "sha256:<64 hex>". Body is appended to out (<= REGISTRY_MANIFEST_MAX), digest is
 * the SHA-256 of the body; when the reference is a digest the two are compared here. */
enum coffer_rc registry_get_manifest(struct registry *r, const char *reference, struct wr *out, uint8_t digest[static 32],
    struct err *e) NODISCARD;

/* The registry's own list of artefacts about a manifest: an OCI index. COFFER_E_NOTFOUND where it keeps none. Nothing in it is checked. */
enum coffer_rc registry_get_referrers(struct registry *r, const uint8_t digest[static 32], struct wr *out, struct err *e) NODISCARD;

/* COFFER_OK: the registry says it has it. COFFER_E_NOTFOUND: it says not. Only a hint, proves nothing. */
enum coffer_rc registry_head_manifest(struct registry *r, const char *reference, struct err *e) NODISCARD;
enum coffer_rc registry_head_blob(struct registry *r, const uint8_t digest[static 32], struct err *e) NODISCARD;

typedef enum coffer_rc (*registry_sink)(void *arg, struct span piece, struct err *e);
struct registry_blob {
	const uint8_t *digest; /* 32 bytes, SHA-256 */
	uint64_t size; /* bytes, from the descriptor; more is COFFER_E_DENIED "digest" at once */
};

/* Streams a blob. A retry starts from the first byte again but what the sink already has is skipped, so
 * the sink sees one contiguous stream, and the digest is over exactly the bytes the sink was given. The
 * sink must not act on them for good before COFFER_OK. A sink error ends the transfer and is returned. */
enum coffer_rc registry_get_blob(
    struct registry *r, const struct registry_blob *b, registry_sink sink, void *arg, struct err *e) NODISCARD;

/* Small blobs (configs, signature payloads) appended to out; LIMIT when b->size > max. */
enum coffer_rc registry_read_blob(
    struct registry *r, const struct registry_blob *b, size_t max, struct wr *out, struct err *e) NODISCARD;

/* Monolithic upload (POST, then PUT); skipped when the registry says it has the blob already. */
enum coffer_rc registry_put_blob(struct registry *r, struct span body, struct err *e) NODISCARD;
enum coffer_rc registry_put_manifest(struct registry *r, const char *reference, const char *media_type, struct span body,
    struct err *e) NODISCARD;
