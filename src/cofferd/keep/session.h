/* Attestation sessions: in memory only, bounded, gone after five minutes.
 *
 * A session is made by AUTH, takes one evidence, and is then good for requests until it expires; the time counts
 * from AUTH. When the table is full the oldest session without evidence makes room where these take more than a quarter
 * of it, else the oldest with evidence: neither can crowd out the other.
 *
 * What an appraisal said (facts, claims) is kept beside as one note a session, and all notes together are bounded: beyond that the
 * oldest are forgotten, and their guests show their token instead. What it showed (showing.h) is kept likewise until the first release
 * stores it; where it was forgotten before, receipts of that session have no evidence.
 *
 * There are ten thousand of these: nothing is kept twice, and what follows from something that is kept is not kept.
 */
#pragma once
#include "decide/decide.h"
#include "decide/teekey.h"

#define SESSIONS_MAX 10000
#define SESSION_SECONDS 300 /* no more than CLAIMS_SECONDS (decide/claims.h): a receipt of longer ones does not hold */
#define SESSION_BYTES_MAX 4200 /* of one session, all included but its note and what it showed */
#define NOTES_BYTES_MAX (4u << 20)  /* of all sessions' notes; one of a TD with an event log has up to 56 KiB */
#define SHOWINGS_BYTES_MAX (48u << 20) /* of all that sessions showed and that is not stored */
#define SESSION_AK_MAX 600     /* bytes of a TPM's attestation key: SubjectPublicKeyInfo of RSA 4096 */
#define SESSION_TRIES_MAX 2    /* times that evidence may be shown, the first without collateral that was then fetched */

/* Bytes of a session's own, wiped before they are freed. */
struct session_bytes { uint8_t *p; size_t n; };
struct span session_span(const struct session_bytes *b); /* borrowed */

/* What session_appraisal cannot tell from the session of a struct appraisal whose R1 held. */
struct accepted {
	bool    attested, genuine, has_register, has_initdata, has_genesis;
	uint8_t expected_n, found_n;
	uint8_t found[64];            /* begins with what was expected */
	uint8_t init_register[32], initdata[32], genesis[32], root[32];
};

struct session {
	uint8_t          id[KEEP_SESSION_LEN], nonce[32];
	int64_t          expires;
	uint64_t         counter;     /* of the last signed request */
	struct accepted  a;           /* a.attested once evidence was accepted */
	uint8_t          tee;         /* enum tee_kind */
	bool             busy;        /* its evidence is being appraised */
	uint8_t          tries;
	uint8_t          lapses;      /* journal entries about leases that ended */
	bool             shown;       /* what it showed is in `showing`, or in the store by now */
	struct member_set members;    /* of tee-pubkey; borrows nothing */
	struct session_bytes ak;      /* SubjectPublicKeyInfo that a credential was made for (credential.h); empty: none was */
	struct session_bytes note;    /* facts (u32 length first), then the claims' text; empty: forgotten, or none yet */
	struct session_bytes showing; /* packed by showing.h; empty once it is stored */
	uint8_t          vouched_by[32]; /* the named root that the credential's EK leads to, as in struct appraisal */
	uint8_t          shown_id[32];   /* once it is stored: the digest by which releases name what it showed */
	/* private */
	uint32_t         newer, older, chain; /* indices into the table, NONE at the end */
};

struct sessions;

enum coffer_rc sessions_new(uint32_t max, struct sessions **out, struct err *e) NODISCARD; /* 0 = SESSIONS_MAX */
void           sessions_free(struct sessions *t);

/* Draws id and nonce. Never fails for want of room. */
struct session *session_add(struct sessions *t, uint8_t tee, int64_t now);
/* NULL when unknown or expired. Good until the next session_add or session_drop. */
struct session *session_get(struct sessions *t, const uint8_t id[static KEEP_SESSION_LEN], int64_t now);
/* Evidence was accepted: from now on others make room first. */
void            session_attested(struct sessions *t, struct session *s);
/* What the appraisal said of an attested session is kept, and told again; then a->hw is NULL (the note has the facts). */
void            session_accept(struct session *s, const struct appraisal *a);
void            session_appraisal(const struct session *s, struct appraisal *a);
/* Keeps a note, and forgets the oldest others where all together would be too large. COFFER_E_SYSTEM. */
enum coffer_rc  session_note(struct sessions *t, struct session *s, struct span facts, struct span claims, struct err *e) NODISCARD;
/* False: forgotten. Borrowed. */
bool            session_read_note(const struct session *s, struct span *facts, struct span *claims) NODISCARD;

/* The session has a credential from now on, for this key; *secret: the 32 bytes in it, drawn here, borrowed until it is dropped. They
 * live in one locked mapping for all sessions: a flood of strangers cannot use up what may be locked. COFFER_E_LIMIT. */
enum coffer_rc session_credential(struct sessions *t, struct session *s, struct span ak, struct span *secret, struct err *e) NODISCARD;
/* False: it has no credential. */
bool            session_secret(const struct sessions *t, const struct session *s, struct span *secret) NODISCARD;

/* Takes *packed: what the session showed. Forgets the oldest others' where all together would be too large: those of sample first, and
 * for one of sample those alone; where that is not enough, *packed stays the caller's. */
void            session_show(struct sessions *t, struct session *s, struct wr *packed);
/* It is in the store: from now on the digest alone is kept, by which releases name it. */
void            session_stored(struct sessions *t, struct session *s, const uint8_t id[static 32]);
size_t          sessions_showings(const struct sessions *t); /* bytes */

size_t          sessions_notes(const struct sessions *t); /* bytes */
void            session_drop(struct sessions *t, struct session *s);
size_t          sessions_count(const struct sessions *t);
