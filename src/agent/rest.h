/* The local REST API: upstream's api-server-rest on 127.0.0.1, for the containers of this guest.
 *
 * HTTP/1.1, one request a connection: head <= 8 KiB, body <= 64 KiB, Content-Length only, no bare LF, no folded lines,
 * ten seconds. Each caller has a listener of its own (agent/fence.h leads it there) and an equal share of the connections,
 * at least REST_CONNS_MAX / REST_CALLERS_MAX: none can take another's.
 */
#pragma once
#include <poll.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/wr.h"

#define REST_PORT 8006
#define REST_HEAD_MAX 8192
#define REST_BODY_MAX 65536
#define REST_CONNS_MAX 32
#define REST_CALLERS_MAX 16
#define REST_DEADLINE_MS 10000

/* ---- rest_http.c: pure ---- */
struct rest_request { struct span method, path, query, body; }; /* query: without '?', empty if none */

/* *complete = false: more bytes are needed. COFFER_E_INPUT malformed, COFFER_E_LIMIT too long. Spans borrow `in`; *out is
 * written only when complete. Bytes behind the request are malformed: nobody pipelines here. */
enum coffer_rc rest_request_read(struct span in, bool *complete, struct rest_request *out, struct err *e) NODISCARD;

/* The decoded value of a query parameter, %XX and '+' undone; false when absent, given twice or malformed. */
bool rest_query(struct span query, const char *name, struct wr *out) NODISCARD;

struct rest_reply { int status; const char *type; struct wr body; }; /* the body may hold a secret: wr wipes it */
void rest_reply_write(const struct rest_reply *r, struct wr *out);

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
void rest_route(const struct rest_request *q, unsigned features, bool local, const struct rest_backend *b, struct rest_reply *out);

/* ---- rest.c ---- */
struct rest;
/* caller: whose listener the connection came to. An error of it drops the connection. */
typedef enum coffer_rc (*rest_serve)(void *arg, size_t caller, const struct rest_request *q, struct rest_reply *out, struct err *e);

/* Listens on port REST_PORT of address[0..n): IPv4, host byte order, n <= REST_CALLERS_MAX. To be done before anybody else
 * runs who could take an address. `serve` answers a whole request. */
enum coffer_rc rest_open(const uint32_t *address, size_t n, rest_serve serve, void *arg, struct rest **out, struct err *e) NODISCARD;
void   rest_close(struct rest *r);
static inline void rest_closep(struct rest **r) { rest_close(*r); *r = NULL; }
/* What to poll (at most REST_CONNS_MAX + REST_CALLERS_MAX entries) and what to do afterwards. */
size_t rest_poll(const struct rest *r, struct pollfd *p);
void   rest_step(struct rest *r);
