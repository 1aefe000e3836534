/* Whose revocation, pause, minimum or approval may end what was decided: those who decide of the asset, the provider of the code, and
 * whoever stated, or lent the power to state, what the decision saw. Nobody else's word is heard when it is decided again
 * (decide.h), so that a stranger's ends nothing. */
#pragma once
#include "decide/decide.h"
#include "trust/parties.h"

struct concerned { uint8_t party[PARTIES_MAX / 8]; }; /* bit i: parties.life[i], whose place never changes */

/* Who is named and not known counts as everybody. */
void concerned_by(const struct parties *p, const struct decide_in *in, struct concerned *out);
/* An unknown party is one. */
bool concerned_is(const struct parties *p, const struct concerned *c, const char *party);
