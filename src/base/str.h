/* Borrowed text and byte spans: making, comparing and copying them.
 * Nothing here is for secrets: compare those with ct_eq (base/secret.h). */
#pragma once
#include <string.h>

#include "base/err.h"
#include "base/rd.h"

/* A span over a C string without its NUL; NULL gives the empty span. */
static inline struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, s ? strlen(s) : 0 };
}

/* SPAN(array) covers a whole array object (not a pointer). */
#define SPAN(a) ((struct span){ (const uint8_t *)(a), sizeof(a) })

bool span_eq(struct span a, struct span b);            /* public data only */
bool span_eq_str(struct span a, const char *s);        /* public data only */
bool span_starts(struct span s, const char *prefix);
bool span_ends(struct span s, const char *suffix);

/* Skips n bytes from the front; n beyond the end gives the empty span. */
struct span span_skip(struct span s, size_t n);

/* Index of byte c, or s.n when there is none. */
size_t span_find(struct span s, uint8_t c);

/* Heap copy with a NUL behind it (caller frees); NULL when out of memory or when
 * the span itself holds a NUL byte, so that no name is ever silently cut. */
char *span_dup(struct span s) NODISCARD;

/* Decimal without sign, leading zero (but "0") or blank; false otherwise. */
bool span_u64(struct span s, uint64_t *out) NODISCARD;

/* For showing what a stranger wrote: as much as fits into out with a NUL behind it, '?' for each byte that is no printable ASCII. A terminal obeys none of it, JSON takes it,
 * and it may be cut anywhere. room is at least 1. */
void span_plain(struct span s, char *out, size_t room);

/* printf into a fresh heap string (caller frees); NULL when out of memory. */
char *str_fmt(const char *fmt, ...) PRINTF(1, 2) NODISCARD;
