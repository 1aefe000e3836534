/* The stack of slots: in chunks, so that frames never move. */
#include "policy/eval/eval.h"

#include <stdlib.h>

#define CHUNK 4096 /* values */

static struct chunk *chunk_new(struct rego_eval *v, size_t n)
{
	size_t cap = n > CHUNK ? n : CHUNK, bytes = sizeof(struct chunk) + cap * sizeof(struct val);
	struct chunk *c;

	if (bytes > v->lim.memory - v->chunk_bytes || v->chunk_bytes > v->lim.memory) {
		heap_over(&v->h, REGO_LIMIT_MEMORY);
		return NULL;
	}
	c = malloc(bytes);
	if (!c) {
		heap_over(&v->h, REGO_SYSTEM);
		return NULL;
	}
	v->chunk_bytes += bytes;
	*c = (struct chunk){ .prev = v->chunk, .cap = cap };
	return c;
}

struct val *frame_push(struct rego_eval *v, size_t n)
{
	struct chunk *c = v->chunk;

	n += !n;
	if (c && c->cap - c->n < n && c->next && c->next->cap >= n)
		c = c->next;
	if (!c || c->cap - c->n < n) {
		struct chunk *kept = c ? c->next : NULL;

		c = chunk_new(v, n);
		if (!c)
			return NULL;
		c->next = kept;
		if (kept)
			kept->prev = c;
		if (c->prev)
			c->prev->next = c;
	}
	v->chunk = c;
	c->n += n;
	return c->v + c->n - n;
}

void frame_pop(struct rego_eval *v, const struct val *f)
{
	struct chunk *c = v->chunk;

	c->n = (size_t)(f - c->v);
	if (!c->n && c->prev)
		v->chunk = c->prev;
}

void frame_free(struct rego_eval *v)
{
	struct chunk *c = v->chunk;

	while (c && c->prev)
		c = c->prev;
	while (c) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
	v->chunk = NULL;
}
