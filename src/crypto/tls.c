#include "crypto/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/wait.h"
#include "base/own.h"
#include "base/str.h"
#include "crypto/hash.h"
#include "crypto/x509_priv.h"

struct tls {
	SSL_CTX    *ctx;
	SSL        *ssl;
	BIO_METHOD *method;
	int         fd;
};

/* ---- the socket as a BIO: OpenSSL's own would die of SIGPIPE, and a library has
 * no business with the signal handlers of its program. ---- */

static int sock_fd(BIO *b)
{
	const struct tls *t = BIO_get_data(b);

	return t->fd;
}

static bool again(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int sock_write(BIO *b, const char *p, int n)
{
	ssize_t got = send(sock_fd(b), p, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (got < 0 && again())
		BIO_set_retry_write(b);
	return (int)got;
}

static int sock_read(BIO *b, char *p, int n)
{
	ssize_t got = recv(sock_fd(b), p, (size_t)n, 0);

	BIO_clear_retry_flags(b);
	if (got < 0 && again())
		BIO_set_retry_read(b);
	if (got == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return (int)got;
}

static long sock_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)num;
	(void)ptr;
	if (cmd == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	return cmd == BIO_CTRL_FLUSH;
}

static bool attach(struct tls *t)
{
	BIO *b;

	t->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7f, "socket");
	if (!t->method || BIO_meth_set_write(t->method, sock_write) != 1 || BIO_meth_set_read(t->method, sock_read) != 1 ||
	    BIO_meth_set_ctrl(t->method, sock_ctrl) != 1)
		return false;
	b = BIO_new(t->method);
	if (!b)
		return false;
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b); /* owned by ssl now */
	return true;
}

/* ---- waiting ---- */

static enum coffer_rc broken(struct err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return err_set(e, COFFER_E_UPSTREAM, "TLS: %s: %s", what, why ? why : "the connection was cut");
}

/* After an SSL_* call that returned rc <= 0: COFFER_OK means try it again. */
static enum coffer_rc retry(struct tls *t, int rc, int64_t deadline_ms, const char *what, struct err *e)
{
	int why = SSL_get_error(t->ssl, rc);

	if (why == SSL_ERROR_WANT_READ)
		return wait_fd(t->fd, POLLIN, deadline_ms, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "TLS");
	if (why == SSL_ERROR_WANT_WRITE)
		return wait_fd(t->fd, POLLOUT, deadline_ms, e) == COFFER_OK ? COFFER_OK : err_wrap(e, "TLS");
	return broken(e, what);
}

/* ---- connecting ---- */

static enum coffer_rc trust(struct tls *t, const struct tls_opts *o, struct err *e)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(t->ssl);
	uint8_t addr[16];
	int ok;

	if (!o->verify_ca) {
		SSL_set_verify(t->ssl, SSL_VERIFY_NONE, NULL);
		return COFFER_OK;
	}
	if (o->ca_pem.n > 0) {
		TRY(x509_anchors(o->ca_pem, SSL_CTX_get_cert_store(t->ctx), e));
		(void)X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_PARTIAL_CHAIN); /* an anchor is what the operator named */
	} else if (SSL_CTX_set_default_verify_paths(t->ctx) != 1) {
		return broken(e, "no system certificates");
	}
	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (inet_pton(AF_INET, o->host, addr) == 1 || inet_pton(AF_INET6, o->host, addr) == 1)
		ok = X509_VERIFY_PARAM_set1_ip_asc(p, o->host);
	else
		ok = X509_VERIFY_PARAM_set1_host(p, o->host, 0);
	if (ok != 1)
		return err_set(e, COFFER_E_INPUT, "TLS: \"%s\" is not a name to verify", o->host);
	SSL_set_verify(t->ssl, SSL_VERIFY_PEER, NULL);
	return COFFER_OK;
}

static enum coffer_rc setup(struct tls *t, const struct tls_opts *o, struct err *e)
{
	uint8_t addr[16];
	bool literal = inet_pton(AF_INET, o->host, addr) == 1 || inet_pton(AF_INET6, o->host, addr) == 1;

	t->ctx = SSL_CTX_new(TLS_client_method());
	if (!t->ctx || SSL_CTX_set_min_proto_version(t->ctx, o->allow_12 ? TLS1_2_VERSION : TLS1_3_VERSION) != 1)
		return broken(e, "setup");
	(void)SSL_CTX_set_options(t->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_security_level(t->ctx, 2);
	t->ssl = SSL_new(t->ctx);
	if (!t->ssl || !attach(t))
		return broken(e, "setup");
	(void)SSL_set_mode(t->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (!literal && SSL_set_tlsext_host_name(t->ssl, o->host) != 1) /* RFC 6066, 3: no literal addresses */
		return broken(e, "setup");
	return trust(t, o, e);
}

enum coffer_rc tls_connect(int fd, const struct tls_opts *o, struct tls **out, struct err *e)
{
	CLEANUP(tls_freep) struct tls *t = calloc(1, sizeof(*t));
	int flags = fcntl(fd, F_GETFL), rc;

	if (!t || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) /* or a read could outlast its deadline */
		return err_set(e, COFFER_E_SYSTEM, "TLS: %s", strerror(errno));
	t->fd = fd;
	ERR_clear_error();
	TRY(setup(t, o, e));
	while ((rc = SSL_connect(t->ssl)) != 1) {
		long verdict = SSL_get_verify_result(t->ssl);

		if (o->verify_ca && verdict != X509_V_OK) {
			ERR_clear_error();
			return err_deny(
			    e, "tls", "the certificate of %s is refused: %s", o->host, X509_verify_cert_error_string(verdict));
		}
		TRY(retry(t, rc, o->deadline_ms, "handshake", e));
	}
	*out = MOVE(t);
	return COFFER_OK;
}

enum coffer_rc tls_peer_key(const struct tls *t, uint8_t spki_sha256[static 32], struct err *e)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl); /* borrowed */
	unsigned char *der = NULL;
	int n = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : -1;

	if (n <= 0) {
		ERR_clear_error();
		return err_deny(e, "tls", "the peer showed no certificate");
	}
	sha256((struct span){ der, (size_t)n }, spki_sha256);
	OPENSSL_free(der);
	return COFFER_OK;
}

enum coffer_rc tls_read(struct tls *t, uint8_t *p, size_t cap, int64_t deadline_ms, size_t *n, struct err *e)
{
	for (;;) {
		size_t got = 0;
		int rc;

		ERR_clear_error();
		rc = SSL_read_ex(t->ssl, p, cap, &got);
		if (rc == 1) {
			*n = got;
			return COFFER_OK;
		}
		if (SSL_get_error(t->ssl, rc) == SSL_ERROR_ZERO_RETURN) {
			*n = 0;
			return COFFER_OK;
		}
		TRY(retry(t, rc, deadline_ms, "read", e));
	}
}

enum coffer_rc tls_write(struct tls *t, struct span s, int64_t deadline_ms, struct err *e)
{
	while (s.n > 0) {
		size_t got = 0;
		int rc;

		ERR_clear_error();
		rc = SSL_write_ex(t->ssl, s.p, s.n, &got);
		if (rc == 1)
			s = span_skip(s, got);
		else
			TRY(retry(t, rc, deadline_ms, "write", e));
	}
	return COFFER_OK;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	if (t->ssl && SSL_is_init_finished(t->ssl)) {
		(void)SSL_shutdown(t->ssl); /* close_notify if it can be sent at once; never waits */
		ERR_clear_error();
	}
	SSL_free(t->ssl);
	BIO_meth_free(t->method);
	SSL_CTX_free(t->ctx);
	free(t);
}
