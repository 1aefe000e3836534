/* The local REST API: upstream's api-server-rest on 127.0.0.1, for the containers of this guest (net/http_serve.h is its server).
 * Each caller has a listener of its own; agent/fence.h leads it there.
 */
#pragma once
#include "base/secret.h"
#include "net/http_serve.h"

#define REST_PORT 8006

/* ---- rest_http.c: pure ---- */
/* The decoded value of a query parameter, %XX and '+' undone; false when absent, given twice or malformed. */
bool rest_query(struct span query, const char *name, struct wr *out) NODISCARD;

/* ---- rest_route.c: pure but for the backend ---- */
#define REST_RESOURCE 1u
#define REST_ATTESTATION 2u

enum rest_extend { REST_EXTENDED, REST_NOT_SUPPORTED };

struct rest_backend {
	void *arg; /* the caller is in here */
	/* path: "kbs:///a/b/c". COFFER_E_DENIED becomes 403 "<check>: <reason>", anything else 500 with the message. */
	enum coffer_rc (*resource)(void *arg, const char *path, struct wr *out, struct err *e);
	/* What fills the caller's slot of that name, which is not empty. Ours: GET /coffer/slot/NAME. */
	enum coffer_rc (*slot)(void *arg, struct span name, struct wr *out, struct err *e);
	/* Only with REST_ATTESTATION, which the agent never offers to containers: evidence over data of their choice would
	 * let them pass for the agent. */
	enum coffer_rc (*token)(void *arg, struct span type, struct wr *out, struct err *e);
	enum coffer_rc (*evidence)(void *arg, bool additional, struct span runtime_data, struct wr *out, struct err *e);
	enum coffer_rc (*extend)(void *arg, struct span domain, struct span operation, struct span content, enum rest_extend *out, struct err *e);
};

/* Always makes a reply (out->body is opened here). local: the peer's address is a loopback one. */
void rest_route(const struct http_in *q, unsigned features, bool local, const struct rest_backend *b, struct http_out *out);

/* ---- rest.c ---- */
/* Listens on port REST_PORT of address[0..n): IPv4, host byte order, n <= HTTP_SERVE_LISTENERS_MAX. To be done before anybody else
 * runs who could take an address. */
enum coffer_rc rest_open(const uint32_t *address, size_t n, const struct http_serve_how *how, struct http_serve **out,
    struct err *e) NODISCARD;
