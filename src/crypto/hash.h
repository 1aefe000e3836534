/* Digests, HMAC, HKDF and random bytes over OpenSSL EVP. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

enum hash_alg { HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_SHA1 }; /* SHA-1: old PCR banks only; nothing is signed or named with it */
#define HASH_MAX 64

size_t      hash_len(enum hash_alg a);
const char *hash_name(enum hash_alg a); /* "sha256", "sha384", "sha512" */
bool        hash_by_name(struct span name, enum hash_alg *out) NODISCARD; /* "sha256", "sha384", "sha512" only */

/* One shot. Abort on an OpenSSL failure: a process that cannot hash cannot decide. */
void sha256(struct span in, uint8_t out[static 32]);
void hash_once(enum hash_alg a, struct span in, uint8_t out[static HASH_MAX]); /* first hash_len(a) bytes written */
void hmac_sha256(struct span key, struct span in, uint8_t out[static 32]);

/* RFC 5869, SHA-256; out.n <= 255*32. */
void hkdf_sha256(struct span key, struct span salt, struct span info, uint8_t *out, size_t n);

/* Streaming, for layers and files. */
struct hash_stream; /* opaque */
struct hash_stream *hash_open(enum hash_alg a);                    /* aborts when out of memory */
struct hash_stream *hmac_open(struct span key);                    /* HMAC-SHA256 */
void   hash_add(struct hash_stream *h, struct span s);
void   hash_end(struct hash_stream *h, uint8_t out[static HASH_MAX]); /* frees h */
void   hash_free(struct hash_stream *h);
static inline void hash_freep(struct hash_stream **h) { hash_free(*h); *h = NULL; }

/* Kernel-seeded randomness; aborts rather than return weak bytes. */
void random_bytes(uint8_t *p, size_t n);
