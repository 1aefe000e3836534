/* A checked connection to the trust service (docs/protocol/service.md), for the CLI and the guest.
 *
 * service_open connects, fetches genesis and service statement over the not yet trusted connection, verifies
 * both from the genesis digest down (trust/chain.h) and compares the TLS key. Until it returns COFFER_OK nothing
 * but public statements has crossed; afterwards every new TLS connection must show the same key.
 */
#pragma once
#include "base/err.h"
#include "net/http.h"
#include "trust/chain.h"
#include "trust/parties.h"

struct service_conn; /* opaque */

struct service_opts {
	struct span url;            /* "https://host:port" */
	uint8_t     genesis[32];
	int64_t     now;
	int64_t     timeout_ms;     /* per request; 0 = 60 s */
	const uint8_t *tls;         /* 32 bytes: the TLS key that it shows, whatever key its statement names; NULL: that one */
};

/* COFFER_E_UPSTREAM unreachable; COFFER_E_NOTFOUND no service statement there yet; COFFER_E_DENIED (check "genesis",
 * "service" or "tls") when it is not ours. */
enum coffer_rc service_open(const struct service_opts *o, struct service_conn **out, struct err *e) NODISCARD;
void           service_close(struct service_conn *c);
static inline void service_closep(struct service_conn **c) { service_close(*c); *c = NULL; }

const struct genesis *service_genesis(const struct service_conn *c);
const struct service *service_keys(const struct service_conn *c);
const uint8_t        *service_id(const struct service_conn *c); /* 32 bytes: id of the service statement */

struct service_req {
	const char *method, *path;
	const char *bearer;       /* NULL, or a compact token */
	const char *headers;      /* NULL, or further complete header lines */
	const char *content_type; /* NULL = application/json when there is a body */
	struct span body;
};
/* COFFER_OK for 2xx alone. Otherwise the reply's error becomes *e: both error shapes are understood, check and
 * reason kept (401/403 -> DENIED, 404 -> NOTFOUND, 400/409/413/429 -> INPUT or LIMIT, 5xx -> UPSTREAM);
 * out stays valid for its status. */
enum coffer_rc service_call(
    struct service_conn *c, const struct service_req *q, size_t max_body, struct http_res *out, struct err *e) NODISCARD;

/* Whether the last service_call failed because a kept connection ended before the reply began. One with a token is not sent again by
 * itself: the service takes a party's token once. */
bool service_unanswered(const struct service_conn *c);

/* From now on requests end after so long; 0 = 60 s. */
void service_timeout(struct service_conn *c, int64_t ms);

/* All parties as the service's ledger made them, checked from the genesis on; asked for once a connection. What the service leaves out is
 * not noticed here (a ledger whose head was seen shows it). Then the service's own statement is judged again by what its issuer's
 * keys became. */
enum coffer_rc service_parties(struct service_conn *c, const struct parties **out, struct err *e) NODISCARD;
/* The party as it is now. COFFER_E_NOTFOUND. */
enum coffer_rc service_party(struct service_conn *c, const char *id, struct party *out, struct err *e) NODISCARD;

/* Whether the party signed it with a key that it had at any time and that was not named compromised from before `issued`, the time
 * that the statement says of itself. */
enum coffer_rc service_vouches(struct service_conn *c, const char *id, const struct dsse *env, int64_t issued, bool *yes,
    struct err *e) NODISCARD;

/* A party token for one request (docs/protocol/service.md, Party tokens). */
/* One that is signed elsewhere: header, dot and payload, to be signed as they stand; for reading and deleting, without a body (trust/reqtoken.h). tls: of the service. */
struct token_for { const struct pubkey *key; const char *party, *method, *path; const uint8_t *tls; };
enum coffer_rc party_token_input(const struct token_for *f, int64_t now, struct wr *out, struct err *e) NODISCARD;
enum coffer_rc party_token(const struct privkey *k, const char *party, const char *method, const char *path,
    struct span body, int64_t now, struct wr *out, struct err *e) NODISCARD;
