/* A search by backtracking for small programs and texts. Nothing is tried twice: a place of the program where ways meet is
 * passed once for each place of the text (a bit for each), so the work is at most program times text. The bits and the ways
 * still to try have fixed room on the stack; a search that would need more is left to Pike's machine. */
#include <string.h>

#include "fmt/utf8.h"
#include "policy/regex/re_int.h"

#define BITS_MAX 32768
#define WAYS_MAX 512
#define SLOTS    20 /* captures that are kept here: a whole match and 9 groups */

struct way { uint32_t pc, slot; size_t at; }; /* go on here; or, with pc UINT32_MAX, give a slot its old value back */

struct back {
	const struct re_run *r;
	size_t     n;      /* ways */
	size_t     width;  /* bits for one join */
	uint64_t   visits; /* not yet paid for */
	size_t     cap[SLOTS];
	bool       too_big;
	uint64_t   seen[BITS_MAX / 64];
	struct way way[WAYS_MAX];
};

static void push(struct back *b, struct way w)
{
	if (b->n == WAYS_MAX)
		b->too_big = true;
	else
		b->way[b->n++] = w;
}

static bool seen(struct back *b, uint32_t join, size_t at)
{
	size_t bit = (join - 1) * b->width + at - b->r->from;
	bool was = b->seen[bit / 64] >> bit % 64 & 1;

	b->seen[bit / 64] |= (uint64_t)1 << bit % 64;
	return was;
}

static void save(struct back *b, uint32_t slot, size_t at)
{
	if (slot >= b->r->slots)
		return;
	if (b->n) /* with no other way to try nobody asks for the old one */
		push(b, (struct way){ UINT32_MAX, slot, b->cap[slot] });
	b->cap[slot] = at;
}

/* Reads one code point: moves *at on, or false. */
static bool eat(const struct re *re, const struct re_inst *in, struct span s, size_t *at)
{
	size_t len = 1;
	uint32_t c;

	if (*at == s.n)
		return false;
	c = s.p[*at];
	if (c >= 128)
		c = utf8_at(s, *at, &len);
	*at += len;
	return re_takes(re, in, c);
}

/* Goes one way to its end. */
static bool follow(struct back *b, uint32_t pc, size_t at)
{
	const struct re *re = b->r->re;
	struct span s = b->r->s;

	for (;; b->visits++) {
		const struct re_inst *in = &re->inst[pc];

		if (in->join && seen(b, in->join, at))
			return false;
		switch ((enum re_code)in->op) {
		case RI_CHAR:
		case RI_CLASS:
			if (!eat(re, in, s, &at))
				return false;
			pc++;
			break;
		case RI_ASSERT:
			if (!re_holds((enum re_assert)in->x, s, at))
				return false;
			pc++;
			break;
		case RI_SAVE:
			save(b, in->x, at);
			pc++;
			break;
		case RI_NOP:
			pc++;
			break;
		case RI_JUMP:
			pc = in->x;
			break;
		case RI_SPLIT:
			push(b, (struct way){ in->y, 0, at });
			pc = in->x;
			break;
		case RI_MATCH:
			return true;
		}
	}
}

static bool pay(struct back *b)
{
	uint64_t n = b->visits / RE_VISITS_PER_STEP;

	b->visits %= RE_VISITS_PER_STEP;
	return n == 0 || heap_steps(b->r->h, n);
}

/* All ways from one place of the text, the best first. */
static bool from_here(struct back *b, size_t at)
{
	b->n = 0;
	for (size_t i = 0; i < b->r->slots; i++)
		b->cap[i] = SIZE_MAX;
	push(b, (struct way){ 0, 0, at });
	while (b->n && !b->too_big) {
		struct way w = b->way[--b->n];

		if (w.pc == UINT32_MAX)
			b->cap[w.slot] = w.at;
		else if (follow(b, w.pc, w.at))
			return pay(b);
		if (!pay(b))
			return false;
	}
	return false;
}

enum re_found re_back(const struct re_run *r)
{
	struct back b;
	size_t bits = 0;

	b.width = r->s.n - r->from + 1;
	if (r->slots > SLOTS || __builtin_mul_overflow(r->re->joins, b.width, &bits) || bits > BITS_MAX)
		return RE_TOO_BIG;
	b.r = r;
	b.visits = 0;
	b.too_big = false;
	memset(b.seen, 0, (bits + 63) / 64 * sizeof(b.seen[0]));
	for (size_t at = r->from; (at = re_candidate(r->re, r->s, at)) <= r->s.n; at = utf8_next(r->s, at)) {
		bool found = from_here(&b, at);

		if (b.too_big)
			return RE_TOO_BIG;
		if (found && r->slots)
			memcpy(r->cap, b.cap, r->slots * sizeof(b.cap[0]));
		if (found || !heap_ok(r->h))
			return found ? RE_YES : RE_NO;
	}
	return RE_NO;
}
