/* OCI image index, manifest and config, and their docker (schema 2) forms.
 *
 * Strict where a decision hangs on it: schemaVersion 2, a mediaType that fits, SHA-256 digests, sizes within
 * bounds, layers of a known type. Other members are skipped, as the OCI specification demands.
 * Digests of the texts themselves are the caller's to compare before parsing. Bytes in, structs out.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "fmt/inflate.h"
#include "fmt/json.h"

#define MANIFEST_MAX ((size_t)4 << 20)         /* bytes of a manifest or index */
#define IMAGE_CONFIG_MAX ((size_t)4 << 20)     /* bytes of a config */
#define MANIFEST_LAYERS_MAX 256
#define MANIFEST_ENTRIES_MAX 512               /* of an index */
#define MANIFEST_LAYER_BYTES_MAX ((uint64_t)64 << 30) /* of one blob, as stored */

#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"

struct descriptor { /* spans and values are borrowed from the document */
	struct span        media_type;
	uint8_t            digest[32]; /* SHA-256 */
	uint64_t           size;       /* bytes */
	const struct json *annotations; /* object with string values only, or NULL */
	const struct json *value;       /* the whole descriptor */
};
/* Value of an annotation, {NULL,0} when absent. */
struct span descriptor_note(const struct descriptor *d, const char *name);
enum coffer_rc descriptor_parse(const struct json *v, const char *where, uint64_t max_size, struct descriptor *out,
    struct err *e) NODISCARD;

struct layer_kind {
	enum inflate_kind compression;
	bool              encrypted;
};
/* COFFER_E_INPUT for a type that is no tar layer of OCI or docker. */
enum coffer_rc layer_kind_of(struct span media_type, struct layer_kind *out, struct err *e) NODISCARD;

struct image_manifest {
	struct json_doc   *doc;    /* owned; everything below borrows from it */
	struct descriptor  config;
	size_t             n_layers;
	struct descriptor *layers; /* owned; bottom first. Types are not judged here: a signature is a manifest too */
	bool               docker;
};
void image_manifest_clear(struct image_manifest *m); /* CLEANUP-ready; OK on a zero struct */

struct index_entry {
	struct descriptor d;
	struct span       os, architecture, variant; /* empty without a platform */
};
struct image_index {
	struct json_doc    *doc;
	size_t              n;
	struct index_entry *entry; /* owned */
};
void image_index_clear(struct image_index *x);

struct image_config {
	struct json_doc *doc;
	size_t           n_diff_ids;
	uint8_t        (*diff_id)[32]; /* owned; SHA-256 of the unpacked layer archives, bottom first */
};
void image_config_clear(struct image_config *c);

/* Whether the text is an index (or docker list): by mediaType, or by its members when there is none. A text that
 * could be read both ways is refused. */
enum coffer_rc manifest_is_index(struct span text, bool *out, struct err *e) NODISCARD;

enum coffer_rc image_manifest_parse(struct span text, struct image_manifest *out, struct err *e) NODISCARD;
enum coffer_rc image_index_parse(struct span text, struct image_index *out, struct err *e) NODISCARD;
/* os and architecture must be linux and amd64: the only machine this program builds guests for. */
enum coffer_rc image_config_parse(struct span text, struct image_config *out, struct err *e) NODISCARD;

/* The one entry for linux/amd64 (variant empty or "v1"); COFFER_E_NOTFOUND without one. Several: the first, as
 * the OCI specification has it. Attestation entries (platform unknown/unknown) are never chosen. */
enum coffer_rc image_index_choose(const struct image_index *x, const struct descriptor **out, struct err *e) NODISCARD;

/* That config and manifest belong together: as many diff_ids as layers, at least one, and each layer of a known type. */
enum coffer_rc manifest_match(const struct image_manifest *m, const struct image_config *c, struct err *e) NODISCARD;
