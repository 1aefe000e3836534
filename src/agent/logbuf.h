/* The last LOGBUF_MAX bytes of a log. */
#pragma once
#include "base/rd.h"
#include "base/wr.h"

#define LOGBUF_MAX 65536

struct logbuf { uint8_t *p; size_t head, n; }; /* head: oldest byte */

bool   logbuf_open(struct logbuf *r) NODISCARD; /* false: out of memory */
void   logbuf_close(struct logbuf *r);          /* wipes; OK on a zero struct */
void   logbuf_put(struct logbuf *r, struct span s); /* drops the oldest bytes */
size_t logbuf_take(struct logbuf *r, size_t max, struct wr *out); /* moves out at most max bytes */
