#include "agent/logbuf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

bool logbuf_open(struct logbuf *r)
{
	*r = (struct logbuf){ .p = calloc(1, LOGBUF_MAX) };
	return r->p != NULL;
}

void logbuf_close(struct logbuf *r)
{
	if (r->p)
		explicit_bzero(r->p, LOGBUF_MAX);
	free(r->p);
	*r = (struct logbuf){ 0 };
}

void logbuf_put(struct logbuf *r, struct span s)
{
	if (!r->p)
		return;
	if (s.n > LOGBUF_MAX)
		s = span_skip(s, s.n - LOGBUF_MAX);
	if (r->n + s.n > LOGBUF_MAX) {
		size_t drop = r->n + s.n - LOGBUF_MAX;

		r->head = (r->head + drop) % LOGBUF_MAX;
		r->n -= drop;
	}
	for (size_t done = 0; done < s.n;) {
		size_t at = (r->head + r->n) % LOGBUF_MAX, run = LOGBUF_MAX - at;

		if (run > s.n - done)
			run = s.n - done;
		memcpy(r->p + at, s.p + done, run);
		r->n += run;
		done += run;
	}
}

size_t logbuf_take(struct logbuf *r, size_t max, struct wr *out)
{
	size_t took = 0;

	while (took < max && r->n > 0) {
		size_t run = LOGBUF_MAX - r->head;

		if (run > r->n)
			run = r->n;
		if (run > max - took)
			run = max - took;
		wr_put(out, (struct span){ r->p + r->head, run });
		r->head = (r->head + run) % LOGBUF_MAX;
		r->n -= run;
		took += run;
	}
	return took;
}
