#include "cofferd/net/http.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "cofferd/net/tlskey.h"

#define CONN_MEMORY (160u << 10) /* bytes: request head (a bearer token may be large) and buffers */
#define THREADS 2u
#define IDLE_S 30u
#define PLAIN_AUTH_MAX 2048 /* bytes of one without certificates */
#define STATEMENT_THREADS 2 /* that wait for keep with a statement */

struct http_server {
	struct MHD_Daemon *daemon;
	struct net        *net;
};

static struct conn *conn_of(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(con, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

static void on_connection(void *cls, struct MHD_Connection *con, void **ctx, enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *i;
	struct net *net = cls;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*ctx)
			conns_del(&net->conns, *ctx);
		*ctx = NULL;
		return;
	}
	i = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD);
	*ctx = i ? conns_add(&net->conns, i->connect_fd, clock_monotonic_ms()) : NULL;
}

/* The first line has been read: a request of a kept connection gets its own deadline. */
static void *on_request_line(void *cls, const char *uri, struct MHD_Connection *con)
{
	struct conn *slot = conn_of(con);
	struct request *q;

	if (!slot || strlen(uri) >= WEB_TARGET_MAX)
		return NULL; /* the handler ends what has no request */
	q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->net = cls;
	q->con = con;
	q->body = wr_open(WEB_BODY_MAX);
	q->target = strdup(uri);
	conns_begin(&q->net->conns, slot, clock_monotonic_ms());
	return q;
}

static void on_completed(void *cls, struct MHD_Connection *con, void **ctx, enum MHD_RequestTerminationCode code)
{
	struct net *net = cls;
	struct conn *slot = conn_of(con);
	struct request *q = *ctx;

	(void)code;
	if (slot)
		conns_idle(&net->conns, slot, clock_monotonic_ms());
	if (!q)
		return;
	wr_close(&q->body);
	reply_clear(&q->reply);
	free(q->target);
	free(q);
	*ctx = NULL;
}

/* Paths and queries stay as they were sent: what a party token signed is compared with these very bytes. */
static size_t keep_escapes(void *cls, struct MHD_Connection *con, char *s)
{
	(void)cls;
	(void)con;
	return strlen(s);
}

struct span web_header(const struct request *q, const char *name)
{
	return span_of(MHD_lookup_connection_value(q->con, MHD_HEADER_KIND, name));
}

/* ---- the shapes of a request that two readers could read differently ---- */

struct framing { unsigned host, length, encoding, doubled; bool chunked; };

static const char *const once[] = { "Authorization", "Cookie", "Content-Type", "Coffer-Request", "Coffer-Signature", "Expect" };
#define ONCE_N (sizeof(once) / sizeof(once[0]))

struct framing_scan { struct framing f; unsigned seen[ONCE_N]; };

static enum MHD_Result scan_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing_scan *s = cls;

	(void)kind;
	if (strcasecmp(name, "Host") == 0)
		s->f.host++;
	if (strcasecmp(name, "Content-Length") == 0)
		s->f.length++;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		s->f.encoding++;
		s->f.chunked = value && strcasecmp(value, "chunked") == 0;
	}
	for (size_t i = 0; i < ONCE_N; i++)
		if (strcasecmp(name, once[i]) == 0 && ++s->seen[i] > 1)
			s->f.doubled++;
	return MHD_YES;
}

static const char *framing_fault(struct MHD_Connection *con, const char *version)
{
	struct framing_scan s = { 0 };

	(void)MHD_get_connection_values(con, MHD_HEADER_KIND, scan_header, &s);
	if (strcmp(version, MHD_HTTP_VERSION_1_1) != 0)
		return "only HTTP/1.1 is spoken here";
	if (s.f.host != 1)
		return "one Host header is needed";
	if (s.f.length > 1 || s.f.encoding > 1 || (s.f.length && s.f.encoding))
		return "a body has one length: Content-Length or chunked, never both";
	if (s.f.encoding && !s.f.chunked)
		return "the transfer encoding is unknown";
	if (s.f.doubled)
		return "a header appears twice";
	return NULL;
}

static bool announces_too_much(struct request *q)
{
	struct span n = web_header(q, "Content-Length");
	uint64_t v = 0;

	return n.p && (!span_u64(n, &v) || v > WEB_BODY_MAX);
}

/* ---- answering ---- */

static void log_request(const struct request *q, unsigned status)
{
	bool plain = true;

	for (size_t i = 0; i < q->path.n; i++)
		plain = plain && q->path.p[i] > 0x20 && q->path.p[i] < 0x7f;
	if (q->net->log_all || status >= 500)
		(void)fprintf(stderr, "cofferd-net: %s %.*s %u\n", q->method, plain ? (int)q->path.n : 1,
		    plain ? (const char *)q->path.p : "?", status);
}

static bool add_headers(struct MHD_Response *m, const struct reply *r)
{
	bool ok = MHD_add_response_header(m, "Cache-Control", "no-store") == MHD_YES;

	if (r->type)
		ok = ok && MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE, r->type) == MHD_YES;
	if (r->cookie[0])
		ok = ok && MHD_add_response_header(m, MHD_HTTP_HEADER_SET_COOKIE, r->cookie) == MHD_YES;
	if (r->coffer_reply[0])
		ok = ok && MHD_add_response_header(m, "Coffer-Reply", r->coffer_reply) == MHD_YES;
	if (r->coffer_entry[0])
		ok = ok && MHD_add_response_header(m, "Coffer-Entry", r->coffer_entry) == MHD_YES;
	return ok;
}

static enum MHD_Result send_reply(struct request *q, const struct reply *r, bool last)
{
	struct span body = wr_span(&r->body);
	enum MHD_Result rc = MHD_NO;
	struct MHD_Response *m;

	if (r->body.bad)
		return MHD_NO;
	m = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);
	if (!m)
		return MHD_NO;
	if (add_headers(m, r) && (!last || MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES))
		rc = MHD_queue_response(q->con, r->status, m);
	MHD_destroy_response(m);
	log_request(q, r->status);
	return rc;
}

/* What is about a session alone changes nothing that others are told. */
static bool may_change(const struct request *q)
{
	return !web_method(q, "GET") && !span_eq_str(q->path, "/kbs/v0/auth") && !span_eq_str(q->path, "/kbs/v0/attest") &&
	       !span_eq_str(q->path, "/coffer/v0/freshness");
}

static void serve(struct request *q, struct reply *r)
{
	if (!web_method(q, "GET") && !web_method(q, "POST") && !web_method(q, "PUT") && !web_method(q, "DELETE"))
		reply_plain(r, 405, "method", "GET, POST, PUT and DELETE are known here");
	else if (q->too_large && span_starts(q->path, "/kbs/"))
		reply_kbs(r, 413, "PayloadTooLarge", "a request body has at most %u bytes", WEB_BODY_MAX);
	else if (q->too_large)
		reply_plain(r, 413, "size", "the request body is too large");
	else if (span_starts(q->path, "/kbs/v0/"))
		kbs_serve(q, r);
	else if (span_starts(q->path, "/coffer/v0/"))
		coffer_serve(q, r);
	else if (span_starts(q->path, "/ledger/"))
		coffer_ledger(q, r);
	else if (span_eq_str(q->path, "/.well-known/jwks.json") && web_method(q, "GET"))
		coffer_jwks(q, r);
	else if (span_eq_str(q->path, "/healthz") && web_method(q, "GET"))
		r->status = 200;
	else
		reply_plain(r, 404, "path", "there is nothing here");
	if (may_change(q))
		shelf_empty(&q->net->shelf);
}

static enum MHD_Result begin(struct request *q, const char *method, const char *version)
{
	CLEANUP(reply_clear) struct reply r = { 0 };
	struct span target = span_of(q->target);
	const char *fault = framing_fault(q->con, version);
	size_t mark = span_find(target, '?');

	q->begun = true;
	q->path = (struct span){ target.p, mark };
	q->query = span_skip(target, mark + 1);
	(void)snprintf(q->method, sizeof(q->method), "%s", method);
	if (strcmp(q->method, method) != 0)
		fault = "the method is unknown";
	if (fault) {
		reply_plain(&r, strcmp(q->method, method) == 0 ? 400 : 405, "http", fault);
		return send_reply(q, &r, true);
	}
	q->too_large = announces_too_much(q);
	if (!q->too_large || !web_header(q, "Expect").p)
		return MHD_YES;
	serve(q, &r); /* who asks before sending is told before sending */
	return send_reply(q, &r, true);
}

/* ---- in a thread of the pool: the connection is suspended meanwhile, and nobody else touches it or its request ---- */

static void finish(struct request *q)
{
	q->answered = true;
	MHD_resume_connection(q->con); /* then the library asks on_request again, and q is not ours any more */
}

static void turn_away(struct request *q)
{
	reply_plain(&q->reply, 503, "", "the service is ending");
	finish(q);
}

static void again(void *arg)
{
	struct request *q = arg;

	if (!pool_add(q->net->pool, &q->job))
		turn_away(q);
}

/* False: nobody will wake it. Else q may be in another thread's hands already. */
static bool wait_for_witnesses(struct request *q)
{
	struct conn *slot = conn_of(q->con);

	reply_clear(&q->reply);
	q->waits = false;
	q->waited = true;
	q->wait.wake = again;
	q->wait.arg = q;
	if (slot)
		conns_extend(&q->net->conns, slot, clock_monotonic_ms(), CLERK_WAIT_MS + CONN_REQUEST_MS);
	return clerk_wait(q->net->witnesses, &q->wait);
}

static void answer(void *arg)
{
	struct request *q = arg;

	serve(q, &q->reply);
	if (q->waits) {
		if (wait_for_witnesses(q))
			return;
		serve(q, &q->reply);
	}
	finish(q);
}

/* Where the sender's bytes decide how long it takes: evidence, and the certificates of a TPM's key. */
static bool may_take_long(const struct request *q)
{
	return web_method(q, "POST") && (span_eq_str(q->path, "/kbs/v0/attest") || (span_eq_str(q->path, "/kbs/v0/auth") && q->body.n > PLAIN_AUTH_MAX));
}

/* Where it waits. Of what needs no token this alone has bytes by the hundred thousand that keep looks at. */
static struct pool *line_of(const struct request *q)
{
	bool statement = web_method(q, "POST") && span_eq_str(q->path, "/coffer/v0/statements");

	return statement ? q->net->statements : q->net->pool;
}

/* ---- in the library's thread ---- */

/* Suspended first: the pool's threads may be quick. */
static enum MHD_Result hand_on(struct request *q)
{
	q->job = (struct pool_job){ .run = answer, .arg = q, .slow = may_take_long(q) };
	MHD_suspend_connection(q->con);
	if (!pool_add(line_of(q), &q->job))
		turn_away(q);
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *con, const char *url, const char *method, const char *version,
    const char *data, size_t *n, void **ctx)
{
	struct request *q = *ctx;

	(void)cls;
	(void)con;
	(void)url;
	if (!q || !q->target)
		return MHD_NO;
	if (!q->begun)
		return begin(q, method, version);
	if (*n > 0) {
		if (*n > WEB_BODY_MAX - q->body.n)
			q->too_large = true;
		if (!q->too_large) /* else it is read and dropped, so that the client gets to read why */
			wr_put(&q->body, (struct span){ (const uint8_t *)data, *n });
		*n = 0;
		return MHD_YES;
	}
	if (q->body.bad)
		return MHD_NO;
	if (!q->answered && coffer_at_hand(q, &q->reply))
		q->answered = true;
	return q->answered ? send_reply(q, &q->reply, q->too_large) : hand_on(q);
}

static enum coffer_rc start_pools(struct net *net, struct err *e)
{
	TRY(pool_start(POOL_THREADS, &net->pool, e));
	if (pool_start(STATEMENT_THREADS, &net->statements, e) == COFFER_OK)
		return COFFER_OK;
	pool_free(net->pool);
	return e->rc;
}

enum coffer_rc http_server_start(const struct http_start *o, struct http_server **out, struct err *e)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, COFFER_E_SYSTEM, "http: out of memory");
	s->net = o->net;
	if (start_pools(o->net, e) != COFFER_OK) {
		free(s);
		return e->rc;
	}
	s->daemon = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, o->net,
	    MHD_OPTION_LISTEN_SOCKET, (MHD_socket)o->listen_fd,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_HTTPS_CERT_CALLBACK, tls_key_answer,
	    MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
	    MHD_OPTION_THREAD_POOL_SIZE, THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONN_MEMORY,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, o->net,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, o->net,
	    MHD_OPTION_URI_LOG_CALLBACK, on_request_line, o->net,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	    MHD_OPTION_END);
	if (!s->daemon) {
		pool_free(o->net->statements);
		pool_free(o->net->pool);
		free(s);
		return err_set(e, COFFER_E_SYSTEM, "http: the server does not start (TLS key, certificate or descriptors)");
	}
	*out = s;
	return COFFER_OK;
}

void http_server_stop(struct http_server *s)
{
	if (!s)
		return;
	pool_stop(s->net->statements);
	pool_stop(s->net->pool); /* nothing is suspended after that */
	MHD_stop_daemon(s->daemon);
	pool_free(s->net->statements);
	pool_free(s->net->pool);
	free(s);
}
