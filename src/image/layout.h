/* An OCI image layout: a folder with oci-layout, index.json and blobs/sha256/.
 *
 * Blobs appear whole or not at all (written beside, fsynced, renamed); index.json is replaced atomically. Every
 * blob read is checked against its descriptor's size and digest before the call returns COFFER_OK.
 * One writer at a time: two that change index.json together may lose an entry.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "image/manifest.h"

#define LAYOUT_NOTE_TAG "org.opencontainers.image.ref.name"

struct layout;
/* Must be there and be version 1.0.x. */
enum coffer_rc layout_open(const char *dir, struct layout **out, struct err *e) NODISCARD;
/* Opens it, or makes an empty one (with parents) when there is none. */
enum coffer_rc layout_create(const char *dir, struct layout **out, struct err *e) NODISCARD;
void layout_free(struct layout *l);
static inline void layout_freep(struct layout **l) { layout_free(*l); *l = NULL; }

/* index.json as it was read or last written; borrowed. */
const struct image_index *layout_index(const struct layout *l);
/* The entry with that tag; tag NULL: the only entry that is no signature. COFFER_E_NOTFOUND otherwise. Borrowed until
 * the next layout_tag. */
enum coffer_rc layout_find(const struct layout *l, const char *tag, const struct descriptor **out, struct err *e) NODISCARD;

typedef enum coffer_rc (*layout_sink)(void *arg, struct span piece, struct err *e);
/* COFFER_E_DENIED (check "digest") when the bytes are not those named; the sink has seen them by then. */
enum coffer_rc layout_stream(const struct layout *l, const struct descriptor *d, layout_sink sink, void *arg,
    struct err *e) NODISCARD;
enum coffer_rc layout_read(const struct layout *l, const struct descriptor *d, size_t max, struct wr *out,
    struct err *e) NODISCARD;
bool layout_has(const struct layout *l, const uint8_t digest[static 32]);

/* A verified blob as mapped memory, for uploads: no copy on the heap. Unmap with layout_unmap. The file must not be
 * changed meanwhile by others. */
enum coffer_rc layout_map(const struct layout *l, const struct descriptor *d, struct span *out, struct err *e) NODISCARD;
void layout_unmap(struct span *s);

/* Writing a blob in pieces. */
struct layout_blob;
enum coffer_rc layout_blob_new(struct layout *l, struct layout_blob **out, struct err *e) NODISCARD;
enum coffer_rc layout_blob_add(struct layout_blob *b, struct span piece, struct err *e) NODISCARD;
/* Puts it in place and frees b, whatever happens. */
enum coffer_rc layout_blob_end(struct layout_blob *b, uint8_t digest[static 32], uint64_t *size, struct err *e) NODISCARD;
void layout_blob_free(struct layout_blob *b); /* gives the blob up */
static inline void layout_blob_freep(struct layout_blob **b) { layout_blob_free(*b); *b = NULL; }
enum coffer_rc layout_put(struct layout *l, struct span body, uint8_t digest[static 32], struct err *e) NODISCARD;

/* Puts a manifest or index and names it in index.json; an entry with the same tag is replaced. tag NULL: untagged. */
enum coffer_rc layout_tag(struct layout *l, const char *tag, const char *media_type, struct span body,
    uint8_t digest[static 32], struct err *e) NODISCARD;
