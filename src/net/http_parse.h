/* Replies, form only (RFC 9112): no socket, no clock. http.c feeds it.
 *
 * Stricter than the RFC wherever two readers could disagree about where a message
 * ends: CRLF only, no folding, no blanks around names, Content-Length or chunked and
 * never both, no chunk extensions.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"

#define HTTP_HEAD_MAX (64u << 10)

struct http_head {
	int      status;   /* 100..599 */
	bool     chunked;  /* exactly one of chunked and has_length, but for status without a body */
	bool     has_length;
	uint64_t length;
	bool     close;    /* the connection ends with this reply */
};

/* Bytes up to and including the first empty line, or 0 while there is none. */
size_t http_head_end(struct span buf);

/* A field value without the blanks and tabs around it (RFC 9110, OWS). */
struct span http_trim(struct span s);

/* block: as http_head_end measured it. COFFER_E_UPSTREAM for any other form; *out untouched then.
 * Whether a body is due for this request is http_head_body's question. */
enum coffer_rc http_head_parse(struct span block, struct http_head *out, struct err *e) NODISCARD;

/* Whether a body follows; COFFER_E_UPSTREAM when one is due whose end cannot be known. */
enum coffer_rc http_head_body(const struct http_head *h, bool head_request, bool *body, struct err *e) NODISCARD;

/* First value of a header in a block that http_head_parse accepted; {NULL,0} if absent. */
struct span http_head_find(struct span block, const char *name);

/* ---- chunked bodies, piecewise ---- */
struct http_chunks {
	enum { CHUNK_SIZE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER, CHUNK_DONE } at;
	uint64_t left;     /* of the current chunk */
	size_t   trailer;  /* bytes of trailer seen */
	char     line[20]; /* the size line so far; of a trailer line its first bytes */
	size_t   line_n;
};

/* Eats from the front of *in what it understands and hands out at most one piece of
 * content (*piece, borrowed from in, empty if there was none). Call until in is empty
 * or c->at == CHUNK_DONE; bytes after the end stay in *in. A zeroed struct is a new body. */
enum coffer_rc http_chunks_next(struct http_chunks *c, struct span *in, struct span *piece, struct err *e) NODISCARD;
