#include "cofferd/keep/policy.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "fmt/json.h"
#include "os/ipc.h"
#include "proto/eval.h"

#define ANSWER_MS 10000 /* eval ends its children long before; past this it is gone */

/* {"plugin":"resource","query":{},"resource-path":[party,type,tag]}: what upstream's release policies read. */
static void write_data(const struct asset_path *p, struct wr *w)
{
	struct span rest = span_of(asset_path_tail(p));
	struct json_wr j = jw_open(w, false);

	jw_obj(&j);
	jw_m_text(&j, "plugin", "resource");
	jw_name(&j, "query");
	jw_obj(&j);
	jw_obj_end(&j);
	jw_name(&j, "resource-path");
	jw_arr(&j);
	while (rest.n > 0) {
		size_t n = span_find(rest, '/');

		jw_str(&j, (struct span){ rest.p, n });
		rest = span_skip(rest, n + 1);
	}
	jw_arr_end(&j);
	jw_obj_end(&j);
}

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
	struct eval_release_req q = { .now = in->now, .policy = in->asset.body.policy, .input = claims };
	uint8_t tag = 0;

	if (k->eval < 0)
		return err_set(e, COFFER_E_UPSTREAM, "eval is not there");
	write_data(&in->q.path, &data);
	TRY(wr_done(&data, "data document", e));
	q.data = wr_span(&data);
	eval_release_req_write(&frame, &q);
	TRY(wr_done(&frame, "request to eval", e));
	if (exchange(k, wr_span(&frame), &tag, &said, e) != COFFER_OK) {
		k->eval = -1; /* a late answer would be taken for the next one's: keep ends after this reply */
		return COFFER_E_UPSTREAM;
	}
	out->allows = tag == EVAL_ALLOWS;
	for (size_t i = 0; i < said.n && i + 1 < sizeof(out->reason); i++)
		out->reason[i] = (char)(said.p[i] >= 0x20 && said.p[i] <= 0x7e ? said.p[i] : '?');
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
