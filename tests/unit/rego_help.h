/* An evaluation's heap and values from text, for tests of the policy engine. */
#pragma once
#include <stdlib.h>

#include "base/own.h"
#include "policy/value/num.h"
#include "policy/value/valtext.h"
#include "tests/t.h"

static struct heap rh; /* opened by rh_open */

static inline void rh_open(size_t bytes)
{
	arena_free(rh.arena);
	rh = (struct heap){ .arena = arena_new(bytes), .steps = 10000000, .string_max = 1 << 16 };
	if (!rh.arena)
		abort();
}

static inline void rh_close(void)
{
	arena_free(rh.arena);
	rh = (struct heap){ 0 };
}

/* A JSON text as a value; VAL_UNDEF when it is refused. */
static inline struct val J(const char *text)
{
	size_t at;
	const char *why;

	return val_from_json(&rh, span_of(text), (struct json_limits){ 1 << 20, 64 }, &at, &why);
}

static inline bool rego_is(struct val v, const char *want)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	bool same;

	val_put_rego(&w, v, true);
	same = wr_ok(&w) && span_eq_str(wr_span(&w), want);
	if (!same)
		printf("# got %.*s, want %s\n", (int)w.n, (const char *)w.p, want);
	return same;
}

static inline bool json_is(struct val v, const char *want)
{
	CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
	bool same;

	val_put_json(&w, v, NULL, NULL);
	same = wr_ok(&w) && span_eq_str(wr_span(&w), want);
	if (!same)
		printf("# got %.*s, want %s\n", (int)w.n, (const char *)w.p, want);
	return same;
}
