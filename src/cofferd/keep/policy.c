#include "cofferd/keep/policy.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "decide/claims.h"
#include "os/ipc.h"
#include "proto/eval.h"

#define ANSWER_MS 10000 /* eval ends its children long before; past this it is gone */

static bool wait_answer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ANSWER_MS) == 1 && (p.revents & POLLIN);
}

static enum coffer_rc exchange(struct keep *k, struct span request, uint8_t *tag, struct wr *said, struct err *e)
{
	TRY(ipc_send(k->eval, EVAL_RELEASE, request, e));
	if (!wait_answer(k->eval))
		return err_set(e, COFFER_E_UPSTREAM, "eval does not answer");
	return ipc_recv(k->eval, EVAL_REASON_MAX, tag, said, e);
}

static enum coffer_rc ask(struct keep *k, const struct decide_in *in, struct span claims, struct policy_answer *out, struct err *e)
{
	CLEANUP(wr_close) struct wr data = wr_open(EVAL_DOC_MAX), frame = wr_open(EVAL_FRAME_MAX), said = { 0 };
	struct eval_release_req q;
	uint8_t tag = 0;

	if (k->eval < 0)
		return err_set(e, COFFER_E_UPSTREAM, "eval is not there");
	TRY(policy_question(in, claims, &data, &q, e));
	eval_release_req_write(&frame, &q);
	TRY(wr_done(&frame, "request to eval", e));
	if (exchange(k, wr_span(&frame), &tag, &said, e) != COFFER_OK) {
		k->eval = -1; /* a late answer would be taken for the next one's: keep ends after this reply */
		return COFFER_E_UPSTREAM;
	}
	policy_answered(tag, wr_span(&said), out);
	return COFFER_OK;
}

void policy_ask(struct keep *k, const struct decide_in *in, struct span claims, struct policy_answer *out)
{
	struct err e = { 0 };

	*out = (struct policy_answer){ .asked = true };
	if (ask(k, in, claims, out, &e) == COFFER_OK)
		return;
	out->allows = false;
	out->unavailable = true;
	(void)snprintf(out->reason, sizeof(out->reason), "the policy could not be evaluated now: %.200s", e.msg);
}
