/* Which links of one power a client looks at, of all that there ever were: of who lends on what it was lent only so many, and none of them in the place of another's. The service
 * has an order of its own (cofferd/keep/facts_links.c), to the same end. Pure. */
#pragma once
#include "trust/links.h"

#define LENT_PAIR_MAX 64 /* of one issuer to one party, the newest */
#define LENT_BY_MAX 256  /* of one issuer other than who has the power, the newest */

/* All of one power and role, as they come: newest first. */
struct lent_links { struct fact_delegation *d; size_t n, room; }; /* owned */
void lent_links_clear(struct lent_links *l); /* CLEANUP-ready */
/* Takes it, or passes it over where its issuer has enough there. */
enum coffer_rc lent_links_add(struct lent_links *l, const struct fact_delegation *d, struct err *e) NODISCARD;
/* Once all are there. Their order is known, and when each was signed: it was logged no earlier than that, nor than those before it. s.seq (from 1), s.logged and superseded_at are
 * then filled, oldest first. */
void lent_links_order(struct lent_links *l);
/* At most LINKS_MAX of those that cover the path: that stand, first by whose power it is; then those that were renewed; then what ended. Of these every second place is
 * for those by whose power it is. Of others one of each goes first, in turn. *n: how many. */
enum coffer_rc lent_links_choose(const struct lent_links *l, struct span path, int64_t now, struct fact_delegation out[static LINKS_MAX], size_t *n, struct err *e) NODISCARD;
