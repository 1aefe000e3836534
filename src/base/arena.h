/* Memory that is freed in one go, up to a hard limit.
 *
 * Failure is sticky, as in wr.h: past the limit (or without memory) every call answers NULL and
 * arena_failed() is true until arena_reset(). Deterministic: what counts is the bytes asked for (each rounded up to 16), never
 * how the blocks lie. Not for secrets. One arena serves one thread. */
#pragma once
#include "base/rd.h"

struct arena;

struct arena *arena_new(size_t max_bytes) NODISCARD; /* NULL without memory; arena_free when done */
void          arena_free(struct arena *a);           /* NULL is fine */
static inline void arena_freep(struct arena **a) { arena_free(*a); *a = NULL; }

/* n zeroed bytes aligned to 16; NULL past the limit. n = 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n) NODISCARD;
/* n elements of `each` bytes; NULL when the product overflows too. */
void *arena_array(struct arena *a, size_t n, size_t each) NODISCARD;

/* Where it stands, to come back to: what was given out before stays as it is, what comes after is forgotten. Good until the arena is emptied, or
 * rewound to an earlier one. A failure is cleared. */
struct arena_mark { void *block; size_t n, used; }; /* opaque */
struct arena_mark arena_mark(const struct arena *a);
void   arena_rewind(struct arena *a, struct arena_mark m);

void   arena_reset(struct arena *a);       /* empties it, keeps its blocks for the next use, clears the failure */
size_t arena_used(const struct arena *a);  /* bytes counted against the limit */
bool   arena_failed(const struct arena *a);
