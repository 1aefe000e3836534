/* The last RING_MAX bytes of a log. */
#pragma once
#include "base/rd.h"
#include "base/wr.h"

#define RING_MAX 65536

struct ring { uint8_t *p; size_t head, n; }; /* head: oldest byte */

bool   ring_open(struct ring *r) NODISCARD; /* false: out of memory */
void   ring_close(struct ring *r);          /* wipes; OK on a zero struct */
void   ring_put(struct ring *r, struct span s); /* drops the oldest bytes */
size_t ring_take(struct ring *r, size_t max, struct wr *out); /* moves out at most max bytes */
