#include "fmt/json.h"

#include "fmt_help.h"
#include "tests/t.h"

static bool same(const char *text, const char *want)
{
	return reads_as(json_parse, text, want);
}

static bool bad(const char *text, const char *part)
{
	return refused_str(json_parse, text, part);
}

static void json_parse_valid_texts_keep_order_and_literals(void)
{
	CHECK(same(" \t\r\n{ \"b\" : [ 1 , -0.5e+3 , 1E9 ] , \"a\" : { } , \"\":null }\n",
		"{\"b\":[1,-0.5e+3,1E9],\"a\":{},\"\":null}"));
	CHECK(same("true", "true") && same("false", "false") && same("null", "null"));
	CHECK(same("\"x\"", "\"x\"") && same("0", "0") && same("-0", "-0") && same("[]", "[]"));
	CHECK(same("123456789012345678901234567890", "123456789012345678901234567890"));
}

static void json_parse_escapes_are_decoded(void)
{
	CHECK(same("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""));
	CHECK(same("\"\\u0041\\u00e9\\u20AC\\uD83d\\uDe00z\"", "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z\""));
	CHECK(same("\"long text before \\n and after the escape, longer than eight\"",
		   "\"long text before \\n and after the escape, longer than eight\""));
	CHECK(same("{\"\\u0061\":1}", "{\"a\":1}"));
	CHECK(same("\"\\udbff\\udfff\\u0001\"", "\"\xf4\x8f\xbf\xbf\\u0001\""));
}

static void json_parse_bad_escapes_are_refused(void)
{
	CHECK(bad("\"\\x\"", "bad escape at byte 1") && bad("\"\\", "bad escape"));
	CHECK(bad("\"\\u12g4\"", "bad \\u escape") && bad("\"\\u123", "bad \\u escape") && bad("\"\\u123\"", "bad \\u escape"));
	CHECK(bad("\"\\u0000\"", "U+0000") && bad("{\"a\\u0000\":1}", "U+0000"));
	CHECK(bad("\"\\ud800\"", "lone surrogate") && bad("\"\\udc00\"", "lone surrogate"));
	CHECK(bad("\"\\ud800\\u0041\"", "lone surrogate") && bad("\"\\ud800\\n\"", "lone surrogate"));
	CHECK(bad("\"\\ud800\\ud800\"", "lone surrogate") && bad("\"\\ud800\\udc0\"", "lone surrogate"));
}

static void json_parse_control_characters_are_refused(void)
{
	for (uint8_t c = 0; c < 0x20; c++) {
		const uint8_t t[] = { '"', 'a', c, 'b', 'c', 'd', 'e', 'f', 'g', 'h', '"' };

		CHECK(refused(json_parse, SPAN(t), COFFER_E_INPUT, "control character in a string at byte 2"));
	}
	CHECK(same("\"\x7f\"", "\"\x7f\""));
}

static void json_parse_invalid_utf8_is_refused(void)
{
	static const char *const t[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
					 "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
						"\xf0\x9f\x98" };
	char text[32];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		(void)snprintf(text, sizeof(text), "\"ab%s\"", t[i]);
		CHECK(bad(text, "invalid UTF-8 at byte 3"));
		(void)snprintf(text, sizeof(text), "\"\\n%s", t[i]);
		CHECK(bad(text, "invalid UTF-8 at byte 3"));
		(void)snprintf(text, sizeof(text), "{\"%s\":1}", t[i]);
		CHECK(bad(text, "invalid UTF-8"));
	}
	CHECK(same("\"\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\"", "\"\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\""));
}

static void json_parse_malformed_texts_are_refused(void)
{
	CHECK(bad("", "unexpected end at byte 0") && bad("  ", "unexpected end"));
	CHECK(bad("\xef\xbb\xbf{}", "unexpected byte at byte 0"));
	CHECK(bad("{} x", "more after the value at byte 3") && bad("1 2", "more after") && bad("[]]", "more after"));
	CHECK(bad("[1,]", "unexpected byte") && bad("[,1]", "unexpected byte") && bad("[1 2]", "expected a comma"));
	CHECK(bad("[1}", "expected a comma") && bad("{\"a\":1]", "expected a comma") && bad("[1", "unexpected end"));
	CHECK(bad("{\"a\":1,}", "must be a string") && bad("{a:1}", "must be a string") && bad("{\"a\" 1}", "no colon"));
	CHECK(bad("{\"a\":}", "unexpected byte") && bad("'a'", "unexpected byte") && bad("// x\n1", "unexpected byte"));
	CHECK(bad("tru", "unexpected byte") && bad("nul", "unexpected byte") && bad("truex", "more after") && bad("NaN",
		"unexpected"));
	CHECK(bad("\"a", "unfinished string") && bad("\v1", "unexpected byte"));
	CHECK(refused(json_parse, (struct span){ (const uint8_t *)"1\0", 2 }, COFFER_E_INPUT, "more after"));
	CHECK(refused(json_parse, (struct span){ (const uint8_t *)"\0", 1 }, COFFER_E_INPUT, "unexpected byte"));
}

static void json_parse_bad_numbers_are_refused(void)
{
	CHECK(bad("-", "bad number") && bad("-a", "bad number") && bad("1.", "bad number") && bad("1.e3", "bad number"));
	CHECK(bad("1e", "bad number") && bad("1e+", "bad number") && bad(".5", "unexpected") && bad("+1", "unexpected"));
	CHECK(bad("01", "more after") && bad("-01", "more after") && bad("0x10", "more after") && bad("1_0", "more after"));
}

static void json_parse_every_prefix_is_refused(void)
{
	static const char text[] = "{\"name\":\"caf\xc3\xa9 \\u20ac\\ud83d\\ude00\",\"list\":[1,-2.5e+10,true,false,null,{\"x\":[]}],\"z\":0}";
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };

	for (size_t n = 0; n < sizeof(text) - 1; n++)
		CHECK(refused(json_parse, (struct span){ (const uint8_t *)text, n }, COFFER_E_INPUT, "JSON: "));
	CHECK(parse_exact(json_parse, span_of(text), &d, &e) == COFFER_OK);
}

static void json_parse_depth_limit_holds_at_32(void)
{
	char t[2 * JSON_DEPTH_MAX + 8];

	for (size_t n = JSON_DEPTH_MAX; n <= JSON_DEPTH_MAX + 1; n++) {
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct err e = { 0 };

		memset(t, '[', n);
		memset(t + n, ']', n);
		if (n == JSON_DEPTH_MAX)
			CHECK(json_parse((struct span){ (uint8_t *)t, 2 * n }, 100, &d, &e) == COFFER_OK);
		else
			CHECK(refused(json_parse, (struct span){ (uint8_t *)t, 2 * n }, COFFER_E_LIMIT, "too deep"));
	}
	CHECK(same("[[],[],[[]],[],{\"a\":[]}]", "[[],[],[[]],[],{\"a\":[]}]"));
}

static void json_parse_size_limit_holds(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };

	CHECK(json_parse(span_of("[1]"), 2, &d, &e) == COFFER_E_LIMIT && !d);
	CHECK(json_parse(span_of("[1]"), 3, &d, &e) == COFFER_OK && d);
}

static void json_parse_duplicate_names_are_refused(void)
{
	CHECK(bad("{\"a\":1,\"a\":2}", "duplicate member name"));
	CHECK(bad("{\"a\":1,\"\\u0061\":2}", "duplicate member name"));
	CHECK(bad("{\"\":1,\"\":2}", "duplicate member name"));
	CHECK(bad("[{\"x\":{\"k\":0,\"l\":1,\"k\":2}}]", "duplicate member name"));
	CHECK(same("{\"a\":{\"a\":1},\"A\":[{\"a\":1}]}", "{\"a\":{\"a\":1},\"A\":[{\"a\":1}]}"));
}

/* n members k0..k<n-1>; with `twice` < n the last one repeats that name. */
static void many(struct wr *w, unsigned n, unsigned twice)
{
	struct json_wr j = jw_open(w, false);
	char name[16];

	jw_obj(&j);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "k%u", i == n - 1 && twice < n ? twice : i);
		jw_m_u64(&j, name, i);
	}
	jw_obj_end(&j);
}

static void json_get_finds_every_member_of_any_size(void)
{
	for (unsigned n = 0; n < 70; n++) {
		CLEANUP(wr_close) struct wr w = wr_open(1 << 20);
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct err e = { 0 };
		uint64_t v = 0;
		char name[16];

		many(&w, n, n);
		CHECK(json_parse(wr_span(&w), 1 << 20, &d, &e) == COFFER_OK && json_len(json_root(d)) == n);
		for (unsigned i = 0; i < n; i++) {
			(void)snprintf(name, sizeof(name), "k%u", i);
			CHECK(json_u64(json_get(json_root(d), name), &v) && v == i);
			CHECK(span_eq_str(json_name(json_root(d), i), name));
			CHECK(json_u64(json_at(json_root(d), i), &v) && v == i);
		}
		(void)snprintf(name, sizeof(name), "k%u", n);
		CHECK(!json_get(json_root(d), name) && !json_get(json_root(d), "") && !json_at(json_root(d), n));
	}
}

static void json_parse_duplicate_in_large_object_is_refused(void)
{
	for (unsigned n = 2; n < 40; n++)
		for (unsigned twice = 0; twice + 1 < n; twice++) {
			CLEANUP(wr_close) struct wr w = wr_open(1 << 20);

			many(&w, n, twice);
			CHECK(refused(json_parse, wr_span(&w), COFFER_E_INPUT, "duplicate member name"));
		}
}

static void json_getters_answer_null_and_wrong_types(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	const struct json *s, *a;
	struct err e = { 0 };
	uint64_t u = 7;
	int64_t i = 7;
	bool b = true;

	CHECK(json_type(NULL) == JSON_NULL && !json_str(NULL).p && !json_num(NULL).p && json_len(NULL) == 0);
	CHECK(!json_at(NULL, 0) && !json_name(NULL, 0).p && !json_get(NULL, "x") && !json_root(NULL));
	CHECK(!json_bool(NULL, &b) && !json_u64(NULL, &u) && !json_i64(NULL, &i));
	CHECK(json_parse(span_of("[\"s\",1,{}]"), 100, &d, &e) == COFFER_OK);
	a = json_root(d);
	s = json_at(a, 0);
	CHECK(json_len(s) == 0 && !json_num(s).p && !json_get(a, "s") && !json_name(a, 0).p && !json_str(a).p);
	CHECK(!json_bool(json_at(a, 1), &b) && !json_u64(s, &u) && u == 7 && i == 7 && b);
	CHECK(strcmp(json_type_name(s), "string") == 0 && strcmp(json_type_name(NULL), "null") == 0);
	json_free(NULL);
}

static void json_integers_hold_at_their_limits(void)
{
	static const struct {
		const char *text;
		bool        u_ok, i_ok;
		uint64_t    u;
		int64_t     i;
	} t[] = {
		{ "18446744073709551615", true, false, UINT64_MAX, 0 }, { "18446744073709551616", false, false, 0, 0 },
		{ "9223372036854775807", true, true, INT64_MAX, INT64_MAX }, { "9223372036854775808", true, false,
			9223372036854775808u, 0 },
		{ "-9223372036854775808", false, true, 0, INT64_MIN }, { "-9223372036854775809", false, false, 0, 0 },
		{ "-1", false, true, 0, -1 }, { "0", true, true, 0, 0 }, { "-0", false, true, 0, 0 }, { "1.0", false, false,
			0, 0 },
		{ "1e2", false, false, 0, 0 },
	};

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct err e = { 0 };
		uint64_t u = 0;
		int64_t i = 0;

		CHECK(json_parse(span_of(t[k].text), 100, &d, &e) == COFFER_OK);
		CHECK(json_u64(json_root(d), &u) == t[k].u_ok && u == t[k].u);
		CHECK(json_i64(json_root(d), &i) == t[k].i_ok && i == t[k].i);
	}
}

static void json_need_readers_name_what_is_wrong(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	const struct json *o, *v = NULL;
	struct span s = { 0 };
	struct err e = { 0 };
	uint64_t u = 0;

	CHECK(json_parse(span_of("{\"s\":\"x\",\"u\":5,\"o\":{},\"a\":[],\"n\":-1}"), 100, &d, &e) == COFFER_OK);
	o = json_root(d);
	CHECK(json_need_str(o, "s", "thing", &s, &e) == COFFER_OK && span_eq_str(s, "x"));
	CHECK(json_need_u64(o, "u", "thing", &u, &e) == COFFER_OK && u == 5);
	CHECK(json_need_obj(o, "o", "thing", &v, &e) == COFFER_OK && json_type(v) == JSON_OBJECT);
	CHECK(json_need_arr(o, "a", "thing", &v, &e) == COFFER_OK && json_type(v) == JSON_ARRAY);
	CHECK(json_need_str(o, "q", "thing", &s, &e) == COFFER_E_INPUT && !strcmp(e.msg, "thing: member \"q\" is missing"));
	CHECK(json_need_str(o, "u", "thing", &s, &e) == COFFER_E_INPUT && !strcmp(e.msg, "thing: member \"u\" is not a string"));
	CHECK(json_need_u64(o, "n", "thing", &u, &e) == COFFER_E_INPUT && strstr(e.msg, "is not a whole number"));
	CHECK(json_need_obj(o, "a", "thing", &v, &e) == COFFER_E_INPUT && strstr(e.msg, "is not an object"));
	CHECK(json_need_arr(o, "o", "thing", &v, &e) == COFFER_E_INPUT && strstr(e.msg, "is not an array"));
	CHECK(json_need_str(json_get(o, "a"), "s", "thing", &s, &e) == COFFER_E_INPUT && strstr(e.msg, "thing: not an object"));
	CHECK(json_need_str(NULL, "s", "thing", &s, &e) == COFFER_E_INPUT);
	CHECK(span_eq_str(s, "x") && u == 5 && json_type(v) == JSON_ARRAY); /* failures wrote nothing */
}

static void json_closed_refuses_unknown_members(void)
{
	static const char *const names[] = { "a", "b", NULL };
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };

	CHECK(json_parse(span_of("[{\"b\":1},{\"a\":1,\"c\\u001b\":2},3,{}]"), 100, &d, &e) == COFFER_OK);
	CHECK(json_closed(json_at(json_root(d), 0), names, "x", &e) == COFFER_OK);
	CHECK(json_closed(json_at(json_root(d), 3), names, "x", &e) == COFFER_OK);
	CHECK(json_closed(json_at(json_root(d), 1), names, "x", &e) == COFFER_E_INPUT);
	CHECK(strcmp(e.msg, "x: member \"c?\" is not known here") == 0); /* no terminal escapes */
	CHECK(json_closed(json_at(json_root(d), 2), names, "x", &e) == COFFER_E_INPUT);
	CHECK(json_closed(NULL, names, "x", &e) == COFFER_E_INPUT);
}

/* All bytes, twice, and a list in a list: values of one document may share a node. */
static void json_bytes_reads_what_a_list_holds(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8192);
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct err e = { 0 };
	uint8_t b[512];
	bool ok = true;

	wr_str(&w, "[[");
	for (int i = 0; i < 512; i++)
		wr_fmt(&w, i ? ",%d" : "%d", i % 256);
	wr_str(&w, "],7,[7,[7]],{\"a\":7}]");
	CHECK(json_parse(wr_span(&w), 8192, &d, &e) == COFFER_OK && json_len(json_root(d)) == 4);
	CHECK(json_bytes(json_at(json_root(d), 0), b, 512));
	for (int i = 0; i < 512; i++)
		ok = ok && b[i] == i % 256;
	CHECK(ok && !json_bytes(json_at(json_root(d), 0), b, 511) && !json_bytes(json_at(json_root(d), 1), b, 1));
	CHECK(json_len(json_at(json_root(d), 2)) == 2 && json_bytes(json_at(json_at(json_root(d), 2), 1), b, 1) && b[0] == 7);
	CHECK(!json_bytes(json_at(json_root(d), 2), b, 2) && !json_bytes(json_at(json_root(d), 3), b, 1) && !json_bytes(NULL, b, 0));
}

static void json_bytes_refuses_what_is_no_byte(void)
{
	static const char *const t[] = { "256", "999", "1000", "-1", "-0", "1.0", "1e1", "1E1", "0.5", "\"1\"", "null", "true", "[]" };

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CLEANUP(json_freep) struct json_doc *d = NULL;
		struct err e = { 0 };
		char text[32];
		uint8_t b[2];

		(void)snprintf(text, sizeof(text), "[1,%s]", t[i]);
		CHECK(json_parse(span_of(text), 32, &d, &e) == COFFER_OK && !json_bytes(json_root(d), b, 2) && same(text, text));
	}
	CHECK(bad("[01]", "byte 2") && bad("[00]", "byte 2") && bad("[1.]", "bad number") && bad("[1e]", "bad number"));
}

int main(void)
{
	static const struct t_case cases[] = {
		T(json_parse_valid_texts_keep_order_and_literals), T(json_parse_escapes_are_decoded),
		T(json_parse_bad_escapes_are_refused), T(json_parse_control_characters_are_refused),
		T(json_parse_invalid_utf8_is_refused), T(json_parse_malformed_texts_are_refused),
		T(json_parse_bad_numbers_are_refused), T(json_parse_every_prefix_is_refused),
		T(json_parse_depth_limit_holds_at_32), T(json_parse_size_limit_holds),
		T(json_parse_duplicate_names_are_refused), T(json_get_finds_every_member_of_any_size),
		T(json_parse_duplicate_in_large_object_is_refused), T(json_getters_answer_null_and_wrong_types),
		T(json_integers_hold_at_their_limits), T(json_need_readers_name_what_is_wrong),
		T(json_closed_refuses_unknown_members), T(json_bytes_reads_what_a_list_holds),
		T(json_bytes_refuses_what_is_no_byte),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
