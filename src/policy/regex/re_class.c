#include <stdlib.h>
#include <string.h>

#include "policy/regex/re_int.h"

bool re_class_has(const struct re_class *c, uint32_t rune)
{
	size_t lo = 0, hi = c->n;

	if (rune < 128)
		return c->ascii[rune / 64] >> rune % 64 & 1;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->r[mid].hi < rune)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < c->n && c->r[lo].lo <= rune;
}

static bool grow(struct re_ranges *s)
{
	size_t cap = s->cap ? s->cap * 2 : 8;
	struct re_range *p = heap_array(s->h, cap, sizeof(*p));

	if (!p)
		return false;
	if (s->n)
		memcpy(p, s->p, s->n * sizeof(*p));
	s->p = p;
	s->cap = cap;
	return true;
}

void re_ranges_add(struct re_ranges *s, uint32_t lo, uint32_t hi)
{
	if (s->n && lo >= s->p[s->n - 1].lo && lo <= s->p[s->n - 1].hi + 1) { /* sorted input stays short */
		if (hi > s->p[s->n - 1].hi)
			s->p[s->n - 1].hi = hi;
		return;
	}
	if (s->n < s->cap || grow(s))
		s->p[s->n++] = (struct re_range){ lo, hi };
}

void re_ranges_all(struct re_ranges *s, const struct re_ranges *from)
{
	for (size_t i = 0; i < from->n; i++)
		re_ranges_add(s, from->p[i].lo, from->p[i].hi);
}

static int by_lo(const void *a, const void *b)
{
	uint32_t x = ((const struct re_range *)a)->lo, y = ((const struct re_range *)b)->lo;

	return x < y ? -1 : x > y;
}

/* Ascending and apart. */
static void tidy(struct re_ranges *s)
{
	size_t n = 0;

	if (s->n < 2 || !heap_steps(s->h, s->n))
		return;
	qsort(s->p, s->n, sizeof(*s->p), by_lo);
	for (size_t i = 1; i < s->n; i++) {
		if (s->p[i].lo > s->p[n].hi + 1)
			s->p[++n] = s->p[i];
		else if (s->p[i].hi > s->p[n].hi)
			s->p[n].hi = s->p[i].hi;
	}
	s->n = n + 1;
}

void re_ranges_fold(struct re_ranges *s)
{
	size_t n;

	tidy(s);
	n = s->n;
	for (size_t i = 0; i < n && heap_ok(s->h); i++) {
		uint32_t hi = s->p[i].hi;

		for (uint32_t c = uc_cased_from(s->p[i].lo); c <= hi && heap_steps(s->h, 1); c = uc_cased_from(c + 1))
			for (uint32_t o = uc_fold_next(c); o != c; o = uc_fold_next(o))
				re_ranges_add(s, o, o);
	}
}

void re_ranges_negate(struct re_ranges *s)
{
	struct re_ranges out = { .h = s->h };
	uint32_t next = 0;

	tidy(s);
	for (size_t i = 0; i < s->n; i++) {
		if (s->p[i].lo > next)
			re_ranges_add(&out, next, s->p[i].lo - 1);
		next = s->p[i].hi + 1;
	}
	if (next <= UC_MAX)
		re_ranges_add(&out, next, UC_MAX);
	*s = out;
}

const struct re_class *re_ranges_class(struct re_ranges *s)
{
	struct re_class *c = heap_alloc(s->h, sizeof(*c));

	if (!c)
		return NULL;
	tidy(s);
	c->r = s->p;
	c->n = s->n;
	for (size_t i = 0; i < s->n; i++)
		for (uint32_t a = s->p[i].lo; a < 128 && a <= s->p[i].hi; a++)
			c->ascii[a / 64] |= (uint64_t)1 << a % 64;
	return heap_ok(s->h) ? c : NULL;
}
