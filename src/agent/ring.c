#include "agent/ring.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

bool ring_open(struct ring *r)
{
	*r = (struct ring){ .p = calloc(1, RING_MAX) };
	return r->p != NULL;
}

void ring_close(struct ring *r)
{
	if (r->p)
		explicit_bzero(r->p, RING_MAX);
	free(r->p);
	*r = (struct ring){ 0 };
}

void ring_put(struct ring *r, struct span s)
{
	if (!r->p)
		return;
	if (s.n > RING_MAX)
		s = span_skip(s, s.n - RING_MAX);
	if (r->n + s.n > RING_MAX) {
		size_t drop = r->n + s.n - RING_MAX;

		r->head = (r->head + drop) % RING_MAX;
		r->n -= drop;
	}
	for (size_t done = 0; done < s.n;) {
		size_t at = (r->head + r->n) % RING_MAX, run = RING_MAX - at;

		if (run > s.n - done)
			run = s.n - done;
		memcpy(r->p + at, s.p + done, run);
		r->n += run;
		done += run;
	}
}

size_t ring_take(struct ring *r, size_t max, struct wr *out)
{
	size_t took = 0;

	while (took < max && r->n > 0) {
		size_t run = RING_MAX - r->head;

		if (run > r->n)
			run = r->n;
		if (run > max - took)
			run = max - took;
		wr_put(out, (struct span){ r->p + r->head, run });
		r->head = (r->head + run) % RING_MAX;
		r->n -= run;
		took += run;
	}
	return took;
}
