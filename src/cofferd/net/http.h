/* The HTTP library in its strictest dress, and our own limits around it. */
#pragma once
#include "cofferd/net/web.h"

/* TLS 1.3 alone. No tickets: guests keep their connection, and each ticket costs several HMAC-SHA-512. SHA-256 suites first: SHA-384
 * over the handshake costs GnuTLS more than the signature does. X25519 first: nearly every client guesses that one, and
 * another would cost it a second ClientHello and us a second round. */
#define TLS_PRIORITIES                                                                     \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+CHACHA20-POLY1305:+AES-256-GCM" \
	":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE:%NO_TICKETS"

struct http_server; /* opaque */

struct http_start {
	struct net *net;
	int         listen_fd;
};

/* Starts the threads that accept, read and answer, with the key of tls_key_new, which must live as long as the server.
 * Call inside the sandbox. */
enum coffer_rc http_server_start(const struct http_start *o, struct http_server **out, struct err *e) NODISCARD;

/* Lets running requests end, answers no more, joins the threads, frees. */
void http_server_stop(struct http_server *s);
