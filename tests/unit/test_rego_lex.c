#include "policy/lang/lex.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/wr.h"
#include "tests/t.h"

#define LIMITS SOURCE_LIMITS_DEFAULT

static struct token first(const char *text)
{
	struct lexer l = lex_open(span_of(text), 0, LIMITS);

	return lex_next(&l);
}

static bool is_bad(const char *text, const char *why)
{
	struct token t = first(text);

	return t.kind == TOK_BAD && strstr(t.why, why);
}

/* The token texts, joined with a blank. */
static bool tokens(const char *text, const char *want)
{
	struct lexer l = lex_open(span_of(text), 0, LIMITS);
	struct wr w = wr_open(4096);
	bool same;

	for (struct token t = lex_next(&l); t.kind != TOK_END; t = lex_next(&l)) {
		if (t.kind == TOK_BAD)
			return wr_close(&w), false;
		wr_str(&w, w.n ? " " : "");
		wr_put(&w, t.text);
	}
	same = span_eq_str(wr_span(&w), want);
	if (!same)
		printf("# %.*s\n", (int)w.n, (const char *)w.p);
	wr_close(&w);
	return same;
}

static void symbols_take_the_longest(void)
{
	CHECK(tokens("a:=b==c!=d<=e>=f=g<h>i", "a := b == c != d <= e >= f = g < h > i"));
	CHECK(tokens("[]{}(),:;.+-*/%&|", "[ ] { } ( ) , : ; . + - * / % & |"));
	CHECK(first(":=").sym == SYM_ASSIGN && first("=").sym == '=' && first("==").sym == SYM_EQ);
}

static void tokens_know_their_place_and_what_stands_before(void)
{
	struct lexer l = lex_open(span_of("\xef\xbb\xbf"
					  "aé # x\n\t\"é\"b\r\nc"),
	    7, LIMITS);
	struct token t = lex_next(&l);

	CHECK(t.at.file == 7 && t.at.line == 1 && t.at.col == 1 && !t.space);
	CHECK(lex_next(&l).kind == TOK_BAD); /* é is no letter */
	l = lex_open(span_of("a # é\n\t\"é\"b\r\nc"), 0, LIMITS);
	(void)lex_next(&l);
	t = lex_next(&l);
	CHECK(t.at.line == 2 && t.at.col == 2 && t.newline && t.space && span_eq_str(t.inner, "é") && t.end == 12);
	t = lex_next(&l);
	CHECK(t.at.line == 2 && t.at.col == 5 && !t.newline && !t.space);
	t = lex_next(&l);
	CHECK(t.at.line == 3 && t.at.col == 1 && t.newline);
	CHECK(lex_next(&l).kind == TOK_END && lex_next(&l).kind == TOK_END);
}

static void numbers_are_those_of_json(void)
{
	CHECK(tokens("0 12 0.5 1e9 1.5E-10 2e+3", "0 12 0.5 1e9 1.5E-10 2e+3"));
	CHECK(is_bad("00", "leading zero") && is_bad("1.", "fraction") && is_bad("1e", "exponent") && is_bad("1e+", "exponent"));
	CHECK(is_bad("0x1", "number format") && is_bad("1a", "number format") && is_bad("1_000", "number format"));
	CHECK(is_bad(".5", "number format") && is_bad("1.5.", "number format") && is_bad("1.2.3", "number format") &&
	      tokens("1 . 5", "1 . 5"));
}

static void characters_outside_the_language_are_refused(void)
{
	static const char *const chars[] = { "\v", "\f", "\xc2\xa0", "@", "~", "^", "'", "\\", "?", "é", "\x7f", "\x01" };

	for (size_t i = 0; i < sizeof(chars) / sizeof(chars[0]); i++)
		CHECK(is_bad(chars[i], "illegal token"));
	CHECK(is_bad("!", "illegal !") && is_bad("$", "illegal $") && is_bad("$a", "illegal $"));
	CHECK(is_bad("a\r", "") == false && is_bad("\r a", "illegal token"));
}

static void text_is_vetted_before_anything_else(void)
{
	struct lexer l = lex_open((struct span){ (const uint8_t *)"a #\0", 4 }, 0, LIMITS);
	struct token t = lex_next(&l);

	CHECK(t.kind == TOK_BAD && strstr(t.why, "null") && t.at.line == 1 && t.at.col == 4);
	CHECK(is_bad("a\n# \xff", "utf-8") && is_bad("`\xed\xa0\x80`", "utf-8") && is_bad("\xc3", "utf-8"));
	CHECK(is_bad("a \xef\xbb\xbf", "byte-order"));
}

static bool value_is(const char *text, const char *want, size_t n)
{
	struct arena *a = arena_new(1 << 16);
	struct heap h = { .arena = a, .steps = 1000, .string_max = 1000 };
	struct token t = first(text);
	struct val v = VAL_UNDEF;
	bool same = t.kind != TOK_BAD && lex_string(&h, t, &v) && span_eq(val_span(v), (struct span){ (const uint8_t *)want, n });

	arena_free(a);
	return same;
}
#define VALUE(text, want) CHECK(value_is(text, want, sizeof(want) - 1))

static void strings_have_the_escapes_of_json(void)
{
	VALUE("\"\"", "");
	VALUE("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t");
	VALUE("\"\\u0041\\u00e9\\u20ac\"", "Aé€");
	VALUE("\"\\ud83d\\ude39\"", "\xf0\x9f\x98\xb9");
	VALUE("\"\\ud83d\"", "\xef\xbf\xbd");
	VALUE("\"\\ud83d\\n\"", "\xef\xbf\xbd\n");
	VALUE("\"\\ud83d\\ud83d\\ude39\"", "\xef\xbf\xbd\xf0\x9f\x98\xb9");
	VALUE("\"\\udc00x\"", "\xef\xbf\xbdx");
	VALUE("\"\\u0000\"", "\0");
	VALUE("`a\\n\n\"`", "a\\n\n\"");
	CHECK(is_bad("\"a\tb\\n\"", "illegal character") && is_bad("\"a\tb\"", "illegal character") &&
	      is_bad("\"\x1f\"", "illegal character"));
	VALUE("`a\tb`", "a\tb");
	CHECK(is_bad("\"\\x\"", "escape") && is_bad("\"\\U0041\"", "escape") && is_bad("\"\\u004\"", "escape") &&
	      is_bad("\"\\{\"", "escape"));
	CHECK(is_bad("\"a", "non-terminated") && is_bad("\"a\n\"", "non-terminated") && is_bad("`a", "non-terminated") &&
	      is_bad("\"", "non-terminated"));
	CHECK(is_bad("\"\\", "escape"));
}

static void templates_come_in_parts(void)
{
	struct lexer l = lex_open(span_of("$\"a\\{\\n{x} b\" $`\n\\{{y}`"), 0, LIMITS);
	struct token t = lex_next(&l);

	CHECK(t.kind == TOK_TEMPLATE && t.open && !t.raw && span_eq_str(t.inner, "a\\{\\n"));
	CHECK(lex_next(&l).kind == TOK_IDENT && lex_next(&l).sym == '}');
	t = lex_template(&l, false);
	CHECK(t.kind == TOK_TEMPLATE && !t.open && span_eq_str(t.inner, " b"));
	t = lex_next(&l);
	CHECK(t.kind == TOK_TEMPLATE && t.open && t.raw && span_eq_str(t.inner, "\n\\{"));
	(void)lex_next(&l);
	(void)lex_next(&l);
	t = lex_template(&l, true);
	CHECK(t.kind == TOK_TEMPLATE && !t.open && t.inner.n == 0 && lex_next(&l).kind == TOK_END);
	VALUE("$\"a\\{\\n\"", "a{\n");
	VALUE("$`a\\{\\n`", "a{\\n");
	CHECK(is_bad("$\"a", "non-terminated") && is_bad("$`a", "non-terminated"));
}

static bool over(const char *text, struct source_limits lim, uint32_t line)
{
	struct lexer l = lex_open(span_of(text), 0, lim);
	struct token t = lex_next(&l);

	return t.kind == TOK_BAD && l.over == REGO_LIMIT_SOURCE && t.at.line == line && lex_next(&l).kind == TOK_BAD;
}

static void limits_hold_at_n_and_not_at_n_plus_1(void)
{
	struct source_limits lim = LIMITS;

	lim.bytes = 5;
	CHECK(!over("abcde", lim, 1) && over("abcdef", lim, 1));
	lim = LIMITS;
	lim.lines = 2;
	CHECK(!over("a\nb\n", lim, 3) && over("a\nb\n\n", lim, 3) && over("a\nb\nc", lim, 3));
	lim = LIMITS;
	lim.columns = 4;
	CHECK(!over("abcd\nabcd", lim, 2) && over("abcd\nabcde", lim, 2) && over("`\nabcde`", lim, 2) && over("ééa", lim, 1));
}

static void no_text_is_the_end(void)
{
	struct lexer l = lex_open((struct span){ 0 }, 0, LIMITS);

	CHECK(lex_next(&l).kind == TOK_END && lex_next(&l).kind == TOK_END);
}

static void every_truncation_ends(void)
{
	static const char text[] = "package a\nx := {\"k\\u0041\": [1.5e3, `r\n`], $\"t {y} z\": -2} # é\r\n";

	for (size_t n = 0; n < sizeof(text); n++) {
		uint8_t *copy = malloc(n + 1);
		struct lexer l;
		size_t count = 0;
		struct token t;

		memcpy(copy, text, n);
		l = lex_open((struct span){ copy, n }, 0, LIMITS);
		do
			t = lex_next(&l);
		while (t.kind != TOK_END && t.kind != TOK_BAD && ++count < sizeof(text));
		CHECK(count < sizeof(text));
		free(copy);
	}
}

int main(void)
{
	static const struct t_case cases[] = { T(symbols_take_the_longest), T(tokens_know_their_place_and_what_stands_before),
		T(numbers_are_those_of_json), T(characters_outside_the_language_are_refused),
		T(text_is_vetted_before_anything_else), T(strings_have_the_escapes_of_json), T(templates_come_in_parts),
		T(limits_hold_at_n_and_not_at_n_plus_1), T(no_text_is_the_end), T(every_truncation_ends) };

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
