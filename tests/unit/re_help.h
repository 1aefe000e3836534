/* A heap for one check, and patterns and answers as text. */
#pragma once
#include "base/own.h"
#include "base/str.h"
#include "policy/regex/re.h"

#include "tests/t.h"

static inline struct heap re_heap(uint64_t steps, size_t memory)
{
	return (struct heap){ .arena = arena_new(memory), .steps = steps, .string_max = 1 << 20 };
}

static inline void re_heap_end(struct heap *h)
{
	arena_free(h->arena);
}

/* "0-3 1-2 -": the byte range of the match and of each group; "no"; "bad: why"; "over". */
static inline const char *re_ask(struct span pattern, struct span text)
{
	static char out[1024];
	CLEANUP(re_heap_end) struct heap h = re_heap(1 << 20, 8 << 20);
	const struct re *re = NULL;
	const char *why = NULL;
	size_t at = 0, n = 0, cap[2 * 256];
	enum re_rc rc = re_compile(&h, pattern, &re, &why, &at);

	if (rc == RE_SYNTAX)
		(void)snprintf(out, sizeof(out), "bad: %s", why);
	else if (rc == RE_TOO_LARGE)
		(void)snprintf(out, sizeof(out), "over");
	if (rc != RE_OK || re_groups(re) > 255)
		return out;
	if (!re_seek(&h, re, text, 0, cap, re_groups(re) + 1))
		return re_seek(&h, re, text, 0, NULL, 0) ? "yes without captures" : h.over != REGO_OK ? "over" : "no";
	if (!re_seek(&h, re, text, 0, NULL, 0))
		return "no without captures";
	for (size_t i = 0; i <= re_groups(re); i++)
		n += (size_t)(cap[2 * i] == SIZE_MAX ? snprintf(out + n, sizeof(out) - n, i ? " -" : "-")
			: snprintf(out + n, sizeof(out) - n, i ? " %zu-%zu" : "%zu-%zu", cap[2 * i], cap[2 * i + 1]));
	return out;
}

static inline bool re_says(const char *pattern, const char *text, const char *want)
{
	const char *got = re_ask(span_of(pattern), span_of(text));

	if (strcmp(got, want) != 0)
		printf("# %s on %s: %s, not %s\n", pattern, text, got, want);
	return strcmp(got, want) == 0;
}
