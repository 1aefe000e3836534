/* Bindings: which assets fill the manifest's slots in this instance. The host chooses them; what they are worth the trust service decides,
 * to which their ids go in the attested key set. A wrong one gets nothing. */
#pragma once
#include "agent/agent.h"

/* Reads the DSSE envelope of a binding statement and fills the slots it names. Its form, its workload and that no slot is filled twice are
 * checked; its signature, and whether its issuer may bind that, are not. COFFER_E_INPUT; COFFER_E_DENIED, check "binding". */
enum coffer_rc slots_fill(struct agent *a, struct span envelope, struct err *e) NODISCARD;
