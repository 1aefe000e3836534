#include "proto/keep_config.h"

#include "base/str.h"

void keep_config_write(struct wr *w, const struct keep_config *c)
{
	const struct keep_statement_req genesis = { .statement = c->genesis };

	wr_blob32(w, c->state_dir);
	wr_put(w, SPAN(c->genesis_id));
	wr_blob32(w, c->id);
	wr_put(w, SPAN(c->tls));
	wr_be32(w, c->sessions_max);
	wr_be64(w, c->kept_all);
	wr_be64(w, c->kept_owner);
	keep_statement_req_write(w, &genesis);
}

static uint64_t be64(struct rd *r)
{
	uint64_t high = rd_be32(r);

	return high << 32 | rd_be32(r);
}

enum coffer_rc keep_config_read(struct span b, struct keep_config *c, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_statement_req genesis = { 0 };
	struct keep_config got = { 0 };

	got.state_dir = rd_blob32(&r, KEEP_STATE_DIR_MAX);
	rd_copy(&r, got.genesis_id, sizeof(got.genesis_id));
	got.id = rd_blob32(&r, PARTY_MAX - 1);
	rd_copy(&r, got.tls, sizeof(got.tls));
	got.sessions_max = rd_be32(&r);
	got.kept_all = be64(&r);
	got.kept_owner = be64(&r);
	if (!rd_ok(&r) || got.state_dir.n == 0 || got.state_dir.p[0] != '/')
		return err_set(e, COFFER_E_INPUT, "keep configuration: malformed near byte %zu", r.off);
	TRY(keep_statement_req_read(span_skip(b, r.off), &genesis, e));
	got.genesis = genesis.statement;
	*c = got;
	return COFFER_OK;
}
