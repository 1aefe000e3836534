/* R10: the owner's release policy, asked of `eval` only when every other check holds. eval is not believed further than its
 * "no": its "yes" lets a decision stand that all other checks have made already. */
#pragma once
#include "cofferd/keep/keep.h"

/* claims: the JSON that a token of this session carries. Without an eval process (k->eval < 0), or when it does not answer, the answer is
 * "unavailable", which denies. Fails where the turn waits for eval (eval_waits), and with COFFER_E_LIMIT (askeval.h). */
enum coffer_rc policy_ask(struct keep *k, const struct decide_in *in, struct span claims, struct policy_answer *out, struct err *e) NODISCARD;
