#include "fmt/toml.h"

#include "fmt_help.h"
#include "tests/t.h"

static bool same(const char *text, const char *want)
{
	return reads_as(toml_parse, text, want);
}

static bool bad(const char *text, const char *part)
{
	return refused_str(toml_parse, text, part);
}

static void toml_keys_and_values(void)
{
	CHECK(same("", "{}") && same("# only a comment", "{}") && same("\r\n\t \n", "{}"));
	CHECK(same("a=1 # c\n\"b c\" = true\n'd.e'=false\n1-_='x'", "{\"a\":1,\"b c\":true,\"d.e\":false,\"1-_\":\"x\"}"));
	CHECK(same("\"\" = 1", "{\"\":1}") && same("a . \"b\" .c = 1\r\na.d=2", "{\"a\":{\"b\":{\"c\":1},\"d\":2}}"));
	CHECK(same("3.14 = 'x'", "{\"3\":{\"14\":\"x\"}}"));
	CHECK(bad("= 1", "line 1, column 1: expected a key") && bad("a", "expected '='") && bad("a b = 1", "expected '='"));
	CHECK(bad("a = ", "expected a string") && bad("a = 1 b = 2", "line 1, column 7: expected the end of the line"));
	CHECK(bad("\n\na. = 1", "line 3, column 4: expected a key") && bad("\xc3\xa9 = 1", "expected a key"));
	CHECK(bad("'''a''' = 1", "expected '='") && bad("\"a\nb\" = 1", "control character"));
}

static void toml_integers(void)
{
	CHECK(same("a=[0,+0,-0,+99,-17,1_000,1_2_3]", "{\"a\":[0,0,0,99,-17,1000,123]}"));
	CHECK(same("a=[0xDEAD_beef,0o755,0b1101,0x00]", "{\"a\":[3735928559,493,13,0]}"));
	CHECK(same("a=[9223372036854775807,-9223372036854775808]", "{\"a\":[9223372036854775807,-9223372036854775808]}"));
	static const char *const no[] = { "9223372036854775808", "-9223372036854775809", "0x8000000000000000", "01", "-01",
		"+0_1", "_1", "1_", "1__0",
					  "0x", "0x_1", "0xg", "-0x1", "+0b1", "0b2", "0o8", "0X1", "+", "-", "+-1", "1e3",
						"1.5", "inf", "nan",
					  "1979-05-27", "1979-05-27T07:32:00Z", "07:32:00", "True", "truefalse", "bare", ".5",
						"1." };

	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		char t[64];

		(void)snprintf(t, sizeof(t), "a=%s\n", no[i]);
		CHECK(bad(t, "line 1, column 3: expected a string, 64-bit integer"));
	}
}

static void toml_one_line_strings(void)
{
	CHECK(same("a=\"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600\tx\"",
		"{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\\xc3\xa9\xf0\x9f\x98\x80\\tx\"}"));
	CHECK(same("a='C:\\x \"q\"'\nb=''\nc=\"\"", "{\"a\":\"C:\\\\x \\\"q\\\"\",\"b\":\"\",\"c\":\"\"}"));
	CHECK(bad("a=\"\\x41\"", "bad escape") && bad("a=\"\\u12\"", "bad Unicode escape") && bad("a=\"\\U00110000\"",
		"Unicode escape"));
	CHECK(bad("a=\"\\ud800\"", "Unicode escape") && bad("a=\"\\u0000\"", "U+0000") && bad("a=\"\\", "bad escape"));
	CHECK(bad("a=\"x", "unfinished") && bad("a='x", "unfinished") && bad("a=\"x\n\"", "control") && bad("a='x\n'",
		"control"));
	CHECK(bad("a=\"\x7f\"", "control") && bad("a='\x01'", "control") && bad("a='it''s'", "end of the line"));
	CHECK(refused(toml_parse, (struct span){ (const uint8_t *)"a='\0'", 5 }, COFFER_E_INPUT, "control"));
}

static void toml_strings_over_lines(void)
{
	CHECK(same("a='''\nx\\\n 'y'' \n'''", "{\"a\":\"x\\\\\\n 'y'' \\n\"}"));
	CHECK(same("a=\"\"\"\r\nx\r\ny \\\n\n\t  z\\\\\\t\"\"\"", "{\"a\":\"x\\ny z\\\\\\t\"}"));
	CHECK(same("a=\"\"\"\"\"\"\nb=''''''\nc=\"\"\"\"q\"\"\"\"\"", "{\"a\":\"\",\"b\":\"\",\"c\":\"\\\"q\\\"\\\"\"}"));
	CHECK(same("a='''''x'''''", "{\"a\":\"''x''\"}") && same("a=\"\"\"\\  \n  \"\"\"", "{\"a\":\"\"}"));
	CHECK(bad("a='''x''", "unfinished") && bad("a=\"\"\"x\\ y\"\"\"", "bad escape") && bad("a='''\rx'''", "control"));
	CHECK(bad("a='''''''''", "end of the line") && bad("a=\"\"\"\\", "bad escape") && bad("a=\"\"\"\x1f\"\"\"", "control"));
	CHECK(bad("a='''\nb\n'''\nb=\n", "line 4, column 3"));
}

static void toml_arrays_and_inline_tables(void)
{
	CHECK(same("a=[ # c\n 1 ,\r\n 'x', # d\n [true,], {} ,\n]", "{\"a\":[1,\"x\",[true],{}]}") && same("a=[]", "{\"a\":[]}"));
	CHECK(same("a={ b = 1 , c.d='x', c.e={} }\nb={}", "{\"a\":{\"b\":1,\"c\":{\"d\":\"x\",\"e\":{}}},\"b\":{}}"));
	CHECK(bad("a=[1 2]", "',' or ']'") && bad("a=[,1]", "expected a string") && bad("a=[1,,2]", "expected a string"));
	CHECK(bad("a=[1", "',' or ']'") && bad("a=[", "expected a string") && bad("a=[1,", "expected a string"));
	CHECK(bad("a={b=1,}", "comma before") && bad("a={b=1 c=2}", "',' or '}'") && bad("a={\nb=1}", "expected a key"));
	CHECK(bad("a={b=1\n}", "',' or '}'") && bad("a={b=1,b=2}", "already defined") && bad("a={b={c=1},b.d=2}",
		"cannot extend"));
	CHECK(bad("a={b.c=1,b=2}", "already defined") && bad("a={b=1", "',' or '}'") && bad("a={,b=1}", "expected a key"));
}

static void toml_tables(void)
{
	CHECK(same("[a]\nx=1\n[ b . 'c' ]\ny=2\n[a.d]\nz=3", "{\"a\":{\"x\":1,\"d\":{\"z\":3}},\"b\":{\"c\":{\"y\":2}}}"));
	CHECK(same("[a.b.c]\n[a]\nx=1\n[a.b]\ny=2", "{\"a\":{\"b\":{\"c\":{},\"y\":2},\"x\":1}}"));
	CHECK(same("[[a]]\nx=1\n[[a.b]]\ny=1\n[[a.b]]\n[[a]]\n[a.c]", "{\"a\":[{\"x\":1,\"b\":[{\"y\":1},{}]},{\"c\":{}}]}"));
	CHECK(same("[f]\na.b=1\n[f.a.c]\nd=2", "{\"f\":{\"a\":{\"b\":1,\"c\":{\"d\":2}}}}"));
	CHECK(bad("[a", "expected ']'") && bad("[]", "expected a key") && bad("[a]]", "end of the line") && bad("[[a]",
		"expected ']'"));
	CHECK(bad("[a.]", "expected a key") && bad("[a] b=1", "end of the line") && bad("[ [a]]", "expected a key") &&
		bad("[[a] ]", "expected ']'"));
}

static void toml_redefinition_is_refused(void)
{
	CHECK(bad("a=1\na=2", "line 2, column 2: key is already defined") && bad("a=1\n\"a\"=2", "already defined"));
	CHECK(bad("[a]\n[a]", "already defined") && bad("[a.b]\n[a]\n[a]", "already defined") && bad("a=1\n[a]",
		"already defined"));
	CHECK(bad("a=1\n[a.b]", "cannot extend") && bad("a={}\n[a]", "already defined") && bad("a={}\n[a.b]", "cannot extend"));
	CHECK(bad("a={b=1}\na.c=2", "cannot extend") && bad("a.b=1\n[a]", "already defined") && bad("a.b=1\na=2",
		"already defined"));
	CHECK(bad("a.b=1\na.b.c=2", "cannot extend") && bad("[a.b.c]\nz=9\n[a]\nb.c.t=1", "cannot extend"));
	CHECK(bad("[[a]]\n[a]", "already defined") && bad("[a]\n[[a]]", "not as an array of tables") && bad("a=[]\n[[a]]",
		"not as an array"));
	CHECK(bad("a=[{}]\n[a.b]", "cannot extend") && bad("[[a.b]]\n[a]\nb.y=2", "cannot extend") && bad("[a.b]\n[[a]]",
		"not as an array"));
	CHECK(bad("[a]\nb.c=1\n[a.b]", "already defined") && bad("[a]\nb=1\n[a.b]", "already defined") &&
		bad("[a]\nb=1\n[a.b.c]", "cannot extend"));
}

static void toml_hostile_bytes_are_refused(void)
{
	CHECK(bad("a=1\n# \x01", "line 2, column 3: control") && bad("a=1\n#\x7f", "control") && bad("# a\rb", "control"));
	CHECK(bad("a='\xff'", "line 1, column 4: invalid UTF-8") && bad("\n# \xed\xa0\x80", "line 2, column 3: invalid UTF-8"));
	CHECK(bad("\xef\xbb\xbf" "a=1", "expected a key") && bad("a=1\rb=2", "end of the line") && bad("\r", "end of the line"));
	CHECK(refused(toml_parse, (struct span){ (const uint8_t *)"a=1\0", 4 }, COFFER_E_INPUT, "end of the line"));
}

static void toml_limits_hold(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };
	char t[256] = "a=";

	CHECK(toml_parse(span_of("a=12"), 3, &d, &e) == COFFER_E_LIMIT && !d);
	memset(t + 2, '[', JSON_DEPTH_MAX - 1);
	memset(t + 1 + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX - 1);
	CHECK(toml_parse(span_of(t), 1000, &d, &e) == COFFER_OK); /* with the root, 32 levels */
	memset(t, 0, sizeof(t));
	t[0] = 'a';
	t[1] = '=';
	memset(t + 2, '[', JSON_DEPTH_MAX);
	memset(t + 2 + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	CHECK(refused(toml_parse, span_of(t), COFFER_E_LIMIT, "too deep"));
	memset(t + 2, '[', sizeof(t) - 3);
	CHECK(refused(toml_parse, span_of(t), COFFER_E_LIMIT, "too deep"));
	memset(t, 0, sizeof(t));
	for (size_t i = 0; i < 2 * JSON_DEPTH_MAX; i += 2) {
		t[i] = 'a';
		t[i + 1] = '.';
	}
	memcpy(t + 2 * JSON_DEPTH_MAX, "a=1", 3);
	CHECK(refused(toml_parse, span_of(t), COFFER_E_LIMIT, "too deep"));
}

/* Prefixes may be valid TOML; none may crash, and a cut value is never a value. */
static void toml_every_prefix_is_read_safely(void)
{
	static const char text[] = "a = \"x\\u00e9\"\n[b.\"c\"]\nd=[1,{e='''\nq''',f=0x1F}] # end\r\n[[g]]\nh.i=\"\"\"\\\n z\"\"\"\n";

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct err e = { 0 };
		enum coffer_rc rc = parse_exact(toml_parse, (struct span){ (const uint8_t *)text, n }, &d, &e);

		CHECK((rc == COFFER_OK) == (d != NULL));
		if (n > 4 && n < 13)
			CHECK(rc == COFFER_E_INPUT);
	}
}

static void toml_write_string_round_trips(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(10000), t = wr_open(10000);
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };

	for (uint8_t c = 1; c < 0x80; c++)
		wr_u8(&w, c);
	wr_str(&w, "\xc3\xa9\xf0\x9f\x98\x80 \"\"\" '''");
	wr_str(&t, "a=");
	toml_write_string(&t, wr_span(&w));
	CHECK(parse_exact(toml_parse, wr_span(&t), &d, &e) == COFFER_OK);
	CHECK(span_eq(json_str(json_get(json_root(d), "a")), wr_span(&w)));
}

static void toml_write_string_exact_form_and_refusals(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(100), bad1 = wr_open(100), bad2 = wr_open(100);

	toml_write_string(&w, span_of("a\"\\\b\t\n\f\r\x01\x1f\x7f\xc3\xa9'"));
	CHECK(span_eq_str(wr_span(&w), "\"a\\\"\\\\\\b\\t\\n\\f\\r\\u0001\\u001F\\u007F\xc3\xa9'\""));
	toml_write_string(&bad1, span_of("\xff"));
	toml_write_string(&bad2, (struct span){ (const uint8_t *)"\0", 1 });
	CHECK(!wr_ok(&bad1) && !wr_ok(&bad2));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(toml_keys_and_values), T(toml_integers), T(toml_one_line_strings), T(toml_strings_over_lines),
		T(toml_arrays_and_inline_tables), T(toml_tables), T(toml_redefinition_is_refused),
			T(toml_hostile_bytes_are_refused),
		T(toml_limits_hold), T(toml_every_prefix_is_read_safely), T(toml_write_string_round_trips),
		T(toml_write_string_exact_form_and_refusals),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
