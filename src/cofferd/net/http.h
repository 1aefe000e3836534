/* The HTTP library in its strictest dress, and our own limits around it. */
#pragma once
#include "cofferd/net/web.h"

struct http_server; /* opaque */

struct http_start {
	struct net *net;
	int         listen_fd;
	const char *key_pem, *cert_pem; /* must live as long as the server */
};

/* Starts the threads that accept, read and answer. Call inside the sandbox. */
enum coffer_rc http_server_start(const struct http_start *o, struct http_server **out, struct err *e) NODISCARD;

/* Accepts no more, lets running requests end, joins the threads, frees. */
void http_server_stop(struct http_server *s);
