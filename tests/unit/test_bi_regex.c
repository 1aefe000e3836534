#include "bi_help.h"

static void matching(void)
{
	static const struct bi_row t[] = {
		{ "regex.match", "[\"^a+$\",\"aaa\"]", "true" },
		{ "regex.match", "[\"b\",\"abc\"]", "true" },
		{ "regex.match", "[\"^b\",\"abc\"]", "false" },
		{ "regex.match", "[\"a(\",\"a\"]", "fail: regex.match: error parsing regexp: missing closing )" },
		{ "regex.is_valid", "[\"a(\"]", "false" },
		{ "regex.is_valid", "[\"(a)\"]", "true" },
		{ "regex.is_valid", "[1]", "false" },
		{ "regex.match", "[1,\"\"]", "type: regex.match: operand 1 must be string but got number" },
		{ "regex.match", "[\"a\",1]", "type: regex.match: operand 2 must be string but got number" },
		{ "regex.match", "[\"(abcdefghijklmnopqrstuvwxyz){1000}\",\"\"]", "limit_regex" },
	};

	BI_ALL(t);
}

static void finding(void)
{
	static const struct bi_row t[] = {
		{ "regex.find_n", "[\"a.\",\"ab ac ad\",-1]", "[\"ab\",\"ac\",\"ad\"]" },
		{ "regex.find_n", "[\"a.\",\"ab ac ad\",2]", "[\"ab\",\"ac\"]" },
		{ "regex.find_n", "[\"a.\",\"ab\",0]", "[]" },
		{ "regex.find_n", "[\"x\",\"ab\",-1]", "[]" },
		{ "regex.find_n", "[\"a*\",\"baab\",-1]", "[\"\",\"aa\",\"\"]" },
		{ "regex.find_n",
		    "[\"\",\"\xc3\xa9"
		    "b\",-1]",
		    "[\"\",\"\",\"\"]" },
		{ "regex.find_n", "[\"a\",\"a\",1.5]",
		    "type: regex.find_n: operand 3 must be integer number but got floating-point number" },
		{ "regex.find_all_string_submatch_n", "[\"a(x*)b(y)?\",\"-axxb-ab-aby\",-1]",
		    "[[\"axxb\",\"xx\",\"\"],[\"ab\",\"\",\"\"],[\"aby\",\"\",\"y\"]]" },
		{ "regex.find_all_string_submatch_n", "[\"a\",\"aa\",1]", "[[\"a\"]]" },
		{ "regex.find_all_string_submatch_n", "[\"(a)\",\"b\",-1]", "[]" },
	};

	BI_ALL(t);
}

static void splitting(void)
{
	static const struct bi_row t[] = {
		{ "regex.split", "[\"a\",\"banana\"]", "[\"b\",\"n\",\"n\",\"\"]" },
		{ "regex.split", "[\"z+\",\"pizza\"]", "[\"pi\",\"a\"]" },
		{ "regex.split", "[\"x\",\"ab\"]", "[\"ab\"]" },
		{ "regex.split", "[\"x\",\"\"]", "[\"\"]" },
		{ "regex.split", "[\"\",\"ab\"]", "[\"a\",\"b\"]" },
		{ "regex.split", "[\"\",\"\"]", "[]" },
		{ "regex.split", "[\"a*\",\"baac\"]", "[\"b\",\"c\"]" },
		{ "regex.split", "[\"^a\",\"ab\"]", "[\"\",\"b\"]" },
	};

	BI_ALL(t);
}

static void replacing(void)
{
	static const struct bi_row t[] = {
		{ "regex.replace", "[\"-ab-axxb-\",\"a(x*)b\",\"T\"]", "\"-T-T-\"" },
		{ "regex.replace", "[\"-ab-axxb-\",\"a(x*)b\",\"${1}W\"]", "\"-W-xxW-\"" },
		{ "regex.replace", "[\"-ab-axxb-\",\"a(x*)b\",\"$1W\"]", "\"---\"" },
		{ "regex.replace", "[\"-ab-axxb-\",\"a(?P<n>x*)b\",\"<$n>\"]", "\"-\\u003c\\u003e-\\u003cxx\\u003e-\"" },
		{ "regex.replace", "[\"ab\",\"b\",\"$$1\"]", "\"a$1\"" },
		{ "regex.replace", "[\"ab\",\"b\",\"$\"]", "\"a$\"" },
		{ "regex.replace", "[\"ab\",\"b\",\"${1\"]", "\"a${1\"" },
		{ "regex.replace", "[\"ab\",\"b\",\"$0$9${00}\"]", "\"ab\"" },
		{ "regex.replace", "[\"ab\",\"\",\"-\"]", "\"-a-b-\"" },
		{ "regex.replace", "[\"baac\",\"a*\",\"x\"]", "\"xbxcx\"" },
		{ "regex.replace", "[\"\xc3\xa9\",\"\",\"-\"]", "\"-\xc3\xa9-\"" },
		{ "regex.replace", "[\"ab\",\"x\",\"y\"]", "\"ab\"" },
		{ "regex.replace", "[\"ab\",\"(\",\"y\"]", "fail: regex.replace: error parsing regexp: missing closing )" },
		{ "regex.replace", "[\"\",\"^\",\"y\"]", "\"y\"" },
		{ "regex.replace", "[\"aa\",\"^a\",\"b\"]", "\"ba\"" },
	};

	BI_ALL(t);
}

static void templates(void)
{
	static const struct bi_row t[] = {
		{ "regex.template_match", "[\"urn:foo:{.*}\",\"urn:foo:bar:baz\",\"{\",\"}\"]", "true" },
		{ "regex.template_match", "[\"urn:foo.bar.com:{.*}\",\"urn:foo.bar.com:bar:baz\",\"{\",\"}\"]", "true" },
		{ "regex.template_match", "[\"urn:foo.bar.com:{.*}\",\"urn:foo.com:bar\",\"{\",\"}\"]", "false" },
		{ "regex.template_match", "[\"urn:foo.bar.com:{.*}\",\"fooxbar\",\"{\",\"}\"]", "false" },
		{ "regex.template_match", "[\"a<x{2}>b\",\"axxb\",\"<\",\">\"]", "true" },
		{ "regex.template_match", "[\"a.<x>\",\"abx\",\"<\",\">\"]", "false" },
		{ "regex.template_match", "[\"a{x{2}}b\",\"axxb\",\"{\",\"}\"]", "true" },
		{ "regex.template_match", "[\"<a)(b>\",\"ab\",\"<\",\">\"]",
			"fail: regex.template_match: error parsing regexp: unexpected )" },
		{ "regex.template_match", "[\"a<b\",\"ab\",\"<\",\">\"]", "fail: regex.template_match: unbalanced braces" },
		{ "regex.template_match", "[\"a>b\",\"ab\",\"<\",\">\"]", "fail: regex.template_match: unbalanced braces" },
		{ "regex.template_match", "[\"a\",\"a\",\"<<\",\">\"]",
		    "fail: regex.template_match: start delimiter has to be exactly one character long but is 2 long" },
		{ "regex.template_match", "[\"a\",\"a\",\"<\",\"\"]",
		    "fail: regex.template_match: end delimiter has to be exactly one character long but is 0 long" },
		{ "regex.template_match", "[\"<(>\",\"a\",\"<\",\">\"]",
		    "fail: regex.template_match: error parsing regexp: missing closing )" },
	};

	BI_ALL(t);
}

static void two_globs(void)
{
	static const struct bi_row t[] = {
		{ "regex.globs_match", "[\"a.a.[0-9]+z\",\"b.b\"]", "false" },
		{ "regex.globs_match", "[\"[a-z]+\",\"[0-9]*\"]", "false" },
		{ "regex.globs_match", "[\"[a-z]*\",\"[0-9]*\"]", "true" },
		{ "regex.globs_match", "[\"[a-c]+\",\"[b-d]+\"]", "true" },
		{ "regex.globs_match", "[\"a+\",\"a*\"]", "true" },
		{ "regex.globs_match", "[\"a*b\",\"a*b\"]", "true" },
		{ "regex.globs_match", "[\"abc\",\"abd\"]", "false" },
		{ "regex.globs_match", "[\".*\",\"a.b\"]", "true" },
		{ "regex.globs_match", "[\"a.*c\",\".*b\"]", "false" },
		{ "regex.globs_match", "[\"a.*\",\".*b\"]", "true" },
		{ "regex.globs_match", "[\"a+b+\",\"aabbb\"]", "true" },
		{ "regex.globs_match", "[\"a+b+\",\"bb\"]", "false" },
		{ "regex.globs_match", "[\"\",\"a*\"]", "true" },
		{ "regex.globs_match", "[\"\",\"a\"]", "false" },
		{ "regex.globs_match", "[\"\\\\.\",\"a\"]", "false" },
		{ "regex.globs_match", "[\"[a-z]+\\\\[[0-9]+\\\\]\",\"foo\\\\[1\\\\]\"]", "true" },
		{ "regex.globs_match", "[\"\xc3\xa9+\",\"[\xc3\xa0-\xc3\xbf]\"]", "true" },
		{ "regex.globs_match", "[\"[]\",\"a\"]", "false" },
		{ "regex.globs_match", "[\"pqrs]\",\"a\"]",
		    "fail: regex.globs_match: input:pqrs], pos:5, set-close ']' with no preceding '[': the input provided is invalid" },
		{ "regex.globs_match", "[\"a\",\"[abc\"]",
		    "fail: regex.globs_match: input:[abc, pos:4, found [ without matching ]: the input provided is invalid" },
		{ "regex.globs_match", "[\"[z-a]\",\"a\"]",
		    "fail: regex.globs_match: input:[z-a], pos:4, range is out of order: 'a' comes before 'z' in Unicode: the input provided is invalid" },
		{ "regex.globs_match", "[\"a**\",\"a\"]",
		    "fail: regex.globs_match: input:a**, pos:3, flag '*' must be preceded by a non-flag: the input provided is invalid" },
		{ "regex.globs_match", "[\"+\",\"a\"]",
		    "fail: regex.globs_match: input:+, pos:1, flag '+' must be preceded by a non-flag: the input provided is invalid" },
		{ "regex.globs_match", "[\"[-a]\",\"a\"]",
		    "fail: regex.globs_match: input:[-a], pos:2, range character '-' must be preceded by a Unicode character: the input provided is invalid" },
		{ "regex.globs_match", "[\"[a-]\",\"a\"]",
		    "fail: regex.globs_match: input:[a-], pos:4, range character '-' cannot be followed by a special symbol: the input provided is invalid" },
		{ "regex.globs_match", "[\"[a-\",\"a\"]",
		    "fail: regex.globs_match: input:[a-, pos:3, range character '-' must be followed by a Unicode character: the input provided is invalid" },
		{ "regex.globs_match", "[\"a\\\\\",\"a\"]",
		    "fail: regex.globs_match: input:a\\, pos:1, input ends with a \\ (escape) character: the input provided is invalid" },
		{ "regex.globs_match", "[1,\"a\"]", "type: regex.globs_match: operand 1 must be string but got number" },
	};

	BI_ALL(t);
}

static void globs(void)
{
	static const struct bi_row t[] = {
		{ "glob.match", "[\"*.github.com\",[\".\"],\"api.github.com\"]", "true" },
		{ "glob.match", "[\"*.github.com\",[],\"api.cdn.github.com\"]", "false" },
		{ "glob.match", "[\"*hub.com\",null,\"api.cdn.github.com\"]", "true" },
		{ "glob.match", "[\"*:github:com\",[\":\"],\"api:github:com\"]", "true" },
		{ "glob.match", "[\"api.**.com\",[\".\"],\"api.cdn.github.com\"]", "true" },
		{ "glob.match", "[\"api.*.com\",[\".\"],\"api.cdn.github.com\"]", "false" },
		{ "glob.match", "[\"?at\",[],\"cat\"]", "true" },
		{ "glob.match", "[\"?at\",[],\"at\"]", "false" },
		{ "glob.match", "[\"?at\",[\"c\"],\"cat\"]", "false" },
		{ "glob.match", "[\"[abc]at\",[],\"bat\"]", "true" },
		{ "glob.match", "[\"[!abc]at\",[],\"bat\"]", "false" },
		{ "glob.match", "[\"[a-c]at\",[],\"bat\"]", "true" },
		{ "glob.match", "[\"[!a-c]at\",[],\"lat\"]", "true" },
		{ "glob.match", "[\"{cat,bat,[fr]at}\",[],\"rat\"]", "true" },
		{ "glob.match", "[\"{cat,bat,[fr]at}\",[],\"at\"]", "false" },
		{ "glob.match", "[\"{a,{b,c}}x\",[],\"cx\"]", "true" },
		{ "glob.match", "[\"a{,b}\",[],\"a\"]", "true" },
		{ "glob.match", "[\"a,b}\",[],\"a,b}\"]", "true" },
		{ "glob.match", "[\"\\\\*a\",[],\"*a\"]", "true" },
		{ "glob.match", "[\"\\\\*a\",[],\"xa\"]", "false" },
		{ "glob.match", "[\"a.b\",[],\"axb\"]", "false" },
		{ "glob.match", "[\"a+(b|c)^$\",[],\"a+(b|c)^$\"]", "true" },
		{ "glob.match", "[\"*\",null,\"a\\nb\"]", "true" },
		{ "glob.match", "[\"*\",[\"]\",\"^\",\"-\"],\"a-b\"]", "false" },
		{ "glob.match", "[\"*\",[\"\xc3\xa9\"],\"a\xc3\xa9\"]", "false" },
		{ "glob.match", "[\"[a^]\",[],\"^\"]", "true" },
		{ "glob.match", "[\"\",[],\"\"]", "true" },
		{ "glob.match", "[\"a\\\\\",[],\"a\"]", "fail: glob.match: syntax error in pattern: trailing backslash" },
		{ "glob.match", "[\"[a\",[],\"a\"]", "fail: glob.match: syntax error in pattern: unexpected end of input" },
		{ "glob.match", "[\"[]\",[],\"a\"]", "fail: glob.match: syntax error in pattern: could not parse range" },
		{ "glob.match", "[\"[c-a]\",[],\"a\"]",
		    "fail: glob.match: syntax error in pattern: hi character should be greater than lo" },
		{ "glob.match", "[\"[a-cd]\",[],\"a\"]",
		    "fail: glob.match: syntax error in pattern: expected close range character" },
		{ "glob.match", "[\"a\",\".\",\"a\"]",
		    "type: glob.match: operand 2 must be one of {array, null} but got string" },
		{ "glob.match", "[\"a\",[\"ab\"],\"a\"]",
		    "type: glob.match: operand 2 must be array of runes but got array containing string" },
		{ "glob.match", "[\"a\",[1],\"a\"]",
		    "type: glob.match: operand 2 must be array of runes but got array containing number" },
		{ "glob.quote_meta", "[\"*.github.com\"]", "\"\\\\*.github.com\"" },
		{ "glob.quote_meta", "[\"*?\\\\[]{}a\"]", "\"\\\\*\\\\?\\\\\\\\\\\\[\\\\]\\\\{\\\\}a\"" },
	};

	BI_ALL(t);
}

int main(void)
{
	static const struct t_case t[] = { T(matching), T(finding), T(splitting), T(replacing), T(templates), T(two_globs),
		T(globs) };

	return t_main(t, sizeof(t) / sizeof(t[0]));
}
