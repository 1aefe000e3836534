/* How much kept evidence may take of the disk: of all, and of what one asset owner's releases made necessary. A document is charged to the
 * owner of the asset of its session's first release; a file that many bring, to the first that brought it, for as long as it is there.
 *
 * Counted are the bytes of documents and files, each once. Not counted: the journal, its tree and the statements. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "cofferd/keep/store.h"

#define KEPT_ALL (UINT64_C(4) << 30)   /* bytes, where the configuration says nothing */
#define KEPT_OWNER (UINT64_C(1) << 30)

struct kept_limits { uint64_t all, owner; };
struct kept_item { const uint8_t *digest; bool file; size_t bytes; };

/* Inside a transaction, for what was not there before. */
enum coffer_rc kept_charge(struct store *s, const char *owner, const struct kept_item *item, struct err *e) NODISCARD;
/* Inside it, after all was charged. COFFER_E_DENIED (check "R12", "unavailable") names the bound and who can mend it. */
enum coffer_rc kept_fits(struct store *s, const struct kept_limits *l, const char *owner, struct err *e) NODISCARD;
