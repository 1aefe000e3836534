#include "cofferd/keep/askeval.h"

#include <poll.h>

#include "os/ipc.h"
#include "proto/eval.h"

#define ANSWER_MS 10000

enum coffer_rc eval_ask(struct keep *k, uint8_t type, struct span request, uint8_t *tag, struct wr *said, struct err *e)
{
	struct pollfd p = { .fd = k->eval, .events = POLLIN };

	if (k->eval < 0)
		return err_set(e, COFFER_E_UPSTREAM, "evidence cannot be appraised: eval is not there");
	if (ipc_send(k->eval, type, request, e) == COFFER_OK && poll(&p, 1, ANSWER_MS) == 1 && (p.revents & POLLIN) &&
	    ipc_recv(k->eval, EVAL_REPLY_MAX, tag, said, e) == COFFER_OK)
		return COFFER_OK;
	k->eval = -1;
	return err_set(e, COFFER_E_UPSTREAM, "evidence cannot be appraised now: eval does not answer");
}
