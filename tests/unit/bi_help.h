/* Calls of builtins as text: operands and answers are JSON (answers as OPA writes it: < > & escaped), a set is {"$set": [...]}
 * as an operand and a sorted array as an answer. */
#pragma once
#include "base/own.h"
#include "policy/builtin/builtin.h"
#include "policy/regex/cache.h"
#include "policy/value/valtext.h"

#include "tests/t.h"

static inline void bi_heap_end(struct heap *h)
{
	arena_free(h->arena);
}

static inline struct heap bi_heap(void)
{
	return (struct heap){ .arena = arena_new(32 << 20), .steps = 1 << 20, .string_max = 1 << 20 };
}

static inline struct val from_json(struct heap *h, const char *text)
{
	const char *why = "";
	size_t at;
	struct val v = val_from_json(h, span_of(text), (struct json_limits){ 1 << 20, 64 }, &at, &why);
	if (!val_defined(v))
		printf("# %s: %s\n", text, why);
	return v;
}

/* The set that {"$set": [...]} means; any other value as it is. */
static inline struct val as_set(struct heap *h, struct val v)
{
	struct val items = val_gets(v, "$set");
	struct vlist l = { .h = h };

	for (size_t k = 0; k < val_len(items); k++)
		vlist_add(&l, val_at(items, k));
	return val_defined(items) ? val_set(h, l.p, l.n) : v;
}

/* Calls name with a JSON array of operands. What it answers as JSON; "undefined"; "<code>: <text>"; the name of a limit. */
static inline const char *bi_ask_in(struct heap *h, const char *name, const char *args)
{
	static char out[4096];
	CLEANUP(wr_close) struct wr w = wr_open(sizeof(out) - 1);
	struct host host = { .regex = regex_cache_new(h) };
	const struct builtin *b = builtin_find(span_of(name));
	struct val list = from_json(h, args), arg[8], v;
	struct call c = { .h = h, .host = &host, .arg = arg, .n = val_len(list) };

	if (!b || b->args != c.n)
		return "no such builtin";
	for (size_t i = 0; i < c.n; i++)
		arg[i] = as_set(h, val_at(list, i));
	v = builtin_call(b, &c);
	if (h->over != REGO_OK)
		return rego_code_name(h->over);
	if (c.code != REGO_OK)
		(void)snprintf(out, sizeof(out), "%s: %s", c.code == REGO_EVAL_TYPE ? "type" : "fail", c.text);
	if (c.code != REGO_OK || !val_defined(v))
		return c.code != REGO_OK ? out : "undefined";
	val_put_json(&w, v, NULL, NULL);
	(void)snprintf(out, sizeof(out), "%.*s", (int)w.n, (const char *)w.p);
	return out;
}

static inline bool bi_says(const char *name, const char *args, const char *want)
{
	CLEANUP(bi_heap_end) struct heap h = bi_heap();
	const char *got = bi_ask_in(&h, name, args);

	if (strcmp(got, want) != 0)
		printf("# %s%s: %s, not %s\n", name, args, got, want);
	return strcmp(got, want) == 0;
}

struct bi_row { const char *name, *args, *want; };
static inline void bi_all(const struct bi_row *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(bi_says(t[i].name, t[i].args, t[i].want));
}
#define BI_ALL(t) bi_all(t, sizeof(t) / sizeof(t[0]))
