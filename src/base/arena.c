#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK (16u << 10)
#define BLOCK_MAX   (1u << 20) /* ordinary blocks double up to this; a larger request gets one of its own */

struct block {
	struct block *next;
	size_t        cap, n; /* bytes behind the header, bytes handed out */
	_Alignas(16) uint8_t bytes[];
};

struct arena {
	struct block *first, *cur; /* blocks behind cur are empty, kept from an earlier use */
	size_t        used, max;
	bool          failed;
};

struct arena *arena_new(size_t max_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->max = max_bytes;
	return a;
}

void arena_free(struct arena *a)
{
	struct block *b = a ? a->first : NULL;

	while (b) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
	free(a);
}

static struct block *block_new(size_t cap)
{
	struct block *b = cap < SIZE_MAX - sizeof(*b) ? malloc(sizeof(*b) + cap) : NULL;

	if (b) {
		b->next = NULL;
		b->cap = cap;
		b->n = 0;
	}
	return b;
}

static bool fits(const struct block *b, size_t n)
{
	return b && b->cap - b->n >= n;
}

/* The block to take n bytes from: the current one, a kept one behind it, or a new one put behind it. */
static struct block *block_for(struct arena *a, size_t n)
{
	size_t cap = a->cur ? a->cur->cap * 2 : FIRST_BLOCK;
	struct block *b = a->cur;

	while (b && !fits(b, n))
		b = b->next;
	if (b)
		return b;
	cap = cap > BLOCK_MAX ? BLOCK_MAX : cap;
	b = block_new(n > cap ? n : cap);
	if (!b)
		return NULL;
	if (a->cur) {
		b->next = a->cur->next;
		a->cur->next = b;
	} else {
		a->first = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	size_t want = n > SIZE_MAX - 15 ? SIZE_MAX : (n + 15) / 16 * 16;
	struct block *b;
	void *p;

	if (a->failed || want > a->max - a->used)
		goto fail;
	b = fits(a->cur, want) ? a->cur : block_for(a, want);
	if (!b)
		goto fail;
	a->cur = b;
	p = b->bytes + b->n;
	b->n += want;
	a->used += want;
	return memset(p, 0, want);
fail:
	a->failed = true;
	return NULL;
}

void *arena_array(struct arena *a, size_t n, size_t each)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, each, &bytes)) {
		a->failed = true;
		return NULL;
	}
	return arena_alloc(a, bytes);
}

void arena_reset(struct arena *a)
{
	for (struct block *b = a->first; b; b = b->next)
		b->n = 0;
	a->cur = a->first;
	a->used = 0;
	a->failed = false;
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->cur, a->cur ? a->cur->n : 0, a->used };
}

void arena_rewind(struct arena *a, struct arena_mark m)
{
	if (!m.block) {
		arena_reset(a);
		return;
	}
	for (struct block *b = ((struct block *)m.block)->next; b; b = b->next)
		b->n = 0;
	a->cur = m.block;
	a->cur->n = m.n;
	a->used = m.used;
	a->failed = false;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}

bool arena_failed(const struct arena *a)
{
	return a->failed;
}
