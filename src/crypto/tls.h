/* TLS client over a connected socket: TLS 1.3 only (1.2 for registries when
 * allow_12), by blocking reads and writes with an absolute deadline. */
#pragma once
#include "crypto/key.h"

struct tls; /* opaque; owns neither the socket nor the CA text */

struct tls_opts {
	const char *host;      /* SNI, and the name to verify when verify_ca */
	struct span ca_pem;    /* anchors; empty = the system's store */
	bool        verify_ca; /* false: the caller MUST check tls_peer_key itself before it trusts a byte */
	bool        allow_12;
	int64_t     deadline_ms; /* clock_monotonic_ms() value */
};

/* Errors: COFFER_E_UPSTREAM (connection), COFFER_E_DENIED (check "tls": certificate). */
enum coffer_rc tls_connect(int fd, const struct tls_opts *o, struct tls **out, struct err *e) NODISCARD;

/* Key of the peer's certificate as SHA-256 of its SubjectPublicKeyInfo. */
enum coffer_rc tls_peer_key(const struct tls *t, uint8_t spki_sha256[static 32], struct err *e) NODISCARD;

/* *n = 0 at end of stream (a stream cut without close_notify is an error). */
enum coffer_rc tls_read(struct tls *t, uint8_t *p, size_t cap, int64_t deadline_ms, size_t *n, struct err *e) NODISCARD;
enum coffer_rc tls_write(struct tls *t, struct span s, int64_t deadline_ms, struct err *e) NODISCARD;
void tls_free(struct tls *t);
static inline void tls_freep(struct tls **t) { tls_free(*t); *t = NULL; }
