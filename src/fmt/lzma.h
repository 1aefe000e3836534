/* LZMA as firmware volumes have it: one stream of the old format ("LZMA-alone"), whose header names its length. By liblzma; `coffer` alone links it. */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"

/* Bytes behind the stream are left alone: a section is padded. COFFER_E_INPUT: no such stream, one that ends before its length, or one that
 * does not say it; COFFER_E_LIMIT beyond max_out. out is opened here; wr_close when done. Memory: max_out, and 64 MiB at most. */
enum coffer_rc lzma_alone(struct span in, size_t max_out, struct wr *out, struct err *e) NODISCARD;
