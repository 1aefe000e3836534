/* Inside net/ only: one connection, plain or TLS, every step with a deadline. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "crypto/tls.h"
#include "net/http.h"

struct conn {
	int         fd;   /* -1: none */
	struct tls *tls;  /* NULL when plain */
	bool        used; /* has carried a whole reply */
};

/* Resolves, connects, does the TLS handshake and asks check_peer. The resolver keeps its own time. */
enum coffer_rc conn_open(struct conn *c, const struct http_opts *o, int64_t deadline_ms, struct err *e) NODISCARD;
void           conn_close(struct conn *c); /* fine on a closed one */

/* Whether an idle connection can still carry a request: open, and nothing unasked for has come. */
bool conn_idle(const struct conn *c);

enum coffer_rc conn_write(struct conn *c, struct span s, int64_t deadline_ms, struct err *e) NODISCARD;
/* *n = 0 at the end of the stream. */
enum coffer_rc conn_read(struct conn *c, uint8_t *p, size_t cap, int64_t deadline_ms, size_t *n, struct err *e) NODISCARD;
