/* A small HTTP/1.1 server in one thread: one request a connection, bounded, with a deadline each. For a guest's own containers and
 * for a witness; what stands before the world (cofferd-net) does not use it.
 *
 * Head <= 8 KiB, body <= 64 KiB, Content-Length only, no bare LF, no folded lines, ten seconds from accept to the last byte. Each
 * listener has an equal share of the connections, at least HTTP_SERVE_CONNS_MAX / HTTP_SERVE_LISTENERS_MAX: none takes another's.
 */
#pragma once
#include <poll.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

#define HTTP_IN_HEAD_MAX 8192
#define HTTP_IN_BODY_MAX 65536
#define HTTP_SERVE_CONNS_MAX 32
#define HTTP_SERVE_LISTENERS_MAX 16
#define HTTP_SERVE_DEADLINE_MS 10000

/* ---- http_in.c: pure ---- */
struct http_in { struct span method, path, query, body; }; /* query: without '?', empty if none */

/* *complete = false: more bytes are needed. COFFER_E_INPUT malformed, COFFER_E_LIMIT too long. Spans borrow `in`; *out is
 * written only when complete. Bytes behind the request are malformed: nobody pipelines here. */
enum coffer_rc http_in_read(struct span in, bool *complete, struct http_in *out, struct err *e) NODISCARD;

struct http_out { int status; const char *type; struct wr body; }; /* the body may hold a secret: wr wipes it */
void http_out_write(const struct http_out *r, struct wr *out);

/* ---- http_serve.c ---- */
struct http_serve;
/* Answers a whole request. caller: index of the listener that it came to. An error of it drops the connection. */
typedef enum coffer_rc (*http_serve_fn)(void *arg, size_t caller, const struct http_in *q, struct http_out *out, struct err *e);
struct http_serve_how { http_serve_fn serve; void *arg; };

/* Takes over the listening sockets, which do not block: 1 to HTTP_SERVE_LISTENERS_MAX of them; on failure they stay the caller's. */
enum coffer_rc http_serve_new(const int *listener, size_t n, const struct http_serve_how *how, struct http_serve **out,
    struct err *e) NODISCARD;
void http_serve_close(struct http_serve *r);
static inline void http_serve_closep(struct http_serve **r) { http_serve_close(*r); *r = NULL; }
/* What to poll (at most HTTP_SERVE_CONNS_MAX + HTTP_SERVE_LISTENERS_MAX entries) and what to do afterwards; a turn is wanted every
 * second, for the deadlines. */
size_t http_serve_poll(const struct http_serve *r, struct pollfd *p);
void   http_serve_step(struct http_serve *r);
