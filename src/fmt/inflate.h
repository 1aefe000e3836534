/* gzip (isa-l, multi-member) and zstd (all frames), streaming and bounded. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

enum inflate_kind { INFLATE_NONE, INFLATE_GZIP, INFLATE_ZSTD };
typedef enum coffer_rc (*inflate_sink)(void *arg, struct span piece, struct err *e);

struct inflate;
/* max_out: COFFER_E_LIMIT beyond it (decompression bombs). */
enum coffer_rc inflate_open(
    enum inflate_kind k, uint64_t max_out, inflate_sink sink, void *arg, struct inflate **out, struct err *e) NODISCARD;
enum coffer_rc inflate_add(struct inflate *z, struct span in, struct err *e) NODISCARD;
enum coffer_rc inflate_end(struct inflate *z, struct err *e) NODISCARD; /* COFFER_E_INPUT if the stream was cut; does not free */
void inflate_free(struct inflate *z);
static inline void inflate_freep(struct inflate **z) { inflate_free(*z); *z = NULL; }

enum coffer_rc gunzip(struct span in, size_t max_out, struct wr *out, struct err *e) NODISCARD;
enum coffer_rc gzip(struct span in, struct wr *out, struct err *e) NODISCARD; /* deterministic: no name, time 0 */
enum coffer_rc zstd_compress(struct span in, struct wr *out, struct err *e) NODISCARD;
/* One frame; the bytes depend on the input, the level (1 to 19) and libzstd's version alone, which is not so of gzip(): isa-l chooses by
 * processor. */
enum coffer_rc zstd_compress_at(struct span in, int level, struct wr *out, struct err *e) NODISCARD;
