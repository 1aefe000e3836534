/* docs/rego.md names every built-in function, and no other. */
#include <stdlib.h>

#include "bi_help.h"

static char *doc;

/* `name` between backticks, somewhere in the table of functions. */
static bool named(const char *name)
{
	char quoted[80];

	(void)snprintf(quoted, sizeof(quoted), "`%s`", name);
	return strstr(doc, quoted) != NULL;
}

/* Operators and what the language itself calls have names, but nobody writes them. */
static bool is_operator(const char *name)
{
	static const char *const op[] = { "plus", "minus", "mul", "div", "rem", "and", "or", "equal", "neq", "lt", "lte", "gt",
		"gte", "eq", "assign" };

	for (size_t i = 0; i < sizeof(op) / sizeof(op[0]); i++) {
		if (strcmp(name, op[i]) == 0)
			return true;
	}
	return strncmp(name, "internal.", 9) == 0;
}

static void every_function_is_in_the_manual(void)
{
	const struct builtin *b;

	for (size_t i = 0; (b = builtin_at(i)); i++) {
		if (!is_operator(b->name) && !named(b->name)) {
			printf("# %s is missing\n", b->name);
			CHECK(false);
		}
	}
}

/* The table ends at the next heading. */
static void the_manual_names_no_function_that_is_not_there(void)
{
	char *at = strstr(doc, "| name | what it answers |"), *end = at ? strstr(at, "\n## ") : NULL;
	size_t n = 0;

	CHECK(at && end);
	while (at && end && (at = strchr(at, '`')) && at < end) {
		char *close = strchr(at + 1, '`');
		struct span name = { (const uint8_t *)at + 1, close ? (size_t)(close - at - 1) : 0 };

		CHECK(builtin_find(name));
		if (!builtin_find(name))
			printf("# %.*s\n", (int)name.n, (const char *)name.p);
		at = close ? close + 1 : end;
		n++;
	}
	CHECK(n > 100);
}

int main(int argc, char **argv)
{
	static const struct t_case t[] = { T(every_function_is_in_the_manual),
		T(the_manual_names_no_function_that_is_not_there) };
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	size_t cap = 1 << 20;
	int bad;

	doc = calloc(1, cap);
	if (!f || !doc || fread(doc, 1, cap - 1, f) == 0)
		return 1;
	bad = t_main(t, sizeof(t) / sizeof(t[0]));
	(void)fclose(f);
	free(doc);
	return bad;
}
