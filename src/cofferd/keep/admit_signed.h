/* Inside admission only: whose signatures a statement has. */
#pragma once
#include "cofferd/keep/keep.h"

/* Each signature is one that the kind asks for: by a key that its issuer had, has, will have or brings with it, to sign or to recover with; of an asset statement
 * also by those of co_names; of an amendment by the founders; of a party statement that is not taken without one, by one introducer. That there are
 * enough of them is checked before. Whoever else signs, or is made to by somebody on the statement's way, would be in every receipt that has it.
 * COFFER_E_DENIED "signature". */
enum coffer_rc admit_signatures(struct keep *k, const struct dsse *env, const struct statement *s, struct err *e) NODISCARD;
