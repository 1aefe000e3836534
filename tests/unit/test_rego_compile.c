/* What is refused when a policy is loaded. */
#include "tests/unit/rego_fix.h"

static void unsafe_variables(void)
{
	CHECK(rego_refused("x if y > 1", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("x := y if true", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("x if not input.a[_]", REGO_UNSAFE, "var _ is unsafe"));
	CHECK(rego_refused("x if not y = 1", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("x if a = b", REGO_UNSAFE, "is unsafe"));
	CHECK(rego_refused("x if { some y; y != 2 }", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("x := [a | b = 1]", REGO_UNSAFE, "var a is unsafe"));
	CHECK(rego_refused("x if { y = [z | z = y] }", REGO_UNSAFE, "is unsafe"));
	CHECK(rego_refused("x[k] := 1 if true", REGO_UNSAFE, "var k is unsafe"));
	CHECK(rego_refused("x if every v in y { v }", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("x if input.a with input as y", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("x if print(y)", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("f(a) := b", REGO_UNSAFE, "var b is unsafe"));
	CHECK(rego_refused("x if {y} = {1}", REGO_UNSAFE, "var y is unsafe"));
	CHECK(rego_refused("x if {y: 1} = {2: 1}", REGO_UNSAFE, "var y is unsafe"));
}

static void redeclared_variables(void)
{
	CHECK(rego_refused("x if { a := 1; a := 2 }", REGO_COMPILE, "var a assigned above"));
	CHECK(rego_refused("x if { some a; a := 2 }", REGO_COMPILE, "var a declared above"));
	CHECK(rego_refused("x if { some a in [1]; some a in [2] }", REGO_COMPILE, "var a declared above"));
	CHECK(rego_refused("x if { a > 0; a := 2 }", REGO_COMPILE, "var a referenced above"));
	CHECK(rego_refused("f(a) := b if { a := 1; b := a }", REGO_COMPILE, "arg a redeclared"));
	CHECK(rego_refused("y := 1\nx if { y == 1; y := 2 }", REGO_COMPILE, "var y referenced above"));
	CHECK(rego_refused("x if { input := 1; input == 1 }", REGO_PARSE, "must not shadow input"));
	CHECK(rego_refused("x if { input.a := 1 }", REGO_COMPILE, "cannot assign"));
}

static void unknown_functions_and_wrong_counts(void)
{
	CHECK(rego_refused("x := nothing(1)", REGO_TYPE, "undefined function nothing"));
	CHECK(rego_refused("x := data.t.nothing(1)", REGO_TYPE, "undefined function data.t.nothing"));
	CHECK(rego_refused("y := 1\nx := y(1)", REGO_TYPE, "undefined function y"));
	CHECK(rego_refused("x := upper()", REGO_TYPE, "arity 1, got 0 arguments"));
	CHECK(rego_refused("x := upper(\"a\", \"b\")", REGO_TYPE, "arity 1, got 2 arguments"));
	CHECK(rego_refused("x if upper(\"a\", \"b\", 1)", REGO_TYPE, "arity 1, got 3 arguments"));
	CHECK(rego_refused("f(a, b) := a + b\nx := f(1)", REGO_TYPE, "arity 2, got 1 argument"));
}

static void members_that_cannot_be(void)
{
	CHECK(rego_refused("x if some _ in 0", REGO_TYPE, "match error") && rego_refused("x if some _, _ in \"abc\"", REGO_TYPE, "match error"));
	CHECK(rego_refused("x if some [a, b] in [[1, 2, 3]]", REGO_TYPE, "match error"));
	CHECK(rego_refused("x if some [1] in {[1, 2]}", REGO_TYPE, "match error"));
	CHECK(rego_gives("x if some [a, b] in [[1, 2, 3], [1, 2]]", NULL, "true"));
	CHECK(rego_undefined("x if some [a] in []", NULL) && rego_undefined("x if some [a] in input", "[1]"));
}

static void rules_that_contradict_each_other(void)
{
	CHECK(rego_refused("x := 1\nx contains 2", REGO_TYPE, "conflicting rules data.t.x found"));
	CHECK(rego_refused("x(a) := a\nx := 1", REGO_TYPE, "conflicting rules data.t.x found"));
	CHECK(rego_refused("x(a) := a\nx(a, b) := b", REGO_TYPE, "conflicting rules data.t.x found"));
	CHECK(rego_refused("x := 1\nx.y := 2", REGO_TYPE, "conflicts with"));
	CHECK(rego_refused("default x := 1\ndefault x := 2", REGO_TYPE, "multiple default rules data.t.x found"));
	CHECK(rego_refused("default x := y\ny := 1", REGO_PARSE, "default rule"));
	CHECK(rego_refused("default x := upper(\"a\")", REGO_PARSE, "default rule"));
}

static void rules_that_need_themselves(void)
{
	CHECK(rego_refused("x if x", REGO_RECURSION, "data.t.x -> data.t.x"));
	CHECK(rego_refused("x if not y\ny if not x", REGO_RECURSION, "is recursive"));
	CHECK(rego_refused("f(a) := f(a)\nx := 1", REGO_RECURSION, "data.t.f -> data.t.f"));
	CHECK(rego_refused("x if { some k; data.t[k] == 1 }", REGO_RECURSION, "data.t.x"));
	CHECK(rego_refused("x if data.t.y with input as 1\ny if data[\"t\"].x", REGO_RECURSION, "is recursive"));
	CHECK(rego_refused("p[k] := v if { some k in [\"a\"]; v := p.b.c }\np.b.c := 1", REGO_RECURSION, "data.t.p"));
	CHECK(rego_refused("x := [y | y := x]", REGO_RECURSION, "is recursive"));
}

static void literals_that_cannot_be_equal(void)
{
	CHECK(rego_refused("x if [a, b] = [1, 2, 3]", REGO_TYPE, "match error"));
	CHECK(rego_refused("x if [a] = {\"k\": 1}", REGO_TYPE, "match error"));
	CHECK(rego_refused("x if {\"k\": a} = {\"l\": b, \"m\": 2}", REGO_TYPE, "match error"));
}

static void imports_of_one_name(void)
{
	CHECK(rego_refused("import data.a.b\nimport data.c.b\nx := b", REGO_PARSE, "import must not shadow"));
	CHECK(rego_gives("import input.a as b\nimport data.t.y\ny := 1\nx := [b, b.c, y]", "{\"a\":{\"c\":1}}", "[{\"c\":1},1,1]"));
}

static void with_targets(void)
{
	CHECK(rego_refused("f(a) := a\nx := y if y := f(1) with f as concat", REGO_TYPE, "different numbers of arguments"));
	CHECK(rego_refused("x if { y := 1; y with y as 2 }", REGO_TYPE, "with keyword target"));
	CHECK(rego_refused("x if { some k in [1]; input[k] with input[k] as 2 }", REGO_TYPE, "with keyword target"));
}

static struct val nothing(void *state, struct heap *h, const struct val *arg, size_t n, enum rego_code *code, const char **why)
{
	(void)state;
	(void)h;
	(void)n;
	(void)code;
	(void)why;
	return arg[0];
}

static void the_odd_ones(void)
{
	static const struct rego_host_fn fn = { "host.f", 1, nothing };
	struct rego_case c = { .host = &fn };
	struct rego_got g = rego_run("package t\nf(a) := a\nx := y if y := f(1) with f as host.f", NULL, &c);
	char path[600] = "x";

	CHECK(!g.loaded && g.e.code == REGO_COMPILE && strstr(g.e.text, "host function"));
	for (unsigned i = 0; i < 70; i++)
		(void)snprintf(path + 1 + (size_t)2 * i, sizeof(path) - 1 - (size_t)2 * i, ".a");
	(void)snprintf(path + strlen(path), sizeof(path) - strlen(path), " := 1");
	CHECK(rego_refused(path, REGO_COMPILE, "rule path too long"));
	CHECK(rego_refused("default x[k] := 1", REGO_COMPILE, "default"));
}

static void base_documents_must_be_objects(void)
{
	struct rego_case c = { .data = "[1]" };
	struct rego_got g = rego_run("package t\nx := 1", NULL, &c);

	CHECK(!g.loaded && g.e.code == REGO_PARSE);
	c.data = "{\"a\":";
	g = rego_run("package t\nx := 1", NULL, &c);
	CHECK(!g.loaded && g.e.code == REGO_PARSE);
}

static const struct t_case cases[] = {
	T(unsafe_variables), T(redeclared_variables), T(unknown_functions_and_wrong_counts), T(members_that_cannot_be), T(rules_that_contradict_each_other),
	T(the_odd_ones), T(base_documents_must_be_objects), T(rules_that_need_themselves), T(literals_that_cannot_be_equal), T(imports_of_one_name), T(with_targets),
};

int main(void)
{
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
