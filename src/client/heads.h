/* The service's ledger over a checked connection: its newest head, and tiles to prove by that it continues an earlier one.
 *
 * A head that only the log signed says what the service shows this reader now. Whether others are shown the same, witnesses say (the
 * public checkpoint, cli/ledger.h). */
#pragma once
#include "client/service.h"
#include "trust/ledger/checkpoint.h"
#include "trust/ledger/follow.h"
#include "trust/ledger/tile.h"

/* GET `path`, whose bytes go into out. */
enum coffer_rc heads_get(struct service_conn *c, const char *path, size_t max, struct wr *out, struct err *e) NODISCARD;

/* The newest head, signed by the log of the genesis and by nobody else: note, which has room for NOTE_MAX. No witness is waited for. */
enum coffer_rc heads_newest(struct service_conn *c, struct wr *note, struct merkle_head *out, struct err *e) NODISCARD;
/* A note as heads_newest takes it: checkpoint_open's refusals, witnesses not counted. */
enum coffer_rc heads_open(const struct service_conn *c, struct span note, struct merkle_head *out, struct err *e) NODISCARD;

/* A source of the tiles of the tree of `size`; ctx must outlive it. */
struct heads_tiles { struct service_conn *conn; struct tile_cache cache; };
struct tile_source heads_tiles(struct heads_tiles *ctx, uint64_t size);

/* follow_head by tiles that the service gives. */
enum coffer_rc heads_continue(struct service_conn *c, const struct seen_head *old, const struct merkle_head *now, struct err *e) NODISCARD;
