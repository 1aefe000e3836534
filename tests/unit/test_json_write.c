#include "fmt/json.h"
#include "fmt/json_build.h"

#include "fmt_help.h"
#include "tests/t.h"

/* The canonical form of text is `want`; NULL means that there is none. */
static bool canon(const char *text, const char *want)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	CLEANUP(wr_close) struct wr w = wr_open(1 << 16);
	struct err e = { 0 };
	bool ok;

	if (json_parse(span_of(text), 1 << 16, &d, &e) != COFFER_OK) {
		printf("# %s\n", e.msg);
		return false;
	}
	json_canon(json_root(d), &w);
	ok = want ? wr_ok(&w) && span_eq_str(wr_span(&w), want) : !wr_ok(&w);
	if (!ok)
		printf("# got %.*s\n", (int)w.n, (const char *)w.p);
	return ok;
}

/* RFC 8785 section 3.2.3: the sorting example, with numbers for its texts. */
static void json_canon_sorts_by_utf16_units(void)
{
	CHECK(canon("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
		    "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}"));
	CHECK(canon("{\"\\uffff\":1,\"\\ue000\":2,\"\\ud7ff\":3,\"\\udbff\\udfff\":4,\"\\ud800\\udc00\":5}",
		    "{\"\xed\x9f\xbf\":3,\"\xf0\x90\x80\x80\":5,\"\xf4\x8f\xbf\xbf\":4,\"\xee\x80\x80\":2,\"\xef\xbf\xbf\":1}"));
	CHECK(canon("{\"a\\uff21\":1,\"a\\ud83d\\ude00\":2,\"a\":3,\"\":4,\"aa\":5}",
		    "{\"\":4,\"a\":3,\"aa\":5,\"a\xf0\x9f\x98\x80\":2,\"a\xef\xbc\xa1\":1}"));
	CHECK(canon("{\"10\":1,\"1\":2,\"2\":{\"b\":[{\"z\":1,\"y\":2}],\"a\":0}}",
		"{\"1\":2,\"10\":1,\"2\":{\"a\":0,\"b\":[{\"y\":2,\"z\":1}]}}"));
}

static void json_canon_uses_shortest_escapes(void)
{
	CHECK(canon("\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"",
		"\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""));
	CHECK(canon("\"\\u0008\\u0009\\u000a\\u000c\\u000d\\u001f\\u007f\\u0080\\u2028\"",
		"\"\\b\\t\\n\\f\\r\\u001f\x7f\xc2\x80\xe2\x80\xa8\""));
}

static void json_canon_literals_and_white_space(void)
{
	CHECK(canon(" [ 56 , { \"d\" : true , \"10\" : null , \"1\" : [ ] } , false ] ",
		"[56,{\"1\":[],\"10\":null,\"d\":true},false]"));
}

static void json_canon_refuses_numbers_it_would_round(void)
{
	CHECK(canon("9007199254740992", "9007199254740992") && canon("-9007199254740992", "-9007199254740992"));
	CHECK(canon("9007199254740993", NULL) && canon("-9007199254740993", NULL) && canon("18446744073709551617", NULL));
	CHECK(canon("-0", "0") && canon("0", "0"));
	CHECK(canon("1.0", NULL) && canon("1e3", NULL) && canon("{\"a\":[0.5]}", NULL));
}

static void json_canon_sorts_many_members(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	CLEANUP(wr_close) struct wr in = wr_open(1 << 20), a = wr_open(1 << 20), b = wr_open(1 << 20);
	struct err e = { 0 };

	for (unsigned i = 0; i < 997; i++) /* 997 is prime: a permutation */
		wr_fmt(&in, "%s\"%03u\":%u", i ? "," : "{", i * 331 % 997, i * 331 % 997);
	wr_str(&in, "}");
	for (unsigned i = 0; i < 997; i++)
		wr_fmt(&b, "%s\"%03u\":%u", i ? "," : "{", i, i);
	wr_str(&b, "}");
	CHECK(json_parse(wr_span(&in), 1 << 20, &d, &e) == COFFER_OK);
	json_canon(json_root(d), &a);
	CHECK(wr_ok(&a) && span_eq(wr_span(&a), wr_span(&b)));
}

static void jw_compact_and_pretty_forms(void)
{
	static const char pretty[] = "{\n  \"s\": \"x\\\"\",\n  \"n\": [\n    1,\n    -2\n  ],\n  \"e\": {},\n  \"b\": true,\n  \"h\": \"0fa0\",\n  \"64\": \"Zm8=\",\n  \"z\": null\n}";

	for (int p = 0; p < 2; p++) {
		CLEANUP(wr_close) struct wr w = wr_open(1000);
		struct json_wr j = jw_open(&w, p == 1);

		jw_obj(&j);
		jw_m_text(&j, "s", "x\"");
		jw_name(&j, "n");
		jw_arr(&j);
		jw_u64(&j, 1);
		jw_i64(&j, -2);
		jw_arr_end(&j);
		jw_name(&j, "e");
		jw_obj(&j);
		jw_obj_end(&j);
		jw_m_bool(&j, "b", true);
		jw_m_hex(&j, "h", span_of("\x0f\xa0"));
		jw_m_b64(&j, "64", span_of("fo"));
		jw_name(&j, "z");
		jw_null(&j);
		jw_obj_end(&j);
		CHECK(wr_ok(&w) && span_eq_str(wr_span(&w),
			p ? pretty : "{\"s\":\"x\\\"\",\"n\":[1,-2],\"e\":{},\"b\":true,\"h\":\"0fa0\",\"64\":\"Zm8=\",\"z\":null}"));
	}
}

static void jw_str_bad_text_fails_the_writer(void)
{
	static const char *const bad[] = { "\x80", "a\xc3", "\xed\xa0\x80", "12345678\xff" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(wr_close) struct wr w = wr_open(100);
		struct json_wr j = jw_open(&w, false);

		jw_text(&j, bad[i]);
		CHECK(!wr_ok(&w));
	}
	{
		CLEANUP(wr_close) struct wr w = wr_open(100);
		struct json_wr j = jw_open(&w, false);

		jw_str(&j, (struct span){ (const uint8_t *)"a\0b", 3 });
		CHECK(!wr_ok(&w));
	}
}

static void jw_misuse_fails_the_writer(void)
{
	for (int kind = 0; kind < 6; kind++) {
		CLEANUP(wr_close) struct wr w = wr_open(100);
		struct json_wr j = jw_open(&w, false);

		if (kind == 0)
			jw_obj_end(&j);
		if (kind == 1)
			jw_name(&j, "a");
		if (kind == 2) {
			jw_obj(&j);
			jw_name(&j, "a");
			jw_name(&j, "b");
		}
		if (kind == 3) {
			jw_obj(&j);
			jw_name(&j, "a");
			jw_obj_end(&j);
		}
		if (kind == 5) {
			jw_hex(&j, span_of("1"));
			jw_b64(&j, span_of("2"));
		}
		if (kind == 4) {
			jw_u64(&j, 1);
			jw_u64(&j, 2);
		}
		CHECK(!wr_ok(&w));
	}
}

static void jw_writer_limit_is_sticky(void)
{
	CLEANUP(wr_close) struct wr w = wr_open(8);
	struct json_wr j = jw_open(&w, false);

	jw_arr(&j);
	jw_text(&j, "longer than eight");
	jw_arr_end(&j);
	CHECK(!wr_ok(&w) && w.n <= 8);
}

static void jb_set_refuses_duplicates_at_every_size(void)
{
	CLEANUP(json_freep) struct json_doc *d = NULL;
	struct json_build *b = jb_new();
	struct json *o = jb_obj(b);
	struct err e = { 0 };
	uint64_t v = 0;
	char n[16];

	for (unsigned i = 0; i < 500; i++) {
		(void)snprintf(n, sizeof(n), "k%u", i * 7 % 500);
		CHECK(!jb_member(o, span_of(n)));
		CHECK(jb_set(b, o, span_of(n), jb_num(b, span_of("5"))));
		CHECK(jb_member(o, span_of(n)));
		for (unsigned k = 0; i % 50 == 49 && k <= i; k++) {
			(void)snprintf(n, sizeof(n), "k%u", k * 7 % 500);
			CHECK(jb_member(o, span_of(n)));
		}
	}
	CHECK(jb_finish(b, o, &d, &e) == COFFER_OK && json_len(json_root(d)) == 500);
	for (unsigned i = 0; i < 500; i++) {
		(void)snprintf(n, sizeof(n), "k%u", i);
		CHECK(json_u64(json_get(json_root(d), n), &v) && v == 5);
	}
}

static void jb_failures_are_sticky_and_show_at_the_end(void)
{
	for (int kind = 0; kind < 4; kind++) {
		struct json_build *b = jb_new();
		struct json *o = jb_obj(b), *top = o;
		struct json_doc *d = NULL;
		struct err e = { 0 };

		CHECK(jb_set(b, o, span_of("a"), jb_null(b)));
		if (kind == 0)
			CHECK(!jb_set(b, o, span_of("a"), jb_bool(b, true)));
		if (kind == 1)
			CHECK(!jb_str(b, span_of("\xff")));
		if (kind == 2)
			CHECK(!jb_set(b, o, (struct span){ (const uint8_t *)"x\0", 2 }, jb_null(b)));
		for (int i = 0; kind == 3 && i < JSON_DEPTH_MAX; i++) {
			struct json *a = jb_arr(b);

			CHECK(jb_push(b, a, top) && jb_last(a) == top);
			top = a;
		}
		CHECK(jb_finish(b, top, &d, &e) == (kind == 3 ? COFFER_E_LIMIT : COFFER_E_INPUT) && !d);
	}
}

int main(void)
{
	static const struct t_case cases[] = {
		T(json_canon_sorts_by_utf16_units), T(json_canon_uses_shortest_escapes), T(json_canon_literals_and_white_space),
		T(json_canon_refuses_numbers_it_would_round), T(json_canon_sorts_many_members), T(jw_compact_and_pretty_forms),
		T(jw_str_bad_text_fails_the_writer), T(jw_misuse_fails_the_writer), T(jw_writer_limit_is_sticky),
		T(jb_set_refuses_duplicates_at_every_size), T(jb_failures_are_sticky_and_show_at_the_end),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
