/* One layer from its stored bytes to a folder: [decrypt + HMAC] -> inflate -> diff_id -> unpack.
 *
 * Two threads: the caller's fetches, decrypts and inflates, a second one hashes and unpacks; between them is a queue
 * of fixed size, so memory does not grow with the layer. The work is done in a folder ".N", which becomes "N" only when the
 * stored digest, HMAC and diff_id are right, and is removed otherwise.
 */
#pragma once
#include "fmt/inflate.h"
#include "image/crypt.h"
#include "image/unpack.h"

#define LAYER_RATIO 1100              /* inflated bytes for each stored byte (gzip itself cannot exceed 1032) ... */
#define LAYER_RATIO_FREE ((uint64_t)64 << 20) /* ... beyond this many */

typedef enum coffer_rc (*layer_sink)(void *arg, struct span piece, struct err *e);
/* Gives all stored bytes to sink in order, and returns COFFER_OK only when their digest is the layer's. */
typedef enum coffer_rc (*layer_source)(void *arg, layer_sink sink, void *sink_arg, struct err *e);

struct layer_job {
	int dir_fd;   /* the image's folder */
	size_t index; /* name of the layer's folder */
	enum inflate_kind compression;
	const struct crypt_layer *lock; /* NULL: not encrypted */
	const uint8_t *diff_id;         /* 32 bytes */
	struct unpack_budget *budget;
	layer_source source;
	void *source_arg;
};

/* *root_opaque: see unpack_root_opaque. COFFER_E_DENIED with check "digest" (source, diff_id), "decrypt" (HMAC) or
 * "unpack" (malformed or forbidden archive); COFFER_E_LIMIT; others as source and unpack. When archive or compression
 * are broken the rest is still fetched, so that altered bytes are reported as such and not by their symptom. */
enum coffer_rc layer_unpack(const struct layer_job *j, bool *root_opaque, struct err *e) NODISCARD;
