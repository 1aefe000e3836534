/* The same policy said in different ways has the same answer: statements in any order, wrapped in functions,
    comprehensions and double
 * negation, under a `with` that replaces input by itself, in Rego v0's spelling. */
#include "tests/unit/rego_fix.h"

#define STMTS 4
struct same { const char *stmt[STMTS], *value, *input; };

static const struct same sames[] = {
	{ { "a = input.l[i]", "i > 0", "b = a.k", "b != 3" }, "[i, b]", "{\"l\":[{\"k\":1},{\"k\":2},{\"k\":3},{}]}" },
	{ { "[p, {\"q\": r}] = input.x", "r = s + 1", "s = input.n", "p == s" }, "[p, r, s]", "{\"x\":[4,{\"q\":5}],\"n\":4}" },
	{ { "v = input.m[k]", "not v == 2", "c = [w | w = input.l[_]; w > v]", "c != []" }, "[k, c]",
	    "{\"m\":{\"a\":1,\"b\":2,\"c\":3},\"l\":[1,2,3]}" },
	{ { "n = count(input.l)", "every e in input.l { e < n }", "m = n * 2",
	    "startswith(t, \"6\"); t = sprintf(\"%d\", [m])" }, "t", "{\"l\":[0,1,2]}" },
	{ { "data.t.help[h]", "h = upper(g)", "g = input.g[_]", "true" }, "g", "{\"g\":[\"a\",\"b\",\"c\"]}" },
	{ { "x1 = y1", "y1 = z1", "z1 = input.z", "input.no == 1" }, "x1", "{\"z\":1}" },
	{ { "walk(input.w, [path, val])", "val == want", "want = input.want", "p0 = path[0]" }, "[p0, path]",
	    "{\"w\":{\"a\":{\"b\":7},\"c\":[7]},\"want\":7}" },
};

static const unsigned char order[24][STMTS] = {
	{ 0, 1, 2, 3 }, { 0, 1, 3, 2 }, { 0, 2, 1, 3 }, { 0, 2, 3, 1 }, { 0, 3, 1, 2 }, { 0, 3, 2, 1 }, { 1, 0, 2, 3 }, { 1, 0, 3, 2 },
	{ 1, 2, 0, 3 }, { 1, 2, 3, 0 }, { 1, 3, 0, 2 }, { 1, 3, 2, 0 }, { 2, 0, 1, 3 }, { 2, 0, 3, 1 }, { 2, 1, 0, 3 }, { 2, 1, 3, 0 },
	{ 2, 3, 0, 1 }, { 2, 3, 1, 0 }, { 3, 0, 1, 2 }, { 3, 0, 2, 1 }, { 3, 1, 0, 2 }, { 3, 1, 2, 0 }, { 3, 2, 0, 1 }, { 3, 2, 1, 0 },
};

/* How the body (%s) and the value (%s) are put into a rule data.t.x. */
static const char *const wrap[] = {
	"x contains V if { B }",
	"x := {V | B }",
	"x := f(input) if true\nf(input_) := {V | B }",
	"f(u) := {V | u; B }\nx := f(true)",
	"x := s if { s := {V | B } }",
	"x := y if { y := z with input as input }\nz := {V | B }",
	"x := {y | y := z[_] with input as input with data.t.unused as 1 }\nz contains V if { B }",
	"z[V] := 1 if { B }\nx := {k | some k, _ in z}",
	"x := {y | some y in [V | B ] }",
};

static void put(struct wr *w, const char *form, const struct same *s, const unsigned char *at)
{
	for (const char *p = form; *p; p++) {
		if (*p == 'V')
			wr_str(w, s->value);
		else if (*p == 'B')
			for (unsigned i = 0; i < STMTS; i++)
				wr_fmt(w, "%s%s", i ? "; " : "", s->stmt[at[i]]);
		else
			wr_u8(w, (uint8_t)*p);
	}
}

static struct rego_got got(const char *form, const struct same *s, const unsigned char *at, bool v0)
{
	struct rego_case c = { .input = s->input, .v0 = v0 };
	struct wr w = wr_open(4000);
	struct rego_got g;

	wr_str(&w, "package t\n");
	wr_str(&w, v0 ? "import future.keywords\n" : "");
	wr_str(&w, "help contains \"A\"\nhelp contains \"C\"\n");
	put(&w, form, s, at);
	wr_u8(&w, 0);
	g = rego_run((const char *)w.p, NULL, &c);
	if (g.out != REGO_OUT_VALUE)
		(void)rego_said(&g, (const char *)w.p);
	wr_close(&w);
	return g;
}

static void order_and_wrapping_change_nothing(void)
{
	for (size_t i = 0; i < sizeof(sames) / sizeof(sames[0]); i++) {
		struct rego_got want = got(wrap[0], &sames[i], order[0], false);

		CHECK(want.out == REGO_OUT_VALUE);
		for (size_t f = 0; f < sizeof(wrap) / sizeof(wrap[0]); f++)
			for (size_t o = 0; o < 24; o++) {
				struct rego_got g = got(wrap[f], &sames[i], order[o], false);

				CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, want.json) == 0);
			}
	}
}

static void the_old_spelling_means_the_same(void)
{
	for (size_t i = 0; i < sizeof(sames) / sizeof(sames[0]); i++) {
		struct rego_got want = got(wrap[0], &sames[i], order[0], false);
		struct rego_got g = got("x[V] { B }", &sames[i], order[0], true);

		CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, want.json) == 0);
		g = got("x = {V | B }", &sames[i], order[5], true);
		CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, want.json) == 0);
	}
}

static void answers_are_what_they_should_be(void)
{
	static const char *const want[] = {
		"[[1,2]]", "[[4,5,4]]", "[[\"a\",[2,3]]]", "[\"6\"]", "[\"a\",\"c\"]", "[]", "[[\"a\",[\"a\",\"b\"]],[\"c\",[\"c\",0]]]",
	};

	for (size_t i = 0; i < sizeof(sames) / sizeof(sames[0]); i++) {
		struct rego_got g = got(wrap[0], &sames[i], order[0], false);

		CHECK(strcmp(g.json, want[i]) == 0);
	}
}

static void random_numbers_are_constant_within_an_evaluation(void)
{
	CHECK(rego_gives("a := rand.intn(\"q\", 1000000)\nb := rand.intn(\"q\", 1000000)\nx := a == b", "{}", "true"));
}

static void constant_answers_stop_the_search(void)
{
	struct rego_case c = { .input = NULL };
	struct rego_got g = rego_run("package t\nx if { some a in numbers.range(1, 1000); a > 0 }\n"
				     "x if { some a in numbers.range(1, 1000); a > 0 }", NULL,
	    &c);

	CHECK(g.out == REGO_OUT_VALUE && g.steps < 2500); /* one range, one item */
}

static const struct t_case cases[] = {
	T(order_and_wrapping_change_nothing), T(the_old_spelling_means_the_same), T(answers_are_what_they_should_be),
	T(random_numbers_are_constant_within_an_evaluation), T(constant_answers_stop_the_search),
};

int main(void)
{
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
