#include "net/http.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/str.h"
#include "tests/t.h"

/* A server in a child process. Each entry answers one request: text to send, after
 * which "close" says whether the connection ends. */
struct step {
	const char *text;  /* NULL: send the request back as the body; "#": the number of the connection */
	size_t      piece; /* bytes a send; 0 = all at once */
	enum { KEEP, CLOSE, HANG } then;
};

struct server {
	pid_t        pid;
	struct http *h;
};

static void stop(struct server *s)
{
	http_free(s->h);
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
}

static void send_all(int fd, const char *p, size_t n, size_t piece)
{
	while (n > 0) {
		size_t part = piece && piece < n ? piece : n;
		ssize_t sent = send(fd, p, part, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
		if (piece)
			(void)usleep(200);
	}
}

/* One request, head and body; 0 at the end of the connection. */
static size_t read_request(int fd, char *buf, size_t cap)
{
	size_t n = 0, want = 0;

	for (;;) {
		ssize_t got = recv(fd, buf + n, cap - 1 - n, 0);
		const char *end, *length;

		if (got <= 0)
			return 0;
		n += (size_t)got;
		buf[n] = 0;
		end = strstr(buf, "\r\n\r\n");
		if (!end)
			continue;
		length = strstr(buf, "Content-Length: ");
		want = (size_t)(end + 4 - buf) + (length && length < end ? strtoul(length + 16, NULL, 10) : 0);
		if (n >= want)
			return n;
	}
}

static void answer(int fd, const struct step *s, int connection, const char *req, size_t n)
{
	char head[128];

	if (s->text && strcmp(s->text, "#") == 0) {
		(void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", connection);
		send_all(fd, head, strlen(head), 0);
		return;
	}
	if (s->text) {
		send_all(fd, s->text, strlen(s->text), s->piece);
		return;
	}
	(void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
	send_all(fd, head, strlen(head), s->piece);
	send_all(fd, req, n, s->piece);
}

static void serve(int listener, const struct step *s, size_t n)
{
	static char buf[1 << 20];
	int fd = -1, connection = 0;

	for (size_t i = 0; i < n; i++) {
		size_t got = 0;

		while (got == 0) { /* a connection that ends without a request is not counted */
			if (fd < 0) {
				fd = accept(listener, NULL, NULL);
				connection++;
			}
			got = read_request(fd, buf, sizeof(buf));
			if (got == 0) {
				(void)close(fd);
				fd = -1;
			}
		}
		answer(fd, &s[i], connection, buf, got);
		if (s[i].then == HANG)
			(void)pause();
		if (s[i].then != KEEP) {
			(void)close(fd);
			fd = -1;
		}
	}
	(void)pause();
}

static struct server start_on(const char *host, int family, int64_t timeout_ms, const struct step *s, size_t n)
{
	struct sockaddr_storage a = { .ss_family = (sa_family_t)family };
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	CLEANUP(closep) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct http_opts o = { .host = host, .timeout_ms = timeout_ms };
	struct server srv = { 0 };
	struct err e;

	if (family == AF_INET)
		((struct sockaddr_in *)&a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&a)->sin6_addr = in6addr_loopback;
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 8) != 0 || getsockname(fd, (struct sockaddr *)&a,
	    &len) != 0)
		return srv;
	o.port = ntohs(family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port : ((struct sockaddr_in6 *)&a)->sin6_port);
	srv.pid = fork();
	if (srv.pid == 0) {
		(void)alarm(60);
		serve(fd, s, n);
		_exit(0);
	}
	if (http_new(&o, &srv.h, &e) != COFFER_OK)
		abort();
	return srv;
}

static struct server start(const struct step *s, size_t n)
{
	return start_on("127.0.0.1", AF_INET, 5000, s, n);
}
#define START(s) start((s), sizeof(s) / sizeof((s)[0]))

static enum coffer_rc get(struct server *s, size_t max, struct http_res *r, struct err *e)
{
	http_res_clear(r);
	return http_do(s->h, &(struct http_req){ .method = "GET", .path = "/x" }, max, r, e);
}

#define OK5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: one\r\n\r\nhello"

static void http_do_sends_a_well_formed_request(void)
{
	static const struct step s[] = { { .text = NULL } };
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct http_req q = { .method = "POST", .path = "/a?b=c", .content_type = "text/plain", .body = span_of("BODY"),
	    .headers = "X-Y: z\r\n" };
	struct err e;

	CHECK(http_do(srv.h, &q, 4096, &r, &e) == COFFER_OK && r.status == 200);
	text = wr_take(&r.body, NULL);
	CHECK(span_starts(span_of(text), "POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"));
	CHECK(strstr(text, "\r\nContent-Length: 4\r\n") && strstr(text, "\r\nContent-Type: text/plain\r\n") && strstr(text,
	    "\r\nX-Y: z\r\n"));
	CHECK(strlen(text) > 8 && strcmp(text + strlen(text) - 8, "\r\n\r\nBODY") == 0);
}

static void http_do_large_body_arrives_whole(void)
{
	static const struct step s[] = { { .text = NULL } };
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	static uint8_t big[600000];
	struct http_req q = { .method = "PUT", .path = "/", .body = SPAN(big) };
	struct err e;

	memset(big, 'b', sizeof(big));
	CHECK(http_do(srv.h, &q, 1 << 20, &r, &e) == COFFER_OK);
	CHECK(r.body.n > sizeof(big) && span_eq(span_skip(wr_span(&r.body), r.body.n - sizeof(big)), SPAN(big)));
}

static void http_do_torn_replies_are_read_whole(void)
{
	static const struct step s[] = {
		{ .text = OK5, .piece = 1 },
		{ .text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\n", .piece = 1 },
		{ .text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nT: x\r\n\r\n", .piece = 7 },
		{ .text = OK5 },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	for (size_t i = 0; i < 4; i++) {
		CHECK(get(&srv, 5, &r, &e) == COFFER_OK);
		CHECK(r.status == 200 && span_eq_str(wr_span(&r.body), "hello"));
	}
	CHECK(span_eq_str(http_header(&r, "x-a"), "one") && http_header(&r, "x-b").p == NULL);
}

static void http_do_hostile_replies_are_upstream_errors(void)
{
	static const struct step s[] = {
		{ .text = "", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Le", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\n\r\nuntil the end", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 4\r\n\r\nhello", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 5\r\n\r\nhello", .then = CLOSE },
		{ .text = "HTTP/1.1 101 Switching Protocols\r\n\r\n" OK5, .then = CLOSE },
		{ .text = "HTTP/1.1 103 Early Hints\r\n\r\n" OK5, .then = CLOSE },
		{ .text = "SSH-2.0-OpenSSH\r\n\r\n", .then = CLOSE },
		{ .text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
			  "HTTP/1.1 100 Continue\r\n\r\n" OK5, .then = CLOSE },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		CHECK(get(&srv, 100, &r, &e) == COFFER_E_UPSTREAM);
		CHECK(r.body.p == NULL && r.status == 0);
	}
}

/* n header bytes in all, the empty line included. */
static char *head_of(size_t n)
{
	static const char tail[] = "\r\nContent-Length: 0\r\n\r\n";
	char *t = malloc(n + 1);
	size_t start = strlen("HTTP/1.1 200 OK\r\nX: ");

	memset(t, 'x', n);
	memcpy(t, "HTTP/1.1 200 OK\r\nX: ", start);
	memcpy(t + n - strlen(tail), tail, sizeof(tail));
	return t;
}

static void http_do_head_limit_is_64_kib(void)
{
	CLEANUP(freep) char *fits = head_of(64 << 10);
	CLEANUP(freep) char *over = head_of((64 << 10) + 1);
	struct step s[] = { { .text = fits }, { .text = over } };
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	CHECK(get(&srv, 10, &r, &e) == COFFER_OK);
	CHECK(get(&srv, 10, &r, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "longer"));
}

static void http_do_body_over_limit_is_limit(void)
{
	static const struct step s[] = {
		{ .text = OK5, .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", .then = CLOSE },
		{ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", .then = CLOSE },
		{ .text = OK5 },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	for (size_t i = 0; i < 3; i++)
		CHECK(get(&srv, 4, &r, &e) == COFFER_E_LIMIT);
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK);
}

static void http_do_bytes_behind_the_reply_are_never_the_next_reply(void)
{
	static const struct step s[] = {
		{ .text = "#" }, { .text = "#" }, { .text = OK5 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" }, { .text = "#" },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	for (int i = 0; i < 2; i++)
		CHECK(get(&srv, 5, &r, &e) == COFFER_OK && span_eq_str(wr_span(&r.body), "1"));
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK && span_eq_str(wr_span(&r.body), "hello"));
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK && span_eq_str(wr_span(&r.body), "2")); /* that connection is not used again */
}

static void http_do_idle_closed_connection_is_replaced(void)
{
	static const struct step s[] = {
		{ .text = OK5, .then = CLOSE }, { .text = OK5, .then = KEEP }, { .text = "", .then = CLOSE }, { .text = OK5, .then = CLOSE },
		{ .text = OK5, .then = KEEP }, { .text = "", .then = CLOSE }, { .text = OK5, .then = CLOSE }, { .text = OK5, .then = KEEP },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct http_req post = { .method = "POST", .path = "/", .body = span_of("x") };
	struct err e;

	CHECK(get(&srv, 5, &r, &e) == COFFER_OK);
	(void)usleep(50000);
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK); /* closed while idle: seen before sending */
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK); /* closed on receipt: asked again once */
	(void)usleep(50000);
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK);
	http_res_clear(&r);
	CHECK(http_do(srv.h, &post, 5, &r, &e) == COFFER_E_UPSTREAM); /* nobody knows whether a POST was done */
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK);
	(void)usleep(50000);
	http_res_clear(&r);
	CHECK(http_do(srv.h, &post, 5, &r, &e) == COFFER_OK); /* never sent on the connection that was closed */
}

static void http_do_once_is_sent_once_and_says_that_it_may_be_asked_otherwise(void)
{
	static const struct step s[] = {
		{ .text = OK5, .then = KEEP }, { .text = "", .then = CLOSE }, { .text = OK5, .then = KEEP },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct http_req once = { .method = "GET", .path = "/", .once = true };
	struct err e;

	CHECK(http_do(srv.h, &once, 5, &r, &e) == COFFER_OK && !http_unanswered(srv.h));
	http_res_clear(&r);
	CHECK(http_do(srv.h, &once, 5, &r, &e) == COFFER_E_UPSTREAM && http_unanswered(srv.h));
	CHECK(http_do(srv.h, &once, 5, &r, &e) == COFFER_OK && !http_unanswered(srv.h));
}

static void http_do_fresh_connection_closed_is_not_retried(void)
{
	static const struct step s[] = { { .text = "", .then = CLOSE }, { .text = OK5 } };
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	CHECK(get(&srv, 5, &r, &e) == COFFER_E_UPSTREAM);
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK);
}

#define DRIPPED "\r\nContent-Length: 0\r\n\r\n"

/* Of a whole reply that comes byte by byte, with five thousand a second at most, there is no more than of silence. */
static void http_do_silent_or_dripping_server_times_out(void)
{
	static char drip[12000];
	struct step s[] = { { .text = "HTTP/1.1 200 OK\r\n", .then = HANG }, { .text = drip, .piece = 1, .then = HANG } };
	struct err e;

	memset(drip, 'x', sizeof(drip) - 1);
	memcpy(drip, "HTTP/1.1 200 OK\r\nX:", 19);
	memcpy(drip + sizeof(drip) - sizeof(DRIPPED), DRIPPED, sizeof(DRIPPED));
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(stop) struct server srv = start_on("127.0.0.1", AF_INET, 200, s + i, 1);
		CLEANUP(http_res_clear) struct http_res r = { 0 };

		CHECK(get(&srv, 5, &r, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "timed out"));
	}
}

static void http_do_refused_connection_names_the_host(void)
{
	CLEANUP(http_freep) struct http *h = NULL;
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct http_opts o = { .host = "127.0.0.1", .port = 1, .timeout_ms = 2000 };
	struct err e;

	CHECK(http_new(&o, &h, &e) == COFFER_OK);
	CHECK(http_do(h, &(struct http_req){ .method = "GET", .path = "/" }, 5, &r, &e) == COFFER_E_UPSTREAM);
	CHECK(strstr(e.msg, "127.0.0.1") != NULL);
}

static void http_do_by_name_and_ipv6(void)
{
	static const struct step s[] = { { .text = NULL } };
	CLEANUP(stop) struct server name = start_on("localhost", AF_INET, 5000, s, 1);
	CLEANUP(stop) struct server six = start_on("::1", AF_INET6, 5000, s, 1);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	CLEANUP(freep) char *text = NULL;
	struct err e;

	CHECK(get(&name, 4096, &r, &e) == COFFER_OK);
	if (!six.h)
		return; /* no IPv6 loopback here */
	CHECK(get(&six, 4096, &r, &e) == COFFER_OK);
	text = wr_take(&r.body, NULL);
	CHECK(strstr(text, "\r\nHost: [::1]:") != NULL);
}

static void http_do_replies_without_body(void)
{
	static const struct step s[] = {
		{ .text = "HTTP/1.1 204 No Content\r\n\r\n" }, { .text = "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n" },
		{ .text = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" }, { .text = OK5 },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	CHECK(get(&srv, 5, &r, &e) == COFFER_OK && r.status == 204 && r.body.n == 0);
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK && r.status == 304 && r.body.n == 0);
	http_res_clear(&r);
	CHECK(http_do(srv.h, &(struct http_req){ .method = "HEAD", .path = "/" }, 5, &r, &e) == COFFER_OK && r.body.n == 0);
	CHECK(span_eq_str(http_header(&r, "content-length"), "7"));
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK && r.body.n == 5);
}

static void http_do_bad_requests_are_never_sent(void)
{
	static const struct step s[] = { { .text = OK5 } };
	static const struct http_req bad[] = {
		{ .method = "GET", .path = "x" }, { .method = "GET", .path = "" }, { .method = "GET", .path = "/a b" },
		{ .method = "GET", .path = "/a\r\nX: y" }, { .method = "", .path = "/" }, { .method = "GET /", .path = "/" },
		{ .method = "GET", .path = "/", .headers = "X: y" }, { .method = "GET", .path = "/", .headers = "X: y\n\r\n" },
		{ .method = "GET", .path = "/", .headers = "\r\nX: y\r\n" }, { .method = "GET", .path = "/", .headers = "X: y\r\n\r\n" },
		{ .method = "GET", .path = "/", .headers = "noColon\r\n" }, { .method = "GET", .path = "/",
		    .headers = "Content-length: 5\r\n" },
		{ .method = "GET", .path = "/", .headers = "A: b\r\nTransfer-Encoding: chunked\r\n" },
		{ .method = "GET", .path = "/", .headers = "Host: other\r\n" }, { .method = "GET", .path = "/", .headers = " A: b\r\n" },
		{ .method = "POST", .path = "/", .content_type = "a\r\nb: c" },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(http_do(srv.h, &bad[i], 5, &r, &e) == COFFER_E_INPUT);
	CHECK(get(&srv, 5, &r, &e) == COFFER_OK);
}

struct sunk {
	struct wr w;
	bool      refuse;
};

static enum coffer_rc sink(void *arg, struct span piece, struct err *e)
{
	struct sunk *s = arg;

	if (s->refuse)
		return err_deny(e, "digest", "no");
	wr_put(&s->w, piece);
	return wr_done(&s->w, "sunk", e);
}

static void http_stream_gives_2xx_to_the_sink_only(void)
{
	static const struct step s[] = {
		{ .text = OK5 }, { .text = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone" },
		{ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n" },
		{ .text = OK5 }, { .text = OK5 }, { .text = "HTTP/1.1 500 No\r\nContent-Length: 65537\r\n\r\n" },
	};
	CLEANUP(stop) struct server srv = START(s);
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct http_req q = { .method = "GET", .path = "/" };
	struct sunk got = { .w = wr_open(100) };
	struct err e;

	CHECK(http_stream(srv.h, &q, sink, &got, 5, &r, &e) == COFFER_OK && r.body.n == 0 && span_eq_str(wr_span(&got.w), "hello"));
	http_res_clear(&r);
	CHECK(http_stream(srv.h, &q, sink, &got, 5, &r, &e) == COFFER_OK && r.status == 404 && span_eq_str(wr_span(&r.body), "gone"));
	CHECK(got.w.n == 5);
	http_res_clear(&r);
	CHECK(http_stream(srv.h, &q, sink, &got, 5, &r, &e) == COFFER_E_LIMIT);
	CHECK(http_stream(srv.h, &q, sink, &got, 4, &r, &e) == COFFER_E_LIMIT);
	wr_close(&got.w);
	got.refuse = true;
	CHECK(http_stream(srv.h, &q, sink, &got, 5, &r, &e) == COFFER_E_DENIED && strcmp(e.check, "digest") == 0);
	CHECK(http_stream(srv.h, &q, sink, &got, 1 << 20, &r, &e) == COFFER_E_LIMIT);
	CHECK(r.status == 0 && got.w.n == 0);
}

static void http_new_bad_options_are_refused(void)
{
	CLEANUP(http_freep) struct http *h = NULL;
	struct err e;

	CHECK(http_new(&(struct http_opts){ .host = "", .port = 1 }, &h, &e) == COFFER_E_INPUT);
	CHECK(http_new(&(struct http_opts){ .host = "a\r\nb", .port = 1 }, &h, &e) == COFFER_E_INPUT);
	CHECK(http_new(&(struct http_opts){ .host = "a", .port = 0 }, &h, &e) == COFFER_E_INPUT);
	CHECK(http_new(&(struct http_opts){ .host = "a", .port = 1, .tls = true }, &h, &e) == COFFER_E_BUG);
	CHECK(h == NULL);
}

int main(void)
{
	static const struct t_case c[] = {
		T(http_do_sends_a_well_formed_request), T(http_do_large_body_arrives_whole), T(http_do_torn_replies_are_read_whole),
		T(http_do_hostile_replies_are_upstream_errors), T(http_do_head_limit_is_64_kib), T(http_do_body_over_limit_is_limit),
		T(http_do_bytes_behind_the_reply_are_never_the_next_reply), T(http_do_idle_closed_connection_is_replaced),
		T(http_do_once_is_sent_once_and_says_that_it_may_be_asked_otherwise), T(http_do_fresh_connection_closed_is_not_retried), T(http_do_silent_or_dripping_server_times_out),
		T(http_do_refused_connection_names_the_host), T(http_do_by_name_and_ipv6), T(http_do_replies_without_body),
		T(http_do_bad_requests_are_never_sent), T(http_stream_gives_2xx_to_the_sink_only), T(http_new_bad_options_are_refused),
	};
	setvbuf(stdout, NULL, _IOLBF, 0); /* the servers are forks: nothing may wait in a buffer twice */
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
