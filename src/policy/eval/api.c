/* policy.h's evaluation: contexts, budgets, outcomes. */
#include "policy/eval/eval.h"
#include "policy/eval/explain.h"
#include "policy/regex/cache.h"

#include <stdlib.h>

struct rego_eval *rego_eval_new(const struct rego_policy *p, struct rego_limits lim)
{
	struct rego_eval *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->h.arena = arena_new(lim.memory);
	if (!v->h.arena) {
		free(v);
		return NULL;
	}
	v->policy = p;
	v->lim = lim;
	rego_eval_begin(v);
	return v;
}

void rego_eval_free(struct rego_eval *v)
{
	if (!v)
		return;
	frame_free(v);
	arena_free(v->h.arena);
	free(v);
}

static void rewind_frames(struct rego_eval *v)
{
	while (v->chunk && v->chunk->prev) {
		v->chunk->n = 0;
		v->chunk = v->chunk->prev;
	}
	if (v->chunk)
		v->chunk->n = 0;
}

static void rewind(struct rego_eval *v)
{
	rewind_frames(v);
	v->calls = 0;
	v->depth = 0;
	v->printed = 0;
	v->op = NULL;
	v->fault[0] = '\0';
	v->explain = NULL;
	v->host = (struct host){ .has_now = false };
	v->host_state = NULL;
	v->prints = NULL;
}

void rego_eval_begin(struct rego_eval *v)
{
	struct arena *a = v->h.arena;

	arena_reset(a);
	v->h = (struct heap){ .arena = a, .steps = v->lim.steps, .string_max = v->lim.string_max };
	rewind(v);
	v->kept.is = false;
	v->ctx = ctx_new(v, NULL);
	if (v->ctx)
		v->ctx->base = v->policy->data;
}

void rego_eval_keep(struct rego_eval *v)
{
	v->kept.is = v->ctx != NULL && heap_ok(&v->h);
	if (!v->kept.is)
		return;
	v->kept.mark = arena_mark(v->h.arena);
	v->kept.h = v->h;
	v->kept.ctx = v->ctx;
	v->kept.input = v->ctx->input;
	v->kept.base = v->ctx->base;
}

void rego_eval_again(struct rego_eval *v)
{
	if (!v->kept.is) {
		rego_eval_begin(v);
		return;
	}
	arena_rewind(v->h.arena, v->kept.mark);
	v->h = v->kept.h;
	rewind(v);
	v->ctx = v->kept.ctx;
	*v->ctx = (struct ctx){ .input = v->kept.input, .base = v->kept.base };
}

struct heap *rego_eval_heap(struct rego_eval *v)
{
	return &v->h;
}

/* What rules found under another input or data is forgotten. */
static void forget(struct rego_eval *v)
{
	if (v->ctx)
		v->ctx->cache = NULL;
}

void rego_eval_input(struct rego_eval *v, struct val input)
{
	if (v->ctx)
		v->ctx->input = input;
	forget(v);
}

void rego_eval_data(struct rego_eval *v, struct val data)
{
	if (v->ctx)
		v->ctx->base = val_defined(v->policy->data) ? merge(v, v->policy->data, data) : data;
	forget(v);
}

void rego_eval_host(struct rego_eval *v, void *state)
{
	v->host_state = state;
}

void rego_eval_time(struct rego_eval *v, int64_t now_ns)
{
	v->host.now_ns = now_ns;
	v->host.has_now = true;
}

void rego_eval_zones(struct rego_eval *v, bool (*zone)(void *state, struct span name, struct span *tzif), void *state)
{
	v->host.zone = zone;
	v->host.zone_state = state;
}

void rego_eval_prints(struct rego_eval *v, struct wr *to)
{
	v->prints = to;
}

void rego_eval_explain(struct rego_eval *v, const char *const *secret, size_t n_secret)
{
	v->explain = explain_new(v, secret, n_secret);
}

uint64_t rego_eval_steps(const struct rego_eval *v)
{
	return v->lim.steps - v->h.steps;
}

size_t rego_eval_memory(const struct rego_eval *v)
{
	return arena_used(v->h.arena);
}

const char *rego_outcome_name(enum rego_outcome o)
{
	switch (o) {
	case REGO_OUT_VALUE:
		return "value";
	case REGO_OUT_UNDEFINED:
		return "undefined";
	case REGO_OUT_NO_SUCH_RULE:
		return "no-such-rule";
	case REGO_OUT_ERROR:
		break;
	}
	return "error";
}

/* What an evaluation needs before its first rule. */
static bool prepare(struct rego_eval *v)
{
	uint32_t n = v->policy->n_ids;

	if (!v->ctx)
		return false;
	v->host.seed = val_hash(v->ctx->input) * 0x9e3779b97f4a7c15u ^ (uint64_t)v->host.now_ns;
	if (!v->host.regex)
		v->host.regex = regex_cache_new(&v->h);
	if (!v->ctx->cache)
		v->ctx->cache = heap_array(&v->h, n + 1, sizeof(*v->ctx->cache));
	return heap_ok(&v->h);
}

static enum rego_outcome failed(struct rego_eval *v, struct rego_error *e)
{
	struct loc at = v->op ? v->op->at : (struct loc){ 0 };
	const struct source *src = at.line && at.file < v->policy->n_src ? &v->policy->src[at.file] : NULL;

	(void)rego_fail(e, NULL, v->h.over, src, at, "%s", v->fault[0] ? v->fault : "the evaluation reached a limit");
	return REGO_OUT_ERROR;
}

static enum rego_outcome outcome(struct rego_eval *v, struct val x, struct val *out, struct rego_error *e)
{
	if (!heap_ok(&v->h))
		return failed(v, e);
	if (!val_defined(x))
		return REGO_OUT_UNDEFINED;
	*out = x;
	return REGO_OUT_VALUE;
}

static const struct rego_rule *find(const struct rego_policy *p, const struct val *step, size_t n, size_t *used)
{
	const struct rego_rule *t = p->root;

	for (*used = 0; *used < n && t->kind == RULE_NONE; *used += 1) {
		const struct rego_rule *c = tree_child(t, step[*used]);

		if (!c)
			break;
		t = c;
	}
	return t;
}

const struct rego_rule *rego_rule_find(const struct rego_policy *p, const char *path)
{
	struct arena *a = arena_new(1u << 16);
	struct heap h = { .arena = a, .steps = 1u << 16, .string_max = 1u << 16 };
	struct val step[TREE_DEPTH_MAX];
	const struct rego_rule *t = NULL;
	size_t n = 0, used = 0;

	if (a && tree_parse_path(&h, path, step, TREE_DEPTH_MAX, &n)) {
		t = find(p, step, n, &used);
		t = used == n && t->kind != RULE_FUNCTION ? t : NULL;
	}
	arena_free(a);
	return t;
}

static enum rego_outcome read_place(struct rego_eval *v, const struct rego_rule *t, const struct val *step, size_t n,
    struct val *out, struct rego_error *e)
{
	struct place at = { NULL, VAL_UNDEF, false };
	bool ok = true;

	*e = (struct rego_error){ .code = REGO_OK };
	if (!prepare(v))
		return failed(v, e);
	if (t->kind != RULE_NONE) {
		at.base = t->kind == RULE_FUNCTION ? VAL_UNDEF : rule_value(v, t);
	} else {
		at = (struct place){ t, base_at(v, t), true };
	}
	for (size_t i = 0; ok && i < n; i++)
		ok = place_step(v, &at, step[i]);
	return outcome(v, ok ? place_read(v, at) : VAL_UNDEF, out, e);
}

enum rego_outcome rego_eval_at(struct rego_eval *v, const struct rego_rule *r, struct val *out, struct rego_error *e)
{
	return read_place(v, r, NULL, 0, out, e);
}

enum rego_outcome rego_eval_rule(struct rego_eval *v, const char *path, struct val *out, struct rego_error *e)
{
	struct val step[TREE_DEPTH_MAX];
	const struct rego_rule *t;
	enum rego_outcome o;
	size_t n = 0, used = 0;

	*e = (struct rego_error){ .code = REGO_OK };
	if (!tree_parse_path(&v->h, path, step, TREE_DEPTH_MAX, &n))
		return heap_ok(&v->h) ? REGO_OUT_NO_SUCH_RULE : failed(v, e);
	t = find(v->policy, step, n, &used);
	if (t->kind == RULE_FUNCTION)
		return REGO_OUT_NO_SUCH_RULE;
	o = read_place(v, t, step + used, n - used, out, e);
	return o == REGO_OUT_UNDEFINED && t->kind == RULE_NONE ? REGO_OUT_NO_SUCH_RULE : o;
}

enum rego_outcome rego_eval_query(struct rego_eval *v, struct span query, struct val *out, struct rego_error *e)
{
	struct sink s = { .list = { .h = &v->h } };
	struct code *code = NULL;
	uint32_t slots = 0;
	struct val *f, rows;

	*e = (struct rego_error){ .code = REGO_OK };
	if (!prepare(v))
		return failed(v, e);
	if (!rego_plan_query(&v->h, v->policy, query, &code, &slots, e))
		return REGO_OUT_ERROR;
	f = frame_push(v, slots);
	if (f) {
		(void)run(v, code, f, &s);
		frame_pop(v, f);
	}
	rows = heap_ok(&v->h) && s.list.n ? val_array(&v->h, s.list.p, s.list.n) : VAL_UNDEF;
	return outcome(v, rows, out, e);
}
