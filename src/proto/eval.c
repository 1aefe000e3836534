#include "proto/eval.h"

void eval_release_req_write(struct wr *w, const struct eval_release_req *m)
{
	wr_be64(w, (uint64_t)m->now);
	wr_blob32(w, m->policy);
	wr_blob32(w, m->data);
	wr_blob32(w, m->input);
}

enum coffer_rc eval_release_req_read(struct span b, struct eval_release_req *m, struct err *e)
{
	struct rd r = rd_open(b);
	struct eval_release_req q = { 0 };

	q.now = (int64_t)((uint64_t)rd_be32(&r) << 32);
	q.now |= (int64_t)rd_be32(&r);
	q.policy = rd_blob32(&r, EVAL_POLICY_MAX);
	q.data = rd_blob32(&r, EVAL_DOC_MAX);
	q.input = rd_blob32(&r, EVAL_DOC_MAX);
	if (!rd_done(&r))
		return err_set(e, COFFER_E_INPUT, "eval: malformed request near byte %zu", r.off);
	*m = q;
	return COFFER_OK;
}
