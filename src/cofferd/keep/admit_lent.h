/* Inside admission only: power that one party has from another by delegation, now. */
#pragma once
#include "cofferd/keep/keep.h"

struct lent { const char *of, *to; enum delegated_role role; struct span path; /* role approval: asset, or beginning of paths */ };

/* *yes: a chain of delegations in force leads from q->of to q->to. out (when not NULL) is then filled but for its links, which
 * are gone: out->n and out->left. */
enum coffer_rc lent_to(struct keep *k, const struct lent *q, struct chain *out, bool *yes, struct err *e) NODISCARD;
/* The same from anybody. */
enum coffer_rc lent_by_any(struct keep *k, const char *to, enum delegated_role role, bool *yes, struct err *e) NODISCARD;

/* *yes: the logged statement was said with power that is `who`'s: an approval of its asset, a boot image of its delegate, a
 * delegation of its power. */
enum coffer_rc lent_said(struct keep *k, const uint8_t id[static 32], const char *who, bool *yes, struct err *e) NODISCARD;

/* May s be logged? That its issuer signed it is checked already. COFFER_E_DENIED "kind", "window" or "persona"; COFFER_E_LIMIT. */
enum coffer_rc lent_admit(struct keep *k, const struct statement *s, const struct delegation *d, struct err *e) NODISCARD;
