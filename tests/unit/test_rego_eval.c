/* What statements, rules and documents mean: the places where Rego is easily got wrong, one test each. */
#include "tests/unit/rego_fix.h"

static void only_false_and_undefined_fail_a_statement(void)
{
	CHECK(rego_gives("x if { input.a; input.b; input.c; input.d; input.e }",
	    "{\"a\":null,\"b\":0,\"c\":\"\",\"d\":{},\"e\":[]}", "true"));
	CHECK(rego_undefined("x if input.a", "{\"a\":false}"));
	CHECK(rego_undefined("x if input.b", "{\"a\":false}"));
}

static void undefined_operands_make_calls_undefined(void)
{
	CHECK(rego_undefined("x if input.a != 1", "{}"));
	CHECK(rego_undefined("x if upper(input.a) != \"A\"", "{}"));
	CHECK(rego_gives("x if not input.a.b", "{}", "true"));
	CHECK(rego_gives("x if not upper(input.a) == \"A\"", "{}", "true"));
	CHECK(rego_gives("x if not input.s[\"ear.status\"] == \"affirming\"", "{\"s\":{}}", "true"));
	CHECK(rego_undefined("x if input.s[\"ear.status\"] != \"affirming\"", "{\"s\":{}}"));
}

static void types_have_an_order(void)
{
	CHECK(rego_gives("x := [2 <= \"1\", 2 <= null, 4 >= null, false < 0, \"z\" < [], [1] < {}, {\"a\": 1} < set()]", NULL,
	    "[true,false,true,true,true,true,true]"));
}

static void complete_rules_with_two_values_conflict(void)
{
	CHECK(rego_fails("x := 1 if input.a\nx := 2 if input.b", "{\"a\":true,\"b\":true}", REGO_CONFLICT));
	CHECK(rego_gives("x := 1 if input.a\nx := 2 if input.b", "{\"a\":true}", "1"));
	CHECK(rego_fails("x := v if some v in [1, 2]", NULL, REGO_CONFLICT));
	CHECK(rego_gives("x := v if some v in [1, 1]", NULL, "1"));
	CHECK(rego_fails("f(o) := o[_] == 1\nx := f([1, 2])", NULL, REGO_CONFLICT));
	CHECK(rego_fails("x[k] := v if { some k in [\"a\"]; some v in [1, 2] }", NULL, REGO_CONFLICT));
	CHECK(rego_fails("x := {k: v | some k in [1]; some v in [1, 2]}", NULL, REGO_CONFLICT));
	CHECK(rego_fails("default x := 0\nx := v if some v in [1, 2]", NULL, REGO_CONFLICT));
	CHECK(rego_gives("x contains v if some v in [2, 1, 2]", NULL, "[1,2]"));
	CHECK(rego_fails("k := \"a\"\nx := {k: 1, \"a\": 2}", NULL, REGO_CONFLICT));
}

static void a_conflict_is_no_undefined_under_not(void)
{
	CHECK(rego_fails("y := v if some v in [1, 2]\nx if not y", NULL, REGO_CONFLICT));
}

static void else_is_tried_when_all_before_is_undefined(void)
{
	static const char chain[] = "x := 1 if input.a\nelse := 2 if input.b\n\n# and\n\nelse := 3";

	CHECK(rego_gives(chain, "{\"a\":true,\"b\":true}", "1"));
	CHECK(rego_gives(chain, "{\"b\":true}", "2"));
	CHECK(rego_gives(chain, "{}", "3"));
	CHECK(rego_fails("x := 1 if input.a\nelse := 2\nx := 3 if input.b\nelse := 1", "{}", REGO_CONFLICT));
	CHECK(rego_gives("x := false if input.a\nelse := true", "{\"a\":1}", "false"));
}

static void builtin_errors_are_undefined_or_stop(void)
{
	struct rego_case strict = { .strict = true };
	struct rego_got g = rego_run("package t\nx if not upper(1)", NULL, &strict);

	CHECK(g.out == REGO_OUT_ERROR && g.e.code == REGO_EVAL_TYPE && g.e.line == 2);
	CHECK(rego_gives("x if not upper(1)", NULL, "true"));
	CHECK(rego_undefined("x := 1 / 0", NULL));
	g = rego_run("package t\nx := 1 / 0", NULL, &strict);
	CHECK(g.out == REGO_OUT_ERROR && g.e.code == REGO_BUILTIN);
}

static void print_never_fails_a_body(void)
{
	struct wr w = wr_open(1000);
	struct rego_case c = { .input = "{\"a\":[1,2]}", .prints = &w };
	struct rego_got g = rego_run("package t\nx if { print(\"a\", input.b, [1, \"q\"], input.a[_]); print() }", NULL, &c);

	CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, "true") == 0);
	CHECK(span_eq_str(wr_span(&w), "a <undefined> [1, \"q\"] 1\na <undefined> [1, \"q\"] 2\n\n"));
	wr_close(&w);
	CHECK(rego_gives("x if print(input.b)", NULL, "true"));
}

static void statements_are_ordered_by_what_they_need(void)
{
	CHECK(rego_gives("x := a if { a = b; b = c + 1; c = input.n }", "{\"n\":1}", "2"));
	CHECK(rego_gives("x := [a, b] if { [a, 2] = [b, b] }", NULL, "[2,2]"));
	CHECK(rego_gives("x := [a, b, c] if { {\"p\": [a, 1], \"q\": b} = {\"q\": c, \"p\": [5, c]} }", NULL, "[5,1,1]"));
	CHECK(rego_gives("x contains i if input.a[i] = {\"k\": upper(input.n[i])}",
	    "{\"a\":[{\"k\":\"P\"},{\"k\":\"Q\"}],\"n\":[\"p\",\"r\"]}", "[0]"));
	CHECK(rego_gives("x := i if [i, upper(i)] = input.p", "{\"p\":[\"a\",\"A\"]}", "\"a\""));
	CHECK(rego_undefined("x := i if [i, upper(i)] = input.p", "{\"p\":[\"a\",\"B\"]}"));
	CHECK(rego_gives("x contains i if { input.m[i] = input.m[upper(j)]; j = input.j }", "{\"m\":{\"K\":1,\"k\":1},\"j\":\"k\"}",
	    "[\"K\",\"k\"]"));
	CHECK(rego_gives("x if { p[a] == q[b]; b = a }\np := [7, 8]\nq := [9, 8]", NULL, "true"));
	CHECK(rego_gives("f(i, y) := i + y\nx contains f(ps[i], y) if { qs[y] == i }\nps := [10, 20]\nqs := [1, 0]", NULL, "[11,20]"));
}

static void assignments_shadow_what_is_outside(void)
{
	CHECK(rego_gives("y := 1\nx := z if { y := 2; z := y }", NULL, "2"));
	CHECK(rego_gives("x := r if { a := 1; r := [a | a := 2] }", NULL, "[2]"));
	CHECK(rego_gives("x := r if { a := 1; r := [b | a := a + 1; b := a] }", NULL, "[2]"));
	CHECK(rego_gives("input_a := 5\nx := [input_a, z] if { some z in [1]; every input_b in [1] { input_b == 1 } }", NULL,
	    "[5,1]"));
}

static void some_declares_what_refs_then_bind(void)
{
	CHECK(rego_gives("x contains [i, v] if { some i, v; v = input.a[i] }", "{\"a\":[\"p\",\"q\"]}", "[[0,\"p\"],[1,\"q\"]]"));
	CHECK(rego_gives("f(v) := v * 2\nx := [i | some i; f(input.a[i]) == 4]", "{\"a\":[1,2,2]}", "[1,2]"));
	CHECK(rego_gives("x := [k | some k, _ in input]", "{\"b\":1,\"a\":2}", "[\"a\",\"b\"]"));
	CHECK(rego_gives("x := [a | some {\"k\": a, \"t\": 1} in input.l]",
	    "{\"l\":[{\"k\":1,\"t\":1},{\"k\":2,\"t\":2},{\"k\":3}]}", "[1]"));
	CHECK(rego_gives("i := 7\nx := [i | some i in [1, 2]]", NULL, "[1,2]"));
}

static void every_needs_its_domain(void)
{
	CHECK(rego_gives("x if every v in [] { v == 1 }", NULL, "true"));
	CHECK(rego_undefined("x if every v in input.a { v == 1 }", "{}"));
	CHECK(rego_undefined("x if every v in input.a { v == 1 }", "{\"a\":5}"));
	CHECK(rego_gives("x if every k, v in {\"a\": \"A\"} { upper(k) == v }", NULL, "true"));
	CHECK(rego_undefined("x if every i in [0, 1] { some j in [1, 2]; i == j }", NULL));
	CHECK(rego_gives("x if every p in [\"a\", \"b\"] { not startswith(\"c\", p); every q in [1] { not q == 2 } }", NULL, "true"));
	CHECK(rego_undefined("x if every p in [\"a\", \"c\"] { not startswith(\"c\", p) }", NULL));
	CHECK(rego_undefined("x if every p in [\"a\"] { every q in [2] { not q == 2 } }", NULL));
}

static void patterns_fit_whole_arrays_and_objects(void)
{
	CHECK(rego_undefined("x if [a, b] = input.a", "{\"a\":[1,2,3]}"));
	CHECK(rego_undefined("x if {\"k\": a} = input.a", "{\"a\":{\"k\":1,\"l\":2}}"));
	CHECK(rego_gives("x := a if {\"k\": [a, a]} = input.a", "{\"a\":{\"k\":[3,3]}}", "3"));
	CHECK(rego_undefined("x := a if {\"k\": [a, a]} = input.a", "{\"a\":{\"k\":[3,4]}}"));
	CHECK(rego_gives("f([a, {\"k\": b}], a) := b\nx := f([1, {\"k\": 2}], 1)", NULL, "2"));
	CHECK(rego_undefined("f([a, {\"k\": b}], a) := b\nx := f([1, {\"k\": 2}], 2)", NULL));
	CHECK(rego_gives("f(input.a, upper(b)) := b if b = \"q\"\nx := f(1, \"Q\")", "{\"a\":1}", "\"q\""));
	CHECK(rego_undefined("f(input.a, upper(b)) := b if b = \"q\"\nx := f(2, \"Q\")", "{\"a\":1}"));
	CHECK(rego_gives("f(1) := \"one\"\nf(n) := \"more\" if n > 1\nx := [f(1), f(2)]", NULL, "[\"one\",\"more\"]"));
}

static void refs_step_into_composites_only(void)
{
	CHECK(rego_undefined("x := input.a[\"0\"]", "{\"a\":[1]}"));
	CHECK(rego_undefined("x := input.a[-1]", "{\"a\":[1]}"));
	CHECK(rego_undefined("x := input.a[0]", "{\"a\":\"str\"}"));
	CHECK(rego_gives("x := {1, 2}[2]", NULL, "2"));
	CHECK(rego_undefined("x := {1, 2}[3]", NULL));
	CHECK(rego_gives("x := {1: \"a\"}[1.0]", NULL, "\"a\""));
	CHECK(rego_gives("s := {[1, 2], [1, 3], [2, 2]}\nx contains b if s[[1, b]]", NULL, "[2,3]"));
	CHECK(rego_gives("f(_) := [[5]]\nx := f(1)[0][0]", NULL, "5"));
}

static void documents_join_rules_and_data(void)
{
	struct rego_case c = { .data = "{\"t\":{\"d\":1,\"n\":{\"k\":2}},\"u\":[3]}" };
	static const char module[] = "package t\ny := 5\nf(_) := 1\nu if false\nx := data.t.d + data.t.n.k + data.u[0] + y";
	struct rego_got g = rego_run(module, "q = data.t.x", &c);

	CHECK(g.out == REGO_OUT_VALUE && strstr(g.json, "\"q\":11"));
	g = rego_run(module, "q = data", &c);
	CHECK(g.out == REGO_OUT_VALUE && strstr(g.json, "{\"q\":{\"t\":{\"d\":1,\"n\":{\"k\":2},\"x\":11,\"y\":5},\"u\":[3]}}"));
	g = rego_run(module, "data[\"t\"][k] = v; v = 5", &c);
	CHECK(g.out == REGO_OUT_VALUE && strstr(g.json, "{\"k\":\"y\",\"v\":5}"));
	g = rego_run(module, "data[p][k][i] = v", &c);
	CHECK(g.out == REGO_OUT_VALUE && strstr(g.json, "{\"i\":\"k\",\"k\":\"n\",\"p\":\"t\",\"v\":2}"));
}

static void heads_with_variables_make_objects(void)
{
	CHECK(rego_gives("x[k].a := v if some k, v in {\"p\": 1, \"q\": 2}\nx.p.b := 3", NULL,
	    "{\"p\":{\"a\":1,\"b\":3},\"q\":{\"a\":2}}"));
	CHECK(rego_gives("x[k] contains v if { some k in [\"p\", \"q\"]; some v in [1, 2] }\nx.p contains 9", NULL,
	    "{\"p\":[1,2,9],\"q\":[1,2]}"));
	CHECK(rego_fails("x[k].a := 1 if some k in [\"p\"]\nx.p.a := 2", NULL, REGO_CONFLICT));
	CHECK(rego_fails("x[k] := {\"a\": 1} if some k in [\"p\"]\nx.p.b := 2", NULL, REGO_CONFLICT));
	CHECK(rego_gives("x[k] if some k in [\"p\"]", NULL, "{\"p\":true}"));
	CHECK(rego_gives("x[k] := 1 if { some k in [\"p\"]; false }", NULL, "{}"));
	CHECK(rego_gives("a.b.c := 1\na.b[\"d e\"] := 2\nx := a", NULL, "{\"b\":{\"c\":1,\"d e\":2}}"));
}

static void with_holds_for_all_that_is_evaluated(void)
{
	CHECK(rego_gives("y := input.a\nx := [y, z, y] if z := y with input.a as 2", "{\"a\":1}", "[1,2,1]"));
	CHECK(rego_gives("y if not input.a\nx if { not y; y with input as {} }", "{\"a\":1}", "true"));
	CHECK(rego_gives("x := [v | v := input.a.b.c with input.a.b.c as 3]", "{\"a\":7}", "[3]"));
	CHECK(rego_gives("y := 1\nx := [z, y] if z := data.t.y with data.t.y as 2", NULL, "[2,1]"));
	CHECK(rego_gives("y := {\"a\": 1, \"b\": 2}\nx := [p, q, r, y] if { p := y.a with data.t.y.a as 5;"
			 "q := y.b with data.t.y.a as 5;"
			 "k := \"a\"; r := data.t[\"y\"][k] with data.t.y.a as 6 }", NULL, "[5,2,6,{\"a\":1,\"b\":2}]"));
	CHECK(rego_gives("f(_) := 1\ng(_) := 2\nh := f(0)\nx := [h, a, b] if { a := h with f as g; b := h with f as 3 }", NULL,
	    "[1,2,3]"));
	CHECK(rego_gives("f(a) := a\ng(a) := f(a) + 1\nx := a if a := f(1) with f as g", NULL, "2"));
	CHECK(rego_gives("x := a if a := upper(\"b\") with upper as lower", NULL, "\"b\""));
	CHECK(rego_gives("x := [v | some w in [1, 2]; v := input.k with input.k as w]", NULL, "[1,2]"));
	CHECK(rego_gives("x := [v | v := input.l[_] with input.l as [4, 5]]", "{\"l\":[1]}", "[4,5]"));
	CHECK(rego_undefined("x := 1 if { true with input as input.nothing }", "{}"));
}

static void sets_and_objects_iterate_sorted(void)
{
	CHECK(rego_gives("x := [v | some v in {3, \"a\", 1, null, [0], 2}]", NULL, "[null,1,2,3,\"a\",[0]]"));
	CHECK(rego_gives("x := {\"b\": 1, 1: 2, \"a\": {3, 1}}", NULL, "{\"1\":2,\"a\":[1,3],\"b\":1}"));
}

static void defaults_stand_in_only_for_nothing(void)
{
	CHECK(rego_gives("default x := [1 | true]\nx := 2 if false", NULL, "[1]"));
	CHECK(rego_gives("default f(_) := 0\nf(n) := n if n > 1\nx := [f(1), f(2)]", NULL, "[0,2]"));
	CHECK(rego_undefined("default f(_) := 0\nx := f(input.a)", "{}"));
}

static void calls_may_name_their_result(void)
{
	CHECK(rego_gives("x := a if upper(\"a\", a)", NULL, "\"A\""));
	CHECK(rego_undefined("x if upper(\"a\", \"b\")", NULL));
	CHECK(rego_gives("f(a) := [a, a]\nx := b if f(1, [b, _])", NULL, "1"));
	CHECK(rego_gives("f(_) := false\nx if { f(1, false); not f(1) }", NULL, "true"));
}

static void rules_may_have_names_of_builtins(void)
{
	CHECK(rego_gives("lt := 1 < 2\nplus := 3\nx := [lt, plus + 1]", NULL, "[true,4]"));
	CHECK(rego_gives("upper(a) := [a]\nx := upper(\"a\")", NULL, "[\"a\"]"));
}

static void queries_give_bindings_and_values(void)
{
	struct rego_case c = { 0 };
	struct rego_got g = rego_run("package t\nx := false", "data.t.x", &c);

	CHECK(strcmp(g.json, "[{\"bindings\":{},\"expressions\":[false]}]") == 0);
	g = rego_run("package t\nx := false", "data.t.x; 1 == 1", &c);
	CHECK(g.out == REGO_OUT_UNDEFINED);
	g = rego_run("package t", "a = 1; [_, b] = [2, 3]; some c in [4, 5]", &c);
	CHECK(strcmp(g.json, "[{\"bindings\":{\"a\":1,\"b\":3,\"c\":4},\"expressions\":[true,true,true]},"
			     "{\"bindings\":{\"a\":1,\"b\":3,\"c\":5},\"expressions\":[true,true,true]}]") == 0);
	g = rego_run("package t", "a > 1", &c);
	CHECK(g.out == REGO_OUT_ERROR && g.e.code == REGO_UNSAFE);
}

static void the_four_outcomes_differ(void)
{
	static const char module[] = "package t\ny := 1\nu if false\nf(_) := 1\nc := v if some v in [1, 2]";
	struct rego_error e;
	struct rego_case c = { .data = "{\"b\":{\"k\":null}}" };
	struct rego_policy *p = rego_load(module, &c, &e);
	struct rego_eval *v = p ? rego_eval_new(p, REGO_LIMITS_DEFAULT) : NULL;
	struct val x = VAL_UNDEF;

	CHECK(v);
	if (!v)
		return;
	CHECK(rego_eval_rule(v, "data.t.y", &x, &e) == REGO_OUT_VALUE);
	CHECK(rego_eval_rule(v, "data.t.u", &x, &e) == REGO_OUT_UNDEFINED);
	CHECK(rego_eval_rule(v, "data.t.y.z", &x, &e) == REGO_OUT_UNDEFINED);
	CHECK(rego_eval_rule(v, "data.t.no", &x, &e) == REGO_OUT_NO_SUCH_RULE);
	CHECK(rego_eval_rule(v, "data.t.f", &x, &e) == REGO_OUT_NO_SUCH_RULE);
	CHECK(rego_eval_rule(v, "data..t", &x, &e) == REGO_OUT_NO_SUCH_RULE);
	CHECK(rego_eval_rule(v, "data.b[\"k\"]", &x, &e) == REGO_OUT_VALUE && val_type(x) == VT_NULL);
	CHECK(rego_rule_find(p, "data.t.y") && rego_rule_find(p, "data.t") && !rego_rule_find(p,
	    "data.t.no") && !rego_rule_find(p, "t"));
	CHECK(rego_eval_at(v, rego_rule_find(p, "data.t.y"), &x, &e) == REGO_OUT_VALUE);
	CHECK(rego_eval_rule(v, "data.t.c", &x, &e) == REGO_OUT_ERROR && e.code == REGO_CONFLICT && e.line == 5);
	CHECK(rego_eval_rule(v, "data.t.y", &x, &e) == REGO_OUT_ERROR); /* until the next begin */
	rego_eval_begin(v);
	CHECK(rego_eval_rule(v, "data.t.y", &x, &e) == REGO_OUT_VALUE);
	rego_eval_free(v);
	rego_policy_free(p);
}

static struct val answer(void *state, struct heap *h, const struct val *arg, size_t n, enum rego_code *code, const char **why)
{
	(void)n;
	if (span_eq_str(val_span(arg[0]), "bad")) {
		*code = REGO_BUILTIN;
		*why = "no answer";
		return VAL_UNDEF;
	}
	return state ? val_int(h, *(const int64_t *)state) : val_null();
}

static void the_host_adds_functions(void)
{
	static const struct rego_host_fn fn = { "host.answer", 1, answer };
	struct rego_case c = { .host = &fn };
	struct rego_got g = rego_run("package t\nx := host.answer(\"q\")", NULL, &c);

	CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, "null") == 0);
	g = rego_run("package t\nx if not host.answer(\"bad\")", NULL, &c);
	CHECK(g.out == REGO_OUT_ERROR && g.e.code == REGO_BUILTIN && strstr(g.e.text, "no answer"));
	g = rego_run("package t\nx := host.answer()", NULL, &c);
	CHECK(!g.loaded && g.e.code == REGO_TYPE);
	g = rego_run("package t\nx := y if y := host.answer(\"q\") with host.answer as 3", NULL, &c);
	CHECK(g.out == REGO_OUT_VALUE && strcmp(g.json, "3") == 0);
}

static void an_evaluation_forgets_the_one_before(void)
{
	struct rego_error e;
	struct rego_case c = { 0 };
	struct rego_policy *p = rego_load("package t\nx := input.a\ny := data.k\nn := time.now_ns()", &c, &e);
	struct rego_eval *v = rego_eval_new(p, REGO_LIMITS_DEFAULT);
	struct val x = VAL_UNDEF;
	int64_t n = 0;

	rego_eval_input(v, rego_json(rego_eval_heap(v), "{\"a\":1}"));
	rego_eval_data(v, rego_json(rego_eval_heap(v), "{\"k\":3}"));
	rego_eval_time(v, 77);
	CHECK(rego_eval_rule(v, "data.t.n", &x, &e) == REGO_OUT_VALUE && val_int64(x, &n) && n == 77);
	CHECK(rego_eval_rule(v, "data.t.x", &x, &e) == REGO_OUT_VALUE && val_int64(x, &n) && n == 1);
	CHECK(rego_eval_rule(v, "data.t.y", &x, &e) == REGO_OUT_VALUE && val_int64(x, &n) && n == 3);
	rego_eval_begin(v);
	CHECK(rego_eval_rule(v, "data.t.n", &x, &e) == REGO_OUT_UNDEFINED); /* an old time is none */
	CHECK(rego_eval_rule(v, "data.t.x", &x, &e) == REGO_OUT_UNDEFINED);
	CHECK(rego_eval_rule(v, "data.t.y", &x, &e) == REGO_OUT_UNDEFINED);
	rego_eval_begin(v);
	rego_eval_input(v, rego_json(rego_eval_heap(v), "{\"a\":2}"));
	CHECK(rego_eval_rule(v, "data.t.x", &x, &e) == REGO_OUT_VALUE && val_int64(x, &n) && n == 2);
	rego_eval_input(v, rego_json(rego_eval_heap(v), "{\"a\":4}"));
	CHECK(rego_eval_rule(v, "data.t.x", &x, &e) == REGO_OUT_VALUE && val_int64(x, &n) && n == 4);
	rego_eval_free(v);
	rego_policy_free(p);
}

struct asked { enum rego_outcome out; int64_t n; uint64_t steps; size_t memory; };

static struct asked ask_once(struct rego_eval *v, const char *rule, int64_t time)
{
	struct asked a = { .n = -1 };
	struct val x = VAL_UNDEF;
	struct rego_error e;

	if (time >= 0)
		rego_eval_time(v, time);
	a.out = rego_eval_rule(v, rule, &x, &e);
	if (!val_int64(x, &a.n))
		a.n = -1;
	a.steps = rego_eval_steps(v);
	a.memory = rego_eval_memory(v);
	return a;
}

static bool same_as(struct asked a, struct asked b)
{
	return a.out == b.out && a.n == b.n && a.steps == b.steps && a.memory == b.memory;
}

static void begin_with(struct rego_eval *v)
{
	rego_eval_begin(v);
	rego_eval_data(v, rego_json(rego_eval_heap(v), "{\"k\":3}"));
	rego_eval_input(v, rego_json(rego_eval_heap(v), "{\"a\":[1,2,3,\"four\"]}"));
}

/* Outcome, steps and memory of each question are those it has after a beginning of its own, whatever was asked before it. */
static void kept_input_is_asked_again_as_if_for_the_first_time(void)
{
	static const char module[] = "package t\nx := count(input.a) + data.k\nn := time.now_ns()\nlong := count([1 | some i in numbers.range(1, 300000); i > 0])\n"
				     "w := y if y := x with input.a as [1]";
	static const struct { const char *rule; int64_t time; } q[] = { { "data.t.x", -1 }, { "data.t.n", 77 }, { "data.t.n", -1 }, { "data.t.w", -1 },
		{ "data.t.long", -1 }, { "data.t.x", -1 }, { "data.t.no", -1 }, { "data.t.w", 5 } };
	struct rego_limits lim = REGO_LIMITS_DEFAULT;
	struct rego_error e;
	struct rego_case c = { 0 };
	struct rego_policy *p = rego_load(module, &c, &e);
	struct rego_eval *first, *v;

	lim.steps = 100000;
	first = p ? rego_eval_new(p, lim) : NULL;
	v = p ? rego_eval_new(p, lim) : NULL;
	CHECK(first && v);
	if (!first || !v)
		return;
	begin_with(v);
	rego_eval_keep(v);
	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		begin_with(first);
		rego_eval_again(v);
		CHECK(same_as(ask_once(first, q[i].rule, q[i].time), ask_once(v, q[i].rule, q[i].time)));
	}
	rego_eval_again(v);
	CHECK(ask_once(v, "data.t.x", -1).n == 7 && ask_once(v, "data.t.long", -1).out == REGO_OUT_ERROR); /* the steps are bounded here too */
	rego_eval_begin(v);
	rego_eval_again(v); /* nothing was kept since: nothing is there */
	CHECK(ask_once(v, "data.t.x", -1).out == REGO_OUT_UNDEFINED);
	rego_eval_free(first);
	rego_eval_free(v);
	rego_policy_free(p);
}

static const struct t_case cases[] = {
	T(only_false_and_undefined_fail_a_statement), T(undefined_operands_make_calls_undefined), T(types_have_an_order),
	T(complete_rules_with_two_values_conflict), T(a_conflict_is_no_undefined_under_not),
	T(else_is_tried_when_all_before_is_undefined),
	T(builtin_errors_are_undefined_or_stop), T(print_never_fails_a_body), T(statements_are_ordered_by_what_they_need),
	T(assignments_shadow_what_is_outside), T(some_declares_what_refs_then_bind), T(every_needs_its_domain),
	T(patterns_fit_whole_arrays_and_objects), T(refs_step_into_composites_only), T(documents_join_rules_and_data),
	T(heads_with_variables_make_objects), T(with_holds_for_all_that_is_evaluated), T(sets_and_objects_iterate_sorted),
	T(defaults_stand_in_only_for_nothing), T(calls_may_name_their_result), T(rules_may_have_names_of_builtins),
	T(queries_give_bindings_and_values), T(the_four_outcomes_differ), T(the_host_adds_functions),
	T(an_evaluation_forgets_the_one_before), T(kept_input_is_asked_again_as_if_for_the_first_time),
};

int main(void)
{
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
