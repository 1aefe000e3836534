/* The tree as a program. Instructions stand in the order in which they are tried, so that a piece of the tree is a run of them
 * that begins at its first and goes on behind its last. */
#include <string.h>

#include "fmt/utf8.h"
#include "policy/regex/re_int.h"

#define PREFIX_MAX 256

struct comp {
	struct heap    *h;
	struct re_inst *inst;
	size_t          n, cap;
	bool            too_large;
};

static void gen(struct comp *c, const struct re_node *n);

/* Adds an instruction and returns its place. Past the limit everything goes on at place 0 and is thrown away. */
static uint32_t emit(struct comp *c, enum re_code op, uint32_t x, uint32_t y)
{
	if (c->n == RE_PROG_MAX || c->too_large) {
		c->too_large = true;
		return 0;
	}
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 32;
		struct re_inst *more = heap_array(c->h, cap, sizeof(*more));

		if (!more) {
			c->too_large = true;
			return 0;
		}
		if (c->n)
			memcpy(more, c->inst, c->n * sizeof(*more));
		c->inst = more;
		c->cap = cap;
	}
	c->inst[c->n] = (struct re_inst){ .op = (uint8_t)op, .x = x, .y = y };
	return (uint32_t)c->n++;
}

static uint32_t place(const struct comp *c)
{
	return (uint32_t)c->n;
}

/* The split at `at` goes on behind it or, second choice (first choice if lazy), to `other`. */
static void split(struct comp *c, uint32_t at, uint32_t other, bool lazy)
{
	if (c->too_large)
		return;
	c->inst[at].x = lazy ? other : at + 1;
	c->inst[at].y = lazy ? at + 1 : other;
}

static void gen_plus(struct comp *c, const struct re_node *body, bool lazy)
{
	uint32_t begin = place(c), at;

	gen(c, body);
	at = emit(c, RI_SPLIT, 0, 0);
	split(c, at, begin, !lazy); /* back is the first choice where greedy */
}

static void gen_star(struct comp *c, const struct re_node *body, bool lazy)
{
	uint32_t at = emit(c, RI_SPLIT, 0, 0);

	if (body->nullable) { /* (x+)? gets the order of choices right where x can match nothing */
		gen_plus(c, body, lazy);
	} else {
		gen(c, body);
		(void)emit(c, RI_JUMP, at, 0);
	}
	split(c, at, place(c), lazy);
}

/* x{n,m}: n times x, then m - n that nest: (x(x)?)?. All their ways out lead behind the last. */
static void gen_optional(struct comp *c, const struct re_node *n)
{
	uint32_t first = place(c), chain = UINT32_MAX; /* splits linked through y until the end is known */

	for (int i = n->min; i < n->max && !c->too_large; i++) {
		chain = emit(c, RI_SPLIT, 0, chain);
		gen(c, n->sub);
	}
	if (n->max > n->min && !c->too_large)
		for (uint32_t at = chain, next; at != UINT32_MAX && at >= first; at = next) {
			next = c->inst[at].y;
			split(c, at, place(c), n->lazy);
		}
}

static void gen_repeat(struct comp *c, const struct re_node *n)
{
	int copies = n->max < 0 && n->min > 0 ? n->min - 1 : n->min;

	for (int i = 0; i < copies && !c->too_large; i++)
		gen(c, n->sub);
	if (n->max < 0 && n->min == 0)
		gen_star(c, n->sub, n->lazy);
	else if (n->max < 0)
		gen_plus(c, n->sub, n->lazy);
	else if (n->max > n->min)
		gen_optional(c, n);
	else if (n->max == 0)
		(void)emit(c, RI_NOP, 0, 0);
}

static void gen_alt(struct comp *c, const struct re_node *n)
{
	uint32_t chain = UINT32_MAX;

	for (const struct re_node *s = n->sub; s && !c->too_large; s = s->next) {
		uint32_t at = s->next ? emit(c, RI_SPLIT, 0, 0) : 0;

		gen(c, s);
		if (!s->next)
			break;
		chain = emit(c, RI_JUMP, chain, 0);
		split(c, at, place(c), false);
	}
	while (chain != UINT32_MAX && !c->too_large) {
		uint32_t next = c->inst[chain].x;

		c->inst[chain].x = place(c);
		chain = next;
	}
}

/* Depth is bounded by re_parse. Every node gives an instruction, so that the limit on them bounds the work too. */
static void gen(struct comp *c, const struct re_node *n)
{
	switch (n->op) {
	case RN_EMPTY:
		(void)emit(c, RI_NOP, 0, 0);
		break;
	case RN_CHAR:
		(void)emit(c, RI_CHAR, n->arg, 0);
		break;
	case RN_CLASS:
		(void)emit(c, RI_CLASS, n->arg, 0);
		break;
	case RN_ASSERT:
		(void)emit(c, RI_ASSERT, n->arg, 0);
		break;
	case RN_GROUP:
		(void)emit(c, RI_SAVE, 2 * n->arg, 0);
		gen(c, n->sub);
		(void)emit(c, RI_SAVE, 2 * n->arg + 1, 0);
		break;
	case RN_CAT:
		for (const struct re_node *s = n->sub; s && !c->too_large; s = s->next)
			gen(c, s);
		break;
	case RN_ALT:
		gen_alt(c, n);
		break;
	case RN_REPEAT:
		gen_repeat(c, n);
		break;
	}
}

/* Numbers the places that more than one way leads to: a search that never passes one of them twice at the same place of the text
 * never passes any instruction twice there. */
static void number_joins(struct re *re)
{
	size_t n = 0;

	re->inst[0].join++; /* the way in */
	for (size_t i = 0; i < re->n; i++) {
		const struct re_inst *in = &re->inst[i];

		if (in->op == RI_JUMP || in->op == RI_SPLIT)
			re->inst[in->x].join++;
		if (in->op == RI_SPLIT)
			re->inst[in->y].join++;
		if (in->op != RI_JUMP && in->op != RI_SPLIT && in->op != RI_MATCH)
			re->inst[i + 1].join++;
	}
	for (size_t i = 0; i < re->n; i++)
		re->inst[i].join = re->inst[i].join > 1 ? (uint32_t)++n : 0;
	re->joins = n;
}

static bool at_match(const struct re *re, size_t pc)
{
	while (re->inst[pc].op == RI_SAVE || re->inst[pc].op == RI_NOP)
		pc++;
	return re->inst[pc].op == RI_MATCH;
}

/* The text every match begins with: the characters before the first choice. */
static void find_prefix(struct re *re, uint8_t *buf)
{
	size_t pc = 0, n = 0;

	for (;; pc++) {
		const struct re_inst *in = &re->inst[pc];

		if (in->op == RI_ASSERT && in->x == RA_BEGIN_TEXT && n == 0)
			re->anchored = true;
		else if (in->op == RI_CHAR && in->x != 0xFFFD && n + 4 <= PREFIX_MAX) /* U+FFFD matches more than its own bytes */
			n += utf8_put(in->x, buf + n);
		else if (in->op != RI_SAVE && in->op != RI_NOP)
			break;
	}
	re->prefix = (struct span){ buf, n };
	re->to_end = re->inst[pc].op == RI_ASSERT && re->inst[pc].x == RA_END_TEXT;
	re->literal = re->groups == 0 && (re->inst[pc].op == RI_MATCH || (re->to_end && at_match(re, pc + 1)));
}

static void first_byte(struct re *re, uint8_t b)
{
	re->first[b / 64] |= (uint64_t)1 << b % 64;
}

/* Bytes an instruction can begin with. Whatever is beyond ASCII may begin with any byte beyond it. */
static void first_of(struct re *re, const struct re_inst *in)
{
	const struct re_class *c = in->op == RI_CLASS ? re->cls[in->x] : NULL;
	bool beyond = c ? c->n && c->r[c->n - 1].hi > 127 : in->x > 127;

	if (c) {
		re->first[0] |= c->ascii[0];
		re->first[1] |= c->ascii[1];
	} else if (!beyond) {
		first_byte(re, (uint8_t)in->x);
	}
	if (beyond)
		re->first[2] = re->first[3] = UINT64_MAX;
}

/* Follows all ways that read nothing. A program that can match nothing at all has no first bytes. */
static void find_first(struct re *re, struct heap *h)
{
	uint32_t *stack = heap_array(h, re->n + 1, sizeof(*stack));
	uint8_t *seen = heap_alloc(h, re->n);
	size_t n = 0;

	if (!stack || !seen)
		return;
	stack[n++] = 0;
	while (n) {
		uint32_t pc = stack[--n];
		const struct re_inst *in = &re->inst[pc];

		if (seen[pc])
			continue;
		seen[pc] = 1;
		if (in->op == RI_MATCH)
			return;
		if (in->op == RI_CHAR || in->op == RI_CLASS)
			first_of(re, in);
		else if (in->op == RI_SPLIT)
			stack[n++] = in->y;
		if (in->op == RI_SPLIT || in->op == RI_JUMP)
			stack[n++] = in->x;
		else if (in->op != RI_CHAR && in->op != RI_CLASS)
			stack[n++] = pc + 1;
	}
	re->use_first = true;
}

enum re_rc re_generate(struct re_parser *p, const struct re_node *tree, struct re *out)
{
	struct comp c = { .h = p->h };
	uint8_t *prefix = heap_alloc(p->h, PREFIX_MAX);

	(void)emit(&c, RI_SAVE, 0, 0);
	gen(&c, tree);
	(void)emit(&c, RI_SAVE, 1, 0);
	(void)emit(&c, RI_MATCH, 0, 0);
	if (c.too_large || !prefix || !heap_steps(p->h, c.n / RE_VISITS_PER_STEP))
		return RE_TOO_LARGE;
	*out = (struct re){ .inst = c.inst, .n = c.n, .cls = p->cls, .groups = p->groups, .name = p->name };
	number_joins(out);
	find_prefix(out, prefix);
	if (!out->anchored && out->prefix.n == 0)
		find_first(out, p->h);
	return RE_OK;
}
