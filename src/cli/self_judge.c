#include "cli/self_judge.h"

#include <stdio.h>

#include "base/own.h"
#include "base/str.h"
#include "cli/confined.h"
#include "judge/ek.h"
#include "judge/evidence.h"

struct task { const struct eval_evidence_req *evidence; const struct eval_ek_req *ek; };

static enum coffer_rc judge(void *arg, struct err *e)
{
	const struct task *t = arg;
	struct wr body = { 0 }; /* ends with the child */
	uint8_t tag = t->ek ? judge_ek(t->ek, &body) : judge_evidence(t->evidence, &body);

	if (fwrite(&tag, 1, 1, stdout) != 1 || fwrite(body.p, 1, body.n, stdout) != body.n)
		return err_set(e, COFFER_E_SYSTEM, "what was found could not be said");
	return COFFER_OK;
}

static enum coffer_rc ask(struct task *t, uint8_t *tag, struct wr *body, struct err *e)
{
	CLEANUP(wr_close) struct wr said = { 0 };

	evidence_warm();
	TRY(confined_text(judge, t, &said, e));
	if (said.n == 0 || said.n > 1 + EVAL_REPLY_MAX)
		return err_set(e, COFFER_E_INPUT, "the child that reads the service's evidence said nothing, or too much");
	*tag = said.p[0];
	*body = wr_open(EVAL_REPLY_MAX);
	wr_put(body, span_skip(wr_span(&said), 1));
	return wr_done(body, "appraisal", e);
}

enum coffer_rc self_judge_evidence(const struct eval_evidence_req *q, uint8_t *tag, struct wr *body, struct err *e)
{
	return ask(&(struct task){ .evidence = q }, tag, body, e);
}

enum coffer_rc self_judge_ek(const struct eval_ek_req *q, uint8_t *tag, struct wr *body, struct err *e)
{
	return ask(&(struct task){ .ek = q }, tag, body, e);
}
