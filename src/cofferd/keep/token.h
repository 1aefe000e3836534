/* The EAR token: what upstream clients show as Bearer, and what stands for R1 and R2 afterwards.
 *
 * keep reads of its token what it wrote itself: the member "coffer" of the header (binary, base64url), signed with the rest. The claims
 * in the payload hold what eval said of the evidence, and are for others: upstream's services, and owners' policies, which can only
 * refuse. */
#pragma once
#include "cofferd/keep/keep.h"
#include "decide/claims.h"

#define TOKEN_SECONDS_EAR CLAIMS_SECONDS
_Static_assert(SESSION_SECONDS <= CLAIMS_SECONDS, "receipts of a session hold");
#define CLAIMS_MAX (128u << 10)
#define TOKEN_MAX (192u << 10)

/* The claims of an attested session, as JSON: what its token carries and what release policies judge. False: forgotten. */
bool claims_write(const struct keep *k, const struct session *s, struct wr *out) NODISCARD;

/* Of an attested session. */
enum coffer_rc token_make(const struct keep *k, const struct session *s, struct wr *out, struct err *e) NODISCARD;

/* What a token stands for. */
struct token_state {
	struct appraisal  a;        /* hw is not set */
	bool              has_facts;
	struct hw_facts   facts;
	struct member_set members;  /* members_clear */
	uint8_t           session[KEEP_SESSION_LEN]; /* that it was made in */
};
/* A token of this service, still good. COFFER_E_DENIED (check "token"). */
enum coffer_rc token_read(const struct keep *k, const struct keep_resource_req *q, struct token_state *out, struct err *e) NODISCARD;
