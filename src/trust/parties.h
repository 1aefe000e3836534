/* All parties that a ledger knows, and what the founders amended of the genesis, as its statements made them one after the other: what `keep` rebuilds from its journal when it
 * opens, and a client from the list that the service shows. Pure. */
#pragma once
#include "trust/amend.h"
#include "trust/party_life.h"

#define PARTIES_MAX 256
#define PARTIES_BROUGHT_MAX 32 /* by one that is no founder */

struct key_of { uint8_t thumb[32]; size_t party; };
struct parties {
	struct party_life *life; /* owned; room for PARTIES_MAX */
	size_t             n;
	struct genesis    *founded; /* owned */
	struct amended    *amended; /* owned; in the order of the ledger */
	size_t             n_amended;
	struct key_of     *key; /* owned, as its numbers private to parties_index.c: ascending */
	size_t             n_keys, room_keys;
};
/* The founders. */
enum coffer_rc parties_open(const struct genesis *g, struct parties *out, struct err *e) NODISCARD;
void           parties_clear(struct parties *p); /* CLEANUP-ready */

const struct party_life *parties_life(const struct parties *p, struct span id); /* NULL: never heard of */
/* In effect at t; NULL when unknown or expired by then. */
const struct party *parties_party(const struct parties *p, struct span id, int64_t t);
/* The party that signs at t with the key of this thumbprint; NULL if none does, also where the key is dead. */
const struct party *parties_key(const struct parties *p, const uint8_t thumb[static 32], int64_t t, const struct pubkey **key);
/* ... by which it recovers. */
const struct party *parties_recovery(const struct parties *p, const uint8_t thumb[static 32], int64_t t, const struct pubkey **key);

/* Some party named a key of its own compromised. */
bool parties_any_dead(const struct parties *p);

/* The genesis as its last amendment left it. */
const struct genesis *parties_genesis(const struct parties *p);
/* As the amendment with this id left it; id NULL: as it was founded. NULL: there is no such amendment. */
const struct genesis *parties_genesis_by(const struct parties *p, const uint8_t *id);

/* As it was founded, with every vendor root that it or an amendment ever named: whom evidence may lead to. Whether an asset goes by that root is the
 * decision's question. */
enum coffer_rc parties_roots(const struct parties *p, struct genesis *out, struct err *e) NODISCARD;
/* How many parties one may bring here, itself and by those it introduced: a founder its part of all places, so that none of them leaves another without; others
 * PARTIES_BROUGHT_MAX of their founder's. */
size_t parties_share(const struct parties *p, bool founder);
/* Those that it brought, and that these brought: in[i] tells of life[i]. How many. */
size_t parties_brought(const struct parties *p, const char *by, bool in[static PARTIES_MAX]);

/* Signature i of the envelope is by a key that some party had, has or, once it has waited, will have, to sign or to recover with. Whether that party had a
 * say in it is another question. What nobody answers for is in no ledger: whoever reads it later could not tell it from a forgery. */
bool parties_answer(const struct parties *p, const struct dsse *env, size_t i) NODISCARD;
/* ... by a key of this party. */
bool life_answers(const struct party_life *l, const struct dsse *env, size_t i) NODISCARD;
/* ... by one of these keys. */
bool keys_answer(const struct pubkey *keys, size_t n, const struct dsse *env, size_t i) NODISCARD;

struct parties_event { const struct dsse *env; const struct statement *s; int64_t logged; };
/* The other party whose signature this party statement cannot do without; NULL: there is none, or it is taken without one. */
enum coffer_rc parties_introducer(const struct parties *p, const struct parties_event *ev, const char **by, struct err *e) NODISCARD;
/* What a party statement or a revocation says about keys, against all that is known: may it be logged? Of other kinds and other
 * revocations: COFFER_OK. Besides life_step's refusals: a key that is another party's (check "signature"), too many parties; and, of what is not logged yet alone, more than
 * the introducer's share (COFFER_E_LIMIT).
 * An amendment: signed by every founder with a key that it has then (check "signature"), the next in order (check "serial"), of this genesis (check
 * "ledger"), amendment_read's refusals, COFFER_E_LIMIT. */
enum coffer_rc parties_check(const struct parties *p, const struct parties_event *ev, struct err *e) NODISCARD;
/* The same, and it counts from here on. In the order of the ledger. */
enum coffer_rc parties_learn(struct parties *p, const struct parties_event *ev, struct err *e) NODISCARD;

/* ---- as a service shows them (GET /coffer/v0/parties) ---- */
struct parties_page { uint64_t next; bool more; uint64_t n; }; /* ask from there on; statements so far */
/* Takes a page, JSON text, on top of p. Nothing in it is believed but the order and the times of the ledger: what each statement
 * makes of its party is decided by signatures, from the genesis on. COFFER_E_DENIED (check "parties") where something does not follow. */
enum coffer_rc parties_read(struct parties *p, const uint8_t genesis[static 32], struct span text, struct parties_page *at,
    struct err *e) NODISCARD;
#define PARTIES_PAGE_MAX (9u << 20)
/* Page after page, as long as the service has more and each goes on where the one before ended: years of many parties are many pages, and nothing of them is kept but what
 * they make of the parties. page: the text from that entry on, owned by who asks. COFFER_E_LIMIT beyond `most` statements: what goes on without end. */
#define PARTIES_STATEMENTS_MAX (1u << 20)
struct parties_source { enum coffer_rc (*page)(void *arg, uint64_t from, struct wr *out, struct err *e); void *arg; uint64_t most; };
enum coffer_rc parties_follow(struct parties *p, const uint8_t genesis[static 32], const struct parties_source *s, struct err *e) NODISCARD;
