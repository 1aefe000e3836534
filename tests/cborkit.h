/* Writing CBOR for tests, in the shortest form. */
#pragma once
#include "base/str.h"
#include "base/wr.h"

static inline void cb_head(struct wr *w, unsigned major, uint64_t u)
{
	size_t n = u < 24 ? 0 : u <= UINT8_MAX ? 1 : u <= UINT16_MAX ? 2 : u <= UINT32_MAX ? 4 : 8;

	wr_u8(w, (uint8_t)(major << 5 | (n == 0 ? u : n == 1 ? 24 : n == 2 ? 25 : n == 4 ? 26 : 27)));
	for (size_t i = n; i > 0; i--)
		wr_u8(w, (uint8_t)(u >> (8 * (i - 1))));
}

static inline void cb_int(struct wr *w, int64_t v)
{
	cb_head(w, v < 0 ? 1 : 0, v < 0 ? (uint64_t)(-1 - v) : (uint64_t)v);
}

static inline void cb_bytes(struct wr *w, struct span s)
{
	cb_head(w, 2, s.n);
	wr_put(w, s);
}

static inline void cb_text(struct wr *w, const char *s)
{
	cb_head(w, 3, strlen(s));
	wr_str(w, s);
}

static inline void cb_arr(struct wr *w, size_t n) { cb_head(w, 4, n); }
static inline void cb_map(struct wr *w, size_t n) { cb_head(w, 5, n); }
static inline void cb_tag(struct wr *w, uint64_t n) { cb_head(w, 6, n); }
