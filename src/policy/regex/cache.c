#include "policy/regex/cache.h"

#include <string.h>

#include "base/str.h"

#define SLOTS 64 /* chains of patterns; a policy has some dozens */

struct entry {
	struct entry    *next;
	struct span      pattern;
	const struct re *re; /* NULL: it is none, for the reason given */
	const char      *why;
	size_t           at;
	uint64_t         steps; /* that compiling it took */
};

struct regex_cache {
	struct entry *slot[SLOTS];
	struct { const uint8_t *p; struct entry *e; } seen[SLOTS]; /* by address, as a policy asks for its patterns again and again */
};

struct regex_cache *regex_cache_new(struct heap *h)
{
	return heap_alloc(h, sizeof(struct regex_cache));
}

static uint32_t hash(struct span s)
{
	uint32_t v = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < s.n; i++)
		v = (v ^ s.p[i]) * 16777619u;
	return v ^ v >> 16;
}

static size_t place(struct span s)
{
	return ((uintptr_t)s.p >> 4 ^ (uintptr_t)s.p >> 10) % SLOTS;
}

/* The entry of a pattern: a guess by its address, or by its bytes. */
static struct entry *find(const struct regex_cache *c, struct span pattern)
{
	struct entry *e = c->seen[place(pattern)].e;

	if (e && c->seen[place(pattern)].p == pattern.p && span_eq(e->pattern, pattern))
		return e;
	for (e = c->slot[hash(pattern) % SLOTS]; e && !span_eq(e->pattern, pattern);)
		e = e->next;
	return e;
}

static struct entry *make(struct heap *h, struct span pattern)
{
	struct entry *e = heap_alloc(h, sizeof(*e));
	uint8_t *copy = heap_alloc(h, pattern.n);
	uint64_t before = h->steps;

	if (!e || !copy)
		return NULL;
	if (pattern.n)
		memcpy(copy, pattern.p, pattern.n);
	e->pattern = (struct span){ copy, pattern.n };
	if (re_compile(h, e->pattern, &e->re, &e->why, &e->at) == RE_TOO_LARGE)
		return NULL;
	e->steps = before - h->steps;
	return e;
}

/* A pattern that is too large is not kept: it ends the evaluation. */
enum re_rc regex_cached(struct heap *h, struct regex_cache *c, struct span pattern, const struct re **out, const char **why,
    size_t *at)
{
	struct entry *e = find(c, pattern);

	if (e && !heap_steps(h, e->steps))
		return RE_TOO_LARGE;
	if (!e) {
		e = make(h, pattern);
		if (!e)
			return RE_TOO_LARGE;
		e->next = c->slot[hash(pattern) % SLOTS];
		c->slot[hash(pattern) % SLOTS] = e;
	}
	c->seen[place(pattern)].p = pattern.p;
	c->seen[place(pattern)].e = e;
	*why = e->why;
	*at = e->at;
	*out = e->re;
	return e->re ? RE_OK : RE_SYNTAX;
}
