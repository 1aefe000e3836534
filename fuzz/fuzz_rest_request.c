#include <stdlib.h>

#include "agent/rest.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct rest_backend none = { 0 };
	struct http_in q = { .body.n = 0xaa };
	struct wr w = wr_open(HTTP_IN_HEAD_MAX);
	struct http_out r = { 0 };
	struct err e = { 0 };
	bool complete = false;
	enum coffer_rc rc = http_in_read((struct span){ p, n }, &complete, &q, &e);

	if ((rc != COFFER_OK && complete) || (!complete && q.body.n != 0xaa))
		abort();
	if (complete) {
		if (q.path.n == 0 || q.path.p[0] != '/' || q.body.n > HTTP_IN_BODY_MAX)
			abort();
		(void)!rest_query(q.query, "runtime_data", &w);
		rest_route(&q, REST_RESOURCE | REST_ATTESTATION, true, &none, &r);
		if (r.status < 200 || r.status > 599)
			abort();
	}
	wr_close(&r.body);
	wr_close(&w);
	return 0;
}
