#include "policy/value/valtext.h"

#include "rego_help.h"

static bool refused(const char *text, size_t want_at, const char *part)
{
	struct json_limits lim = { 1 << 20, 64 };
	const char *why;
	size_t at;
	bool ok = !val_defined(val_from_json(&rh, span_of(text), lim, &at, &why)) && at == want_at && strstr(why, part);

	if (!ok)
		printf("# %s: at %zu: %s\n", text, at, why);
	return ok;
}

static void json_in_reads_every_kind(void)
{
	rh_open(1 << 20);
	CHECK(json_is(J(" {\"b\" : [1, 2.50, true,false , null], \"a\":{ }} "), "{\"a\":{},\"b\":[1,2.50,true,false,null]}"));
	CHECK(rego_is(J("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\""),
	    "\"\\\"\\\\/\\b\\f\\n\\r\\t\xc3\xa9\xf0\x9f\x98\x80\""));
	CHECK(json_is(J("\"\\ud800x\\udc00\\ud800\\u0041\""), "\"\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd" "A\""));
	CHECK(json_is(J("{\"a\":1,\"a\":2}"), "{\"a\":2}"));
	CHECK(json_is(J("\"\\u0000\""), "\"\\u0000\""));
	rh_close();
}

static void json_in_refuses_with_place_and_reason(void)
{
	rh_open(1 << 20);
	CHECK(refused("", 0, "cut") && refused("[1", 2, "expected ','") && refused("[1,]", 3, "not a JSON") &&
	    refused("{\"a\"}", 4, "':'"));
	CHECK(refused("{1:2}", 1, "name") && refused("{\"a\":1,}", 7, "name") && refused("[1 2]", 3, "','"));
	CHECK(refused("1 2", 2, "follows") && refused("nul", 0, "not a JSON") && refused("01", 0, "number") &&
	    refused("[1e]", 1, "number"));
	CHECK(refused("\"\\q\"", 2, "escape") && refused("\"\\u12g4\"", 5, "escape") && refused("\"a\nb\"", 2, "control"));
	CHECK(refused("\"a\\n\x01\"", 4, "control") && refused("\"\xff\"", 1, "UTF-8") && refused("\"\\n\xc3\"", 3, "UTF-8"));
	CHECK(refused("'a'", 0, "not a JSON") && refused("\xef\xbb\xbf" "1", 0, "not a JSON"));
	CHECK(heap_ok(&rh));
	rh_close();
}

static void json_in_every_prefix_is_refused(void)
{
	const char *text = "{\"k\\n\":[-1.5e+3,\"\\ud83d\\ude00\xc3\xa9\",{\"x\":null}],\"l\":[true,false]}";
	struct json_limits lim = { 1 << 20, 64 };
	const char *why;
	size_t at;

	rh_open(1 << 20);
	for (size_t n = 0; n < strlen(text); n++) {
		uint8_t *p = malloc(n ? n : 1); /* its end is the end of memory under a sanitizer */

		if (!p)
			abort();
		memcpy(p, text, n);
		CHECK(!val_defined(val_from_json(&rh, (struct span){ p, n }, lim, &at, &why)) && at <= n && *why);
		free(p);
	}
	CHECK(val_defined(J(text)));
	rh_close();
}

static void json_in_limits_hold(void)
{
	char text[2 * VAL_DEPTH_MAX + 3];
	const char *why;
	size_t at;

	rh_open(1 << 20);
	CHECK(val_defined(val_from_json(&rh, span_of("[[1]]"), (struct json_limits){ 5, 2 }, &at, &why)));
	CHECK(!val_defined(val_from_json(&rh, span_of("[[1]]"), (struct json_limits){ 4, 2 }, &at, &why)) &&
	    rh.over == REGO_LIMIT_MEMORY);
	rh_open(1 << 20);
	CHECK(!val_defined(val_from_json(&rh, span_of("[[1]]"), (struct json_limits){ 5, 1 }, &at, &why)) &&
	    rh.over == REGO_LIMIT_NESTING);
	for (size_t n = VAL_DEPTH_MAX; n <= VAL_DEPTH_MAX + 1; n++) { /* whatever the caller allows */
		rh_open(1 << 20);
		memset(text, '[', n);
		memset(text + n, ']', n);
		CHECK(val_defined(val_from_json(&rh, (struct span){ (uint8_t *)text, 2 * n }, (struct json_limits){ 1 << 20,
		    9999 }, &at, &why)) ==
		      (n == VAL_DEPTH_MAX));
	}
	rh_open(256);
	CHECK(!val_defined(J("[\"0123456789012345678901234567890123456789\",1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]")));
	CHECK(rh.over == REGO_LIMIT_MEMORY);
	rh_close();
}

static void json_out_escapes_and_names(void)
{
	struct pair m[] = { { J("1"), val_null() }, { J("1"), val_null() } };
	CLEANUP(wr_close) struct wr w = wr_open(1000);

	rh_open(1 << 20);
	CHECK(json_is(val_str(&rh, SPAN(((uint8_t[]){ '<', '>', '&', 0xff, 1, 0x7f, 0xe2, 0x80, 0xa8, 0xe2, 0x80, 0xa9, '"' }))),
	    "\"\\u003c\\u003e\\u0026\\ufffd\\u0001\x7f\\u2028\\u2029\\\"\""));
	m[0] = (struct pair){ J("1"), J("\"number\"") };
	m[1] = (struct pair){ J("\"1\""), J("\"text\"") };
	CHECK(json_is(val_object(&rh, m, 2, NULL), "{\"1\":\"text\"}"));
	m[0].k = J("10");
	m[1].k = J("9");
	CHECK(json_is(val_object(&rh, m, 2, NULL), "{\"10\":\"number\",\"9\":\"text\"}"));
	m[0].k = J("[\"a\",1]");
	CHECK(json_is(val_object(&rh, m, 1, NULL), "{\"[\\\"a\\\",1]\":\"number\"}"));
	val_put_json(&w, J("{\"a\":[1,[]],\"b\":{}}"), ">", "  ");
	CHECK(span_eq_str(wr_span(&w), "{\n>  \"a\": [\n>    1,\n>    []\n>  ],\n>  \"b\": {}\n>}"));
	rh_close();
}

static void json_out_fails_on_undefined_and_overflow(void)
{
	CLEANUP(wr_close) struct wr none = wr_open(100), small = wr_open(6), exact = wr_open(7);

	rh_open(1 << 20);
	val_put_json(&none, VAL_UNDEF, NULL, NULL);
	val_put_json(&small, J("[1,2,3]"), NULL, NULL);
	val_put_json(&exact, J("[1,2,3]"), NULL, NULL);
	CHECK(!wr_ok(&none) && !wr_ok(&small) && wr_ok(&exact));
	rh_close();
}

static void rego_text_quotes_as_go(void)
{
	struct val s[2];
	CLEANUP(wr_close) struct wr w = wr_open(100), a = wr_open(100);

	rh_open(1 << 20);
	s[0] = J("\"b\"");
	s[1] = J("1");
	CHECK(rego_is(val_set(&rh, s, 2), "{1, \"b\"}") && rego_is(val_set(&rh, NULL, 0), "set()") && rego_is(J("{}"), "{}"));
	CHECK(rego_is(J("[\"there\", 5, 3.14, {\"k\": null}]"), "[\"there\", 5, 3.14, {\"k\": null}]"));
	CHECK(rego_is(val_str(&rh, SPAN(((uint8_t[]){ 7, 11, 0, 0xff, 0xc2, 0xa0, 0xc3, 0xa9 }))),
	    "\"\\a\\v\\x00\\xff\\u00a0\xc3\xa9\""));
	val_put_rego(&w, J("\"top\""), false);
	CHECK(span_eq_str(wr_span(&w), "top"));
	go_quote(&a, span_of("\xc3\xa9\xf0\x9f\x98\x80"), true);
	CHECK(span_eq_str(wr_span(&a), "\"\\u00e9\\U0001f600\""));
	rh_close();
}

int main(void)
{
	static const struct t_case cases[] = {
		T(json_in_reads_every_kind), T(json_in_refuses_with_place_and_reason), T(json_in_every_prefix_is_refused),
		    T(json_in_limits_hold),
		T(json_out_escapes_and_names), T(json_out_fails_on_undefined_and_overflow), T(rego_text_quotes_as_go),
	};

	return t_main(cases, sizeof(cases) / sizeof(cases[0]));
}
