/* One HTTP request and its reply, as the endpoints see them: no HTTP library below this line. */
#pragma once
#include "base/wr.h"
#include "cofferd/net/attested.h"
#include "cofferd/net/clerk.h"
#include "cofferd/net/conns.h"
#include "cofferd/net/keeper.h"
#include "cofferd/net/pool.h"
#include "cofferd/net/shelf.h"

#define WEB_BODY_MAX (2u << 20)    /* bytes of a request body */
#define WEB_TARGET_MAX 2048        /* bytes of path and query */
#define WEB_TOKEN_MAX (140u << 10) /* bytes of a bearer token */

struct net {
	struct keeper keep;
	struct collateral_wire fetch;
	struct attested_wire attest;
	struct clerk *witnesses;
	struct pool  *pool;      /* where requests are answered */
	struct pool  *statements; /* where statements are: who posts them need not be known, so they wait for each other alone */
	struct conns  conns;
	struct shelf  shelf;
	uint32_t      max_age; /* seconds: how old collateral may be where an owner says nothing */
	bool          attests; /* the parent started attest */
	bool          log_all; /* else only what failed on our side */
};

struct reply {
	unsigned    status;
	const char *type;              /* of the body */
	struct wr   body;
	char        cookie[160];       /* Set-Cookie, "" = none */
	char        coffer_reply[128]; /* headers of a release, "" = none */
	char        coffer_entry[128];
};

struct request {
	struct net   *net;
	void         *con;    /* private to http.c */
	char         *target; /* as sent, path and query */
	struct span   path, query;
	char          method[8];
	struct wr     body;
	bool          begun, too_large;
	struct pool_job job;
	bool          answered;  /* reply is there */
	struct reply  reply;
	/* An endpoint sets `waits` instead of answering, and is asked again when witnesses have signed or will not; then `waited` is set. */
	bool          waits, waited;
	struct clerk_waiter wait;
	uint8_t       ticket[KEEP_TICKET_LEN]; /* of a reply that keep holds; once waited */
};

void reply_clear(struct reply *r);

/* Value of a header (any letter case); {NULL,0} when absent. Borrowed from the connection. */
struct span web_header(const struct request *q, const char *name);
bool        web_method(const struct request *q, const char *method);
/* Value of the cookie `name`; {NULL,0} when absent. */
struct span web_cookie(const struct request *q, const char *name);
/* The token behind "Bearer "; {NULL,0} when absent or another scheme. */
struct span web_bearer(const struct request *q);

/* Percent-decodes one value of the query into w. false when malformed or not valid text. */
bool web_unescape(struct span s, struct wr *w) NODISCARD;

void reply_json(struct reply *r, struct span json);
/* {"error":{"check","reason","fix"}}; the status follows from the code. */
void reply_error(struct reply *r, const struct err *e, const char *fix);
void reply_plain(struct reply *r, unsigned status, const char *check, const char *reason);
/* {"type":".../<name>","detail":"..."} */
void reply_kbs(struct reply *r, unsigned status, const char *name, const char *fmt, ...) PRINTF(4, 5);
/* The same for an answer of keep: detail "<check>: <reason>; decision <id>". */
void reply_kbs_err(struct reply *r, unsigned status, const char *name, const struct err *e, const struct answer *a);

void kbs_serve(struct request *q, struct reply *r);    /* /kbs/v0/... */
void coffer_serve(struct request *q, struct reply *r); /* /coffer/v0/... */
/* True: answered without waiting for anybody. */
bool coffer_at_hand(struct request *q, struct reply *r) NODISCARD;
void coffer_jwks(struct request *q, struct reply *r);  /* /.well-known/jwks.json */
void coffer_ledger(struct request *q, struct reply *r); /* /ledger/...: the public ledger, as static files */
