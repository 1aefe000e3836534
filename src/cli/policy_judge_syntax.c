/* regorus' cases for lexer and parser, through ours. */
#include "base/own.h"
#include "base/str.h"
#include "cli/policy_judge.h"
#include "policy/lang/lex.h"

/* regorus' lexer joins a sign with the digits behind it, and `set` with an empty pair of parentheses. */
static bool joins(const struct token *t, struct lexer ahead)
{
	struct token next = lex_next(&ahead);

	if (t->kind == TOK_SYMBOL && t->sym == '-')
		return next.kind == TOK_NUMBER && !next.space;
	if (t->kind != TOK_IDENT || !span_eq_str(t->text, "set") || next.sym != '(' || next.space)
		return false;
	return lex_next(&ahead).sym == ')';
}

static struct span text_of(struct token *t, struct lexer *l)
{
	bool quoted = t->kind == TOK_STRING || t->kind == TOK_RAW;
	struct span s = quoted ? t->inner : t->text;

	if (joins(t, *l)) {
		struct token next = lex_next(l);

		s.n = (size_t)(next.text.p + next.text.n - s.p);
	}
	return s;
}

bool judge_regorus_lexer(struct case_file *f, struct val c, struct judged *j)
{
	struct lexer l = lex_open(case_str(c, "rego"), 0, SOURCE_LIMITS_KATA);
	struct val want = val_gets(c, "tokens");
	bool refusal = case_str(c, "error").p;
	struct token t = lex_next(&l);
	size_t i = 0;

	for (; t.kind != TOK_BAD; t = lex_next(&l), i++) {
		struct span s = text_of(&t, &l);

		if (!refusal && !span_eq(s, val_span(val_at(want, i))))
			return judge_differs(j, "token", val_str(f->h, s), val_at(want, i));
		if (t.kind == TOK_END)
			break;
	}
	if (refusal != (t.kind == TOK_BAD))
		judge_fail(j, "%s", refusal ? "accepted" : t.why);
	else if (!refusal && i + 1 != val_len(want))
		judge_fail(j, "%zu tokens, wanted %zu", i + 1, val_len(want));
	return j->verdict == CASE_PASSED;
}

bool judge_regorus_parser(struct case_file *f, struct val c, struct judged *j)
{
	struct source s = { "module-0", case_str(c, "rego") };
	bool refusal = case_str(c, "error").p, ok;
	struct rego_error e;
	struct module *m;

	ok = rego_parse_module(f->h, &s, 0, case_flag(c, "x_v0"), SOURCE_LIMITS_KATA, &m, &e);
	if (!refusal && !ok)
		judge_error(j, &e);
	if (refusal && ok)
		judge_fail(j, "accepted");
	return j->verdict == CASE_PASSED;
}
