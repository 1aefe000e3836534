/* What somebody released of an image with its provider's power: by delegations of role image-verification that cover the repository (statements.md, Delegation). */
#pragma once
#include "cli/released.h"

struct lent_ask { const char *provider; const struct ref *ref; uint64_t least; /* security version */ };
/* The newest release in force, of at least that version if there is one, by one who spoke for the provider when it said so and does now. Signatures are checked, and scope, depth and
 * times as the service checks them; that nothing of it was revoked, and the order of the ledger, are the service's word. A pause is not looked at: it ends.
 * None is COFFER_OK. ref has a digest. */
enum coffer_rc released_lent(const struct asker *me, const struct lent_ask *q, struct released *out, struct err *e) NODISCARD;
