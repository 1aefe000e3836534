/* Messages about the ledger's witnesses: net carries, keep verifies. */
#include "proto/keep_wire.h"

void keep_round_rep_write(struct wr *w, const struct keep_round_rep *m)
{
	wr_u8(w, m->n);
	wr_be64(w, m->size);
	wr_be64(w, m->missing);
}

enum coffer_rc keep_round_rep_read(struct span b, struct keep_round_rep *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_round_rep got = { 0 };

	got.n = rd_u8(&r);
	got.size = keep_be64(&r);
	got.missing = keep_be64(&r);
	if (got.n > KEEP_WITNESSES_MAX || got.missing >> got.n || (got.size == 0 && got.missing))
		keep_bad(&r);
	TRY(keep_end(&r, "round", e));
	*m = got;
	return COFFER_OK;
}

void keep_witness_req_write(struct wr *w, const struct keep_witness_req *m)
{
	wr_u8(w, m->witness);
	keep_put_bool(w, m->told);
	wr_be64(w, m->size);
}

enum coffer_rc keep_witness_req_read(struct span b, struct keep_witness_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_witness_req got = { 0 };

	got.witness = rd_u8(&r);
	got.told = keep_bool(&r);
	got.size = keep_be64(&r);
	if (!got.told && got.size)
		keep_bad(&r);
	TRY(keep_end(&r, "witness", e));
	*m = got;
	return COFFER_OK;
}

void keep_cosign_req_write(struct wr *w, const struct keep_cosign_req *m)
{
	wr_u8(w, m->witness);
	wr_blob32(w, m->lines);
}

enum coffer_rc keep_cosign_req_read(struct span b, struct keep_cosign_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct keep_cosign_req got = { 0 };

	got.witness = rd_u8(&r);
	got.lines = rd_blob32(&r, KEEP_COSIGN_MAX);
	TRY(keep_end(&r, "cosignature", e));
	*m = got;
	return COFFER_OK;
}
