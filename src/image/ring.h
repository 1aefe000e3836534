/* A bounded byte queue between one producer and one consumer thread, handed over in large slots. */
#pragma once
#include "base/err.h"
#include "base/rd.h"

struct ring;
enum coffer_rc ring_new(struct ring **out, struct err *e) NODISCARD;
void ring_free(struct ring *r); /* both sides must be done */
static inline void ring_freep(struct ring **r) { ring_free(*r); *r = NULL; }

/* Producer. Waits while the ring is full. Once the consumer has failed its error is returned. */
enum coffer_rc ring_put(struct ring *r, struct span s, struct err *e) NODISCARD;
/* No more bytes: complete tells the consumer whether what it got is all there is. To be called exactly once. */
void ring_close(struct ring *r, bool complete);

/* Consumer. {NULL,0} at the end. The bytes are borrowed until the next call. */
struct span ring_take(struct ring *r);
bool ring_complete(struct ring *r); /* after the end */
void ring_fail(struct ring *r, const struct err *why); /* wakes the producer; nothing is taken afterwards */
