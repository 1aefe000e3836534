#include "bi_help.h"

static void finding(void)
{
	static const struct bi_row t[] = {
		{ "contains", "[\"abc\",\"bc\"]", "true" },
		{ "contains", "[\"abc\",\"\"]", "true" },
		{ "contains", "[\"abc\",\"cb\"]", "false" },
		{ "startswith", "[\"abc\",\"ab\"]", "true" },
		{ "startswith", "[\"ab\",\"abc\"]", "false" },
		{ "endswith", "[\"abc\",\"bc\"]", "true" },
		{ "endswith", "[\"abc\",\"\"]", "true" },
		{ "endswith", "[\"c\",\"bc\"]", "false" },
		{ "indexof", "[\"abc\",\"c\"]", "2" },
		{ "indexof", "[\"abc\",\"d\"]", "-1" },
		{ "indexof", "[\"\xc3\xa9t\xc3\xa9\",\"t\"]", "1" },
		{ "indexof", "[\"a\",\"\"]", "fail: indexof: empty search character" },
		{ "indexof_n", "[\"aaa\",\"aa\"]", "[0,1]" },
		{ "indexof_n", "[\"\xc3\xa9x\xc3\xa9x\",\"x\"]", "[1,3]" },
		{ "indexof_n", "[\"abc\",\"d\"]", "[]" },
		{ "indexof_n", "[\"abc\",\"\"]", "fail: indexof_n: empty search character" },
		{ "strings.count", "[\"aaaa\",\"aa\"]", "2" },
		{ "strings.count", "[\"\xc3\xa9\xc3\xa9\",\"\"]", "3" },
		{ "strings.count", "[\"abc\",\"d\"]", "0" },
		{ "strings.count", "[\"\",\"a\"]", "0" },
	};

	BI_ALL(t);
}

static void any_of_several(void)
{
	static const struct bi_row t[] = {
		{ "strings.any_prefix_match", "[\"abc\",\"ab\"]", "true" },
		{ "strings.any_prefix_match", "[[\"x\",\"abc\"],[\"y\",\"ab\"]]", "true" },
		{ "strings.any_prefix_match", "[{\"$set\":[\"x\"]},[\"y\"]]", "false" },
		{ "strings.any_prefix_match", "[[],\"\"]", "false" },
		{ "strings.any_suffix_match", "[\"abc\",{\"$set\":[\"bc\",\"q\"]}]", "true" },
		{ "strings.any_suffix_match", "[[\"abc\"],[\"ab\"]]", "false" },
		{ "strings.any_prefix_match", "[1,\"\"]",
		    "type: strings.any_prefix_match: operand 1 must be one of {string, set, array} but got number" },
		{ "strings.any_suffix_match", "[\"\",null]",
		    "type: strings.any_suffix_match: operand 2 must be one of {string, set, array} but got null" },
		{ "strings.any_prefix_match", "[[1],\"\"]",
		    "type: strings.any_prefix_match: operand 1 must be array of strings but got array containing number" },
	};

	BI_ALL(t);
}

static void parts_and_joints(void)
{
	static const struct bi_row t[] = {
		{ "concat", "[\",\",[\"a\",\"b\",\"\"]]", "\"a,b,\"" },
		{ "concat", "[\"\",[]]", "\"\"" },
		{ "concat", "[\"-\",{\"$set\":[\"b\",\"a\"]}]", "\"a-b\"" },
		{ "concat", "[\",\",[\"a\",1]]",
		    "type: concat: operand 2 must be array of strings but got array containing number" },
		{ "concat", "[\",\",\"a\"]", "type: concat: operand 2 must be one of {set, array} but got string" },
		{ "concat", "[1,[]]", "type: concat: operand 1 must be string but got number" },
		{ "split", "[\"a,b,\",\",\"]", "[\"a\",\"b\",\"\"]" },
		{ "split", "[\"\",\",\"]", "[\"\"]" },
		{ "split", "[\"a\xc3\xa9\",\"\"]", "[\"a\",\"\xc3\xa9\"]" },
		{ "split", "[\"\",\"\"]", "[]" },
		{ "split", "[\"ab\",\"x\"]", "[\"ab\"]" },
		{ "substring",
		    "[\"a\xc3\xa9"
		    "bc\",1,2]",
		    "\"\xc3\xa9"
		    "b\"" },
		{ "substring", "[\"abc\",1,-1]", "\"bc\"" },
		{ "substring", "[\"abc\",3,1]", "\"\"" },
		{ "substring", "[\"abc\",9,1]", "\"\"" },
		{ "substring", "[\"abc\",1,99]", "\"bc\"" },
		{ "substring", "[\"abc\",-1,1]", "fail: substring: negative offset" },
		{ "substring", "[\"abc\",1.5,1]",
		    "type: substring: operand 2 must be integer number but got floating-point number" },
		{ "substring", "[\"abc\",1,\"1\"]", "type: substring: operand 3 must be number but got string" },
		{ "substring", "[\"abc\",1,0]", "\"\"" },
		{ "strings.reverse", "[\"a\xc3\xa9\xe2\x82\xac\"]",
		    "\"\xe2\x82\xac\xc3\xa9"
		    "a\"" },
		{ "strings.reverse", "[\"\"]", "\"\"" },
		{ "strings.reverse", "[1]", "type: strings.reverse: operand 1 must be string but got number" },
	};

	BI_ALL(t);
}

static void letters(void)
{
	static const struct bi_row t[] = {
		{ "lower", "[\"ABC1\xc3\x89\xd0\x96\"]", "\"abc1\xc3\xa9\xd0\xb6\"" },
		{ "upper", "[\"abc\xc3\xbf\xc3\x9f\"]", "\"ABC\xc5\xb8\xc3\x9f\"" },
		{ "lower", "[\"abc\"]", "\"abc\"" },
		{ "upper", "[\"\"]", "\"\"" },
		{ "upper", "[null]", "type: upper: operand 1 must be string but got null" },
		{ "lower", "[\"\xc4\xb0\"]", "\"i\"" },
	};

	BI_ALL(t);
}

static void replacing(void)
{
	static const struct bi_row t[] = {
		{ "replace", "[\"aXbX\",\"X\",\"--\"]", "\"a--b--\"" },
		{ "replace", "[\"aaa\",\"aa\",\"b\"]", "\"ba\"" },
		{ "replace", "[\"abc\",\"x\",\"y\"]", "\"abc\"" },
		{ "replace", "[\"a\xc3\xa9\",\"\",\"-\"]", "\"-a-\xc3\xa9-\"" },
		{ "replace", "[\"\",\"\",\"-\"]", "\"-\"" },
		{ "replace", "[\"abc\",\"abc\",\"\"]", "\"\"" },
		{ "replace", "[\"a\",1,\"\"]", "type: replace: operand 2 must be string but got number" },
		{ "strings.replace_n", "[{\"a\":\"b\",\"b\":\"a\"},\"abc\"]", "\"bac\"" },
		{ "strings.replace_n", "[{\"<\":\"&lt;\",\">\":\"&gt;\"},\"<b>\"]", "\"\\u0026lt;b\\u0026gt;\"" },
		{ "strings.replace_n", "[{\"a\":\"1\",\"ab\":\"2\"},\"ab\"]", "\"1b\"" },
		{ "strings.replace_n", "[{},\"ab\"]", "\"ab\"" },
		{ "strings.replace_n", "[{\"\":\"-\"},\"ab\"]", "\"-a-b-\"" },
		{ "strings.replace_n", "[{\"\":\"-\",\"a\":\"x\"},\"ab\"]", "\"-x-b-\"" },
		{ "strings.replace_n", "[[],\"ab\"]", "type: strings.replace_n: operand 1 must be object but got array" },
		{ "strings.replace_n", "[{\"a\":1},\"ab\"]",
		    "type: strings.replace_n: operand 1 non-string value found in pattern object" },
	};

	BI_ALL(t);
}

static void trimming(void)
{
	static const struct bi_row t[] = {
		{ "trim", "[\"xyaxbyx\",\"xy\"]", "\"axb\"" },
		{ "trim",
		    "[\"\xc3\xa9"
		    "a\xc3\xa9\",\"\xc3\xa9\"]",
		    "\"a\"" },
		{ "trim", "[\"aaa\",\"a\"]", "\"\"" },
		{ "trim", "[\"abc\",\"\"]", "\"abc\"" },
		{ "trim_left", "[\"xax\",\"x\"]", "\"ax\"" },
		{ "trim_right", "[\"xax\",\"x\"]", "\"xa\"" },
		{ "trim_prefix", "[\"foobar\",\"foo\"]", "\"bar\"" },
		{ "trim_prefix", "[\"foobar\",\"bar\"]", "\"foobar\"" },
		{ "trim_prefix", "[\"fo\",\"foo\"]", "\"fo\"" },
		{ "trim_suffix", "[\"foobar\",\"bar\"]", "\"foo\"" },
		{ "trim_suffix", "[\"ar\",\"bar\"]", "\"ar\"" },
		{ "trim_space",
		    "[\" \\t\\n\xe2\x80\x83"
		    "a b\xc2\xa0\"]",
		    "\"a b\"" },
		{ "trim_space", "[\"   \"]", "\"\"" },
		{ "trim_space", "[1]", "type: trim_space: operand 1 must be string but got number" },
		{ "trim", "[\"a\",true]", "type: trim: operand 2 must be string but got boolean" },
	};

	BI_ALL(t);
}

/* A text of n letters a as JSON operands with others behind it. */
static const char *many(size_t n, const char *rest)
{
	static char buf[1 << 20];

	buf[0] = '[';
	buf[1] = '"';
	memset(buf + 2, 'a', n);
	(void)snprintf(buf + 2 + n, sizeof(buf) - n - 2, "\"%s]", rest);
	return buf;
}

static void texts_are_limited(void)
{
	static const struct {
		const char *name, *rest;
		size_t n;
	} t[] = { { "replace", ",\"a\",\"bbbbbbbbbbbbbbbbbbbbbbbb\"", 60000 },
		{ "replace", ",\"\",\"bbbbbbbbbbbbbbbbbbbbbbbb\"", 60000 },
		{ "regex.replace", ",\"a\",\"bbbbbbbbbbbbbbbbbbbbbbbb\"", 60000 }, { "urlquery.encode", "", 0 } };

	for (size_t i = 0; i < 3; i++) {
		CLEANUP(bi_heap_end) struct heap h = bi_heap();

		CHECK(strcmp(bi_ask_in(&h, t[i].name, many(t[i].n, t[i].rest)), "limit_output") == 0);
	}
	for (size_t max = 9; max <= 10; max++) { /* at the limit and one below */
		CLEANUP(bi_heap_end) struct heap h = bi_heap();

		h.string_max = max;
		CHECK(strcmp(bi_ask_in(&h, "concat", "[\"--\",[\"aaaa\",\"bbbb\"]]"),
			  max == 10 ? "\"aaaa--bbbb\"" : "limit_output") == 0);
	}
}

static void steps_are_taken(void)
{
	CLEANUP(bi_heap_end) struct heap h = bi_heap();
	const char *args = many(50000, ",\"\"");

	h.steps = 1000;
	CHECK(strcmp(bi_ask_in(&h, "split", args), "limit_steps") == 0);
}

int main(void)
{
	static const struct t_case t[] = { T(finding), T(any_of_several), T(parts_and_joints), T(letters), T(replacing),
		T(trimming), T(texts_are_limited), T(steps_are_taken) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
