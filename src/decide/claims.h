/* What an owner's release policy is asked, and with which input: in the service, and again by whoever has the receipt. */
#pragma once
#include "decide/decide.h"
#include "proto/eval.h"
#include "proto/keep.h"

#define CLAIMS_SECONDS 300 /* that a token is good for */

/* The claims of a session's token, as JSON: what it carries and what release policies judge. genesis: 32 bytes; session:
 * KEEP_SESSION_LEN; service "": it has no name. False: what eval wrote as submods is not one object. */
struct claims_in { const uint8_t *genesis, *session; struct span service, build, submods; int64_t time; };
bool shown_claims(const struct claims_in *in, struct wr *out) NODISCARD;

/* The question of R10: q borrows in, claims and data, which is open. */
enum coffer_rc policy_question(const struct decide_in *in, struct span claims, struct wr *data, struct eval_release_req *q,
    struct err *e) NODISCARD;
/* tag: enum eval_answer. */
void policy_answered(uint8_t tag, struct span said, struct policy_answer *out);
