/* A small HTTP/1.1 client: plain or TLS, keep-alive, one request at a time.
 *
 * Replies are hostile: header block <= 64 KiB, bodies bounded by the caller,
 * Content-Length or chunked (never both), no obs-fold, no bare LF, no 1xx but 100.
 * Redirects are not followed here; the registry client follows them and drops
 * credentials when the origin changes.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

struct http; /* one connection to one origin; reconnects by itself when idle-closed */

struct http_opts {
	const char *host;     /* name or literal address */
	uint16_t    port;
	bool        tls;
	bool        verify_ca; /* see tls.h; false only with check_peer */
	bool        allow_12;
	struct span ca_pem;
	/* Called once per new TLS connection before any request is sent on it when set;
	 * anything but COFFER_OK closes the connection. */
	enum coffer_rc (*check_peer)(void *arg, const uint8_t spki_sha256[static 32], struct err *e);
	void       *check_arg;
	int64_t     timeout_ms; /* whole request, connect included; 0 = 60 s */
};

struct http_url { char host[256]; uint16_t port; bool tls; char path[1024]; };
/* "http[s]://host[:port][/path]"; no userinfo, no fragment. */
enum coffer_rc http_url_parse(struct span url, struct http_url *out, struct err *e) NODISCARD;

enum coffer_rc http_new(
    const struct http_opts *o, struct http **out, struct err *e) NODISCARD; /* copies the strings; connects lazily */
void http_free(struct http *h);
static inline void http_freep(struct http **h) { http_free(*h); *h = NULL; }

void http_timeout(struct http *h, int64_t ms); /* of the requests that follow; as http_opts.timeout_ms */

/* SPKI digest of the connected peer (connects if need be). */
enum coffer_rc http_peer(struct http *h, uint8_t spki_sha256[static 32], struct err *e) NODISCARD;

struct http_req {
	const char *method, *path;  /* path with query, already encoded */
	const char *content_type;   /* NULL when no body */
	struct span body;
	const char *headers;        /* NULL or further complete lines, each ended by \r\n */
	bool        once;           /* must not arrive twice as it stands; see http_unanswered */
};

struct http_res {
	int       status;
	struct wr head;  /* private: raw header block */
	struct wr body;
};
void http_res_clear(struct http_res *r); /* CLEANUP-ready; wipes */

/* First value of a header (case-insensitive name), {NULL,0} if absent. Borrowed from r. */
struct span http_header(const struct http_res *r, const char *name);

/* Whole reply in memory. Errors: COFFER_E_UPSTREAM (connection, framing, truncated), COFFER_E_LIMIT (body > max_body). */
enum coffer_rc http_do(struct http *h, const struct http_req *q, size_t max_body, struct http_res *out, struct err *e) NODISCARD;

/* A request of a method that may be repeated is sent once more by itself where a kept connection was closed before a byte of the reply came.
 * With `once` it is not: it ends with COFFER_E_UPSTREAM, and this is true until the next request; the caller may send it in other words. */
bool http_unanswered(const struct http *h);

/* As http_do, but a 2xx body goes to sink in pieces (other bodies into out->body, <= 64 KiB).
 * A sink error ends the transfer and is returned. */
typedef enum coffer_rc (*http_sink)(void *arg, struct span piece, struct err *e);
enum coffer_rc http_stream(struct http *h, const struct http_req *q, http_sink sink, void *arg, uint64_t max_body,
    struct http_res *out, struct err *e) NODISCARD;
