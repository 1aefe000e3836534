#include "cofferd/keep/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "decide/claims.h"
#include "proto/eval.h"

static enum coffer_rc ask(struct keep *k, const struct decide_in *in, struct span claims, struct policy_answer *out, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(EVAL_DOC_MAX), frame = wr_open(EVAL_FRAME_MAX), said = { 0 };
	struct eval_release_req q;
	uint8_t tag = 0;

	TRY(policy_question(in, claims, &data, &q, e));
	eval_release_req_write(&frame, &q);
	TRY(wr_done(&frame, "request to eval", e));
	TRY(eval_ask(k, &(struct eval_question){ EVAL_RELEASE, in->q.path.owner, wr_span(&frame) }, &tag, &said, e));
	policy_answered(tag, wr_span(&said), out);
	return COFFER_OK;
}

enum coffer_rc policy_ask(struct keep *k, const struct decide_in *in, struct span claims, struct policy_answer *out, struct err *e)
{
	enum coffer_rc rc;

	*out = (struct policy_answer){ .asked = true };
	rc = ask(k, in, claims, out, e);
	if (rc == COFFER_OK || rc == COFFER_E_LIMIT || eval_waits(k))
		return rc;
	out->allows = false;
	out->unavailable = true;
	(void)snprintf(out->reason, sizeof(out->reason), "the policy could not be evaluated now: %.200s", e->msg);
	return COFFER_OK;
}
