/* Inside admission only: power that one party has from another by delegation, now. */
#pragma once
#include "cofferd/keep/keep.h"

/* path: asset, service's id or repository, or the beginning of such; empty: all. */
struct lent { const char *of, *to; enum delegated_role role; struct span path; };

/* The party has of itself what that role lends: for services a founder of the genesis, where clients' trust starts, and a workload-provider
 * still. Approvals are of assets, which are asked about one by one: true. */
bool lent_has(const struct keep *k, const char *party, enum delegated_role role);

/* *yes: a chain of delegations in force leads from q->of to q->to. out (when not NULL) is then filled but for its links, which
 * are gone: out->n and out->left. */
enum coffer_rc lent_to(struct keep *k, const struct lent *q, struct chain *out, bool *yes, struct err *e) NODISCARD;
/* The same from anybody who has it; q->of is not looked at. */
enum coffer_rc lent_by_any(struct keep *k, const struct lent *q, bool *yes, struct err *e) NODISCARD;

/* *yes: the logged statement is an approval of an asset of which `who` decides, or a delegation of its power. (What else it may stop for its own assets anyone may.) */
enum coffer_rc lent_said(struct keep *k, const uint8_t id[static 32], const char *who, bool *yes, struct err *e) NODISCARD;

/* May s be logged? That its issuer signed it is checked already. COFFER_E_DENIED "kind", "window" or "persona"; COFFER_E_LIMIT. */
enum coffer_rc lent_admit(struct keep *k, const struct statement *s, const struct delegation *d, struct err *e) NODISCARD;
