/* Bounded writer: the counterpart of rd.h.
 *
 * Grows on the heap up to `max` bytes. Overflow and lack of memory are sticky:
 * later writes do nothing and wr_ok() is false, so a message is written top to
 * bottom and checked once. Memory is wiped when freed or moved, because messages
 * that carry secrets are built here too; long-lived key material belongs in
 * struct secret.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"

struct wr {
	uint8_t *p;
	size_t   n;   /* bytes written */
	size_t   cap; /* private */
	size_t   max; /* hard limit, bytes */
	bool     bad;
};

struct wr   wr_open(size_t max); /* allocates nothing yet */
void        wr_close(struct wr *w); /* wipes and frees; CLEANUP-ready; OK on a zero struct */
void        wr_u8(struct wr *w, uint8_t v);
void        wr_be16(struct wr *w, uint16_t v);
void        wr_be32(struct wr *w, uint32_t v);
void        wr_be64(struct wr *w, uint64_t v);
void        wr_le32(struct wr *w, uint32_t v);
void        wr_le64(struct wr *w, uint64_t v);
void        wr_put(struct wr *w, struct span s);
/* Makes room for n bytes more at once, as far as the limit allows; they are written as usual. */
void        wr_expect(struct wr *w, size_t n);
/* The next n bytes, not cleared, for the caller to fill; NULL when the writer has failed. Dies at the next write. */
uint8_t    *wr_room(struct wr *w, size_t n) NODISCARD;
void        wr_str(struct wr *w, const char *s); /* without the NUL */
void        wr_fmt(struct wr *w, const char *fmt, ...) PRINTF(2, 3);
void        wr_blob32(struct wr *w, struct span s); /* u32 big-endian length, then the bytes */
bool        wr_ok(const struct wr *w) NODISCARD;
struct span wr_span(const struct wr *w); /* borrowed; dies at the next write */

/* COFFER_OK or the one sentence for a failed writer; `what` names the message. */
enum coffer_rc wr_done(const struct wr *w, const char *what, struct err *e) NODISCARD;

/* Moves the bytes out, NUL-terminated (the NUL is not counted); caller frees.
 * NULL when the writer has failed. The writer is empty afterwards. */
char *wr_take(struct wr *w, size_t *n) NODISCARD;

/* Moves what was written to a block of its own size, for who keeps it long; as it was where there is no memory for that. */
void wr_fit(struct wr *w);

/* Reads what wr_blob32 wrote; longer than max is an error. */
struct span rd_blob32(struct rd *r, size_t max);
