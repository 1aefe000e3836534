/* Bytes choose a policy, sentence by sentence, from a grammar that knows which names are bound, so that most compile; it is
 * then evaluated. Promises: the same outcome, text and steps every time; with fewer steps an error or the same; never an
 * answer after a limit. */
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/value/valtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct gen { struct rd r; struct wr w; unsigned depth, vars; };

static unsigned pick(struct gen *g, unsigned n)
{
	return g->r.n ? rd_u8(&g->r) % n : 0;
}

static void term(struct gen *g);
static void body(struct gen *g, const char *sep);

static void many(struct gen *g, const char *open, const char *close, bool pairs)
{
	wr_str(&g->w, open);
	for (unsigned i = 0, n = 1 + pick(g, 3); i < n; i++) {
		wr_str(&g->w, i ? ", " : "");
		term(g);
		if (pairs)
			wr_str(&g->w, ": ");
		if (pairs)
			term(g);
	}
	wr_str(&g->w, close);
}

static void var(struct gen *g)
{
	if (g->vars)
		wr_fmt(&g->w, "v%u", pick(g, g->vars));
	else
		wr_str(&g->w, "input");
}

static void comprehension(struct gen *g, const char *open, const char *close, bool pair)
{
	unsigned outer = g->vars;

	wr_str(&g->w, open);
	wr_fmt(&g->w, "w%u%s | w%u := ", outer, pair ? ": 1" : "", outer);
	term(g);
	wr_str(&g->w, "; ");
	body(g, "; ");
	wr_str(&g->w, close);
	g->vars = outer;
}

static void call(struct gen *g)
{
	static const char *const fn[] = { "f(", "upper(", "concat(\",\", ", "sprintf(\"%v\", ", "abs(", "split(\"a.b\", ",
	    "to_number(", "lower(" };

	wr_str(&g->w, fn[pick(g, sizeof(fn) / sizeof(fn[0]))]);
	term(g);
	wr_str(&g->w, ")");
}

static void infix(struct gen *g)
{
	static const char *const op[] = { "+", "-", "*", "/", "%", "&", "|", "==", "!=", "<", ">=", "in" };

	wr_str(&g->w, "(");
	term(g);
	wr_fmt(&g->w, " %s ", op[pick(g, sizeof(op) / sizeof(op[0]))]);
	term(g);
	wr_str(&g->w, ")");
}

static void term(struct gen *g)
{
	static const char *const leaf[] = {
		"1", "\"a\"", "input.l[_]", "input.m", "true", "null", "input.m[_].k", "data.t.r0", "[]", "{}", "set()", "-2.5", "data.b[_]",
		"data.t.r1.k", "data.t[\"r2\"]", "1e20", "false", "input.no", "data.t.q[_]", "data.t.o",
	};
	unsigned what = g->depth > 4 || !g->r.n ? 0 : pick(g, 12);

	g->depth++;
	if (what < 3)
		wr_str(&g->w, leaf[pick(g, sizeof(leaf) / sizeof(leaf[0]))]);
	else if (what < 5)
		var(g);
	else if (what == 5)
		many(g, "[", "]", false);
	else if (what == 6)
		many(g, "{", "}", pick(g, 2));
	else if (what == 7 && pick(g, 2))
		comprehension(g, "[", "]", false);
	else if (what == 7)
		comprehension(g, "{", "}", pick(g, 2));
	else if (what == 8)
		call(g);
	else if (what == 9)
		infix(g);
	else {
		var(g);
		wr_str(&g->w, what == 10 ? "[_]" : ".k");
	}
	g->depth--;
}

static void statement(struct gen *g)
{
	static const char *const with[] = { " with input as ", " with data.t.r0 as ", " with input.m.k as ", " with data.b as ",
	    " with upper as " };
	unsigned what = pick(g, 9), vars = g->vars;

	if (what == 0) {
		wr_str(&g->w, "not ");
		term(g);
	} else if (what == 1) {
		wr_fmt(&g->w, "v%u := ", vars);
		term(g);
		g->vars++;
	} else if (what == 2) {
		wr_fmt(&g->w, "some v%u in ", vars);
		term(g);
		g->vars++;
	} else if (what == 3 && g->depth < 3) {
		wr_str(&g->w, "every e in ");
		term(g);
		wr_str(&g->w, " { e != 7; ");
		body(g, "; ");
		wr_str(&g->w, " }");
		g->vars = vars;
		return;
	} else if (what == 4) {
		wr_fmt(&g->w, "[v%u, _] = ", vars);
		term(g);
		g->vars++;
	} else if (what == 5) {
		wr_str(&g->w, "print(");
		term(g);
		wr_str(&g->w, ")");
	} else {
		term(g);
	}
	if (pick(g, 5) == 4) {
		wr_str(&g->w, with[pick(g, sizeof(with) / sizeof(with[0]))]);
		wr_str(&g->w, "input.l");
	}
}

static void body(struct gen *g, const char *sep)
{
	g->depth++;
	for (unsigned i = 0, n = 1 + pick(g, 4); i < n; i++) {
		wr_str(&g->w, i ? sep : "");
		statement(g);
	}
	g->depth--;
}

static void rule(struct gen *g, unsigned i)
{
	static const char *const head[] = { "r%u := 1 if {", "r%u := input.l if {", "o[k] := input.m if { some k in input.l; ",
	    "q contains k if { some k in input.l; ",
		"f(v0) := 1 if {", "r%u if {", "o[k].a contains 1 if { some k in [\"a\", 1]; ", "default f(_) := 0\nf(v0) := v0 if {" };
	const char *h = head[pick(g, sizeof(head) / sizeof(head[0]))];
	const char *mark = strstr(h, "%u");

	g->vars = strstr(h, "f(v0)") ? 1 : 0;
	wr_put(&g->w, (struct span){ (const uint8_t *)h, mark ? (size_t)(mark - h) : strlen(h) });
	if (mark)
		wr_fmt(&g->w, "%u%s", i, mark + 2);
	body(g, "\n");
	wr_str(&g->w, "\n}\n");
}

struct result { enum rego_outcome out; struct rego_error e; uint64_t steps; struct wr json; };

static struct result run(const struct rego_policy *p, struct rego_limits lim, struct span query)
{
	struct result r = { .json = wr_open(1u << 22) };
	struct rego_eval *v = rego_eval_new(p, lim);
	struct val x = VAL_UNDEF;
	const char *why;
	size_t at;

	if (!v)
		abort();
	rego_eval_input(v, val_from_json(rego_eval_heap(v),
	    span_of("{\"l\":[\"a\",1,[2],{\"k\":3}],\"m\":{\"k\":4,\"z\":{\"k\":[5]}}}"),
	    (struct json_limits){ 4096, 8 }, &at, &why));
	rego_eval_prints(v, &r.json);
	r.out = query.n ? rego_eval_query(v, query, &x, &r.e) : rego_eval_rule(v, "data.t", &x, &r.e);
	if (r.out == REGO_OUT_VALUE)
		val_put_json(&r.json, x, NULL, NULL);
	r.steps = rego_eval_steps(v);
	if (r.out == REGO_OUT_ERROR ? r.e.code == REGO_OK || !r.e.text[0] : heap_ok(rego_eval_heap(v)) == false)
		abort();
	rego_eval_free(v);
	return r;
}

static bool same(const struct result *a, const struct result *b)
{
	return a->out == b->out && a->steps == b->steps && a->e.code == b->e.code && span_eq(wr_span(&a->json), wr_span(&b->json));
}

static void check(const struct rego_policy *p, struct span query)
{
	struct rego_limits lim = { 20000, 4u << 20, 50, 1u << 16, 1u << 16 };
	struct result a = run(p, lim, query), b = run(p, lim, query), c;

	if (!same(&a, &b))
		abort();
	lim.steps = a.steps / 2;
	c = run(p, lim, query);
	if (c.out != REGO_OUT_ERROR && !same(&a, &c))
		abort();
	wr_close(&a.json);
	wr_close(&b.json);
	wr_close(&c.json);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct gen g = { .r = rd_open((struct span){ p, n }), .w = wr_open(1u << 20) };
	struct rego_options o = rego_options_default();
	struct rego_policy *policy = NULL;
	struct rego_error e;
	struct source src = { "fuzz.rego", { NULL, 0 } };

	if (n > 4096)
		return 0;
	wr_str(&g.w, "package t\nf(1) := 2\nq contains 1\n");
	for (unsigned i = 0; g.r.n && i < 12; i++)
		rule(&g, i);
	src.text = wr_span(&g.w);
	o.source.columns = 1u << 16;
	if (rego_compile(&src, 1, span_of("{\"b\":[1,{\"k\":2}]}"), &o, &policy, &e)) {
		check(policy, (struct span){ NULL, 0 });
		check(policy, span_of("some k; data.t[k] = v; not data.t.no"));
		g.w.n = 0; /* a query of the same grammar */
		g.vars = 0;
		body(&g, "; ");
		check(policy, wr_span(&g.w));
		rego_policy_free(policy);
	} else if (e.code == REGO_OK || e.code == REGO_INTERNAL || policy) {
		abort();
	}
	wr_close(&g.w);
	return 0;
}
