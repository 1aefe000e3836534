/* Delegation: whether one party speaks for another, at a place in the journal or now. One code for whoever asks: the service, which decides by
 * it; a receipt, which shows it; a client, which follows it to the keys of the service. Pure; who signed what is checked before. */
#pragma once
#include "trust/statement.h"

/* What is known of one logged statement. */
struct fact {
	enum statement_kind kind;
	uint8_t id[32];
	char    issuer[PARTY_MAX];
	int64_t issued, expires;
	bool    superseded;   /* a higher serial of the same issuer, kind and subject is logged */
	bool    voided;       /* it grants, and only keys that were compromised by then signed it */
	bool    issuer_may;   /* the issuer is known and holds the persona this kind needs; with `of`: is known */
	uint64_t seq;         /* entry that logged it, and when */
	int64_t logged;
	char    of[PARTY_MAX]; /* the party for which the issuer speaks by delegation; "": for itself */
};
/* s.of: body.of where another issued it. superseded_at: entry of the first higher serial; 0: none. */
struct fact_delegation { struct fact s; struct delegation body; uint64_t superseded_at; };
/* from, until: of a pause; until 0: a revocation, for good. since: of a key that images are signed with, where releases that were logged
 * before then stand; 0: none does. */
struct fact_revocation { uint8_t target[32]; char issuer[PARTY_MAX]; int64_t from, until, since; };
static inline bool fact_bears(const struct fact_revocation *r, int64_t now)
{
	return r->until == 0 || (r->from <= now && now < r->until);
}

#define LINKS_MAX 128 /* of one party and role: more are no chain */
#define CHAIN_MAX (DELEGATION_DEPTH_MAX + 1)
#define CHAIN_LINKS_MAX (CHAIN_MAX + (CHAIN_MAX - 1ul) * (CHAIN_MAX - 1ul)) /* and of each but the first as many by which it was lent */
struct links {
	const struct fact_delegation *d;
	size_t                        n;
	const struct fact_revocation *revocation;
	size_t                        n_revocations;
	int64_t                       now; /* for pauses */
};
/* A place in the journal: what the entries before `seq` say at `time`. */
struct chain_point { uint64_t seq; int64_t time; };
struct chain_ask {
	const char *of, *to;
	enum delegated_role role;
	struct span path;           /* an asset, service's id or repository, or the beginning of such; empty: all */
	struct chain_point at;
	bool        revoked_too;    /* as if nothing were revoked */
};
/* link[0] is to the one who asks, link[n - 1] by `of`. From there up to `all`, each once: those by which these were lent when they were logged, and so on, as far as
 * others have taken their place in the chain since (a renewal does). Nothing but these shows that it holds, and if one of them is revoked it does not.
 * left: links that may still follow. */
struct chain { const struct fact_delegation *link[CHAIN_LINKS_MAX]; size_t n, all; unsigned left; };
/* A chain of delegations from `of` to `to`, of which each link stood there, and was lent by such a chain when it was logged, and whose depths
 * allow it. One link revoked at any time breaks it for good. */
bool chain_find(const struct links *l, const struct chain_ask *q, struct chain *out);
/* By its issuer, or by whose power it is. */
bool link_revoked(const struct links *l, const struct fact_delegation *d);
