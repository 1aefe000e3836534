#include "policy/plan/compile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct source *source_of(const struct plan *p, struct loc at)
{
	uint32_t i = at.file - p->first_src;

	return at.line && i < p->n_src ? &p->src[i] : NULL;
}

bool plan_fail(struct plan *p, enum rego_code code, struct loc at, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	if (p->failed)
		return false;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->failed = true;
	return rego_fail(p->e, p->h, code, source_of(p, at), at, "%s", text);
}

bool plan_ok(const struct plan *p)
{
	return !p->failed && heap_ok(p->h);
}

bool plan_grow(struct plan *p, void *array, size_t n, size_t *cap, size_t each)
{
	size_t want = *cap ? *cap * 2 : 8;
	void *old, *new;

	if (n < *cap)
		return true;
	new = heap_array(p->h, want, each);
	if (!new)
		return false;
	memcpy(&old, array, sizeof(old));
	if (n)
		memcpy(new, old, n * each);
	memcpy(array, &new, sizeof(new));
	*cap = want;
	return true;
}

void plan_reset(struct plan *p)
{
	p->n_vars = 0;
	p->implicit.n = 0;
	p->n_trail = 0;
	p->scope = NULL;
	p->block = NULL;
	p->with = NULL;
	p->expr = NULL;
	p->ops = NULL;
	p->depth = 0;
}

static bool finish(struct plan *p)
{
	if (p->failed)
		return false;
	if (heap_ok(p->h))
		return true;
	p->failed = true;
	return rego_fail(p->e, p->h, p->h->over, NULL, (struct loc){ 0 }, "the policy needs more than compiling may use");
}

static bool parse_all(struct plan *p, const struct source *src, size_t n)
{
	struct rego_policy *pol = p->policy;

	pol->src = heap_array(p->h, n + 1, sizeof(*pol->src));
	pol->unit = heap_array(p->h, n + 1, sizeof(*pol->unit));
	if (!pol->src || !pol->unit)
		return false;
	p->src = pol->src;
	for (size_t i = 0; i < n; i++) {
		struct module *m = NULL;
		struct val name = val_text(p->h, src[i].name), text = val_str(p->h, src[i].text);
		char *z = val_defined(name) ? heap_alloc(p->h, val_span(name).n + 1) : NULL;

		if (!z || !val_defined(text))
			return false;
		memcpy(z, val_span(name).p, val_span(name).n);
		pol->src[i] = (struct source){ z, val_span(text) };
		p->n_src = pol->n_src = i + 1;
		if (!rego_parse_module(p->h, &pol->src[i], (uint32_t)i, pol->opt.v0, pol->opt.source, &m, p->e)) {
			p->failed = true;
			return false;
		}
		pol->unit[i].module = m;
	}
	return true;
}

static bool parse_data(struct plan *p, struct span json)
{
	const char *why = NULL;
	size_t bad_at = 0;

	if (!json.n)
		return true;
	p->policy->data = val_from_json(p->h, json, (struct json_limits){ SIZE_MAX, 128 }, &bad_at, &why);
	if (val_type(p->policy->data) == VT_OBJECT)
		return true;
	return plan_fail(p, REGO_PARSE, (struct loc){ 0 }, "data: %s", why ? why : "must be an object");
}

static bool compile(struct plan *p, const struct source *src, size_t n, struct span data_json)
{
	p->policy->root = heap_alloc(p->h, sizeof(struct rego_rule));
	if (!p->policy->root || !parse_all(p, src, n) || !parse_data(p, data_json))
		return false;
	return rules_collect(p) && rules_check(p) && plan_defs(p) && graph_check(p);
}

bool rego_compile(const struct source *src, size_t n, struct span data_json, const struct rego_options *o,
    struct rego_policy **out, struct rego_error *e)
{
	struct arena *a = arena_new(o->memory_max);
	struct rego_policy *pol = a ? arena_alloc(a, sizeof(*pol)) : NULL;
	struct plan p = { .policy = pol, .e = e };
	bool ok;

	*e = (struct rego_error){ .code = REGO_OK };
	if (!pol) {
		arena_free(a);
		return rego_fail(e, NULL, REGO_SYSTEM, NULL, (struct loc){ 0 }, "out of memory");
	}
	pol->arena = a;
	pol->opt = *o;
	pol->heap = (struct heap){ .arena = a, .steps = PLAN_STEPS, .string_max = o->source.bytes };
	p.h = &pol->heap;
	ok = compile(&p, src, n, data_json);
	if (!finish(&p) || !ok) {
		if (e->code == REGO_OK)
			(void)rego_fail(e, NULL, REGO_INTERNAL, NULL, (struct loc){ 0 }, "compiling failed without a reason");
		rego_policy_free(pol);
		return false;
	}
	*out = pol;
	return true;
}

void rego_policy_free(struct rego_policy *p)
{
	if (p)
		arena_free(p->arena);
}

struct rego_options rego_options_default(void)
{
	return (struct rego_options){ .source = SOURCE_LIMITS_DEFAULT, .memory_max = 64u << 20 };
}
