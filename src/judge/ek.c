#include "judge/ek.h"

#include "base/own.h"
#include "base/str.h"
#include "evidence/tpm_ek.h"

static enum coffer_rc check(const struct eval_ek_req *q, struct tpm_ek *ek, struct err *e)
{
	CLEANUP(collateral_clear) struct collateral col = { 0 };

	for (size_t i = 0; i < q->n_roots; i++)
		TRY(collateral_add(q->root[i], true, &col, e));
	for (size_t i = 0; i < q->n_chain; i++)
		TRY(collateral_add(q->chain[i], false, &col, e));
	return tpm_ek_check(q->ek_cert, &col, q->now, ek, e);
}

uint8_t judge_ek(const struct eval_ek_req *q, struct wr *body)
{
	CLEANUP(tpm_ek_clear) struct tpm_ek ek = { 0 };
	struct eval_ek_rep r = { 0 };
	struct err e = { 0 };
	enum coffer_rc rc = check(q, &ek, &e);

	*body = wr_open(EVAL_REPLY_MAX);
	if (rc != COFFER_OK && rc != COFFER_E_DENIED) {
		wr_str(body, e.msg);
		return EVAL_FAILED;
	}
	if (rc == COFFER_E_DENIED) {
		r.check = span_of(e.check);
		r.reason = span_of(e.msg);
	}
	r.n_path = ek.n_path;
	for (size_t i = 0; i < ek.n_path; i++)
		r.path[i] = wr_span(&ek.path[i]);
	eval_ek_rep_write(body, &r);
	return rc == COFFER_OK ? VERDICT_VALID : VERDICT_INVALID;
}
