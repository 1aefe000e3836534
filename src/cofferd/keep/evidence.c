#include "cofferd/keep/evidence.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "cofferd/keep/askeval.h"
#include "cofferd/keep/credential.h"
#include "proto/rcar_json.h"

void evidence_clear(struct evidence_out *o)
{
	wr_close(&o->submods);
	wr_close(&o->needs);
}

static enum coffer_rc failed(const struct wr *said, struct err *e)
{
	char text[200];

	eval_printable(wr_span(said), text, sizeof(text));
	return err_deny(e, "R2", "the evidence could not be appraised: %s", text);
}

static enum coffer_rc copy(struct span from, struct wr *to, struct err *e)
{
	*to = wr_open(from.n);
	wr_put(to, from);
	return wr_done(to, "evidence", e);
}

static enum coffer_rc valid(struct keep *k, const struct evidence_in *in, const struct eval_evidence_rep *r, struct evidence_out *out,
			    struct err *e)
{
	struct reread_in again = { .s = in->s, .r = r, .roots = k->roots, .vouched_by = in->session->vouched_by };

	TRY(credential_check(k, in->session, r, &again.vouched, e));
	TRY(shown_reread(&again, &out->v, e));
	return copy(r->submods, &out->submods, e);
}

enum coffer_rc evidence_judge(struct keep *k, const struct evidence_in *in, struct evidence_out *out, struct err *e)
{
	CLEANUP(wr_close) struct wr frame = wr_open(EVAL_FRAME_MAX), said = { 0 }, again = { 0 };
	struct eval_evidence_rep r;
	uint8_t tag = 0, second = 0;

	TRY(shown_request(in->s, &in->bound, k->roots, &frame, e));
	TRY(eval_ask(k, &(struct eval_question){ EVAL_EVIDENCE, NULL, wr_span(&frame) }, &tag, &said, e));
	if (tag == EVAL_FAILED)
		return failed(&said, e);
	TRY(eval_evidence_rep_read(wr_span(&said), &r, e));
	if (tag == SAID_COLLATERAL && r.needs.n > 0)
		return copy(r.needs, &out->needs, e);
	if (tag != SAID_VALID)
		return shown_refused(tag, &r, e);
	if (in->s->tee != TEE_SAMPLE && !fixed_platform(tee_name(in->s->tee))) {
		TRY(eval_ask(k, &(struct eval_question){ EVAL_EVIDENCE, NULL, wr_span(&frame) }, &second, &again, e));
		if (second != tag || !span_eq(wr_span(&said), wr_span(&again)))
			return err_deny(e, "R2", "two appraisals of the same evidence differ: the service's operator looks at eval");
	}
	return valid(k, in, &r, out, e);
}
