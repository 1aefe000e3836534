/* The whole image path in one call, as the guest uses it:
 * registry -> manifest (digest as demanded) -> signature policy -> layers: digest, decrypt, HMAC, inflate, diff_id, unpack.
 */
#pragma once
#include "base/secret.h"
#include "fmt/json.h"

/* Hands over the 32-byte key-encryption key that an annotation packet names. An error ends the pull and is returned. */
typedef enum coffer_rc (*image_get_key)(void *arg, const char *kid, struct secret *out, struct err *e);

/* Hands over a private key (PEM) for layers whose key is wrapped as a JWE, as skopeo writes it: a JWE names nobody. Asked at most
 * once a pull, and only when such a layer has no packet. */
typedef enum coffer_rc (*image_get_pem)(void *arg, struct secret *out, struct err *e);

/* How far a pull is: of bytes as they are stored in the registry, the layers' alone. Said before the first byte and with each piece that came; a piece that a
 * broken layer ends with is among them. Sizes are the signed manifest's. */
struct image_progress { size_t layer, n_layers; uint64_t bytes, total; }; /* layer: from 1 */
typedef void (*image_progress_cb)(void *arg, const struct image_progress *p);

struct image_pull {
	const char   *reference;      /* "host[:port]/repo@sha256:..." (a tag beside it is ignored) */
	uint8_t       digest[32];     /* of the image manifest or index: what the reference must resolve to */
	struct span   policy;         /* policy.json; empty = reject */
	const struct json *plain_http; /* array of "host:port" that may be spoken to without TLS; NULL = none */
	struct span   ca_pem;         /* further anchors for registries; may be empty */
	image_get_key get_key;
	image_get_pem get_pem;         /* NULL: such layers are refused */
	void         *key_arg;
	image_progress_cb progress;    /* NULL: nobody asks */
	void         *progress_arg;
	const char   *dir;            /* empty folder; layers go to dir/0, dir/1, ... bottom first (overlay whiteouts) */
	uint64_t      max_bytes;      /* unpacked, all layers; 0 = 16 GiB */
	uint64_t      max_entries;    /* 0 = 4 million */
};
struct image_pulled {
	size_t           n_layers;
	struct json_doc *config; /* image config; owned */
	uint64_t         bytes;  /* compressed bytes fetched */
};
void image_pulled_clear(struct image_pulled *p);

/* Denials name their check: "digest" (what was fetched is not what was named), "policy" (default reject), "signature",
 * "decrypt", "unpack". On failure nothing is left in dir. The rootfs must not be used before COFFER_OK. */
enum coffer_rc image_pull(const struct image_pull *o, struct image_pulled *out, struct err *e) NODISCARD;
