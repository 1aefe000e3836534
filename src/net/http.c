#include "net/http.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "net/http_conn.h"
#include "net/http_parse.h"

#define READ_MAX (32u << 10)
#define OTHER_BODY_MAX (64u << 10) /* http_stream: bodies of replies that are not 2xx */
#define DEFAULT_TIMEOUT_MS 60000
#define CONTINUES_MAX 4

struct http {
	struct http_opts o;     /* its strings are the copies below */
	char            *host, *authority;
	struct wr        ca;
	struct conn      conn;
	int64_t          deadline;
	uint8_t          buf[READ_MAX]; /* received and not yet used: buf[at..end) */
	size_t           at, end;
	bool             unanswered;
};

/* Where a body goes. */
struct dest {
	http_sink sink;    /* NULL: everything into body */
	void     *arg;
	uint64_t  max;     /* bytes, of a 2xx body if sink is set */
	uint64_t  done;
	struct wr body;
};

static void dest_clear(struct dest *d)
{
	wr_close(&d->body);
}

/* ---- the object ---- */

static char *authority_of(const struct http_opts *o)
{
	uint8_t addr[16];
	bool v6 = inet_pton(AF_INET6, o->host, addr) == 1;

	if (o->port == (o->tls ? 443 : 80))
		return str_fmt(v6 ? "[%s]" : "%s", o->host);
	return str_fmt(v6 ? "[%s]:%u" : "%s:%u", o->host, (unsigned)o->port);
}

static bool is_line_safe(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return false;
	}
	return true;
}

enum coffer_rc http_new(const struct http_opts *o, struct http **out, struct err *e)
{
	CLEANUP(http_freep) struct http *h = NULL;

	if (!o->host || o->host[0] == 0 || !is_line_safe(o->host) || o->port == 0)
		return err_set(e, COFFER_E_INPUT, "HTTP: bad host or port");
	if (o->tls && !o->verify_ca && !o->check_peer)
		return err_set(e, COFFER_E_BUG, "HTTP: a TLS connection whose peer nobody checks");
	h = calloc(1, sizeof(*h));
	if (!h)
		return err_set(e, COFFER_E_SYSTEM, "HTTP: out of memory");
	h->conn.fd = -1;
	h->o = *o;
	h->ca = wr_open(o->ca_pem.n);
	wr_put(&h->ca, o->ca_pem);
	h->o.ca_pem = wr_span(&h->ca);
	h->host = str_fmt("%s", o->host);
	h->authority = authority_of(o);
	if (!h->host || !h->authority || !wr_ok(&h->ca))
		return err_set(e, COFFER_E_SYSTEM, "HTTP: out of memory");
	h->o.host = h->host;
	*out = MOVE(h);
	return COFFER_OK;
}

static void disconnect(struct http *h)
{
	conn_close(&h->conn);
	explicit_bzero(h->buf, sizeof(h->buf));
	h->at = h->end = 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	disconnect(h);
	wr_close(&h->ca);
	free(h->host);
	free(h->authority);
	free(h);
}

void http_res_clear(struct http_res *r)
{
	wr_close(&r->head);
	wr_close(&r->body);
	*r = (struct http_res){ 0 };
}

struct span http_header(const struct http_res *r, const char *name)
{
	return http_head_find(wr_span(&r->head), name);
}

/* ---- the request ---- */

/* The caller's own lines: whole, well formed, and none that would move the end of the message. */
static bool headers_ok(const char *s)
{
	static const char *const ours[] = { "host:", "content-length:", "transfer-encoding:", "connection:" };

	while (*s) {
		const char *end = strstr(s, "\r\n");

		if (!end || end == s || *s == ' ' || *s == '\t' || !memchr(s, ':', (size_t)(end - s)))
			return false;
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
			if (strncasecmp(s, ours[i], strlen(ours[i])) == 0)
				return false;
		}
		for (; s < end; s++) {
			if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
				return false;
		}
		s = end + 2;
	}
	return true;
}

static enum coffer_rc write_request(const struct http *h, const struct http_req *q, struct wr *w, struct err *e)
{
	bool body =
	    q->body.n > 0 || strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0 || strcmp(q->method, "PATCH") == 0;

	if (q->method[0] == 0 || !is_line_safe(q->method) || q->path[0] != '/' || !is_line_safe(q->path) ||
	    strlen(q->path) > 8192)
		return err_set(e, COFFER_E_INPUT, "HTTP request: bad method or path");
	if (q->headers && !headers_ok(q->headers))
		return err_set(e, COFFER_E_INPUT, "HTTP request: bad header lines");
	if (q->content_type && strpbrk(q->content_type, "\r\n"))
		return err_set(e, COFFER_E_INPUT, "HTTP request: bad content type");
	wr_fmt(w, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: coffer/" COFFER_VERSION "\r\n", q->method, q->path, h->authority);
	if (body)
		wr_fmt(w, "Content-Length: %zu\r\n", q->body.n);
	if (q->content_type)
		wr_fmt(w, "Content-Type: %s\r\n", q->content_type);
	wr_str(w, q->headers ? q->headers : "");
	wr_str(w, "\r\n");
	wr_put(w, q->body.n <= READ_MAX ? q->body : (struct span){ 0 }); /* small ones go in the same packet */
	return wr_done(w, "HTTP request", e);
}

static enum coffer_rc send_request(struct http *h, const struct http_req *q, struct err *e)
{
	CLEANUP(wr_close) struct wr w = wr_open(HTTP_HEAD_MAX + READ_MAX);

	TRY(write_request(h, q, &w, e));
	TRY(conn_write(&h->conn, wr_span(&w), h->deadline, e));
	if (q->body.n > READ_MAX)
		return conn_write(&h->conn, q->body, h->deadline, e);
	return COFFER_OK;
}

/* ---- the reply ---- */

/* At least one more byte into the empty buffer. */
static enum coffer_rc refill(struct http *h, struct err *e)
{
	size_t n = 0;

	h->at = h->end = 0;
	TRY(conn_read(&h->conn, h->buf, sizeof(h->buf), h->deadline, &n, e));
	if (n == 0)
		return err_set(e, COFFER_E_UPSTREAM, "the connection was closed in the middle of the reply");
	h->end = n;
	return COFFER_OK;
}

/* Collects one header block; bytes behind it stay in the buffer. */
static enum coffer_rc read_block(struct http *h, struct wr *block, struct err *e)
{
	for (;;) {
		size_t was = block->n, from = was < 3 ? 0 : was - 3, room = HTTP_HEAD_MAX - was, have, end;

		if (h->at == h->end)
			TRY(refill(h, e));
		have = h->end - h->at;
		wr_put(block, (struct span){ h->buf + h->at, have < room ? have : room });
		TRY(wr_done(block, "HTTP header block", e));
		end = http_head_end((struct span){ block->p + from, block->n - from });
		if (end > 0) {
			block->n = from + end;
			h->at += block->n - was;
			return COFFER_OK;
		}
		if (have >= room)
			return err_set(e, COFFER_E_UPSTREAM, "HTTP reply: header block longer than %u bytes", HTTP_HEAD_MAX);
		h->at = h->end;
	}
}

static enum coffer_rc read_head(struct http *h, struct wr *block, struct http_head *head, struct err *e)
{
	for (int i = 0; i <= CONTINUES_MAX; i++) {
		wr_close(block);
		TRY(read_block(h, block, e));
		TRY(http_head_parse(wr_span(block), head, e));
		if (head->status >= 200)
			return COFFER_OK;
		if (head->status != 100)
			return err_set(e, COFFER_E_UPSTREAM, "HTTP reply: status %d", head->status);
	}
	return err_set(e, COFFER_E_UPSTREAM, "HTTP reply: more than %d times 100 Continue", CONTINUES_MAX);
}

static enum coffer_rc too_large(const struct dest *d, struct err *e)
{
	return err_set(e, COFFER_E_LIMIT, "HTTP reply: body longer than %llu bytes", (unsigned long long)d->max);
}

static enum coffer_rc deliver(struct dest *d, struct span piece, struct err *e)
{
	if (piece.n > d->max - d->done)
		return too_large(d, e);
	d->done += piece.n;
	if (d->sink)
		return d->sink(d->arg, piece, e);
	wr_put(&d->body, piece);
	return wr_done(&d->body, "HTTP reply", e);
}

static enum coffer_rc read_sized(struct http *h, uint64_t left, struct dest *d, struct err *e)
{
	if (left > d->max)
		return too_large(d, e);
	while (left > 0) {
		size_t n;

		if (h->at == h->end)
			TRY(refill(h, e));
		n = h->end - h->at;
		if (n > left)
			n = (size_t)left;
		h->at += n;
		left -= n;
		TRY(deliver(d, (struct span){ h->buf + h->at - n, n }, e));
	}
	return COFFER_OK;
}

static enum coffer_rc read_chunked(struct http *h, struct dest *d, struct err *e)
{
	struct http_chunks c = { 0 };

	while (c.at != CHUNK_DONE) {
		struct span in, piece;

		if (h->at == h->end)
			TRY(refill(h, e));
		in = (struct span){ h->buf + h->at, h->end - h->at };
		TRY(http_chunks_next(&c, &in, &piece, e));
		h->at = h->end - in.n;
		if (piece.n > 0)
			TRY(deliver(d, piece, e));
	}
	return COFFER_OK;
}

/* Puts the body where it belongs and settles whether the connection may be used again. */
static enum coffer_rc read_reply(struct http *h, const struct http_req *q, struct dest *d, struct http_res *r, struct err *e)
{
	struct http_head head;
	bool body = false;

	TRY(read_head(h, &r->head, &head, e));
	TRY(http_head_body(&head, strcmp(q->method, "HEAD") == 0, &body, e));
	if (d->sink && (head.status < 200 || head.status > 299)) {
		d->sink = NULL;
		d->max = OTHER_BODY_MAX;
		d->body = wr_open(OTHER_BODY_MAX);
	}
	if (body && head.chunked)
		TRY(read_chunked(h, d, e));
	else if (body)
		TRY(read_sized(h, head.length, d, e));
	r->status = head.status;
	if (head.close || h->at != h->end) /* bytes behind the end: whatever they are, they answer nothing of ours */
		disconnect(h);
	else
		h->conn.used = true;
	return COFFER_OK;
}

/* ---- one exchange ---- */

static enum coffer_rc ready(struct http *h, struct err *e)
{
	if (h->conn.fd >= 0 && conn_idle(&h->conn))
		return COFFER_OK;
	disconnect(h);
	return conn_open(&h->conn, &h->o, h->deadline, e);
}

void http_timeout(struct http *h, int64_t ms)
{
	h->o.timeout_ms = ms;
}

static void start_clock(struct http *h)
{
	h->deadline = clock_monotonic_ms() + (h->o.timeout_ms > 0 ? h->o.timeout_ms : DEFAULT_TIMEOUT_MS);
}

/* RFC 9110, 9.2.2: what may be sent twice when nobody knows whether it arrived. */
static bool repeatable(const char *method)
{
	static const char *const m[] = { "GET", "HEAD", "PUT", "DELETE" };

	for (size_t i = 0; i < sizeof(m) / sizeof(m[0]); i++) {
		if (strcmp(method, m[i]) == 0)
			return true;
	}
	return false;
}

/* Sends, and waits for the first byte of the reply. */
static enum coffer_rc ask(struct http *h, const struct http_req *q, struct err *e)
{
	TRY(send_request(h, q, e));
	return refill(h, e);
}

/* A server may close an idle connection in the moment we use it: then, and only when
 * not one byte of a reply has come, ask once more on a fresh connection. */
static enum coffer_rc ask_again(struct http *h, const struct http_req *q, struct err *e)
{
	enum coffer_rc rc;
	bool reused;

	TRY(ready(h, e));
	reused = h->conn.used;
	rc = ask(h, q, e);
	if (rc != COFFER_E_UPSTREAM || !reused || !repeatable(q->method) || clock_monotonic_ms() >= h->deadline)
		return rc;
	h->unanswered = q->once;
	if (q->once)
		return rc;
	disconnect(h);
	TRY(ready(h, e));
	return ask(h, q, e);
}

bool http_unanswered(const struct http *h)
{
	return h->unanswered;
}

static enum coffer_rc exchange(struct http *h, const struct http_req *q, struct dest *d, struct http_res *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res r = { .head = wr_open(HTTP_HEAD_MAX) };
	enum coffer_rc rc;

	start_clock(h);
	h->unanswered = false;
	rc = ask_again(h, q, e);
	if (rc == COFFER_OK)
		rc = read_reply(h, q, d, &r, e);
	if (rc != COFFER_OK) {
		disconnect(h); /* half a reply may still come on it */
		return rc == COFFER_E_UPSTREAM ? err_wrap(e, "%s", h->authority) : rc;
	}
	explicit_bzero(h->buf, sizeof(h->buf));
	r.body = d->body;
	d->body = (struct wr){ 0 };
	*out = r;
	r = (struct http_res){ 0 };
	return COFFER_OK;
}

enum coffer_rc http_do(struct http *h, const struct http_req *q, size_t max_body, struct http_res *out, struct err *e)
{
	CLEANUP(dest_clear) struct dest d = { .max = max_body, .body = wr_open(max_body) };

	return exchange(h, q, &d, out, e);
}

enum coffer_rc http_stream(struct http *h, const struct http_req *q, http_sink sink, void *arg, uint64_t max_body,
    struct http_res *out, struct err *e)
{
	CLEANUP(dest_clear) struct dest d = { .sink = sink, .arg = arg, .max = max_body };

	return exchange(h, q, &d, out, e);
}

enum coffer_rc http_peer(struct http *h, uint8_t spki_sha256[static 32], struct err *e)
{
	if (!h->o.tls)
		return err_set(e, COFFER_E_BUG, "HTTP: a plain connection has no peer key");
	start_clock(h);
	TRY(ready(h, e));
	return tls_peer_key(h->conn.tls, spki_sha256, e);
}
