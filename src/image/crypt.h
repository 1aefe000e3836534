/* Encrypted layers (ocicrypt): annotations, wrapped keys, and the stream cipher.
 *
 * A layer is AES-256-CTR under a key of its own, with HMAC-SHA-256 (the same key) over the ciphertext; the key and
 * the counter's start are in the private options, which are wrapped for whoever may open the layer: in packets under a
 * key of the trust service, or in a JWE. Formats: containers/ocicrypt specification; CoCo annotation packets v1, v2.
 * Beyond what others check: a counter start in the public options is refused (it would override the wrapped one and is
 * covered by no MAC), and the decrypted layer must have the digest its private options name.
 */
#pragma once
#include "base/secret.h"
#include "base/wr.h"
#include "fmt/json.h"
#include "image/manifest.h"
#include "image/pull.h"

#define CRYPT_NOTE_PREFIX "org.opencontainers.image.enc."
#define CRYPT_NOTE_PUBOPTS "org.opencontainers.image.enc.pubopts"
#define CRYPT_NOTE_PACKETS "org.opencontainers.image.enc.keys.provider.attestation-agent"
#define CRYPT_NOTE_JWE "org.opencontainers.image.enc.keys.jwe"
#define CRYPT_NOTE_MAX ((size_t)64 << 10) /* bytes of one annotation */
#define CRYPT_PACKETS_MAX 16
#define CRYPT_KID_MAX 512

struct crypt_pubopts {
	uint8_t hmac[32]; /* over the ciphertext */
};
/* `note` is the annotation: base64 of the JSON. */
enum coffer_rc crypt_pubopts_parse(struct span note, struct crypt_pubopts *out, struct err *e) NODISCARD;
enum coffer_rc crypt_pubopts_write(const struct crypt_pubopts *p, struct wr *note, struct err *e) NODISCARD;

struct crypt_private {
	struct secret key;        /* 32 bytes */
	uint8_t       nonce[16];  /* start of the counter; public once the key is known to be right */
	uint8_t       digest[32]; /* of the layer before encryption, compressed as it was */
};
void crypt_private_clear(struct crypt_private *p); /* CLEANUP-ready; wipes */
enum coffer_rc crypt_private_parse(struct span json, struct crypt_private *out, struct err *e) NODISCARD;
/* w holds the key afterwards: wr_close it. */
enum coffer_rc crypt_private_write(const struct crypt_private *p, struct wr *w, struct err *e) NODISCARD;
/* Fresh key and nonce. */
enum coffer_rc crypt_private_new(const uint8_t digest[static 32], struct crypt_private *out, struct err *e) NODISCARD;

enum crypt_wrap { CRYPT_A256GCM, CRYPT_A256CTR };
struct crypt_packet {
	char           *kid;     /* owned; names the wrapping key, e.g. "kbs:///org/image-key/app" */
	enum crypt_wrap wrap;
	struct wr       wrapped; /* owned */
	uint8_t         iv[16];  /* 12 bytes used with GCM */
};
struct crypt_packets {
	size_t              n;
	struct crypt_packet at[CRYPT_PACKETS_MAX];
};
void crypt_packet_clear(struct crypt_packet *p);
void crypt_packets_clear(struct crypt_packets *p);
/* One packet's JSON. Both versions; a provider other than "kbs" is refused (its key service is not built). */
enum coffer_rc crypt_packet_parse(struct span json, struct crypt_packet *out, struct err *e) NODISCARD;
/* The annotation: base64 packets joined by commas. All must parse. */
enum coffer_rc crypt_packets_parse(struct span note, struct crypt_packets *out, struct err *e) NODISCARD;
/* kek.n must be 32. COFFER_E_DENIED (check "decrypt") when the key does not fit. A256CTR is not authenticated: a wrong
 * key shows as private options that are no JSON. */
enum coffer_rc crypt_packet_open(const struct crypt_packet *p, const struct secret *kek, struct crypt_private *out,
    struct err *e) NODISCARD;
/* One v2 packet with A256GCM, base64, appended to note. */
enum coffer_rc crypt_packet_seal(const char *kid, const struct secret *kek, const struct crypt_private *p, struct wr *note,
    struct err *e) NODISCARD;

/* A key name as users write it ("kbs:///r/t/n", "kbs://host/r/t/n", "/r/t/n", "host/r/t/n") as "kbs://[host]/r/t/n".
 * Exactly three path segments of [A-Za-z0-9_.-], none of them dots only. Caller frees *out. */
enum coffer_rc crypt_kid_normal(struct span text, char **out, struct err *e) NODISCARD;

/* What may open a layer. Unset members are not tried. */
struct crypt_keys {
	image_get_key get_key; /* for packets; asked in the order of the packets until one opens */
	void         *arg;
	struct span   pem;     /* private key (RSA, P-256) for a JWE; unencrypted or with pass */
	struct span   pass;
};

struct crypt_layer {
	struct crypt_private priv;
	struct crypt_pubopts pub;
};
void crypt_layer_clear(struct crypt_layer *l);
/* From the annotations of an encrypted layer. Errors of get_key are returned when no packet could be opened;
 * COFFER_E_DENIED (check "decrypt") when nothing fits. */
enum coffer_rc crypt_unlock(const struct descriptor *d, const struct crypt_keys *k, struct crypt_layer *out,
    struct err *e) NODISCARD;

/* Pieces in order. Nothing that crypt_add decrypted may be relied upon before crypt_verify has said COFFER_OK. */
struct crypt_stream;
enum coffer_rc crypt_decrypt(const struct crypt_layer *l, struct crypt_stream **out, struct err *e) NODISCARD;
enum coffer_rc crypt_encrypt(const struct crypt_private *p, struct crypt_stream **out, struct err *e) NODISCARD;
/* dst holds in.n bytes; dst == in.p is allowed. */
enum coffer_rc crypt_add(struct crypt_stream *s, struct span in, uint8_t *dst, struct err *e) NODISCARD;
/* Decryption: COFFER_E_DENIED (check "decrypt") unless HMAC and plaintext digest are right. Ends the stream. */
enum coffer_rc crypt_verify(struct crypt_stream *s, struct err *e) NODISCARD;
/* Encryption: the HMAC for the public options. Ends the stream. */
void crypt_finish(struct crypt_stream *s, struct crypt_pubopts *out);
void crypt_free(struct crypt_stream *s);
static inline void crypt_freep(struct crypt_stream **s) { crypt_free(*s); *s = NULL; }
