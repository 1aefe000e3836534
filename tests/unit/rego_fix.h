/* Policies in tests: one module, evaluated and compared with JSON. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/value/valtext.h"
#include "tests/t.h"

struct rego_case {
	const char *input, *data; /* JSON or NULL */
	bool        strict, v0;
	struct rego_limits limits; /* steps 0: the default */
	struct wr  *prints;
	const struct rego_host_fn *host;
};

struct rego_got {
	enum rego_outcome out; /* REGO_OUT_ERROR with loaded false: it did not compile */
	bool              loaded;
	struct rego_error e;
	char              json[2000];
	uint64_t          steps;
};

static inline struct val rego_json(struct heap *h, const char *text)
{
	const char *why;
	size_t at;

	return val_from_json(h, span_of(text), (struct json_limits){ 1u << 20, 64 }, &at, &why);
}

static inline struct rego_policy *rego_load(const char *module, const struct rego_case *c, struct rego_error *e)
{
	struct source src = { "test.rego", span_of(module) };
	struct rego_options o = rego_options_default();
	struct rego_policy *p = NULL;

	o.strict = c->strict;
	o.v0 = c->v0;
	o.source.columns = 1u << 20;
	o.host_fn = c->host;
	o.n_host_fns = c->host ? 1 : 0;
	return rego_compile(&src, 1, span_of(c->data), &o, &p, e) ? p : NULL;
}

/* Evaluates data.t.x, or `query` if it is given: then the JSON is that of the rows. */
static inline struct rego_got rego_run(const char *module, const char *query, const struct rego_case *c)
{
	struct rego_got g = { .out = REGO_OUT_ERROR };
	struct rego_policy *p = rego_load(module, c, &g.e);
	struct rego_eval *v = p ? rego_eval_new(p, c->limits.steps ? c->limits : REGO_LIMITS_DEFAULT) : NULL;
	struct wr w = wr_open(sizeof(g.json) - 1);
	struct val x = VAL_UNDEF;

	g.loaded = p != NULL;
	if (v) {
		if (c->input)
			rego_eval_input(v, rego_json(rego_eval_heap(v), c->input));
		rego_eval_prints(v, c->prints);
		g.out = query ? rego_eval_query(v, span_of(query), &x, &g.e) : rego_eval_rule(v, "data.t.x", &x, &g.e);
		g.steps = rego_eval_steps(v);
	}
	if (g.out == REGO_OUT_VALUE) {
		val_put_json(&w, x, NULL, NULL);
		(void)snprintf(g.json, sizeof(g.json), "%.*s", (int)w.n, (const char *)w.p);
	}
	wr_close(&w);
	rego_eval_free(v);
	rego_policy_free(p);
	return g;
}

static inline bool rego_said(const struct rego_got *g, const char *module)
{
	printf("# %s %s%s %s\n# in: %s\n", rego_outcome_name(g->out), g->json, rego_code_name(g->e.code), g->e.text, module);
	return false;
}

/* The rule x of `body` (a module without its package line) has this JSON value. */
static inline bool rego_gives(const char *body, const char *input, const char *want)
{
	char module[8000];
	struct rego_case c = { .input = input };
	struct rego_got g;

	(void)snprintf(module, sizeof(module), "package t\n%s\n", body);
	g = rego_run(module, NULL, &c);
	return (g.out == REGO_OUT_VALUE && strcmp(g.json, want) == 0) || rego_said(&g, module);
}

static inline bool rego_undefined(const char *body, const char *input)
{
	char module[8000];
	struct rego_case c = { .input = input };
	struct rego_got g;

	(void)snprintf(module, sizeof(module), "package t\n%s\n", body);
	g = rego_run(module, NULL, &c);
	return g.out == REGO_OUT_UNDEFINED || rego_said(&g, module);
}

/* It compiles, and evaluating it ends in this error. */
static inline bool rego_fails(const char *body, const char *input, enum rego_code code)
{
	char module[8000];
	struct rego_case c = { .input = input };
	struct rego_got g;

	(void)snprintf(module, sizeof(module), "package t\n%s\n", body);
	g = rego_run(module, NULL, &c);
	return (g.loaded && g.out == REGO_OUT_ERROR && g.e.code == code) || rego_said(&g, module);
}

/* It does not compile, for this reason. */
static inline bool rego_refused(const char *body, enum rego_code code, const char *text)
{
	char module[8000];
	struct rego_case c = { 0 };
	struct rego_got g;

	(void)snprintf(module, sizeof(module), "package t\n%s\n", body);
	g = rego_run(module, NULL, &c);
	return (!g.loaded && g.e.code == code && strstr(g.e.text, text)) || rego_said(&g, module);
}
