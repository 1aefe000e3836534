/* What every client asks for and anyone may read, genesis, service statement, the delegations that lead to it, and the first page about parties, at hand: who begins
 * does not wait for keep, and keep is not asked what it said just now.
 *
 * A copy is good for a second, since time alone ends a statement's force, and never outlives a change: whatever may have changed something at keep
 * empties the shelf before its own client is answered, and an answer that was asked for before that is not put on it any more. A client
 * takes none of it on trust: it checks all statements from the genesis' digest down. What is longer than SHELF_TEXT_MAX is not put on it: it is copied
 * where others wait.
 */
#pragma once
#include <pthread.h>

#include "base/err.h"
#include "base/wr.h"

#define SHELF_MS 1000
#define SHELF_TEXT_MAX (128u << 10)

enum shelf_place { SHELF_GENESIS, SHELF_SERVICE, SHELF_LENT, SHELF_PARTIES, SHELF_PLACES };

/* of: about what, where there are several: the one that was put last has the place. */
struct shelf_page { enum shelf_place place; struct span of; };
#define SHELF_OF_MAX 128

struct shelf {
	pthread_mutex_t lock;
	uint64_t        changes; /* times that it was emptied */
	struct { struct wr text, of; int64_t until; } at[SHELF_PLACES];
};

enum coffer_rc shelf_init(struct shelf *s, struct err *e) NODISCARD;
/* To be read before keep is asked, and given to shelf_put with what it answered. */
uint64_t       shelf_changes(struct shelf *s);
void           shelf_put(struct shelf *s, struct shelf_page p, struct span text, uint64_t changes, int64_t now_ms);
/* False: ask keep. Else out has the text. */
bool           shelf_get(struct shelf *s, struct shelf_page p, int64_t now_ms, struct wr *out) NODISCARD;
void           shelf_empty(struct shelf *s);
