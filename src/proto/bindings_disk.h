/* Bindings on their way into a machine: a disk of their own beside the initdata's, which stays Kata's.
 *
 * "bindings", then for each envelope u32 little-endian length (not 0) and its bytes, then u32 0, zeros up to 512 bytes; at most BINDINGS_MAX. This is
 * form only: the envelopes are whatever whoever started the machine chose.
 */
#pragma once
#include "base/err.h"
#include "base/rd.h"
#include "base/wr.h"
#include "trust/dsse.h"
#include "trust/statement.h"

#define BINDINGS_DISK_SERIAL "coffer-bindings"
#define BINDINGS_DISK_MAX    (BINDINGS_MAX * (DSSE_ENVELOPE_MAX + 4) + 512u)

struct bindings_disk { struct span envelope[BINDINGS_MAX]; size_t n; }; /* borrowed */
/* COFFER_E_INPUT for any other form; *out is then as before. */
enum coffer_rc bindings_disk_read(struct span disk, struct bindings_disk *out, struct err *e) NODISCARD;
/* COFFER_E_LIMIT: an envelope is empty or longer than DSSE_ENVELOPE_MAX. */
enum coffer_rc bindings_disk_write(const struct bindings_disk *b, struct wr *out, struct err *e) NODISCARD;
