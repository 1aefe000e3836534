/* Sorting members: runs of a few by insertion, merged to and fro. Stable, so that of equal keys the later stays later. */
#include "policy/value/node.h"

#define RUN 8

static void put(struct val *to, const struct val *from, size_t step)
{
	to[0] = from[0];
	if (step == 2)
		to[1] = from[1];
}

static void insert_run(struct val *p, size_t n, size_t step)
{
	for (size_t i = 1; i < n; i++) {
		struct val x[2] = { 0 };
		size_t j = i;

		put(x, p + i * step, step);
		for (; j > 0 && val_cmp(p[(j - 1) * step], x[0]) > 0; j--)
			put(p + j * step, p + (j - 1) * step, step);
		put(p + j * step, x, step);
	}
}

/* Two sorted neighbours of na and nb elements into one list. */
static void merge(const struct val *a, size_t na, size_t nb, size_t step, struct val *to)
{
	const struct val *b = a + na * step;

	for (; na && nb; to += step) {
		bool left = val_cmp(a[0], b[0]) <= 0;

		put(to, left ? a : b, step);
		a += left ? step : 0;
		b += left ? 0 : step;
		na -= left;
		nb -= !left;
	}
	memcpy(to, na ? a : b, (na + nb) * step * sizeof(*to));
}

static void merge_all(const struct val *from, size_t n, size_t run, size_t step, struct val *to)
{
	for (size_t i = 0; i < n; i += 2 * run) {
		size_t na = n - i < run ? n - i : run;
		size_t nb = n - i - na < run ? n - i - na : run;

		merge(from + i * step, na, nb, step, to + i * step);
	}
}

static bool merge_sort(struct heap *h, struct val *p, size_t n, size_t step)
{
	struct val *room = heap_array(h, n * step, sizeof(*room)), *from = p, *to = room;

	if (!room)
		return false;
	for (size_t i = 0; i < n; i += RUN)
		insert_run(p + i * step, n - i < RUN ? n - i : RUN, step);
	for (size_t run = RUN; run < n; run *= 2) {
		struct val *done = to;

		merge_all(from, n, run, step, to);
		to = from;
		from = done;
	}
	if (from != p)
		memcpy(p, from, n * step * sizeof(*p));
	return true;
}

/* Comparing trees and long strings takes steps: they may be large, equal for long, and shared many times over. */
static bool pay(struct heap *h, const struct val *p, size_t n, size_t step)
{
	uint64_t cost = 0;

	for (size_t i = 0; i < n; i++)
		cost += weight_of(p[i * step]) / 16;
	return heap_steps(h, cost);
}

bool val_sort(struct heap *h, struct val *p, size_t n, size_t step)
{
	size_t i = 1;

	if (!pay(h, p, n, step))
		return false;
	while (i < n && val_cmp(p[(i - 1) * step], p[i * step]) < 0)
		i++;
	if (i >= n)
		return true;
	if (n > RUN)
		return merge_sort(h, p, n, step);
	insert_run(p, n, step);
	return true;
}
