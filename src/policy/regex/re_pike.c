/* Pike's machine: all ways through the program at the same time, one code point after the other. A way is an instruction that
 * waits to read, with the captures it has made; ways stand in the order of preference, and of two at the same instruction the
 * later one is dropped. So there are never more of them than instructions, whatever the pattern and the text. */
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "fmt/utf8.h"
#include "policy/regex/re_int.h"

struct ways { /* a set of places in the program, in the order they came in */
	uint32_t *sparse, *dense;
	size_t   *cap; /* slots of dense[i] from i * slots */
	size_t    n;
};

struct resume { uint32_t pc, slot; size_t old; }; /* go on here; or, with pc UINT32_MAX, give a slot its old value back */

struct pike {
	const struct re_run *r;
	struct ways   now, then;
	struct resume  *resume;
	size_t       *cap;   /* of the way that is being followed */
	uint64_t      visits;
	bool          found;
};

static bool enter(struct ways *w, uint32_t pc)
{
	if (w->sparse[pc] < w->n && w->dense[w->sparse[pc]] == pc)
		return false;
	w->sparse[pc] = (uint32_t)w->n;
	w->dense[w->n++] = pc;
	return true;
}

static void copy(size_t *to, const size_t *from, size_t slots)
{
	if (slots)
		memcpy(to, from, slots * sizeof(*to));
}

/* Follows one instruction that reads nothing and returns where it leads: UINT32_MAX nowhere. Every instruction is entered once
 * and leaves at most one thing to do, so that `resume` has room. */
static uint32_t pass(struct pike *k, struct ways *w, uint32_t pc, size_t at, size_t *n)
{
	const struct re_inst *in = &k->r->re->inst[pc];
	size_t slots = k->r->slots;

	switch ((enum re_code)in->op) {
	case RI_JUMP:
		return in->x;
	case RI_SPLIT:
		k->resume[(*n)++] = (struct resume){ in->y, 0, 0 };
		return in->x;
	case RI_ASSERT:
		return re_holds((enum re_assert)in->x, k->r->s, at) ? pc + 1 : UINT32_MAX;
	case RI_SAVE:
		if (in->x < slots) {
			k->resume[(*n)++] = (struct resume){ UINT32_MAX, in->x, k->cap[in->x] };
			k->cap[in->x] = at;
		}
		return pc + 1;
	case RI_NOP:
		return pc + 1;
	case RI_CHAR:
	case RI_CLASS:
	case RI_MATCH:
		copy(w->cap + (w->n - 1) * slots, k->cap, slots);
		return UINT32_MAX;
	}
	return UINT32_MAX;
}

/* Adds to w what can be reached from pc without reading, k->cap being the captures so far. */
static void add(struct pike *k, struct ways *w, uint32_t pc, size_t at)
{
	size_t n = 0;

	k->resume[n++] = (struct resume){ pc, 0, 0 };
	while (n) {
		struct resume t = k->resume[--n];

		if (t.pc == UINT32_MAX) {
			k->cap[t.slot] = t.old;
			continue;
		}
		while (t.pc != UINT32_MAX && enter(w, t.pc)) {
			k->visits++;
			t.pc = pass(k, w, t.pc, at, &n);
		}
	}
}

/* Lets every way read the code point c, which ends at `behind`. A way that is at the end of the program wins over those after
 * it. */
static void step(struct pike *k, uint32_t c, bool end, size_t behind)
{
	const struct re *re = k->r->re;
	size_t slots = k->r->slots;

	for (size_t i = 0; i < k->now.n; i++) {
		uint32_t pc = k->now.dense[i];
		const struct re_inst *in = &re->inst[pc];

		if (in->op == RI_MATCH) {
			k->found = true;
			copy(k->r->cap, k->now.cap + i * slots, slots);
			return;
		}
		if (end || (in->op != RI_CHAR && in->op != RI_CLASS) || !re_takes(re, in, c))
			continue;
		copy(k->cap, k->now.cap + i * slots, slots);
		add(k, &k->then, pc + 1, behind);
	}
	k->visits += k->now.n;
}

static bool pay(struct pike *k)
{
	uint64_t n = k->visits / RE_VISITS_PER_STEP;

	k->visits %= RE_VISITS_PER_STEP;
	return n == 0 || heap_steps(k->r->h, n);
}

static void begin(struct pike *k, size_t at)
{
	if (k->found || (k->r->re->anchored && at > 0))
		return;
	for (size_t i = 0; i < k->r->slots; i++)
		k->cap[i] = SIZE_MAX;
	add(k, &k->now, 0, at);
}

static void run(struct pike *k)
{
	struct span s = k->r->s;
	bool any = k->r->slots == 0; /* no captures wanted: the first match will do */

	for (size_t at = k->r->from; at <= s.n && pay(k) && !(any && k->found);) {
		struct ways w = k->now;
		size_t len = 1;
		uint32_t c = 0;

		if (w.n == 0) {
			at = k->found ? s.n + 1 : re_candidate(k->r->re, s, at);
			if (at > s.n)
				break;
		}
		begin(k, at);
		if (at < s.n)
			c = utf8_at(s, at, &len);
		step(k, c, at == s.n, at + len);
		w = k->now;
		w.n = 0;
		k->now = k->then;
		k->then = w;
		at += len;
	}
}

/* n elements of one array behind the other in one block. */
static void *carve(uint8_t **p, size_t n, size_t each)
{
	void *at = *p;

	*p += (n * each + 15) / 16 * 16;
	return at;
}

bool re_pike(const struct re_run *r)
{
	size_t n = r->re->n, slots = r->slots;
	size_t bytes = n * (4 * sizeof(uint32_t) + sizeof(struct resume)) + (2 * n + 1) * slots * sizeof(size_t) + 256;
	struct pike k = { .r = r };
	CLEANUP(freep) uint8_t *block = bytes <= RE_WORK_MAX ? calloc(1, bytes) : NULL;
	uint8_t *p = block;

	if (!block) {
		heap_over(r->h, bytes <= RE_WORK_MAX ? REGO_SYSTEM : REGO_LIMIT_MEMORY);
		return false;
	}
	k.now.cap = carve(&p, n * slots, sizeof(size_t));
	k.then.cap = carve(&p, n * slots, sizeof(size_t));
	k.cap = carve(&p, slots, sizeof(size_t));
	k.resume = carve(&p, n + 1, sizeof(struct resume));
	k.now.sparse = carve(&p, n, sizeof(uint32_t));
	k.now.dense = carve(&p, n, sizeof(uint32_t));
	k.then.sparse = carve(&p, n, sizeof(uint32_t));
	k.then.dense = carve(&p, n, sizeof(uint32_t));
	run(&k);
	return k.found && heap_ok(r->h);
}
