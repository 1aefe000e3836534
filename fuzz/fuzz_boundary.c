/* A call as the host sends it: method, decoding, gate. Nothing is granted but what the gates let pass. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "proto/pb.h"
#include "proto/ttrpc.h"
#include "tests/unit/guest_man.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct agent a = { .b = { .opened = true } };
	struct ttrpc_request q;
	const struct method *m;
	ProtobufCMessage *msg = NULL;
	struct err e = { 0 };

	if (ttrpc_request_read((struct span){ p, n }, &q, &e) != COFFER_OK)
		return 0;
	m = method_find(q.service, q.method);
	if (!m) {
		if (method_unknown(q.method, &e) != COFFER_E_DENIED)
			abort();
		return 0;
	}
	man_load(&a.man);
	a.b.man = &a.man;
	if (method_decode(m, q.payload, &msg, &e) == COFFER_OK) {
		enum coffer_rc rc = method_gate(m, &a, msg, &e);

		if (rc != COFFER_OK && (rc != COFFER_E_DENIED || !e.check[0] || !e.msg[0]))
			abort();
	} else if (msg) {
		abort();
	}
	pb_free(msg);
	manifest_clear(&a.man);
	return 0;
}
