#include "crypto/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "crypto_util.h"
#include "net/http.h"
#include "tests/t.h"

enum how { REPLY, CUT, SILENT, GARBAGE };

struct server {
	struct privkey *key;
	struct wr       cert;
	pid_t           pid;
	uint16_t        port;
	int             max_version; /* 0: any */
	enum how        how;
};

static void stop(struct server *s)
{
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	privkey_free(s->key);
	wr_close(&s->cert);
}

static SSL_CTX *server_ctx(const struct server *s)
{
	CLEANUP(wr_close) struct wr pem = wr_open(4096);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	struct err e;
	BIO *b;

	if (pem_write_private(s->key, (struct span){ 0 }, &pem, &e) != COFFER_OK)
		abort();
	b = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (SSL_CTX_use_PrivateKey(ctx, PEM_read_bio_PrivateKey(b, NULL, NULL, NULL)) != 1)
		abort();
	b = BIO_new_mem_buf(s->cert.p, (int)s->cert.n);
	if (SSL_CTX_use_certificate(ctx, PEM_read_bio_X509(b, NULL, NULL, NULL)) != 1)
		abort();
	(void)SSL_CTX_set_max_proto_version(ctx, s->max_version);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET); /* which is sealed with what a client does not have */
	return ctx;
}

static void serve_one(const struct server *s, SSL_CTX *ctx, int fd)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	SSL *ssl = SSL_new(ctx);
	char buf[4096];

	if (s->how == GARBAGE)
		(void)send(fd, "this is not a TLS record at all", 31, MSG_NOSIGNAL);
	(void)SSL_set_fd(ssl, fd);
	if (s->how != GARBAGE && SSL_accept(ssl) == 1) {
		if (s->how == SILENT)
			(void)pause();
		while (SSL_read(ssl, buf, sizeof(buf)) > 0) {
			(void)SSL_write(ssl, ok, s->how == CUT ? 20 : sizeof(ok) - 1);
			if (s->how == CUT)
				(void)shutdown(fd, SHUT_RDWR);
		}
	}
	SSL_free(ssl);
	(void)close(fd);
}

/* A server with a fresh key whose certificate names san and is good from..to. */
static bool start(struct server *s, const char *san, int64_t from, int64_t to)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	struct err e;

	s->key = fresh(KEY_P256);
	s->cert = wr_open(8192);
	if (x509_self_signed(s->key, san, from, to, &s->cert, &e) != COFFER_OK || bind(fd, (struct sockaddr *)&a, len) != 0 ||
	    listen(fd, 4) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return false;
	s->port = ntohs(a.sin_port);
	s->pid = fork();
	if (s->pid == 0) {
		SSL_CTX *ctx = server_ctx(s);

		(void)alarm(60);
		(void)signal(SIGPIPE, SIG_IGN);
		for (;;)
			serve_one(s, ctx, accept(fd, NULL, NULL));
	}
	return true;
}

static bool start_now(struct server *s, const char *san)
{
	return start(s, san, clock_now() - 60, clock_now() + 3600);
}

struct client {
	int         fd;
	struct tls *tls;
};

static void hang_up(struct client *c)
{
	tls_free(c->tls);
	closep(&c->fd);
}

static enum coffer_rc dial(const struct server *s, struct tls_opts *o, struct client *c, struct err *e)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(s->port) };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		abort();
	if (o->deadline_ms == 0)
		o->deadline_ms = clock_monotonic_ms() + 5000;
	return tls_connect(c->fd, o, &c->tls, e);
}

static void spki_of(const struct pubkey *k, uint8_t out[static 32])
{
	/* SubjectPublicKeyInfo of a P-256 key: a fixed head and the point (RFC 5480) */
	uint8_t der[91];

	hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004", der, 27);
	memcpy(der + 27, k->x, 32);
	memcpy(der + 59, k->y, 32);
	sha256(SPAN(der), out);
}

static void tls_connect_verified_peer_exchanges_bytes(void)
{
	CLEANUP(stop) struct server s = { 0 };
	CLEANUP(hang_up) struct client c = { .fd = -1 };
	struct tls_opts o = { .host = "127.0.0.1", .verify_ca = true };
	uint8_t key[32], want[32], buf[256];
	struct err e;
	size_t n = 0;

	CHECK(start_now(&s, "127.0.0.1"));
	o.ca_pem = wr_span(&s.cert);
	CHECK(dial(&s, &o, &c, &e) == COFFER_OK);
	CHECK(tls_peer_key(c.tls, key, &e) == COFFER_OK);
	spki_of(privkey_public(s.key), want);
	CHECK(ct_eq(SPAN(key), SPAN(want)));
	CHECK(tls_write(c.tls, span_of("GET"), o.deadline_ms, &e) == COFFER_OK);
	CHECK(tls_read(c.tls, buf, sizeof(buf), o.deadline_ms, &n, &e) == COFFER_OK && n > 15);
	CHECK(span_starts((struct span){ buf, n }, "HTTP/1.1 200 OK"));
}

static void tls_connect_name_is_verified(void)
{
	CLEANUP(stop) struct server s = { 0 };
	struct tls_opts o = { .host = "localhost", .verify_ca = true };
	static const char *const wrong[] = { "127.0.0.1", "example.com", "localhos" };
	struct err e;

	CHECK(start_now(&s, "localhost"));
	o.ca_pem = wr_span(&s.cert);
	{
		CLEANUP(hang_up) struct client c = { .fd = -1 };

		CHECK(dial(&s, &o, &c, &e) == COFFER_OK);
	}
	for (size_t i = 0; i < 3; i++) {
		CLEANUP(hang_up) struct client c = { .fd = -1 };

		o.host = wrong[i];
		CHECK(dial(&s, &o, &c, &e) == COFFER_E_DENIED && strcmp(e.check, "tls") == 0 && c.tls == NULL);
	}
}

static void tls_connect_untrusted_or_expired_certificate_is_denied(void)
{
	CLEANUP(stop) struct server s = { 0 };
	CLEANUP(stop) struct server other = { 0 };
	CLEANUP(stop) struct server old = { 0 };
	CLEANUP(hang_up) struct client a = { .fd = -1 };
	CLEANUP(hang_up) struct client b = { .fd = -1 };
	CLEANUP(hang_up) struct client d = { .fd = -1 };
	struct tls_opts o = { .host = "127.0.0.1", .verify_ca = true };
	struct err e;

	CHECK(start_now(&s, "127.0.0.1") && start_now(&other, "127.0.0.1"));
	CHECK(start(&old, "127.0.0.1", clock_now() - 7200, clock_now() - 3600));
	o.ca_pem = wr_span(&other.cert);
	CHECK(dial(&s, &o, &a, &e) == COFFER_E_DENIED && strcmp(e.check, "tls") == 0);
	o.ca_pem = (struct span){ 0 }; /* the system's store does not know it either */
	CHECK(dial(&s, &o, &b, &e) == COFFER_E_DENIED && strcmp(e.check, "tls") == 0);
	o.ca_pem = wr_span(&old.cert);
	CHECK(dial(&old, &o, &d, &e) == COFFER_E_DENIED && strstr(e.msg, "expired"));
}

static void tls_connect_bad_anchors_are_input(void)
{
	CLEANUP(stop) struct server s = { 0 };
	CLEANUP(hang_up) struct client c = { .fd = -1 };
	struct tls_opts o = { .host = "127.0.0.1", .verify_ca = true, .ca_pem = span_of("no certificate") };
	struct err e;

	CHECK(start_now(&s, "127.0.0.1"));
	CHECK(dial(&s, &o, &c, &e) == COFFER_E_INPUT);
}

static void tls_connect_12_only_when_allowed(void)
{
	CLEANUP(stop) struct server s = { .max_version = TLS1_2_VERSION };
	CLEANUP(hang_up) struct client a = { .fd = -1 };
	CLEANUP(hang_up) struct client b = { .fd = -1 };
	struct tls_opts o = { .host = "127.0.0.1", .verify_ca = true };
	struct err e;

	CHECK(start_now(&s, "127.0.0.1"));
	o.ca_pem = wr_span(&s.cert);
	CHECK(dial(&s, &o, &a, &e) == COFFER_E_UPSTREAM);
	o.allow_12 = true;
	CHECK(dial(&s, &o, &b, &e) == COFFER_OK);
}

static void tls_read_cut_stream_is_an_error(void)
{
	CLEANUP(stop) struct server s = { .how = CUT };
	CLEANUP(hang_up) struct client c = { .fd = -1 };
	struct tls_opts o = { .host = "x", .verify_ca = false };
	uint8_t buf[256];
	struct err e;
	size_t n = 77;

	CHECK(start_now(&s, "x") && dial(&s, &o, &c, &e) == COFFER_OK);
	CHECK(tls_write(c.tls, span_of("GET"), o.deadline_ms, &e) == COFFER_OK);
	CHECK(tls_read(c.tls, buf, sizeof(buf), o.deadline_ms, &n, &e) == COFFER_OK && n == 20);
	CHECK(tls_read(c.tls, buf, sizeof(buf), o.deadline_ms, &n, &e) == COFFER_E_UPSTREAM);
}

static void tls_connect_garbage_is_upstream(void)
{
	CLEANUP(stop) struct server s = { .how = GARBAGE };
	CLEANUP(hang_up) struct client c = { .fd = -1 };
	struct tls_opts o = { .host = "x", .verify_ca = false };
	struct err e;

	CHECK(start_now(&s, "x") && dial(&s, &o, &c, &e) == COFFER_E_UPSTREAM);
}

static void tls_read_silent_server_times_out(void)
{
	CLEANUP(stop) struct server s = { .how = SILENT };
	CLEANUP(hang_up) struct client c = { .fd = -1 };
	struct tls_opts o = { .host = "x", .verify_ca = false };
	uint8_t buf[16];
	struct err e;
	size_t n;

	CHECK(start_now(&s, "x") && dial(&s, &o, &c, &e) == COFFER_OK);
	CHECK(tls_read(c.tls, buf, sizeof(buf), clock_monotonic_ms() + 200, &n, &e) == COFFER_E_UPSTREAM && strstr(e.msg, "timed out"));
}

struct pin {
	uint8_t want[32];
	int     asked;
};

static enum coffer_rc check_pin(void *arg, const uint8_t key[static 32], struct err *e)
{
	struct pin *p = arg;

	p->asked++;
	return ct_eq((struct span){ key, 32 }, SPAN(p->want)) ? COFFER_OK : err_deny(e, "tls", "another key");
}

static void http_over_tls_checks_the_peer_before_it_speaks(void)
{
	CLEANUP(stop) struct server s = { 0 };
	CLEANUP(http_freep) struct http *h = NULL;
	CLEANUP(http_res_clear) struct http_res r = { 0 };
	struct pin pin = { .asked = 0 };
	struct http_opts o = { .host = "127.0.0.1", .tls = true, .check_peer = check_pin, .check_arg = &pin, .timeout_ms = 5000 };
	struct http_req q = { .method = "GET", .path = "/" };
	uint8_t key[32];
	struct err e;

	CHECK(start_now(&s, "ignored.example"));
	o.port = s.port;
	CHECK(http_new(&o, &h, &e) == COFFER_OK);
	CHECK(http_do(h, &q, 100, &r, &e) == COFFER_E_DENIED && strcmp(e.check, "tls") == 0 && pin.asked == 1);
	spki_of(privkey_public(s.key), pin.want);
	for (int i = 0; i < 3; i++) {
		http_res_clear(&r);
		CHECK(http_do(h, &q, 100, &r, &e) == COFFER_OK && span_eq_str(wr_span(&r.body), "hello"));
		CHECK(http_peer(h, key, &e) == COFFER_OK && ct_eq(SPAN(key), SPAN(pin.want)));
	}
	CHECK(pin.asked == 2); /* three requests, one connection */
}

static void http_peer_on_plain_connection_is_a_bug(void)
{
	CLEANUP(http_freep) struct http *h = NULL;
	uint8_t key[32];
	struct err e;

	CHECK(http_new(&(struct http_opts){ .host = "127.0.0.1", .port = 1 }, &h, &e) == COFFER_OK);
	CHECK(http_peer(h, key, &e) == COFFER_E_BUG);
}

int main(void)
{
	static const struct t_case c[] = {
		T(tls_connect_verified_peer_exchanges_bytes), T(tls_connect_name_is_verified),
		T(tls_connect_untrusted_or_expired_certificate_is_denied), T(tls_connect_bad_anchors_are_input),
		T(tls_connect_12_only_when_allowed), T(tls_read_cut_stream_is_an_error), T(tls_connect_garbage_is_upstream),
		T(tls_read_silent_server_times_out), T(http_over_tls_checks_the_peer_before_it_speaks),
		    T(http_peer_on_plain_connection_is_a_bug),
	};
	setvbuf(stdout, NULL, _IOLBF, 0); /* the servers are forks */
	return t_main(c, sizeof(c) / sizeof(c[0]));
}
