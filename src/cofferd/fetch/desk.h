/* Who asks for what, what is on its way, and when a vendor is let alone. Drives workers; never waits for one. */
#pragma once
#include "cofferd/fetch/cache.h"
#include "cofferd/fetch/worker.h"

#define DESK_FLIGHTS_MAX 8
#define DESK_WAITERS_MAX 64
#define DESK_MISSES_MAX 256
#define DESK_FETCH_MS 20000      /* a fetch, from its first byte sent to its last received */
#define DESK_MISS_MS 60000       /* how long a vendor's "no" is believed */
#define DESK_UNREACHED_MS 10000  /* and how long that it cannot be reached */
#define DESK_BACKOFF_MS 5000     /* after a first 429 or 5xx, then twice as long each time */
#define DESK_BACKOFF_MAX_MS 600000

struct flight { bool used; struct vendor_item item; struct worker w; int64_t until; };
struct waiter { bool used; uint32_t id; struct vendor_item item; int64_t until; };
struct miss { struct vendor_item item; int64_t until; char reason[FETCH_REASON_MAX]; };
struct patience { int64_t until, step_ms; char reason[FETCH_REASON_MAX]; };

struct desk {
	struct cache          cache;
	struct vendor_sources sources;
	bool                  network;
	int                   out;       /* replies go here */
	struct flight         flight[DESK_FLIGHTS_MAX];
	struct waiter         waiter[DESK_WAITERS_MAX];
	struct miss           miss[DESK_MISSES_MAX]; /* a ring */
	size_t                next_miss;
	struct patience       vendor[VENDOR_ORIGINS];
};

/* Answers now, or later when it is waited for. Errors: the asker is gone. */
enum coffer_rc desk_ask(struct desk *d, const struct fetch_req *q, struct err *e) NODISCARD;
/* Takes in what workers say, ends those whose time is over, answers waiters whose time is over. */
enum coffer_rc desk_turn(struct desk *d, struct err *e) NODISCARD;
/* When it next wants a turn without being woken: milliseconds, -1 never. */
int desk_timeout(const struct desk *d);
void desk_close(struct desk *d);
