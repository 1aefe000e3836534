/* The life of one party's keys: what its statements, in the order of the ledger, make of it. Pure: whoever admits statements and
 * whoever reads them come to the same. trust.md section 1, "Keys"; docs/protocol/statements.md, "Keys in time".
 *
 *  - A change by a present key alone waits the party's hold; meanwhile only its recovery quorum may say anything new about it.
 *  - The quorum's word takes effect at once, ends what waits, and alone changes recovery keys, quorum and hold (a party that
 *    has no recovery keys states its first by a change that waits).
 *  - A key named compromised from T is dead: it signs nothing more, never comes back, and what it alone signed from T on and
 *    what grants is void (life_void). Tightenings stand until the quorum lifts them.
 * Time is the ledger's: of the entry that logged the statement. */
#pragma once
#include "trust/dsse.h"
#include "trust/statement.h"

/* Of the keys in a party's life and of what names them compromised; the last of both are for its recovery quorum, so that nobody with a stolen
 * key leaves it without room. */
#define LIFE_PAST_MAX 40
#define LIFE_DEAD_MAX 40
#define LIFE_FOR_QUORUM 8

struct dead_key {
	uint8_t thumb[32];
	int64_t from;       /* T */
	uint8_t by[32];     /* the statement that says so */
	int64_t logged;     /* and when it was logged, and by which key; zeros: by the quorum */
	uint8_t signer[32];
};
struct party_life {
	char            by[PARTY_MAX]; /* who introduced it; "": a founder */
	struct party    body;         /* what was in effect after the newest statement */
	uint64_t        serial;       /* of the newest statement; 0: as the genesis says */
	uint64_t        by_quorum;    /* how many of its statements its recovery quorum signed, */
	int64_t         said_by_quorum, said; /* when the newest of these was logged, and of the others */
	int64_t         expires;      /* of body; INT64_MAX: as the genesis says */
	bool            waits;        /* then next takes effect at from */
	struct party    next;
	int64_t         from, next_expires;
	struct pubkey   past[LIFE_PAST_MAX]; /* every signing key that was ever in effect */
	size_t          n_past;
	struct dead_key dead[LIFE_DEAD_MAX];
	size_t          n_dead;
};

/* A founder, as the genesis says. */
void life_found(const struct party *p, struct party_life *out);

const struct party *life_party(const struct party_life *l, int64_t t);   /* in effect at t >= the newest statement's time */
int64_t             life_expires(const struct party_life *l, int64_t t);
bool                life_dead(const struct party_life *l, const uint8_t thumb[static 32]);
bool                life_dead_at(const struct party_life *l, const uint8_t thumb[static 32], int64_t t); /* named compromised from t or earlier */
bool                life_had(const struct party_life *l, const struct pubkey *k);  /* now, before, or once it has waited */
bool                life_had_thumb(const struct party_life *l, const uint8_t thumb[static 32]); /* the same of a key's thumbprint */
/* By a key in effect at t that is not dead. *signer: its thumbprint (NULL: not wanted). */
bool                life_signed(const struct party_life *l, const struct dsse *env, int64_t t, uint8_t *signer);
/* By as many different recovery keys as it takes; false where there are none. */
bool                life_quorum(const struct party_life *l, const struct dsse *env, int64_t t);
/* For the refusal of what neither that quorum nor a key signed: COFFER_E_DENIED by that check, where some recovery keys signed it, with how many of how many. */
enum coffer_rc      life_too_few(const struct party_life *l, const struct dsse *env, int64_t t, const char *check, struct err *e) NODISCARD;

struct life_event {
	const struct dsse      *env;
	const struct statement *s;
	int64_t                 logged;
	const char             *introduced; /* another known party, which signed the envelope too; NULL: none did */
};
/* A party statement; old NULL: of a newcomer. What it makes of the party, or COFFER_E_DENIED (check "signature", "hold", "recovery" or "kind"),
 * COFFER_E_LIMIT. Does not look at serials, windows or other parties' keys. */
enum coffer_rc life_step(const struct party_life *old, const struct life_event *ev, struct party_life *out, struct err *e) NODISCARD;
/* A revocation of a key, or one that lifts such a revocation; of another: COFFER_OK and nothing changes. Check "signature" or "kind". */
enum coffer_rc life_revoke(struct party_life *l, const struct life_event *ev, struct err *e) NODISCARD;

/* The party's word, logged at `logged`, is void: only keys that were dead from then or earlier signed it, and not the quorum that is in effect. Whether its kind can be
 * void is life_grants. */
bool life_void(const struct party_life *l, const struct dsse *env, int64_t logged);
/* It signed what was logged then: by a key of its life that was not dead by then, or by that quorum. */
bool life_gave(const struct party_life *l, const struct dsse *env, int64_t logged);
bool life_grants(enum statement_kind k);
/* An issuer's clock may be this far ahead of the ledger's (s): so much earlier than it says may a statement have been logged. */
#define LIFE_AHEAD 300
/* For readers who do not know when it was logged, and take what it says of itself: signed by a key that the party ever had and
 * that was not named compromised from before it can have been logged, LIFE_AHEAD before it was issued. */
bool life_vouches(const struct party_life *l, const struct dsse *env, int64_t issued, int64_t now);
