/* Explanations: for every definition without a solution, the statement furthest down at which it failed, and what stood there.
 *
 * Lines of definitions that did not matter (below one that had a solution, inside of `not`) are dropped. Secrets: with any
 * path marked secret, a value is shown only when it was read by a constant path that is neither below nor above one. */
#include "policy/eval/eval.h"
#include "policy/eval/explain.h"

#include <string.h>

#define LINES_MAX 64
#define TEXT_MAX  200 /* bytes of a value shown */

struct level { struct level *up; const struct def *def; size_t first_line; struct rego_explain_line line; bool any; };

struct explain {
	const char *const *secret;
	size_t        n_secret;
	struct level *level;
	unsigned      muted;
	struct rego_explain_line line[LINES_MAX];
	size_t        n;
};

struct explain *explain_new(struct rego_eval *v, const char *const *secret, size_t n)
{
	struct explain *x = heap_alloc(&v->h, sizeof(*x));

	if (!x)
		return NULL;
	x->secret = secret;
	x->n_secret = n;
	return x;
}

size_t rego_explain_len(const struct rego_eval *v)
{
	return v->explain ? v->explain->n : 0;
}

const struct rego_explain_line *rego_explain_at(const struct rego_eval *v, size_t i)
{
	return v->explain && i < v->explain->n ? &v->explain->line[i] : NULL;
}

void explain_mute(struct rego_eval *v, int by)
{
	if (v->explain)
		v->explain->muted += (unsigned)by;
}

void explain_begin(struct rego_eval *v, const struct def *d)
{
	struct level *l = heap_alloc(&v->h, sizeof(*l));

	if (!l)
		return;
	l->up = v->explain->level;
	l->def = d;
	l->first_line = v->explain->n;
	v->explain->level = l;
}

void explain_end(struct rego_eval *v, const struct def *d, bool found)
{
	struct explain *x = v->explain;
	struct level *l = x->level;

	if (!l || l->def != d)
		return;
	x->level = l->up;
	if ((found && l->up) || x->muted) { /* what was asked for is explained even where it has a value */
		x->n = l->first_line < x->n ? l->first_line : x->n;
		return;
	}
	if (found || !l->any)
		return;
	if (x->n == LINES_MAX) { /* the outermost, which come last, say most */
		memmove(x->line, x->line + 1, (LINES_MAX - 1) * sizeof(x->line[0]));
		x->n--;
	}
	x->line[x->n++] = l->line;
}

static bool is_step_end(char c)
{
	return c == '\0' || c == '.' || c == '[';
}

/* Below a secret, at it, or above it (then the value holds it). */
static bool is_secret(const struct explain *x, struct span path)
{
	for (size_t i = 0; i < x->n_secret; i++) {
		const char *s = x->secret[i];
		size_t n = strlen(s), common = n < path.n ? n : path.n;

		if (memcmp(s, path.p, common) != 0) /* public: names of paths */
			continue;
		if (n <= path.n ? n == path.n || is_step_end((char)path.p[n]) : is_step_end(s[path.n]))
			return true;
	}
	return false;
}

static bool plain_name(struct val x)
{
	struct span s = val_span(x);

	if (!s.n || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') && s.p[i] != '_' && !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return true;
}

static void put_step(struct wr *w, struct val step)
{
	if (plain_name(step)) {
		wr_u8(w, '.');
		wr_put(w, val_span(step));
		return;
	}
	wr_u8(w, '[');
	val_put_rego(w, step, true);
	wr_u8(w, ']');
}

/* Working it out once more would ask the host again, or repeat a long search. */
static bool asks_again(const struct node *n)
{
	if (n->kind == N_HOST || n->kind == N_COMP || n->kind == N_FUNC)
		return true;
	for (size_t i = 0; i < n->n; i++)
		if (asks_again(n->item[i]))
			return true;
	return false;
}

/* Writes the path that a node reads; false where it reads none, or where a step is not constant and there are secrets. */
static bool put_path(struct rego_eval *v, const struct node *n, struct val *f, struct wr *w)
{
	size_t first = n->kind == N_REF ? 1 : 0;

	if (n->kind == N_INPUT || (n->kind == N_REF && n->item[0]->kind == N_INPUT))
		wr_str(w, "input");
	else if (n->kind == N_DOC && n->doc)
		tree_put_path(w, n->doc);
	else
		return false;
	for (size_t i = first; n->kind != N_INPUT && i < n->n; i++) {
		if ((n->item[i]->kind != N_CONST && v->explain->n_secret) || asks_again(n->item[i]))
			return false;
		put_step(w, value_of(v, n->item[i], f));
	}
	return wr_ok(w);
}

static struct span keep(struct rego_eval *v, const struct wr *w)
{
	return val_span(val_str(&v->h, wr_span(w)));
}

static struct span shown(struct rego_eval *v, const char *before, struct val x)
{
	struct wr w = wr_open(1u << 20);
	struct span s, r;

	wr_str(&w, before);
	if (val_defined(x))
		val_put_rego(&w, x, true);
	else
		wr_str(&w, "undefined");
	s = wr_span(&w);
	if (!wr_ok(&w) || s.n > TEXT_MAX) {
		size_t n = s.n < TEXT_MAX ? s.n : TEXT_MAX;

		while (n && n < s.n && (s.p[n] & 0xc0) == 0x80)
			n--;
		struct val cut = val_str(&v->h, (struct span){ s.p, n });

		wr_close(&w);
		return val_span(cut);
	}
	r = keep(v, &w);
	wr_close(&w);
	return r;
}

struct sight { struct span path, found; };

/* Path and value of what a node reads. */
static struct sight look(struct rego_eval *v, const struct node *n, struct val *f, const char *before)
{
	struct sight s = { { NULL, 0 }, { NULL, 0 } };
	struct wr w = wr_open(4096);
	bool has = n->kind != N_CONST && put_path(v, n, f, &w);

	if (has)
		s.path = keep(v, &w);
	wr_close(&w);
	if ((has && is_secret(v->explain, s.path)) || (!has && n->kind != N_CONST && v->explain->n_secret))
		s.found = span_of("(secret)");
	else if (!asks_again(n))
		s.found = shown(v, before, value_of(v, n, f));
	return s;
}

static const char *sign(enum compare c)
{
	static const char *const text[] = { "", "!= ", "< ", "<= ", "> ", ">= " };

	return text[c];
}

static void show(struct rego_explain_line *l, struct sight s)
{
	l->path = s.path;
	l->found = s.found;
}

static void two_sides(struct rego_eval *v, struct rego_explain_line *l, const struct node *const *side, struct val *f,
    const char *before)
{
	bool turned = side[0]->kind == N_CONST;

	show(l, look(v, side[turned], f, ""));
	l->wanted = look(v, side[!turned], f, before).found;
}

static void describe(struct rego_eval *v, const struct op *op, struct val *f, struct rego_explain_line *l)
{
	const struct node *a = op->a;

	if (op->kind == OP_TEST && a->kind == N_COMPARE) {
		two_sides(v, l, (const struct node *const *)a->item, f, sign(a->cmp));
		return;
	}
	if (op->kind == OP_EQ) {
		two_sides(v, l, (const struct node *const[]){ a, op->b }, f, "");
		return;
	}
	if (op->kind == OP_TEST && a->kind == N_MEMBER && a->n == 2) {
		two_sides(v, l, (const struct node *const *)a->item, f, "in ");
		return;
	}
	if (op->kind == OP_NOT && op->code->n == 2 && op->code->op[0].kind == OP_TEST) {
		show(l, look(v, op->code->op[0].a, f, ""));
		l->wanted = span_of("false or undefined");
		return;
	}
	if (!a)
		return;
	show(l, look(v, a, f, ""));
	l->wanted = span_of(op->kind == OP_TEST ? "true" : op->kind == OP_BIND ? "defined" : "a member that fits");
}

static bool further(struct loc a, struct loc b)
{
	return a.line > b.line || (a.line == b.line && a.col > b.col);
}

/* Looking at the values again takes memory, but no steps, so that an evaluation explained takes the steps of one that is not. */
void explain_failed(struct rego_eval *v, const struct op *op, struct val *f)
{
	struct level *l = v->explain->level;
	struct explain *x = v->explain;
	const struct rule *r;
	uint64_t steps = v->h.steps;

	if (!l || !op->src || x->muted || !heap_ok(&v->h) || (l->any && !further(op->src->at, l->line.at)))
		return;
	r = l->def->head;
	l->any = true;
	l->line = (struct rego_explain_line){ .at = op->src->at, .rule = r->text, .statement = op->src->text };
	if (op->src->at.file < v->policy->n_src)
		l->line.file = v->policy->src[op->src->at.file].name;
	x->muted++;
	describe(v, op, f, &l->line);
	x->muted--;
	if (heap_ok(&v->h))
		v->h.steps = steps;
}
