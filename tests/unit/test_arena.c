#include "base/arena.h"

#include <string.h>

#include "tests/t.h"

static void arena_alloc_gives_zeroed_aligned_memory(void)
{
	struct arena *a = arena_new(1 << 20);
	uint8_t *p = arena_alloc(a, 33), *q = arena_alloc(a, 0);

	CHECK(p && q && (uintptr_t)p % 16 == 0 && (uintptr_t)q % 16 == 0);
	for (size_t i = 0; p && i < 33; i++)
		CHECK(p[i] == 0);
	CHECK(arena_used(a) == 48);
	arena_free(a);
}

static void arena_alloc_holds_its_limit_and_failure_sticks(void)
{
	struct arena *a = arena_new(64);

	CHECK(arena_alloc(a, 48) && arena_alloc(a, 16) && !arena_failed(a));
	CHECK(!arena_alloc(a, 1) && arena_failed(a));
	CHECK(!arena_alloc(a, 0));
	arena_reset(a);
	CHECK(!arena_failed(a) && arena_used(a) == 0);
	CHECK(!arena_alloc(a, 65));
	arena_free(a);
}

static void arena_alloc_refuses_sizes_near_the_end_of_size_t(void)
{
	struct arena *a = arena_new(SIZE_MAX);

	CHECK(!arena_alloc(a, SIZE_MAX));
	arena_reset(a);
	CHECK(!arena_array(a, SIZE_MAX / 8, 16) && arena_failed(a));
	arena_free(a);
}

static void arena_reset_clears_reused_memory(void)
{
	struct arena *a = arena_new(1 << 22);
	uint8_t *p = arena_alloc(a, 100000);
	bool zero = true;

	CHECK(p);
	if (p)
		memset(p, 0xff, 100000);
	arena_reset(a);
	p = arena_alloc(a, 100000);
	for (size_t i = 0; p && i < 100000; i++)
		zero &= p[i] == 0;
	CHECK(p && zero);
	arena_free(a);
	arena_free(NULL);
}

static bool all(const uint8_t *p, size_t n, uint8_t v)
{
	bool ok = p != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = p[i] == v;
	return ok;
}

/* With blocks before it, in it and behind it; again and again, with no more memory each time. */
static void arena_rewind_keeps_what_was_there_and_clears_the_rest(void)
{
	struct arena *a = arena_new(1 << 20);
	uint8_t *first = arena_alloc(a, 20000), *second = arena_alloc(a, 10000), *p = NULL;
	struct arena_mark m = arena_mark(a);
	size_t used = arena_used(a);

	CHECK(first && second);
	if (!first || !second)
		return;
	memset(first, 1, 20000);
	memset(second, 2, 10000);
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < 9; k++) {
			p = arena_alloc(a, 100000);
			CHECK(all(p, 100000, 0));
			if (p)
				memset(p, 0xff, 100000);
		}
		CHECK(!arena_alloc(a, 200000) && arena_failed(a));
		arena_rewind(a, m);
		CHECK(!arena_failed(a) && arena_used(a) == used && all(first, 20000, 1) && all(second, 10000, 2));
	}
	CHECK(all(arena_alloc(a, 500), 500, 0) && arena_used(a) == used + 512);
	arena_free(a);
}

static void arena_rewind_to_the_beginning_empties_it(void)
{
	struct arena *a = arena_new(64);
	struct arena_mark m = arena_mark(a);

	CHECK(arena_alloc(a, 64) && !arena_alloc(a, 1));
	arena_rewind(a, m);
	CHECK(arena_used(a) == 0 && arena_alloc(a, 64));
	arena_free(a);
}

int main(void)
{
	static const struct t_case cases[] = {
		T(arena_alloc_gives_zeroed_aligned_memory), T(arena_alloc_holds_its_limit_and_failure_sticks),
		T(arena_alloc_refuses_sizes_near_the_end_of_size_t), T(arena_reset_clears_reused_memory),
		T(arena_rewind_keeps_what_was_there_and_clears_the_rest), T(arena_rewind_to_the_beginning_empties_it),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
