/* Where fetched items stay: a folder that this process alone writes, a file an item (proto/fetch.h), at most CACHE_BYTES_MAX in
 * all, the oldest going first; and beside it a store that somebody else filled, read-only.
 *
 * A file is written whole or not at all; one that cannot be read is as if it were not there, and is removed. */
#pragma once
#include "proto/fetch.h"

#define CACHE_FILES_MAX 1024
#define CACHE_BYTES_MAX (64u << 20)

struct cached { char name[FETCH_FILE_NAME_LEN]; size_t bytes; int64_t fetched_at; };

struct cache {
	int           dir;     /* the cache; -1: closed */
	int           offline; /* -1: none */
	struct cached file[CACHE_FILES_MAX];
	size_t        n, bytes, bytes_max; /* bytes_max 0: CACHE_BYTES_MAX */
};

/* Takes in what is there: foreign and broken files of the working folder are removed. offline is borrowed. COFFER_E_SYSTEM. */
enum coffer_rc cache_open(struct cache *c, int offline, struct err *e) NODISCARD;
void cache_close(struct cache *c);

/* What was found: the item's documents, borrowed from `bytes`. */
struct cache_hit { struct wr bytes; int64_t fetched_at; struct span body, issuers; };
void cache_hit_clear(struct cache_hit *h); /* CLEANUP-ready */

/* The offline store first, then the cache; false when neither has one of at most max_age seconds. A time of fetching in the
 * future is no age at all. *stale: there was one, but too old. */
struct cache_want { const struct vendor_item *item; int64_t now; uint32_t max_age; };
bool cache_find(struct cache *c, const struct cache_want *w, struct cache_hit *out, bool *stale) NODISCARD;

/* Writes one, removing the oldest where room is wanted. COFFER_E_LIMIT, COFFER_E_SYSTEM: the cache is as before, or smaller. */
enum coffer_rc cache_put(struct cache *c, const struct fetch_file *f, struct err *e) NODISCARD;
