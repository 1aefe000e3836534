/* Hostile policies and inputs: every budget ends in an error of its own, never in an answer, and nothing of it depends on the
 * machine. */
#include <pthread.h>
#include <stdlib.h>

#include "tests/unit/rego_fix.h"

/* A module made by repeating. */
static struct wr module_open(void)
{
	struct wr w = wr_open(8u << 20);

	wr_str(&w, "package t\n");
	return w;
}

static struct rego_got run_text(struct wr *w, const struct rego_case *c)
{
	struct rego_got g;

	wr_u8(w, 0);
	g = rego_run(wr_ok(w) ? (const char *)w->p : "", NULL, c);
	wr_close(w);
	return g;
}

static void a_long_body_needs_no_stack(void)
{
	struct rego_case c = { .input = "{\"a\":[1]}" };
	struct wr w = module_open();
	struct rego_got g;

	wr_str(&w, "x := v0 if {\n");
	for (unsigned i = 0; i < 8000; i++)
		wr_fmt(&w, "some v%u in input.a\n", i);
	wr_str(&w, "}\n");
	g = run_text(&w, &c);
	CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, "1") == 0);
}

static struct rego_got chain(unsigned n)
{
	struct rego_case c = { .input = "1" };
	struct wr w = module_open();

	for (unsigned i = 0; i < n; i++)
		wr_fmt(&w, "r%u := r%u + input\n", i, i + 1);
	wr_fmt(&w, "r%u := input\nx := r0\n", n);
	return run_text(&w, &c);
}

static void chains_of_rules_end_at_the_limit_of_calls(void)
{
	struct rego_got g = chain(398); /* x, r0 ... r398 */

	CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, "399") == 0);
	g = chain(400);
	CHECK(g.loaded && g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_CALLS);
	g = chain(15000);
	CHECK(g.loaded && g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_CALLS);
}

/* Calls as deep as allowed, each from as deep inside of an expression as the source may be. */
static void *deep_calls(void *unused)
{
	struct rego_case c = { .input = "1" };
	struct wr w = module_open();
	struct rego_got g;

	for (unsigned i = 0; i < 390; i++) {
		wr_fmt(&w, "f%u(a) := ", i);
		for (unsigned k = 0; k < 6; k++)
			wr_str(&w, "[y | y := {\"k\": [");
		wr_fmt(&w, "f%u(a)", i + 1);
		for (unsigned k = 0; k < 6; k++)
			wr_str(&w, "]}][0].k[0]");
		wr_str(&w, "\n");
	}
	wr_str(&w, "f390(a) := a\nx := f0(input)\n");
	g = run_text(&w, &c);
	CHECK(g.loaded && (g.out == REGO_OUT_VALUE || g.e.code == REGO_LIMIT_CALLS || g.e.code == REGO_LIMIT_NESTING));
	if (!g.loaded)
		(void)rego_said(&g, "deep_calls");
	return unused;
}

static void deep_calls_fit_into_eight_mebibytes_of_stack(void)
{
	pthread_attr_t attr;
	pthread_t t;

	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(&attr, 8u << 20) == 0);
	CHECK(pthread_create(&t, &attr, deep_calls, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	(void)pthread_attr_destroy(&attr);
}

static void blow_up_ends_at_the_limit_of_steps(void)
{
	struct rego_case c = { .limits = REGO_LIMITS_DEFAULT };
	struct wr w = module_open();
	struct rego_got g;

	c.limits.steps = 100000;
	wr_str(&w, "x if {\n");
	for (unsigned i = 0; i < 30; i++)
		wr_fmt(&w, "some v%u in [1, 2]\n", i);
	wr_str(&w, "v0 == 3\n}\n");
	g = run_text(&w, &c);
	CHECK(g.loaded && g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_STEPS && g.steps == 100000);
}

/* Comparing long values is work: without counting it, this loop would be 10^10 comparisons within the steps. */
static void comparing_long_values_takes_steps(void)
{
	static const char module[] = "package t\na := [i | some i in numbers.range(1, 10000)]\nb := [i | some i in numbers.range(1, 10000)]\n"
				     "x := count([1 | some i in numbers.range(1, 1000); OP])";
	static const char *const op[] = { "a == b", "not a != b", "a <= b", "[a] = [b]", "{\"k\": a} = {\"k\": b}", "b in [a]" };

	for (size_t i = 0; i < sizeof(op) / sizeof(op[0]); i++) {
		struct rego_case c = { .limits = REGO_LIMITS_DEFAULT };
		char text[500];
		struct rego_got g;

		c.limits.steps = 5000000;
		(void)snprintf(text, sizeof(text), "%.*s%s])", (int)(strlen(module) - 4), module, op[i]);
		g = rego_run(text, NULL, &c);
		CHECK(g.loaded && g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_STEPS);
		if (!g.loaded)
			(void)rego_said(&g, text);
	}
}

static void doubling_rules_end_at_a_limit(void)
{
	struct rego_case c = { .limits = REGO_LIMITS_DEFAULT };
	struct wr w = module_open();
	struct rego_got g;

	c.limits.memory = 1u << 20;
	wr_str(&w, "r0 := [1, input]\n");
	for (unsigned i = 1; i < 40; i++)
		wr_fmt(&w, "r%u := [v | some a in [r%u, r%u]; some v in a]\n", i, i - 1, i - 1);
	wr_str(&w, "x if not r39\n");
	c.input = "2";
	g = run_text(&w, &c);
	CHECK(g.loaded && g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_MEMORY);
}

static void strings_that_grow_end_at_a_limit(void)
{
	struct rego_case c = { .input = "\"aaaaaaaaaaaaaaaa\"" };
	struct wr w = module_open();
	struct rego_got g;

	wr_str(&w, "r0 := replace(input, \"a\", \"aaaaaaaaaaaaaaaa\")\n");
	for (unsigned i = 1; i < 20; i++)
		wr_fmt(&w, "r%u := replace(r%u, \"a\", r%u)\n", i, i - 1, i - 1);
	wr_str(&w, "x if not r19\n");
	g = run_text(&w, &c);
	CHECK(g.loaded && g.out == REGO_OUT_ERROR && g.e.code >= REGO_LIMIT_STEPS && g.e.code <= REGO_LIMIT_OUTPUT);
}

static void prints_end_at_the_limit_of_output(void)
{
	struct wr to = wr_open(1u << 20);
	struct rego_case c = { .limits = REGO_LIMITS_DEFAULT, .prints = &to };
	struct rego_got g;

	c.limits.output_max = 100;
	g = rego_run("package t\nx if { every i in [1, 2, 3] { print(\"0123456789012345678901234567890123456789\") } }", NULL, &c);
	CHECK(g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_OUTPUT);
	wr_close(&to);
}

static const char mixed[] = "package t\nimport rego.v1\n"
			    "f(a) := a * 2 if a > 1\ndefault f(_) := 0\n"
			    "p contains [k, v] if some k, v in input.m\n"
			    "o[k] := f(v) if { some k, v in input.m; not startswith(k, \"z\") }\n"
			    "y := n if n := count_of with input.n as 5\ncount_of := [i | some i in input.l; i < input.n]\n"
			    "x := {\"o\": o, \"p\": p, \"y\": y, \"s\": sprintf(\"%v-%s\", [o, \"t\"])} if every v in input.l { v >= 0 }";
static const char mixed_input[] = "{\"m\":{\"a\":1,\"b\":2,\"z\":3},\"l\":[0,1,2,3,4,5,6,7],\"n\":3}";

/* With one step less than it needs there is no answer; with enough always the same one. */
static void every_smaller_budget_is_an_error(void)
{
	struct rego_case c = { .input = mixed_input, .limits = REGO_LIMITS_DEFAULT };
	struct rego_got want = rego_run(mixed, NULL, &c), g;

	CHECK(want.out == REGO_OUT_VALUE);
	if (want.out != REGO_OUT_VALUE)
		(void)rego_said(&want, mixed);
	for (uint64_t n = 1; n < want.steps; n++) {
		c.limits.steps = n;
		g = rego_run(mixed, NULL, &c);
		CHECK(g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_STEPS);
	}
	c.limits.steps = want.steps;
	g = rego_run(mixed, NULL, &c);
	CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, want.json) == 0 && g.steps == want.steps);
}

static void every_smaller_memory_is_an_error(void)
{
	struct rego_case c = { .input = NULL, .limits = REGO_LIMITS_DEFAULT };
	static const char module[] = "package t\nx := [[a, b] | some a in [1, 2, 3]; some b in {\"p\", \"q\"}]";
	struct rego_got want = rego_run(module, NULL, &c), g = { .out = REGO_OUT_ERROR };
	bool seen = false;

	for (size_t n = 1024; n < (1u << 18) && g.out == REGO_OUT_ERROR; n += 256) {
		c.limits.memory = n;
		g = rego_run(module, NULL, &c);
		CHECK(g.out == REGO_OUT_VALUE ? strcmp(g.json, want.json) == 0 : g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_MEMORY);
		seen |= g.out == REGO_OUT_ERROR;
	}
	CHECK(seen && g.out == REGO_OUT_VALUE);
}

static void compiling_is_bounded_too(void)
{
	struct rego_case c = { 0 };
	struct wr w = module_open();
	struct rego_got g;

	wr_str(&w, "x := v0 if {\n"); /* each statement needs the one after it */
	for (unsigned i = 0; i < 3000; i++)
		wr_fmt(&w, "v%u = v%u + 1\n", i, i + 1);
	wr_str(&w, "v3000 = 1\n}\n");
	g = run_text(&w, &c);
	CHECK(g.out == REGO_OUT_VALUE ? strcmp(g.json, "3001") == 0 : !g.loaded && g.e.code >= REGO_LIMIT_SOURCE);
	w = module_open();
	for (unsigned i = 0; i < 19000; i++)
		wr_fmt(&w, "p%u := p%u\n", i, (i + 1) % 19000);
	g = run_text(&w, &c);
	CHECK(!g.loaded && g.e.code == REGO_RECURSION);
	w = wr_open(1u << 16);
	wr_str(&w, "package a");
	for (unsigned i = 0; i < 100; i++)
		wr_str(&w, ".a");
	wr_str(&w, "\nx := 1\n");
	g = run_text(&w, &c);
	CHECK(!g.loaded && g.e.code == REGO_COMPILE);
}

static void paths_of_with_are_bounded(void)
{
	struct rego_case c = { .input = "1" };
	struct wr w = module_open();
	struct rego_got g;

	wr_str(&w, "x if input with input");
	for (unsigned i = 0; i < 70; i++)
		wr_str(&w, ".a");
	wr_str(&w, " as 1\n");
	g = run_text(&w, &c);
	CHECK(g.loaded && g.out == REGO_OUT_ERROR && g.e.code == REGO_LIMIT_NESTING);
}

static void a_policy_has_its_own_memory_limit(void)
{
	struct source src = { "t.rego", span_of("package t\nx := [1, 2, 3, 4]\n") };
	struct rego_options o = rego_options_default();
	struct rego_policy *p = NULL;
	struct rego_error e;

	o.memory_max = 1024;
	CHECK(!rego_compile(&src, 1, (struct span){ NULL, 0 }, &o, &p, &e) && e.code == REGO_LIMIT_MEMORY && !p);
	o.memory_max = 0;
	CHECK(!rego_compile(&src, 1, (struct span){ NULL, 0 }, &o, &p, &e) && !p);
}

static const struct rego_policy *shared;

static void *share(void *arg)
{
	const char *input = arg;
	struct rego_eval *v = rego_eval_new(shared, REGO_LIMITS_DEFAULT);
	struct rego_error e;
	struct val x = VAL_UNDEF;
	char *text = NULL;

	for (unsigned i = 0; v && i < 200; i++) {
		struct wr w = wr_open(4096);

		rego_eval_begin(v);
		rego_eval_input(v, rego_json(rego_eval_heap(v), input));
		if (rego_eval_rule(v, "data.t.x", &x, &e) == REGO_OUT_VALUE)
			val_put_json(&w, x, NULL, NULL);
		free(text);
		text = wr_take(&w, NULL);
	}
	rego_eval_free(v);
	return text;
}

static void threads_share_a_policy(void)
{
	struct rego_case c = { .input = mixed_input };
	struct rego_got want = rego_run(mixed, NULL, &c);
	struct rego_error e;
	struct rego_policy *p = rego_load(mixed, &c, &e);
	pthread_t t[4];

	shared = p;
	CHECK(p);
	for (unsigned i = 0; p && i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, share, (void *)mixed_input) == 0);
	for (unsigned i = 0; p && i < 4; i++) {
		void *got = NULL;

		CHECK(pthread_join(t[i], &got) == 0);
		CHECK(got && strcmp(got, want.json) == 0);
		free(got);
	}
	rego_policy_free(p);
}

static const struct t_case cases[] = {
	T(a_long_body_needs_no_stack), T(chains_of_rules_end_at_the_limit_of_calls), T(deep_calls_fit_into_eight_mebibytes_of_stack),
	T(blow_up_ends_at_the_limit_of_steps), T(doubling_rules_end_at_a_limit), T(comparing_long_values_takes_steps), T(strings_that_grow_end_at_a_limit),
	T(prints_end_at_the_limit_of_output), T(every_smaller_budget_is_an_error), T(every_smaller_memory_is_an_error),
	T(compiling_is_bounded_too), T(a_policy_has_its_own_memory_limit), T(paths_of_with_are_bounded), T(threads_share_a_policy),
};

int main(void)
{
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
