/* AES-256-GCM for whole messages and AES-256-CTR for layer streams. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define GCM_IV 12
#define GCM_TAG 16

/* ct must hold in.n bytes; ct == in.p is allowed. An IV must never repeat under a key: the caller's duty. */
enum coffer_rc gcm_seal(const uint8_t key[static 32], const uint8_t iv[static GCM_IV], struct span aad,
    struct span in, uint8_t *ct, uint8_t tag[static GCM_TAG], struct err *e) NODISCARD;

/* COFFER_E_DENIED (check "seal") when the tag is wrong; then out is wiped. out must hold ct.n bytes. */
enum coffer_rc gcm_open(const uint8_t key[static 32], const uint8_t iv[static GCM_IV], struct span aad,
    struct span ct, const uint8_t tag[static GCM_TAG], uint8_t *out, struct err *e) NODISCARD;

/* AES-256-CTR, 128-bit big-endian counter that starts at iv. Unauthenticated. */
struct ctr_stream;
enum coffer_rc ctr_open(
    const uint8_t key[static 32], const uint8_t iv[static 16], struct ctr_stream **out, struct err *e) NODISCARD;
enum coffer_rc ctr_run(struct ctr_stream *c, struct span in, uint8_t *out, struct err *e) NODISCARD; /* out may be in.p */
void ctr_free(struct ctr_stream *c);
static inline void ctr_freep(struct ctr_stream **c) { ctr_free(*c); *c = NULL; }

/* RFC 3394. wrapped.n == key.n + 8. */
enum coffer_rc kw_wrap(const uint8_t kek[static 32], struct span key, uint8_t *wrapped, struct err *e) NODISCARD;
enum coffer_rc kw_unwrap(const uint8_t kek[static 32], struct span wrapped, uint8_t *key, struct err *e) NODISCARD;
