#include "client/heads.h"

#include <stdio.h>

#include "base/own.h"
#include "trust/witnesses.h"

enum coffer_rc heads_get(struct service_conn *c, const char *path, size_t max, struct wr *out, struct err *e)
{
	CLEANUP(http_res_clear) struct http_res res = { 0 };
	struct service_req q = { .method = "GET", .path = path };

	TRY(service_call(c, &q, max, &res, e));
	wr_put(out, wr_span(&res.body));
	return wr_done(out, path, e);
}

enum coffer_rc heads_open(const struct service_conn *c, struct span note, struct merkle_head *out, struct err *e)
{
	struct genesis_policy policy;
	struct ledger_policy log;
	struct ledger_seen seen;

	TRY(genesis_policy(service_genesis(c), &policy, e));
	log = (struct ledger_policy){ .log = policy.p.log };
	TRY(checkpoint_open(note, &log, &seen, e));
	*out = seen.cp.head;
	return COFFER_OK;
}

enum coffer_rc heads_newest(struct service_conn *c, struct wr *note, struct merkle_head *out, struct err *e)
{
	TRY(heads_get(c, "/coffer/v0/head", NOTE_MAX, note, e));
	return heads_open(c, wr_span(note), out, e);
}

static enum coffer_rc fetch(void *ctx, const struct tile *t, struct wr *out, struct err *e)
{
	const struct heads_tiles *h = ctx;
	char name[TILE_PATH_MAX], path[TILE_PATH_MAX + 16];

	tile_path(t, name);
	(void)snprintf(path, sizeof(path), "/ledger/%s", name);
	return heads_get(h->conn, path, TILE_BYTES, out, e);
}

struct tile_source heads_tiles(struct heads_tiles *ctx, uint64_t size)
{
	return (struct tile_source){ fetch, ctx, size, &ctx->cache };
}

enum coffer_rc heads_continue(struct service_conn *c, const struct seen_head *old, const struct merkle_head *now, struct err *e)
{
	CLEANUP(freep) struct heads_tiles *h = calloc(1, sizeof(*h));
	struct tile_source tiles;

	if (!h)
		return err_set(e, COFFER_E_SYSTEM, "out of memory");
	h->conn = c;
	tiles = heads_tiles(h, now->size);
	return follow_head(&(struct merkle_source){ tile_read, &tiles }, old, now, e);
}
