/* Inside admission only: whether a party holds an asset back, so that nobody is rid of it without its word. */
#pragma once
#include "trust/asset_chain.h"
#include "cofferd/keep/keep.h"

/* By a revocation or pause in force: of the newest statement about the asset, or of the newest that is not void; or of a workload of another's, whichever assets that is for, since
 * that changes by what others say. *what: of which of them; NULL: of none. */
enum coffer_rc held_back(struct keep *k, const struct asset_chain *c, const char *party, const char **what, struct err *e) NODISCARD;
