/* The EAR token: what upstream clients show as Bearer, and what stands for R1 and R2 afterwards.
 * keep builds every claim itself from its own fields; nobody hands it bytes to sign. */
#pragma once
#include "cofferd/keep/keep.h"

#define TOKEN_SECONDS_EAR 300
#define CLAIMS_MAX (16u << 10)

/* The claims of an attested session, as JSON: what its token carries and what release policies judge. */
void claims_write(const struct keep *k, const struct session *s, struct wr *out);

/* Of an attested session. Trust vector all zero and status "none": the platform sample proves nothing. */
enum coffer_rc token_make(const struct keep *k, const struct session *s, struct wr *out, struct err *e) NODISCARD;

/* A token of this service, still good: fills appraisal, key members (members_clear) and the id of the session it was made
 * in. COFFER_E_DENIED (check "token"). */
enum coffer_rc token_read(const struct keep *k, const struct keep_resource_req *q, struct appraisal *a,
			  struct member_set *members, uint8_t session[static KEEP_SESSION_LEN], struct err *e) NODISCARD;
