/* One request of a guest under way: who asks, and all that the decision looks at. Shared by release.c, where it is gathered, and
 * freshness.c. */
#pragma once
#include "cofferd/keep/keep.h"
#include "cofferd/keep/token.h"
#include "decide/request.h"

#define ASKING_THINGS_MAX 64

struct asking {
	struct decide_in in;
	struct tee_key   key;
	struct session  *session;  /* borrowed; NULL with a token whose session is gone */
	struct token_state token;
	struct hw_facts  hw;
	const struct member_set *members;
	uint8_t          session_id[KEEP_SESSION_LEN];
	uint64_t         counter;
	bool             by_token;
	struct fact_revocation thing[ASKING_THINGS_MAX]; /* what in.thing shows */
	struct request_signed asked; /* with in.q.scoped; borrows the message */
};

void asking_clear(struct asking *q);

/* Who asks: the attested session. COFFER_E_DENIED (check "session"). */
enum coffer_rc asking_session(struct keep *k, const uint8_t id[static KEEP_SESSION_LEN], struct asking *q, struct err *e) NODISCARD;
/* The statements, after in.q.path, in.a and in.held are known; good until the next question to the registry. */
enum coffer_rc asking_facts(struct keep *k, struct asking *q, struct err *e) NODISCARD;
/* A counter is good once, and is used up when it is first seen: a request that waited for eval had it then. */
bool           asking_counts(const struct keep *k, const struct session *s, uint64_t counter);
void           asking_count(struct keep *k, struct session *s, uint64_t counter);
/* R10, by the claims of a session. */
enum coffer_rc asking_policy(struct keep *k, struct asking *q, struct err *e) NODISCARD;

/* The revocations of its machine, its images and their keys: in.thing. After the other facts. COFFER_E_LIMIT (facts_things.c) */
enum coffer_rc facts_things(const struct registry *r, struct asking *q, struct err *e) NODISCARD;
