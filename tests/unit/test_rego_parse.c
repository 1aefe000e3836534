#include "policy/lang/parse.h"

#include <stdlib.h>
#include <string.h>

#include "rego_dump.h"
#include "tests/t.h"

static struct source_limits lim;

struct parsed {
	struct arena *a;
	struct heap h;
	struct module *m;
	struct body *b;
	struct term *t;
	struct rego_error e;
	bool ok;
};

static void end(struct parsed *p)
{
	arena_free(p->a);
}
#define PARSED __attribute__((cleanup(end))) struct parsed

static struct parsed start(void)
{
	struct parsed p = { .a = arena_new(64u << 20) };

	p.h = (struct heap){ .arena = p.a, .steps = 1u << 20, .string_max = 1u << 20 };
	return p;
}

static struct parsed module(const char *text, bool v0)
{
	struct source s = { "t.rego", span_of(text) };
	struct parsed p = start();

	p.ok = rego_parse_module(&p.h, &s, 3, v0, lim, &p.m, &p.e);
	return p;
}

static struct parsed query(const char *text)
{
	struct source s = { "q", span_of(text) };
	struct parsed p = start();

	p.ok = rego_parse_query(&p.h, &s, 3, false, lim, &p.b, &p.e);
	return p;
}

/* Rules (without package) as the dump has them, one a line. */
static bool rules(const char *text, bool v0, const char *want)
{
	char *whole = str_fmt("package t\n%s", text);
	PARSED p = module(whole, v0);
	struct wr w = wr_open(1 << 16);
	bool same;

	for (size_t i = 0; p.ok && i < p.m->n_rules; i++) {
		wr_str(&w, i > 0 ? "\n" : "");
		dump_rule(&w, &p.m->rule[i]);
	}
	same = p.ok && span_eq_str(wr_span(&w), want);
	if (!same)
		printf("# %s\n#  got %.*s\n#  error %s\n", text, (int)w.n, (const char *)w.p, p.e.text);
	wr_close(&w);
	free(whole);
	return same;
}

static bool body_is(const char *text, const char *want)
{
	PARSED p = query(text);
	struct wr w = wr_open(1 << 16);
	bool same;

	if (p.ok)
		dump_body(&w, p.b);
	same = p.ok && span_eq_str(wr_span(&w), want);
	if (!same)
		printf("# %s\n#  got %.*s\n#  error %s\n", text, (int)w.n, (const char *)w.p, p.e.text);
	wr_close(&w);
	return same;
}

static bool refused_by(
    const struct parsed *p, const char *text, enum rego_code code, uint32_t line, uint32_t col, const char *why)
{
	bool ok = !p->ok && !p->m && !p->b && p->e.code == code && p->e.line == line && p->e.col == col && strstr(p->e.text, why);

	if (!ok)
		printf("# %s\n#  %d %s:%u:%u: %s: %s\n", text, p->ok, p->e.file, p->e.line, p->e.col, rego_code_name(p->e.code),
		    p->e.text);
	return ok;
}

static bool refused(const char *text, bool v0, uint32_t line, uint32_t col, const char *why)
{
	PARSED p = module(text, v0);

	return refused_by(&p, text, REGO_PARSE, line, col, why) && strcmp(p.e.file, "t.rego") == 0;
}

static bool no_query(const char *text, uint32_t col, const char *why)
{
	PARSED p = query(text);

	return refused_by(&p, text, REGO_PARSE, 1, col, why);
}

static void operators_bind_as_in_opa(void)
{
	CHECK(body_is("a + b * c - d", "(minus (plus a (mul b c)) d)"));
	CHECK(body_is("a - b - c", "(minus (minus a b) c)"));
	CHECK(body_is("a | b & c + d", "(or a (and b (plus c d)))"));
	CHECK(body_is("1 + 2 > 3 - 2", "(gt (plus 1 2) (minus 3 2))"));
	CHECK(body_is("a == b != c", "(neq (equal a b) c)"));
	CHECK(body_is("x := a == b", "(assign x (equal a b))"));
	CHECK(body_is("x = a in b", "(eq x (internal.member_2 a b))"));
	CHECK(body_is("a < b in c", "(internal.member_2 (lt a b) c)"));
	CHECK(body_is("0, 5 in c in d", "(internal.member_2 (internal.member_3 0 5 c) d)"));
	CHECK(body_is("(a + b) * c % d / e", "(div (rem (mul (plus a b) c) d) e)"));
	CHECK(body_is("a\n- 1", "(minus a 1)"));
	CHECK(body_is("[1, 2 in x, 3]", "[1 (internal.member_2 2 x) 3]"));
	CHECK(body_is("f((1, 2 in x))", "(f (internal.member_3 1 2 x))"));
	CHECK(body_is("f(1, 2 in x)", "(f 1 (internal.member_2 2 x))"));
	CHECK(body_is("x in[1]", "(internal.member_2 x [1])"));
}

static void numbers_take_their_sign(void)
{
	CHECK(
	    body_is("-1", "-1") && body_is("- 1", "-1") && body_is("1 -1", "(minus 1 1)") && body_is("-1 - -2", "(minus -1 -2)"));
	CHECK(no_query("1e999999999", 1, "number too big") && no_query("-", 2, "expected number"));
	CHECK(no_query("-x", 2, "expected number") && no_query("- - 1", 3, "expected number") &&
	      no_query("-(1)", 2, "expected number"));
}

static void references_want_no_blanks(void)
{
	CHECK(body_is("a.b[\"c\"][ i ][_].d", "a[\"b\"][\"c\"][i][_][\"d\"]"));
	CHECK(body_is("f(x)[0].y", "(f x)[0][\"y\"]") && body_is("a.b.c(1)", "(a.b.c 1)") &&
	      body_is("a[\"b-c\"].d(1)", "(a.b-c.d 1)"));
	CHECK(body_is("a[i, j in xs]", "a[(internal.member_3 i j xs)]") && body_is("[1][0]", "[1][0]") &&
	      body_is("(a + b)[0]", "(plus a b)[0]"));
	CHECK(body_is("a\n[1]", "a; [1]"));
	CHECK(no_query("a [1]", 3, "unexpected [") && no_query("a .b", 3, "unexpected .") &&
	      no_query("a. b", 4, "expected identifier"));
	CHECK(no_query("f (x)", 3, "unexpected (") && no_query("a.1", 2, "illegal number format"));
	CHECK(no_query("\"a\"[0]", 1, "illegal ref") && no_query("1[0]", 1, "illegal ref") &&
	      no_query("1.a", 1, "number format") && no_query("f(x)(y)", 5, "only a name"));
	CHECK(no_query("a[x](y)", 5, "only a name") && no_query("_(y)", 2, "only a name") &&
	      no_query("[f][0](1)", 7, "only a name"));
}

static void collections_and_comprehensions(void)
{
	CHECK(body_is("{}", "{}") && body_is("[]", "[]") && body_is("set()", "#{}") && body_is("set(1)", "(set 1)") &&
	      body_is("{1, 2,}", "#{1 2}"));
	CHECK(body_is("{\"a\": 1, b: [2,], {3}: {4: 5},}", "{\"a\" 1 b [2] #{3} {4 5}}"));
	CHECK(body_is("{\"p\": \"q\", \"r\" in \"d\": \"e\"}", "{\"p\" \"q\" (internal.member_2 \"r\" \"d\") \"e\"}"));
	CHECK(body_is("[x | y]", "[x | y]") && body_is("{x | y; z}", "#{x | y; z}") &&
	      body_is("{k: v | some k, v in m}", "{k v | some-in k v m}"));
	CHECK(body_is("{x | y, 5 in {5}}", "#{x | (internal.member_3 y 5 #{5})}"));
	CHECK(body_is("{x | y, 5 in {5}, 6}", "#{(or x y) (internal.member_2 5 #{5}) 6}"));
	CHECK(body_is("[x | y, 5]", "[(or x y) 5]") && body_is("[x - {1} | y]", "[(or (minus x #{1}) y)]"));
	CHECK(body_is("{(x - {1}) | y}", "#{(minus x #{1}) | y}") && body_is("{a: b | c, d: e}", "{a (or b c) d e}") &&
	      body_is("{a + 1: b}", "{(plus a 1) b}"));
	CHECK(body_is("[x | a\nb]", "[x | a; b]"));
	CHECK(no_query("[1,,]", 4, "unexpected ,") && no_query("{1 2}", 4, "non-terminated set") &&
	      no_query("[1 2]", 4, "expected , or ]"));
	CHECK(no_query("[1", 3, "unexpected eof") && no_query("{\"a\": 1", 8, "non-terminated object") &&
	      no_query("{\"a\": 1, 2}", 11, "expected :"));
	CHECK(no_query("[x | ]", 6, "empty body") && no_query("[x | y z]", 8, "expected \\n or ; or ]") &&
	      no_query("(a", 3, "non-terminated expression"));
}

static void statements(void)
{
	CHECK(body_is("a; b\nc", "a; b; c") && body_is("not a == b", "not (equal a b)") &&
	      body_is("not x in y", "not (internal.member_2 x y)"));
	CHECK(body_is("some x, y\nx", "some x y; x") && body_is("some x in y", "some-in x y") &&
	      body_is("some [a, _], {\"b\": c} in y", "some-in [a _] {\"b\" c} y"));
	CHECK(body_is("every x in y { x > 1; z }", "every x y | (gt x 1); z") &&
	      body_is("every k, v in y { k }", "every k v y | k"));
	CHECK(body_is("p with input.a as 1 with data.b as [2] with f as g",
	    "p with input[\"a\"] as 1 with data[\"b\"] as [2] with f as g"));
	CHECK(body_is("every x in y { x } with input as 1", "every x y | x with input as 1"));
	CHECK(body_is("contains(a, b)", "(contains a b)") &&
	      body_is("not.x == 1\nin.y == 2", "(equal not[\"x\"] 1); (equal in[\"y\"] 2)"));
	CHECK(no_query("a b", 3, "expected \\n or ;") && no_query("a;", 3, "unexpected eof") && no_query("", 1, "empty body") &&
	      no_query("some a b in c", 8, "expected \\n"));
	CHECK(no_query("some in x", 6, "unexpected in keyword") && no_query("some a, b, c in x", 14, "unexpected in keyword"));
	CHECK(no_query("some as", 6, "unexpected as keyword") && no_query("some f(x)", 6, "expected `x in xs`") &&
	      no_query("not some x", 5, "cannot be negated"));
	CHECK(no_query("every x in y", 13, "missing body") && no_query("every 1 in y { z }", 7, "value to be a variable") &&
	      no_query("every x { y }", 9, "expected `x[, y] in xs"));
	CHECK(no_query("every 1, x in y { z }", 7, "key to be a variable") && no_query("every x in y { }", 16, "empty body"));
	CHECK(no_query("p with 1 as 2", 8, "expected identifier") && no_query("p with a", 9, "expected as") &&
	      no_query("p with f(x) as 2", 8, "target path"));
	CHECK(no_query("x = y = z", 7, "expected \\n") && no_query("input := 1", 1, "must not shadow"));
}

static void rules_of_v1(void)
{
	CHECK(rules("a := 1\nb = 2\nc.d[\"e\"] := 3", false, "a := 1\nb := 2\nc.\"d\".\"e\" := 3"));
	CHECK(rules("a if b\nc if { d; e }\nf := 1 if g", false, "a if b\nc if d; e\nf := 1 if g"));
	CHECK(rules("a contains 1\nb contains x if x := 2\nc.d contains 0, 1 in y if true", false,
	    "a contains 1\nb contains x if (assign x 2)\nc.\"d\" contains (internal.member_3 0 1 y) if true"));
	CHECK(rules("p[x] if q[x]\np[x] := y if q[x] == y\np[x].z := 1 if x := 1", false,
	    "p.x if q[x]\np.x := y if (equal q[x] y)\np.x.\"z\" := 1 if (assign x 1)"));
	CHECK(rules("f(x, [_, {\"a\": b}]) := b if x\nf(x) := x\na.b.f(1) if true", false,
	    "f(x [_ {\"a\" b}]) := b if x\nf(x) := x\na.\"b\".\"f\"(1) if true"));
	CHECK(rules("a := 1 b := 2", false, "a := 1\nb := 2"));
	CHECK(rules("default a := {1: [2]}\ndefault f(_, x) := [y | y := 1]", false,
	    "default a := {1 [2]}\ndefault f(_ x) := [y | (assign y 1)]"));
	CHECK(rules("a := 1 if b else := 2 if c\n\n# d\nelse := 3", false, "a := 1 if b else := 2 if c else := 3"));
	CHECK(rules("a if { b } else if { c } else := d if e", false, "a if b else if c else := d if e"));
	CHECK(rules("a := 1 if { b } { c }", false, "a := 1 if b\na := 1 if c"));
	CHECK(rules("if.a contains 1\n\nif.b if true\nelse.c := 1 if true\nelse.d := 2\ndefault.x := 3\nnot.y := 4", false,
	    "if.\"a\" contains 1\nif.\"b\" if true\nelse.\"c\" := 1 if true\nelse.\"d\" := 2\ndefault.\"x\" := 3\nnot.\"y\" := 4"));
}

static void a_set_behind_if_is_a_body(void)
{
	CHECK(rules("a if { b }\nc if { d == 1 }", false, "a if b\nc if (equal d 1)"));
	CHECK(rules("a if {\"b\": c}\nd if {x | y}", false, "a if {\"b\" c}\nd if #{x | y}"));
	CHECK(rules("a if { b, 1 in c }", false, "a if (internal.member_3 b 1 c)"));
	CHECK(refused("package t\na if { b, c }", false, 2, 9, "expected \\n or ; or }"));
	CHECK(refused("package t\na if set()", false, 2, 6, "a set is no rule body"));
}

static void rules_of_v0(void)
{
	CHECK(rules("a { b }\nc = 1 { d }\np[x] { q[x] }\np[x] = y { q[x] = y }\np.q { r }", true,
	    "a if b\nc := 1 if d\np contains x if q[x]\np.x := y if (eq q[x] y)\np contains \"q\" if r"));
	CHECK(rules("a { b } { c }\nf(x) = 1 { x } else = 2 { y }", true, "a if b\na if c\nf(x) := 1 if x else := 2 if y"));
	CHECK(rules("p[1]\np.q.r\nf(x)", true, "p contains 1\np.\"q\".\"r\"\nf(x)"));
	CHECK(
	    rules("if = 1\nin { every }\ncontains[x] { x = 1 }", true, "if := 1\nin if every\ncontains contains x if (eq x 1)"));
	CHECK(rules(
	    "import future.keywords.if\nimport future.keywords.every\np[x] if every y in x { y }", true, "p.x if every y x | y"));
	CHECK(rules("import rego.v1\na if b in c", true, "a if (internal.member_2 b c)"));
	CHECK(rules("x = 10 if {\n  false\n} {\n  true\n}", true, "x := 10\nif if false\nif if true"));
	CHECK(refused("package t\na { b in c }", true, 2, 7, "expected \\n"));
	CHECK(refused("package t\nimport rego.v1\na { b }", true, 3, 1, "`if` keyword is required"));
	CHECK(refused("package t\na { b }\nimport rego.v1", true, 2, 1, "`if` keyword is required"));
	CHECK(refused("package t\na", true, 2, 1, "var cannot be used for rule name"));
}

static void rules_that_are_none(void)
{
	CHECK(refused("package t\na { b }", false, 2, 1, "`if` keyword is required before rule body"));
	CHECK(refused("package t\na[x] { b }", false, 2, 1, "`if` keyword is required"));
	CHECK(refused("package t\na[x]", false, 2, 1, "`contains` keyword is required"));
	CHECK(refused("package t\na", false, 2, 1, "must have value assignment"));
	CHECK(refused("package t\nf(x)", false, 2, 1, "must have value assignment"));
	CHECK(refused("package t\na.b.c", false, 2, 1, "must have value assignment"));
	CHECK(refused("package t\na if b else { c }", false, 2, 8, "`if` keyword is required before else body"));
	CHECK(refused("package t\na := 1 else := 2", false, 2, 8, "unexpected else keyword"));
	CHECK(refused("package t\na if b else c", false, 2, 13, "expected else value term"));
	CHECK(refused("package t\np[x] if b else := 1", false, 2, 11, "variables in head"));
	CHECK(refused("package t\np contains x if b else := 1", false, 2, 19, "multi-value"));
	CHECK(refused("package t\na[\"b\"] { false } else { true }", true, 2, 18, "multi-value"));
	CHECK(refused("package t\na if b else if c { d }", false, 2, 18, "expected else keyword"));
	CHECK(refused("package t\ndefault a", false, 2, 1, "must have a value") &&
	      refused("package t\ndefault a := b", false, 2, 1, "cannot contain var"));
	CHECK(refused("package t\ndefault a := [b.c]", false, 2, 1, "cannot contain ref") &&
	      refused("package t\ndefault a := {f(1)}", false, 2, 1, "cannot contain call"));
	CHECK(refused("package t\ndefault f(1) := 2", false, 2, 1, "must be variables") &&
	      refused("package t\ndefault f(x, x) := 2", false, 2, 1, "cannot be repeated"));
	CHECK(refused("package t\ninput := 1", false, 2, 1, "must not shadow") &&
	      refused("package t\nf(data) := 1", false, 2, 1, "must not shadow"));
	CHECK(refused("package t\na := 1 with input as 2", false, 2, 8, "unexpected with keyword") &&
	      refused("package t\na + 1 := 2", false, 2, 1, "must have value"));
	CHECK(refused("package t\na := ", false, 2, 6, "unexpected eof") &&
	      refused("package t\na contains", false, 2, 11, "unexpected eof"));
	CHECK(refused("package t\nf(x) contains 1", false, 2, 6, "a function is no set") &&
	      refused("package t\n_ := 1", false, 2, 1, "rule head name"));
	CHECK(refused("package t\n{1}", false, 2, 1, "unexpected { token") &&
	      refused("package t\nsome y", false, 2, 1, "unexpected some keyword"));
	CHECK(refused("package t\nf(x)[0] := 1", false, 2, 1, "rule head name") &&
	      refused("package t\na if {\n}\nb if {", false, 4, 7, "unexpected eof"));
	CHECK(refused("package t\na if }", false, 2, 6, "unexpected } token") &&
	      refused("package t\na if", false, 2, 5, "unexpected eof"));
}

static void packages(void)
{
	PARSED p = module("# c\npackage a[\"b.c\"].if # x", false);
	struct wr w = wr_open(1000);

	CHECK(p.ok && p.m->file == 3 && p.m->n_rules == 0 && p.m->n_imports == 0 && !p.m->v0);
	if (p.ok)
		dump_term(&w, p.m->package);
	CHECK(span_eq_str(wr_span(&w), "data[\"a\"][\"b.c\"][\"if\"]"));
	wr_close(&w);
	CHECK(refused("", false, 1, 1, "empty module") && refused("a := 1", false, 1, 1, "package expected") &&
	      refused("packge a", false, 1, 1, "package expected"));
	CHECK(refused("package (", false, 1, 9, "expected path") && refused("package a.", false, 1, 11, "expected identifier") &&
	      refused("package a .b", false, 1, 11, "unexpected ."));
	CHECK(refused("package a[1]", false, 1, 11, "expecting string") &&
	      refused("package a[b]", false, 1, 11, "expecting string"));
	CHECK(refused("package a\npackage b", false, 2, 1, "unexpected package") &&
	      refused("package f(x)", false, 1, 9, "expected path"));
}

static void imports(void)
{
	PARSED p = module(
	    "package t import data.x import input\nimport data[\"y\"].z as w\nimport data.if as i\nimport rego.v1\nimport future.keywords",
	    false);

	CHECK(p.ok && p.m->n_imports == 4 && p.m->import[0].path->n_items == 2 && p.m->import[1].path->n_items == 1);
	CHECK(p.ok && span_eq_str(p.m->import[2].alias, "w") && p.m->import[3].at.line == 3 && p.m->import[0].alias.n == 0);
	CHECK(refused("package t\nimport foo.bar", false, 2, 8, "must begin with one of") &&
	      refused("package t\nimport data.if", false, 2, 8, "end with a keyword"));
	CHECK(refused("package t\nimport data[1]", false, 2, 13, "expecting string") &&
	      refused("package t\nimport", false, 2, 7, "expected path"));
	CHECK(refused("package t\nimport data.x as", false, 2, 17, "expected var") &&
	      refused("package t\nimport data.x as as", false, 2, 18, "expected var"));
	CHECK(refused("package t\nimport data.x as _", false, 2, 18, "expected var") &&
	      refused("package t\nimport input. a", false, 2, 15, "expected identifier"));
	CHECK(refused("package t\nimport data.x\nimport data.y as x", false, 3, 1, "must not shadow") &&
	      refused("package t\nimport rego.v2", false, 2, 8, "must be `rego.v1`"));
	CHECK(refused("package t\nimport rego", false, 2, 8, "must be `rego.v1`") &&
	      refused("package t\nimport rego.v1 as r", true, 2, 8, "cannot be aliased"));
	CHECK(refused("package t\nimport future.foo", false, 2, 8, "must be `future.keywords`") &&
	      refused("package t\nimport future.keywords as f", false, 2, 8, "cannot be aliased"));
	CHECK(refused("package t\nimport future.keywords.foo", false, 2, 8, "unexpected keyword") &&
	      refused("package t\nimport future.keywords.if.x", false, 2, 8, "unexpected keyword"));
	CHECK(refused("package t\nimport rego.v1\nimport future.keywords.if", true, 3, 8, "mutually exclusive"));
	CHECK(refused("package t\nimport future.keywords.if\nimport rego.v1", true, 3, 8, "mutually exclusive"));
	CHECK(refused("package t\nimport rego.v1\nimport rego.v1", true, 3, 8, "must not shadow") &&
	      refused("package t\nimport rego.v1\nimport rego.v1", false, 3, 8, "must not shadow"));
	CHECK(refused("package t\nimport future.keywords.in\nimport future.keywords[\"in\"]", false, 3, 8, "must not shadow"));
	CHECK(rules("import future.keywords\nimport future.keywords\na := 1", true, "a := 1"));
}

static enum rego_code code_of_imports(size_t n)
{
	struct wr w = wr_open(1 << 20);
	enum rego_code code;
	char *text;

	wr_str(&w, "package t\n");
	for (size_t i = 0; i < n; i++)
		wr_fmt(&w, "import data.a%zu\n", i);
	text = wr_take(&w, &n);
	PARSED p = module(text, false);
	code = p.ok ? REGO_OK : p.e.code;
	free(text);
	return code;
}

static void imports_hold_at_n_and_not_at_n_plus_1(void)
{
	CHECK(code_of_imports(1024) == REGO_OK && code_of_imports(1025) == REGO_LIMIT_SOURCE);
}

static void templates(void)
{
	CHECK(body_is("$\"\"", "<>") && body_is("$\"a {b} c{1 + x}\"", "<\"a \" b \" c\" (plus 1 x)>") &&
	      body_is("$`{$\"{a}\"}`", "<<a>>"));
	CHECK(body_is("$\"{{1}}\\{\"", "<#{1} \"{\">"));
	CHECK(body_is("$\"{x with input as 1}\"", "<[$v | (assign $v x) with input as 1][0]>"));
	CHECK(no_query("$\"{x := 1}\"", 4, "unexpected statement") && no_query("$\"{not x}\"", 4, "unexpected statement") &&
	      no_query("$\"{x\"", 5, "non-terminated string"));
	CHECK(no_query("$\"{}\"", 4, "unexpected } token") && no_query("$\"{x y}\"", 6, "expected }") &&
	      no_query("$\"a\".b", 1, "illegal ref"));
}

static void texts_and_places_are_those_of_the_source(void)
{
	PARSED p = module("package t\n\np := x if {\n\tx := 1 # c\n\n\tnot  y\n} else := 2", false);
	const struct rule *r = p.ok ? p.m->rule : NULL;

	CHECK(r && span_eq_str(r->text, "p := x") && r->at.line == 3 && r->at.file == 3 && r->at.col == 1);
	CHECK(r && span_eq_str(r->body->expr[0].text, "x := 1") && r->body->expr[0].at.line == 4 && r->body->expr[0].at.col == 2);
	CHECK(r && span_eq_str(r->body->expr[1].text, "not  y") && span_eq_str(r->els->text, "else := 2") && r->els->at.col == 3);
}

/* n of a, then b, n of c */
static char *deep(size_t n, const char *a, const char *b, const char *c)
{
	struct wr w = wr_open(1 << 20);

	for (size_t i = 0; i < n; i++)
		wr_str(&w, a);
	wr_str(&w, b);
	for (size_t i = 0; i < n; i++)
		wr_str(&w, c);
	return wr_take(&w, &n);
}

static enum rego_code code_of(char *text)
{
	PARSED p = query(text);
	enum rego_code c = p.ok ? REGO_OK : p.e.code;

	free(text);
	return c;
}

static void nesting_holds_at_n_and_not_at_n_plus_1(void)
{
	static const char *const forms[][3] = { { "(", "1", ")" }, { "[", "1", "]" }, { "{", "1", "}" }, { "{1:", "1", "}" },
		{ "f(", "1", ")" }, { "a[", "1", "]" }, { "[x|", "1", "]" }, { "{x|", "y", "}" }, { "{x:y|", "y", "}" },
		{ "every x in y {", "z", "}" }, { "$`{", "x", "}`" } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		CHECK(code_of(deep(32, forms[i][0], forms[i][1], forms[i][2])) == REGO_OK);
		CHECK(code_of(deep(33, forms[i][0], forms[i][1], forms[i][2])) == REGO_LIMIT_NESTING);
	}
}

static void height_holds_at_n_and_not_at_n_plus_1(void)
{
	CHECK(code_of(deep(TERM_HEIGHT_MAX - 1, "x+", "x", "")) == REGO_LIMIT_NESTING);
	CHECK(code_of(deep(TERM_HEIGHT_MAX - 2, "x+", "x", "")) == REGO_OK);
	CHECK(code_of(deep(TERM_HEIGHT_MAX, "x in\n", "x", "")) == REGO_LIMIT_NESTING);
	CHECK(code_of(deep(10000, "x,\n", "x", "")) == REGO_PARSE && code_of(deep(10000, "x;\n", "x", "")) == REGO_OK);
}

static void nodes_hold_at_n_and_not_at_n_plus_1(void)
{
	struct source_limits old = lim;

	lim.nodes = 5; /* the statement, the array, its items */
	CHECK(code_of(strdup("[1, 2, 3]")) == REGO_OK && code_of(strdup("[1, 2, 3, 4]")) == REGO_LIMIT_SOURCE);
	lim = old;
	lim.columns = 1 << 20;
	/* every level is tried as a comprehension first: the cost doubles, the bound does not */
	lim.nodes = 100000;
	CHECK(code_of(deep(30, "[x|", "y", ",1]")) == REGO_LIMIT_SOURCE);
	lim = old;
}

static void memory_that_ends_is_a_refusal(void)
{
	bool whole = false;

	for (size_t max = 0; max < 6000; max += 64) {
		struct source s = { "t.rego",
			span_of("package t\nimport data.a\np.y := {\"a\": [x | q(x, 1 + 2)]} if { not x } else := $\"{x}\\n\"") };
		struct arena *a = arena_new(max);
		struct heap h = { .arena = a, .steps = 1000, .string_max = 1000 };
		struct rego_error e = { 0 };
		struct module *m = NULL;
		bool ok = rego_parse_module(&h, &s, 0, false, lim, &m, &e);

		CHECK(ok ? m != NULL : !m && e.code == REGO_LIMIT_MEMORY);
		CHECK(ok || !whole); /* what is enough once is enough from there on */
		whole = ok;
		arena_free(a);
	}
	CHECK(whole);
}

static void terms_are_ground(void)
{
	struct source s = { "t", span_of("{\"a\": {1, [2]}, [3]: null}") }, v = { "t", span_of("{1, x}") },
		      two = { "t", span_of("1 2") };
	PARSED p = start(), q = start(), r = start();
	struct wr w = wr_open(1000);

	p.ok = rego_parse_term(&p.h, &s, lim, &p.t, &p.e);
	CHECK(p.ok && term_ground(p.t));
	if (p.ok)
		val_put_rego(&w, term_value(&p.h, p.t), true);
	CHECK(span_eq_str(wr_span(&w), "{\"a\": {1, [2]}, [3]: null}"));
	wr_close(&w);
	q.ok = rego_parse_term(&q.h, &v, lim, &q.t, &q.e);
	CHECK(!q.ok && !q.t && strstr(q.e.text, "a value was expected"));
	r.ok = rego_parse_term(&r.h, &two, lim, &r.t, &r.e);
	CHECK(!r.ok && strstr(r.e.text, "one term"));
}

static void every_truncation_is_read_or_refused(void)
{
	static const char text[] =
	    "package a\nimport data.b as c\ndefault d := 1\np contains x if {\n some x, y in [z | z := $\"{q}\"]\n"
	    "not f(x, {1: {2}}) with input.a as -1\n every k in y { k }\n} \nf(_) := `r` if 1 in c else := \"\\u0041\" if { true }\n";

	for (size_t n = 0; n < sizeof(text); n++) {
		uint8_t *copy = malloc(n + 1);
		struct source s = { "t", { copy, n } };
		PARSED p = start();

		memcpy(copy, text, n);
		p.ok = rego_parse_module(&p.h, &s, 0, n % 2, lim, &p.m, &p.e);
		CHECK(p.ok ? p.m != NULL : !p.m && p.e.code == REGO_PARSE && p.e.text[0] && p.e.line > 0);
		free(copy);
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(operators_bind_as_in_opa), T(numbers_take_their_sign),
		T(references_want_no_blanks), T(collections_and_comprehensions), T(statements), T(rules_of_v1),
		T(a_set_behind_if_is_a_body), T(rules_of_v0), T(rules_that_are_none), T(packages), T(imports), T(imports_hold_at_n_and_not_at_n_plus_1), T(templates),
		T(texts_and_places_are_those_of_the_source), T(nesting_holds_at_n_and_not_at_n_plus_1),
		T(height_holds_at_n_and_not_at_n_plus_1), T(nodes_hold_at_n_and_not_at_n_plus_1),
		T(memory_that_ends_is_a_refusal), T(terms_are_ground), T(every_truncation_is_read_or_refused) };

	lim = SOURCE_LIMITS_DEFAULT;
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
