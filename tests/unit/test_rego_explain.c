/* Explanations of denials: the statement that failed, what stood there, what was wanted; and nothing of secrets. */
#include "tests/unit/rego_fix.h"

struct told { char text[4000]; size_t n; enum rego_outcome out; };

static struct told explain(const char *module, const char *input, const char *const *secret, size_t n_secret)
{
	struct rego_case c = { 0 };
	struct rego_error e;
	struct rego_policy *p = rego_load(module, &c, &e);
	struct rego_eval *v = p ? rego_eval_new(p, REGO_LIMITS_DEFAULT) : NULL;
	struct told t = { .n = 0 };
	struct val x = VAL_UNDEF;
	size_t at = 0;

	CHECK(v);
	if (!v)
		return t;
	rego_eval_input(v, rego_json(rego_eval_heap(v), input));
	rego_eval_explain(v, secret, n_secret);
	t.out = rego_eval_rule(v, "data.t.x", &x, &e);
	t.n = rego_explain_len(v);
	for (size_t i = 0; i < t.n && at < sizeof(t.text); i++) {
		const struct rego_explain_line *l = rego_explain_at(v, i);

		at += (size_t)snprintf(t.text + at, sizeof(t.text) - at, "%s:%u %.*s|%.*s|%.*s|%.*s|%.*s\n", l->file, l->at.line,
		    (int)l->rule.n,
		    (const char *)l->rule.p, (int)l->statement.n, (const char *)l->statement.p, (int)l->path.n, (const char *)l->path.p,
		    (int)l->found.n, (const char *)l->found.p, (int)l->wanted.n, (const char *)l->wanted.p);
	}
	CHECK(!rego_explain_at(v, t.n));
	rego_eval_free(v);
	rego_policy_free(p);
	return t;
}

static bool told(const struct told *t, const char *want)
{
	if (strcmp(t->text, want) == 0)
		return true;
	printf("# told: %s", t->text);
	return false;
}

static void the_failing_statement_is_named(void)
{
	struct told t = explain("package t\nx if {\n\tinput.a == 1\n\tinput.s[\"ear.status\"] == \"ok\"\n\tinput.z\n}",
	    "{\"a\":1,\"s\":{\"ear.status\":\"bad\"}}", NULL, 0);

	CHECK(t.out == REGO_OUT_UNDEFINED);
	CHECK(told(&t, "test.rego:4 x|input.s[\"ear.status\"] == \"ok\"|input.s[\"ear.status\"]|\"bad\"|\"ok\"\n"));
	t = explain("package t\nx if {\n\tinput.a >= 2\n}", "{}", NULL, 0);
	CHECK(told(&t, "test.rego:3 x|input.a >= 2|input.a|undefined|>= 2\n"));
}

static void rules_below_come_first(void)
{
	struct told t = explain("package t\ndefault x := false\nx if {\n\ty\n}\ny if {\n\tinput.l[_] == 3\n}", "{\"l\":[1,2]}",
	    NULL, 0);

	CHECK(t.out == REGO_OUT_VALUE && t.n == 2);
	CHECK(strstr(t.text, "test.rego:7 y|input.l[_] == 3|") == t.text && strstr(t.text,
	    "\ntest.rego:4 x|y|data.t.y|undefined|true\n"));
}

static void what_did_not_matter_is_left_out(void)
{
	struct told t = explain("package t\nx if {\n\tnot z\n\ty\n\tinput.b\n}\ny if {\n\tn\n}\ny if {\n\tinput.a\n}\n"
				"n if {\n\tinput.no\n}\nz if {\n\tinput.no\n}",
	    "{\"a\":1}", NULL, 0);

	CHECK(strstr(t.text, "input.b") && !strstr(t.text, " z|") && !strstr(t.text, "test.rego:15"));
	t = explain("package t\nx if {\n\tnot z\n}\nz if {\n\tinput.a\n}", "{\"a\":1}", NULL, 0);
	CHECK(told(&t, "test.rego:3 x|not z|data.t.z|true|false or undefined\n"));
}

static void secrets_are_left_out(void)
{
	static const char *const secret[] = { "input.key", "data.secrets" };
	static const char input[] = "{\"key\":{\"k\":\"hush\"},\"n\":\"hush\",\"o\":1}";
	static const char *const body[] = {
		"input.key.k == 1", "input.key == 1", "input == 1", "1 == input.key.k", "input.o == input.key.k",
		"v := input.key.k\n\tv == 1", "some v in [input.key.k]\n\tv == 1", "[input.key.k] == 1", "input.key[_] == 1",
		"v := input.n\n\tinput[v]", "upper(input.key.k) == \"h\"", "not input.key", "input.key.k in [1]", "f(input.key.k)",
	};
	char module[300];

	for (size_t i = 0; i < sizeof(body) / sizeof(body[0]); i++) {
		struct told t;

		(void)snprintf(module, sizeof(module), "package t\nf(a) if {\n\ta == 2\n}\nx if {\n\t%s\n}", body[i]);
		t = explain(module, input, secret, 2);
		CHECK(t.n && !strstr(t.text, "hush") && !strstr(t.text, "HUSH"));
		if (!t.n || strstr(t.text, "hush"))
			printf("# %s: %s", body[i], t.text);
	}
	struct told t = explain("package t\nx if {\n\tinput.o == 2\n}", input, secret, 2);

	CHECK(told(&t, "test.rego:3 x|input.o == 2|input.o|1|2\n"));
	t = explain("package t\nx if {\n\tinput.keyring == 2\n}", "{\"keyring\":7}", secret, 2);
	CHECK(strstr(t.text, "|7|"));
}

static void else_branches_are_named_by_their_rule(void)
{
	struct told t = explain("package t\nx := 1 if {\n\tinput.a\n} else := 2 if {\n\tinput.b\n}", "{}", NULL, 0);

	CHECK(told(&t, "test.rego:3 x := 1|input.a|input.a|undefined|true\ntest.rego:5 x := 1|input.b|input.b|undefined|true\n"));
}

static void many_failures_keep_the_outermost(void)
{
	char module[6000] = "package t\nx if {\n\tz\n}\n";
	struct told t;

	for (unsigned i = 0; i < 100; i++) {
		size_t n = strlen(module);

		(void)snprintf(module + n, sizeof(module) - n, "z if {\n\tinput.a%u\n}\n", i);
	}
	t = explain(module, "{}", NULL, 0);
	CHECK(t.n == 64 && strstr(t.text, "|z|data.t.z|undefined|true\n"));
}

static void nothing_is_explained_unless_asked_for(void)
{
	struct rego_case c = { 0 };
	struct rego_error e;
	struct rego_policy *p = rego_load("package t\nx if {\n\tsome i in [1, 2]\n\tupper(sprintf(\"%d\", [i])) == input.a[i]\n}", &c, &e);
	struct rego_eval *v = rego_eval_new(p, REGO_LIMITS_DEFAULT);
	uint64_t steps;
	struct val x;

	CHECK(rego_eval_rule(v, "data.t.x", &x, &e) == REGO_OUT_UNDEFINED && rego_explain_len(v) == 0);
	steps = rego_eval_steps(v);
	rego_eval_begin(v);
	rego_eval_explain(v, NULL, 0);
	CHECK(rego_eval_rule(v, "data.t.x", &x, &e) == REGO_OUT_UNDEFINED && rego_explain_len(v) == 1);
	CHECK(rego_eval_steps(v) == steps);
	rego_eval_begin(v);
	CHECK(rego_explain_len(v) == 0);
	rego_eval_free(v);
	rego_policy_free(p);
}

static const struct t_case cases[] = {
	T(the_failing_statement_is_named), T(rules_below_come_first), T(what_did_not_matter_is_left_out),
	T(secrets_are_left_out), T(else_branches_are_named_by_their_rule),
	T(many_failures_keep_the_outermost), T(nothing_is_explained_unless_asked_for),
};

int main(void)
{
	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
